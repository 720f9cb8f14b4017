# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 8: measuring quality and diversity, and how to fool each metric
#
# **Goal:** know what each number in a results table measures, what it cannot see, and a cheap set of pictures that wins
# it without having learned anything.
#
# **You need:** means and standard deviations, and lesson 0 (`00_start_here`) for what the models draw. Lesson 1 builds
# the sliced Wasserstein distance; here it is only used.
#
# **Time:** 15 seconds of computing on two cores; 20 minutes of reading and exercises.
#
# **Words used below.** A *metric* turns a set of pictures into a number. *Quality*: each could be the scene.
# *Diversity*: they differ from each other. *Memorized*: they are the training picture. A *patch* is a small square of
# pixels. A *cheat* is a set of pictures that scores well for the wrong reason.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the training picture
preset: str = "lesson"  # smoke (seconds, 4 pictures in each set) or lesson (16, about a minute)
out: str = "../runs/lesson_08"  # folder for the sheet of cheats, and for runs where none are shipped

# %% tags=["nbval-ignore-output"]
import tempfile
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from PIL import Image

from siv_lite import SivLiteError, contact_sheet, evaluate, metrics, open_run, read_frames, save_image, train
from siv_lite.widgets import Picture, encode

close, count = torch.testing.assert_close, {"smoke": 4}.get(preset, 16)

# %% [markdown]
# ## The whole method, and today's part
#
# Training is over. G draws samples, and we hold them against the one picture it learned from. D takes no part: a judge
# trained together with G is not impartial.


# %%
def draw_method(*lit: str) -> None:
    """From latents to numbers; the boxes named in `lit` in color."""
    places = {"latents z": (0, 1), "G": (1, 1), "samples": (2, 1), "D": (3, 1), "loss": (4, 1)}
    places |= {"training picture": (0.7, 0), "metrics": (2, 0)}
    places |= {"quality": (3, 0.45), "diversity": (3, 0), "memorized?": (3, -0.45)}
    axes = plt.figure(figsize=(10, 2.8)).add_axes((0, 0, 1, 1), xlim=(-0.5, 4.4), ylim=(-0.7, 1.3))
    axes.axis("off")
    chains = [["latents z", "G", "samples", "D", "loss"], ["samples", "metrics"], ["training picture", "metrics"]]
    chains += [["metrics", name] for name in ("quality", "diversity", "memorized?")]
    for begin, end in [pair for chain in chains for pair in zip(chain, chain[1:], strict=False)]:
        arrow = {"arrowstyle": "->", "shrinkA": 30, "shrinkB": 34, "color": "gray"}
        axes.annotate("", places[end], places[begin], arrowprops=arrow)
    for name, place in places.items():
        box = {"boxstyle": "round,pad=0.5", "fc": "gold" if name in lit else "gainsboro"}
        axes.text(*place, name, ha="center", va="center", bbox=box)


draw_method("metrics", "quality", "diversity", "memorized?")
plt.show()

# %% [markdown]
# ## Predict before you run
#
# We build sets without any network: copies of the training picture, plain, noisy, mirrored, cropped, cut into shuffled
# tiles; pure noise; one flat color. Eight metrics judge them, beside samples of a trained SIV-GAN and SinGAN:
#
# 1. In how many of the eight columns does a trained model have the best value?
# 2. Which set wins the columns for quality, which those for diversity?
# 3. One set is sixteen times a gray-green rectangle, the scene's mean color. Is there a *quality* number in which it
#    beats both models?
#
# ## First: what do the numbers stand for?
#
# Pictures here have values from -1 (black) to 1 (white). Other programs use 0 to 1. Mixing the two up raises no error;
# below we do it on purpose. So before measuring, look at a picture whose values you know.

# %%
known = Image.new("RGB", (32, 32), "white")
known.paste("black", (0, 0, 32, 16))  # the upper half
with tempfile.TemporaryDirectory() as folder:
    save_image(known, Path(folder, "known.png"))
    values = read_frames(Path(folder, "known.png"))[0, 0, [0, -1], 0]
look = "look at how read_frames in siv_lite/frames.py scales pixels: x / 127.5 - 1"
close(values, torch.tensor([-1.0, 1.0]), msg=f"black and white were read as {values.tolist()}, not -1 and 1: {look}")
print("black is -1 and white is 1: True")

# %% [markdown]
# ## Five metrics, by hand
#
# Tiny gray pictures. The function writes the same rows into all three colors.


# %%
def gray(*rows: list[float]) -> torch.Tensor:
    """A gray picture (1, 3, h, w) of these rows."""
    return torch.tensor(rows, dtype=torch.float32).expand(1, 3, -1, -1)


def agrees(found: float, by_hand: float, where: str) -> None:
    """Compare a metric of the package with the value by hand."""
    message = f"{found:.6g}, but {by_hand:.6g} by hand: look at {where} in siv_lite/metrics"
    close(torch.tensor(found), torch.tensor(by_hand), rtol=1e-4, atol=1e-5, msg=message)


# %% [markdown]
# **Pixel diversity** (SinGAN's, Shaham et al. 2019) looks at one pixel through all samples: its standard deviation,
# averaged over pixels, divided by the standard deviation within the training picture. Two samples, one all -1, one all
# 0: every pixel deviates by 0.5. The training picture, a black and a white column, deviates by 1.
#
# **Copy distance** (ours) is the root mean squared difference to the training picture *or its mirror image*, whichever
# is nearer, in gray levels of 0 to 255. (It also tries wrapped shifts, up to a fifth of each side.) The sample below is
# the mirror image with every value off by 0.2, so 0.2 x 127.5 = 25.5.

# %%
training = gray([-1, 1], [-1, 1])
flat_pair = torch.cat([gray([-1, -1], [-1, -1]), gray([0, 0], [0, 0])])
agrees(metrics.pixel_diversity(flat_pair, training), 0.5, "`std` and its division in pixel_diversity")
mirrored = gray([0.8, -0.8], [0.8, -0.8])
agrees(metrics.copy_distance(mirrored, training), 25.5, "the mirror image and the factor 127.5 in copy_distance")
print("pixel diversity 0.5 and copy distance 25.5, by hand and by the package: True")

# %% [markdown]
# **Patch fidelity and coverage** compare patches of 7 x 7, on a scale from 0 to 1. Fidelity: how far is each patch of
# the *sample* from its nearest in the training picture? Coverage asks the other way round. Both are mean squared
# differences.
#
# The training picture is seven black columns, then seven white: 8 patches, with 0 to 7 white columns. The sample is all
# black. Its patches exist: fidelity 0. A patch with k white columns finds only black: k / 7. The mean of 0/7, ..., 7/7
# is 0.5, the coverage. Half the scene is lost, and fidelity did not notice.

# %%
edge, black = gray(*[[-1] * 7 + [1] * 7] * 7), -torch.ones(1, 3, 7, 14)
found = metrics.patch_distances(black, edge)
agrees(found["patch_fidelity"], 0.0, "who asks and who answers in patch_distances")
agrees(found["patch_coverage"], sum(range(8)) / 7 / 8, "who asks and who answers in patch_distances")
print("fidelity 0, coverage 0.5, by hand and by the package: True")

# %% [markdown]
# **MS-SSIM** (Wang et al. 2003) is the similarity of a pair: contrast and structure at several scales, brightness m at
# the coarsest. Averaged over pairs it measures *lack* of diversity. Two flat pictures have no structure to differ in,
# so only brightness counts: `(2 m1 m2 + c) / (m1^2 + m2^2 + c)` with c = 0.0001. For mid-gray 0.5 and white 1 this is
# 1 / 1.25 = 0.8.
#
# **The Fréchet distance** compares two heaps of features by mean and covariance only. For single numbers it is
# `(m1 - m2)^2 + (s1 - s2)^2`. The heap -1, 0, 1 has mean 0 and deviation 1; the heap 1, 3, 5 has 3 and 2: 9 + 1 = 10.

# %%
gray_and_white = torch.cat([torch.zeros(1, 3, 11, 11), torch.ones(1, 3, 11, 11)])  # 0 is mid-gray, on 0 to 1: 0.5
agrees(metrics.ms_ssim_pairs(gray_and_white), (2 * 0.5 + 1e-4) / (0.25 + 1 + 1e-4), "the luminance in ms_ssim")
heaps = torch.tensor([[-1.0, 0, 1], [1, 3, 5]])[..., None]  # two heaps of three features of one number
agrees(metrics.frechet_distance(*heaps), 10.0, "means and traces in frechet_distance")
print("MS-SSIM 0.8 and Fréchet distance 10, by hand and by the package: True")

# %% [markdown]
# The table below has these without the last, which returns with SIFID, and three sliced Wasserstein distances (SWD), of
# 5 x 5 patches, from fine detail (1) to layout (3).
#
# ## The sets
#
# The trained models first: runs that come with this repository. (For a picture of your own, they are trained here, in
# minutes.) They must have learned from *this* picture; no metric reports that mistake. "Again" is the same SIV-GAN with
# other latents. "One sample" is its first sample, repeated.

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, 64)[:1]
frames = frames[..., : frames.shape[2] // 16 * 16, : frames.shape[3] // 16 * 16]  # whole tiles, for a cheat below
runs, size = {}, frames.shape[2:]
for method in ("siv_gan", "singan"):
    shipped = Path(source).parent / "runs" / f"{Path(source).stem}_{method}"
    runs[method] = open_run(shipped, "cpu") if shipped.exists() else train(method, frames, Path(out, method), preset)
    other = f"{runs[method].folder} learned from another picture, or in another range: look at build in siv_lite/run.py"
    close(runs[method].frames, frames, msg=other)
models = {"SIV-GAN": runs["siv_gan"].sample(count, seed=1), "again": runs["siv_gan"].sample(count, seed=2)}
models |= {"one sample": models["SIV-GAN"][:1].repeat(count, 1, 1, 1), "SinGAN": runs["singan"].sample(count, seed=1)}


# %%
def show(rows: dict[str, torch.Tensor], scale: int = 2) -> Image.Image:
    """The first six pictures of each row, with white between them."""
    return contact_sheet({name: images[:6] for name, images in rows.items()}, scale)


show(models)

# %% [markdown]
# SIV-GAN's balloons stand in clearly different places, but some have run together, and some samples nearly repeat
# others. SinGAN's balloons are soft and bent, and arranged more freely. Now the cheats.


# %%
def crop() -> torch.Tensor:
    """A random quarter of the picture, enlarged to its size."""
    top, left = (int(torch.randint(side // 2, (), generator=dice)) for side in size)
    part = frames[..., top : top + size[0] // 2, left : left + size[1] // 2]
    return F.interpolate(part, size, mode="bilinear")


def shuffle() -> torch.Tensor:
    """The picture, its tiles of 16 x 16 in random order."""
    tiles = F.unfold(frames, 16, stride=16)
    return F.fold(tiles[..., torch.randperm(tiles.shape[2], generator=dice)], size, 16, stride=16)


# %%
dice, copies = torch.Generator().manual_seed(0), frames.repeat(count, 1, 1, 1)
cheats = {
    "copies": copies,
    "copies + noise": (copies + 0.2 * torch.randn(copies.shape, generator=dice)).clamp(-1, 1),
    "half mirrored": torch.cat([frames, frames.flip(3)]).repeat(count // 2, 1, 1, 1),
    "crops": torch.cat([crop() for _ in range(count)]),
    "shuffled tiles": torch.cat([shuffle() for _ in range(count)]),
    "uniform noise": 2 * torch.rand(copies.shape, generator=dice) - 1,
    "mean color": frames.mean((2, 3), keepdim=True).expand_as(copies),
}
save_image(show(cheats), Path(out, "cheats.png"))
show(cheats)

# %% [markdown]
# ## The table
#
# `evaluate` computes all metrics of a set. SIFID and LPIPS need pretrained networks, whose weights this repository does
# not ship. Where they are absent, `missing` says which file belongs where, and we go on without. (What is said below
# of values and pictures holds for the balloons and the preset `lesson`.)

# %% tags=["nbval-ignore-output"]
scores = {name: evaluate(images, frames) for name, images in (cheats | models).items()}
for name, reason in scores["copies"].missing.items():
    print(f"{name}: {reason}")

# %%
quality = [*(f"sliced_wasserstein_{level}" for level in (1, 2, 3)), "patch_fidelity", "patch_coverage"]
columns = [*quality, "copy_distance", "pixel_diversity", "ms_ssim"]
HIGH = {"copy_distance", "pixel_diversity", "lpips", "distance_to_train"}  # more is better; in all others less is


def winner(metric: str) -> str:
    """The set with the best value."""
    return (max if metric in HIGH else min)(scores, key=lambda name: scores[name][metric])


# %% tags=["nbval-ignore-output"]
measured = list(scores["copies"])
heads = [metric.replace("_", "\n") + ("\nhigh" if metric in HIGH else "\nlow") for metric in measured]
axes = plt.figure(figsize=(1.2 * len(measured), 4.2)).add_axes((0.1, 0, 0.9, 1))
axes.axis("off")
cells = [[f"{row[metric]:.{1 if row[metric] > 9 else 4}f}" for metric in measured] for row in scores.values()]
table = axes.table(cells, rowLabels=list(scores), colLabels=heads, loc="center", cellLoc="center")
table.scale(1, 1.4)
for column, metric in enumerate(measured):
    table[0, column].set_height(0.2)
    table[1 + list(scores).index(winner(metric)), column].set_facecolor("gold")
plt.show()

# %% [markdown]
# Under each name stands which values are good. Gold is the best. Now the answers.

# %%
print("best in the quality columns:", *{winner(metric): None for metric in quality})
print("best in the other columns:", *{winner(metric): None for metric in columns[5:]})
print("columns won by a trained model:", sum(winner(metric) in models for metric in columns))
gray_wins = [x for x in quality if scores["mean color"][x] < min(scores["SIV-GAN"][x], scores["SinGAN"][x])]
print("the mean color beats both models in:", gray_wins)

# %% [markdown]
# Two sets share all the gold, and both are worthless. **Copies** have perfect quality by definition. **Noise** is more
# diverse, and further from the picture, than anything else here. The models are in between.
#
# The third answer is stranger. Patch fidelity prefers a flat rectangle to both models. A flat patch is never very far
# from *some* flat piece of sky, so fidelity rewards blur. Coverage and SWD see through it. There is more to find:
#
# - **Tiles** beat both models in the two finer SWDs, in coverage and in diversity. Only the coarsest SWD, which sees
#   layout, objects clearly.
# - **Crops** beat both in fidelity and diversity. The finest SWD knows: enlarging blurs.
# - **One sample** has better SWDs than the model that drew it: SWD never compares samples with each other.
# - **Half mirrored** shows two scenes, yet has three fifths of SIV-GAN's pixel diversity. Copy distance knows mirrors.
# - **SIV-GAN** and **again** are one model. So much do numbers change by drawing anew: believe no smaller difference.

# %% [markdown]
# ## What a number likes in a trained model
#
# SIV-GAN's samples sorted by their own patch fidelity. Which row would you have called the better one?

# %%
images = models["SIV-GAN"]
fidelity = torch.tensor([metrics.patch_distances(image[None], frames)["patch_fidelity"] for image in images])
order = fidelity.argsort()
few = count // 4
show({"best by patch fidelity": images[order[:few]], "worst": images[order[-few:]]}, scale=3)

# %% [markdown]
# The best are soft, and in each some balloons have run together. The worst have harsh contrast and specks, but also
# the most balloons. The number is right about the specks; yet it prefers what shows less.
#
# ## Quality and diversity together
#
# One axis each; good is upper left. In the left panel quality is patch fidelity, in the right one the *worst* of the
# three SWDs, so that a set must be right in detail and layout. (The right parts of the axes are logarithmic. The dot
# without a name is SIV-GAN again.)

# %%
figure, panels = plt.subplots(1, 2, figsize=(12, 4), sharey=True, layout="constrained")
low = {"SinGAN", "crops", "one sample", "copies + noise"}  # whose labels stand below the point
for name, row in scores.items():
    places = {"patch fidelity": row["patch_fidelity"], "worst of three SWDs": max(row[x] for x in quality[:3])}
    how = {"xytext": (4, -12 if name in low else 4), "ha": "right" if name == "uniform noise" else "left"}
    for axes, (label, x), limit in zip(panels, places.items(), (0.02, 1), strict=True):
        axes.margins(y=0.15)
        axes.scatter(x, row["pixel_diversity"], color="tab:red" if name in models else "tab:gray")
        axes.annotate("" if name == "again" else name, (x, row["pixel_diversity"]), textcoords="offset points", **how)
        axes.set_xscale("symlog", linthresh=limit)
        axes.set_xlabel(f"{label} (less is better)")
panels[0].set_ylabel("pixel diversity (more is better)")
plt.show()

# %% [markdown]
# In the left panel crops and tiles are about as good as the models and more diverse: this pair is fooled. In the right
# one the models hold their place: whatever is more diverse has a worse SWD, whatever has a better SWD is less diverse.
# So the rule is: **read quality and diversity together, chosen so that the cheats you know fall out. Then look at the
# pictures**, since there are cheats you don't know yet. Exercise 1 has one that walks through nearly all columns.

# %% [markdown]
# ## SIFID, and what is weak about it
#
# FID compares the features of thousands of pictures with those of thousands of others. SIFID (Shaham et al. 2019) has
# one picture on each side; the *places* within it stand for the thousands. At each place Inception-v3, a network
# trained to name photographs, gives a feature of 64 numbers that sees 11 x 11 pixels. SIFID is the Fréchet distance of
# the two heaps. Three weaknesses follow, and none needs the weights to be shown.
#
# **A copy has 0**, the best there is. SIV-GAN's authors note that SIFID tends to penalize diversity. **Places are
# forgotten**: below, the color of a pixel is the feature, and all pixels are shuffled. (SIFID's features see texture;
# only where each stands is lost.) **There are few places**: at 48 x 64 pixels 21 x 29 = 609 with 64 numbers, but at the
# next level 8 x 12 = 96 with 192. From 96 points no covariance of 192 x 192 can be found. We draw two heaps from *one*
# distribution, so the true distance is 0.

# %%
pixels = frames[0].flatten(1).T  # (places, 3)
shuffled = pixels[torch.randperm(len(pixels), generator=dice)]
agrees(metrics.frechet_distance(shuffled, pixels), 0.0, "frechet_distance: it must not depend on the order")
per_number = {}
for places, numbers in ((609, 64), (96, 192)):
    per_number[numbers] = metrics.frechet_distance(*torch.randn(2, places, numbers, generator=dice)) / numbers
print("pixels in random order have distance 0: True")
print("few places make equal heaps look 10 times further apart:", per_number[192] > 10 * per_number[64])

# %% [markdown]
# **Published** (SIV-GAN, Table 1, Places; not our measurement). FastGAN repeats the training picture or its mirror
# image; the last column says so most plainly:
#
# | | SIFID, first level | best SIFID | LPIPS | pixel diversity | distance to train |
# |---|---|---|---|---|---|
# | SinGAN | 0.15 | 0.09 | 0.22 | 0.52 | 0.24 |
# | ConSinGAN | 0.08 | 0.06 | 0.24 | 0.50 | 0.25 |
# | FastGAN | 0.14 | 0.11 | 0.15 | 0.48 | 0.08 |
# | SIV-GAN | 0.06 | 0.05 | 0.28 | 0.57 | 0.31 |
#
# LPIPS is a distance by another network's features: over pairs it measures diversity; to the nearest augmented training
# picture, memorizing.

# %% [markdown]
# ## Broken on purpose: pictures from 0 to 1
#
# Now the mix-up. The same samples three times: right; samples and training picture in [0, 1]; samples only. Which
# columns will notice?

# %% tags=["nbval-ignore-output"]
right = scores["SIV-GAN"]
both = evaluate((images + 1) / 2, (frames + 1) / 2)
mixed = evaluate((images + 1) / 2, frames)
print(f"{'':<22}  right   both in [0, 1]   samples only")
for metric in columns:
    print(f"{metric:<22}{right[metric]:7.4g}{both[metric]:17.4g}{mixed[metric]:15.4g}")

# %%
for metric, factor in {"patch_fidelity": 1 / 4, "copy_distance": 1 / 2, "pixel_diversity": 1.0}.items():
    agrees(both[metric] / right[metric], factor, f"{metric}: how it depends on the scale")
    print(f"{metric} with both in [0, 1] is {factor} times the right one: True")
try:
    evaluate((images + 1) * 127.5, frames)
except SivLiteError as error:
    print("0 to 255:", error)

# %% [markdown]
# Nothing stopped us. With both in [0, 1], differences are halved and squared ones quartered: fidelity is "four times
# better", by a bug. SWD and pixel diversity divide by the training picture's deviation and stay the same. With samples
# only, nearly all columns move, but fidelity hardly does: pale patches find pale patches.
#
# The package refuses 0 to 255, but it cannot refuse [0, 1]: a bright picture may well lie there. Hence the picture of
# known values at the start. (The SIV-GAN release feeds LPIPS, which expects [-1, 1], with [0, 1].)

# %%
show({"right": images[:4], "samples in [0, 1], taken for [-1, 1]": (images[:4] + 1) / 2}, scale=3)

# %% [markdown]
# ## A slider: noise buys diversity
#
# Four copies with more and more noise. No new scene appears, yet "diversity" grows.

# %%
grains = torch.randn(4, *frames.shape[1:], generator=dice)
noisy = {step / 10: (frames + step / 10 * grains).clamp(-1, 1) for step in range(6)}
by_noise = {amount: evaluate(images, frames) for amount, images in noisy.items()}

# %% tags=["nbval-ignore-output"]
slider = widgets.FloatSlider(value=0.1, min=0, max=0.5, step=0.1, description="Noise")
view = Picture("Four noisy copies, and their numbers", height=None)


def show_noise(change=None) -> None:
    amount = round(slider.value, 1)
    text = ", ".join(f"{metric} {by_noise[amount][metric]:.3f}" for metric in columns[3:])
    view.value = encode(show({text: noisy[amount]}, scale=3))


slider.observe(show_noise, "value")
show_noise()
widgets.VBox([slider, view])

# %%
for metric in columns:
    values = torch.tensor([row[metric] for row in by_noise.values()])
    plt.plot(list(by_noise), values / values.max(), label=metric, linestyle="-" if metric in quality else "--")
plt.gcf().set_size_inches(9, 3.2)
plt.xlabel("noise (standard deviation)")
plt.ylabel("value over its largest")
plt.legend(bbox_to_anchor=(1, 1))
plt.show()
grows = [by_noise[0.5][metric] > by_noise[0.1][metric] for metric in columns[:-1]]
print("all distances and pixel diversity grow with noise:", all(grows))

# %% [markdown]
# Solid lines are quality, where up is bad. Of the dashed ones, copy distance and pixel diversity (they coincide) go up,
# MS-SSIM down: all to the good. Only beside quality do they mean anything.
#
# ## Exercises
#
# Replace each `...`; the cell below then checks. Before that it says "not yet" and nothing fails.
#
# **1. The cheat of cheats.** From the training picture alone, make `count` pictures that beat SIV-GAN in all columns of
# quality and diversity, with a copy distance above SinGAN's. (It works with the balloons.) What does copy distance try,
# and what not?


# %%
def cheat(frames: torch.Tensor, count: int) -> torch.Tensor:
    """`count` pictures (count, 3, H, W) made of one, frames (1, 3, H, W)."""
    ...


# %%
target = {metric: scores["SIV-GAN"][metric] for metric in columns}
target["copy_distance"] = scores["SinGAN"]["copy_distance"]
mine = cheat(frames, count)
if mine is None:
    print("not yet: cheat returns nothing; what keeps all patches and the layout, but not the places? See Tensor.roll")
else:
    found = evaluate(mine, frames)
    for metric, value in target.items():
        better = found[metric] > value if metric in HIGH else found[metric] < value
        assert better, f"{metric} is {found[metric]:.3f}, {value:.3f} is to be beaten: what does it look at?"
    print("exercise 1: right; now look at the pictures, and say what is wrong with them")

# %% [markdown]
# **2.** Write pixel diversity from its definition. Gray is 0.299 red + 0.587 green + 0.114 blue. Both deviations divide
# by the number of values, not by one less.


# %%
def my_pixel_diversity(images: torch.Tensor, frames: torch.Tensor) -> float:
    """Pixel diversity of images (n, 3, H, W) against frames (1, 3, H, W)."""
    ...


# %%
if my_pixel_diversity(models["SinGAN"], frames) is None:
    print("not yet: my_pixel_diversity returns nothing; first the gray pictures, then `std` over the samples")
else:
    for name in ("SinGAN", "half mirrored"):
        found = my_pixel_diversity((models | cheats)[name], frames)
        hint = f"{name}: {found:.4f} here, {scores[name]['pixel_diversity']:.4f} there; look at `correction` and `dim`"
        close(float(found), scores[name]["pixel_diversity"], rtol=1e-3, atol=0, msg=hint)
    print("exercise 2: right")

# %% [markdown]
# **3.** Which sentence about the shipped balloons may stand in a report?
#
# - a) SIV-GAN is better than SinGAN: its SWD is lower at all three scales.
# - b) SinGAN is better: patch fidelity and MS-SSIM agree.
# - c) On this picture, one run each, SIV-GAN has the lower SWD, SinGAN the better patch fidelity and MS-SSIM.
# - d) SIV-GAN draws more different scenes: its pixel diversity is higher.


# %%
def honest_sentence() -> str:
    """The letter of the sentence."""
    ...


# %%
hints = {"a": "three columns of eight; which speak against it?", "b": "which columns speak against it?"}
hints["d"] = "what does the other diversity column say, and how large is the difference?"
if honest_sentence() is None:
    print("not yet: honest_sentence returns nothing; a letter, in quotes")
else:
    assert honest_sentence() == "c", hints.get(honest_sentence(), "a, b, c or d")
    print("exercise 3: right")

# %% [markdown]
# The solutions are in `solutions/08_measuring.ipynb`.
#
# ## Quiz
#
# **1.** Sixteen samples have a SIFID of 0. What do you know? (a) The model is perfect. (b) Their features have the
# training picture's mean and covariance, as copies would. (c) They are diverse.
# <details><summary>Answer</summary>(b). A distance to the training picture would tell whether they are.</details>
#
# **2.** Good SWD, pixel diversity 0. What has happened? (a) The samples are blurred. (b) All samples are one picture.
# (c) The metric is broken.
# <details><summary>Answer</summary>(b), as the row "one sample". Whether it is a copy, copy distance says.</details>
#
# **3.** You tidied the code that loads pictures. Now patch fidelity is four times better. First step? (a) Publish. (b)
# Train longer. (c) Check the range of values.
# <details><summary>Answer</summary>(c). Exactly four is the sign of halved differences.</details>
#
# **4.** Model A has a pixel diversity of 0.65, B 0.63, sixteen samples and one run each. Is A better? (a) Yes. (b) This
# does not tell. (c) No.
# <details><summary>Answer</summary>(b). "SIV-GAN" and "again" differ more, and they are one model.</details>

# %% [markdown]
# ## Where we differ
#
# | | papers | release of SIV-GAN | here |
# |---|---|---|---|
# | SIFID | at two levels; mean and best | not looked at | four levels where the size allows; mean and best |
# | pixel diversity | 100 samples (SinGAN) | not looked at | all samples given, 16 in this lesson |
# | LPIPS | mean over pairs | fed with [0, 1] | mean over pairs, fed with [-1, 1] |
# | distance to train | LPIPS to the nearest augmented picture | not looked at | the same, of 64; needs weights |
# | MS-SSIM | five scales (Wang et al. 2003) | not looked at | as many as fit, three at 48 x 64 |
# | SWD, patch distances, copy distance | not used | not looked at | because they need no weights |
#
# Of our eight columns only pixel diversity and MS-SSIM have published values, and those are of larger pictures.
#
# ## Next
#
# `09_five_answers` puts five methods beside each other on one picture; you now know how to read such a table.
