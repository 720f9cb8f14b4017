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
# **Goal:** know what each number in a results table measures, what it cannot see, and a cheap set
# of images that wins it without having learned anything.

# %%
from siv_lite.figures import show_map

show_map("samples", "metrics")

# %% [markdown]
# Training is over. G draws samples, and we compare them with the one image it learned from. D takes
# no part: a discriminator that was trained together with G is not impartial.
#
# **You need:** means and standard deviations, and lesson 0 (`00_start_here`) for what the models
# draw. Lesson 1 builds the sliced Wasserstein distance; here it is only used.
#
# **Time:** 15 seconds of computing on two cores; 45 minutes of reading and exercises.
#
# **Words used below.** A *metric* turns a set of images into a number. *Quality*: each image could
# be the scene. *Diversity*: they differ from each other. *Memorized*: they are the training image.
# A *patch* is a small square of pixels. A *cheat* is a set of images that scores well for the wrong
# reason.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the training image
preset: str = "lesson"  # smoke (seconds, 4 images in each set) or lesson (16, about a minute)
out: str = "../runs/lesson_08"  # folder of the cheats' sheet, and of runs where none are shipped

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from PIL import Image

from siv_lite import SivLiteError, contact_sheet, metrics, open_run, read_frames, save_image, train
from siv_lite.exercises import check_cheat, check_honest_sentence, check_pixel_diversity
from siv_lite.figures import plot_bars, plot_lines, show_table
from siv_lite.frames import resize_to
from siv_lite.lesson_checks import check
from siv_lite.metrics import evaluate
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Predict before you run
#
# We build sets without any network: copies of the training image, plain, noisy, mirrored, cropped,
# cut into shuffled tiles; pure noise; one flat color. Ten columns judge them, beside samples of a
# trained SIV-GAN and SinGAN:
#
# 1. In how many of the ten columns does a trained model have the best value?
# 2. Which set wins the columns for quality, which those for diversity?
# 3. One set is sixteen times a gray-green rectangle, the scene's mean color. Is there a *quality*
#    number in which it beats one of the models?
#
# ## First: what do the numbers stand for?
#
# Images here have values from -1 (black) to 1 (white). Other programs use 0 to 1. Mixing the two up
# raises no error; below we do it on purpose. So before measuring, look at an image whose values you
# know.

# %%
known = Image.new("RGB", (32, 32), "white")
known.paste("black", (0, 0, 32, 16))  # the upper half
save_image(known, Path(out, "known.png"))
values = read_frames(Path(out, "known.png"))[0, 0, [0, -1], 0]  # red, first and last row
look = "look at how read_frames in siv_lite/frames.py scales pixels: x / 127.5 - 1"
check(values, torch.tensor([-1.0, 1.0]), f"black and white became {values.tolist()}: {look}")
print("black and white are read as", values.tolist())

# %% [markdown]
# ## Six metrics, by hand
#
# Tiny gray images. The function writes the same rows into all three colors.


# %%
def gray(*rows: list[float]) -> torch.Tensor:
    """A gray image (1, 3, h, w) of these rows."""
    return torch.tensor(rows, dtype=torch.float32).expand(1, 3, -1, -1)


def agrees(found: float, by_hand: float, where: str, name: str) -> None:
    """Compare a metric of the package with the value by hand, and print both."""
    hint = f"{found:.6g}, but {by_hand:.6g} by hand: look at {where} in siv_lite/metrics"
    check(found, by_hand, hint, rtol=1e-3, atol=1e-5)
    print(f"{name}: {by_hand:.6g} by hand, {found:.6f} by the package")


# %% [markdown]
# **Pixel diversity** (SinGAN's, Shaham et al. 2019) looks at one pixel through all samples: its
# standard deviation, averaged over pixels, divided by the standard deviation within the training
# image. Two samples, one all -1, one all 0: every pixel deviates by 0.5. The training image, a
# black and a white column, deviates by 1.
#
# **Copy distance** (ours) is the root mean squared difference to the training image *or its mirror
# image*, whichever is nearer, in gray levels of 0 to 255. (It also tries wrapped shifts, up to a
# fifth of each side.) The sample below is the mirror image with every value off by 0.2, so 0.2 x
# 127.5 = 25.5.

# %%
training = gray([-1, 1], [-1, 1])
flat_pair = torch.cat([gray([-1, -1], [-1, -1]), gray([0, 0], [0, 0])])
found = metrics.pixel_diversity(flat_pair, training)
agrees(found, 0.5, "`std` and its division in pixel_diversity", "pixel diversity")

mirrored = gray([0.8, -0.8], [0.8, -0.8])
found = metrics.copy_distance(mirrored, training)
agrees(found, 25.5, "the mirror image and the factor 127.5 in copy_distance", "copy distance")

# %% [markdown]
# **Arrangement diversity** (ours) asks whether things stand elsewhere. Pixel diversity cannot tell:
# a pale and a glaring version of one image differ in every pixel. So each sample is halved, its
# mean color is subtracted, and pairs are compared by *correlation*, which contrast does not change:
# 1 for the same arrangement, 0 for nothing in common. The metric is 1 minus the mean over pairs.
#
# Three samples of 4 x 4: a bright right half, the same but pale, and a bright lower half. The first
# two correlate by 1, each of them and the third by 0 (they agree in two quarters and disagree in
# two). 1 - 1/3 is 2/3.

# %%
right_half = gray(*[[-1, -1, 1, 1]] * 4)
lower_half = right_half.mT
three = torch.cat([right_half, 0.1 * right_half, lower_half])
found = metrics.arrangement_diversity(three)
where = "the correlations and the pairs in arrangement_diversity"
agrees(found, 2 / 3, where, "arrangement diversity")

# %% [markdown]
# **Patch fidelity and coverage** compare patches of 7 x 7, on a scale from 0 to 1. Fidelity: how
# far is each patch of the *sample* from its nearest in the training image? Coverage asks the other
# way round. Both are mean squared differences.
#
# The training image is seven black columns, then seven white: 8 patches, with 0 to 7 white columns.
# The sample is all black. Its patches exist there: fidelity 0. A patch with k white columns finds
# only black: k / 7. The mean of 0/7, ..., 7/7 is 0.5, the coverage. Half the scene is lost, and
# fidelity did not notice.

# %%
row = [-1] * 7 + [1] * 7
edge = gray(*[row] * 7)  # 7 x 14 pixels
black = -torch.ones(1, 3, 7, 14)
found = metrics.patch_distances(black, edge)
coverage = sum(k / 7 for k in range(8)) / 8
where = "who asks and who answers in patch_distances"
agrees(found["patch_fidelity"], 0.0, where, "patch fidelity")
agrees(found["patch_coverage"], coverage, where, "patch coverage")

# %% [markdown]
# **MS-SSIM** (Wang et al. 2003) is the similarity of a pair: contrast and structure at several
# scales, brightness m at the coarsest. Averaged over pairs it measures *lack* of diversity. Two
# flat images have no structure to differ in, so only brightness counts: `(2 m1 m2 + c) / (m1^2 +
# m2^2 + c)` with c = 0.0001. For mid-gray 0.5 and white 1 this is 1 / 1.25 = 0.8.
#
# **The Fréchet distance** compares two sets of features by mean and covariance only. For single
# numbers it is `(m1 - m2)^2 + (s1 - s2)^2`. The set -1, 0, 1 has mean 0 and deviation 1; the set 1,
# 3, 5 has 3 and 2: 9 + 1 = 10.

# %%
gray_image = torch.zeros(1, 3, 11, 11)  # 0 is mid-gray, on a scale from 0 to 1: 0.5
white_image = torch.ones(1, 3, 11, 11)
by_hand = (2 * 0.5 * 1 + 1e-4) / (0.5**2 + 1**2 + 1e-4)
found = metrics.ms_ssim_pairs(torch.cat([gray_image, white_image]))
agrees(found, by_hand, "the luminance in _ms_ssim", "MS-SSIM")

first = torch.tensor([-1.0, 0, 1]).view(3, 1)  # three features of one number
second = torch.tensor([1.0, 3, 5]).view(3, 1)
found = metrics.frechet_distance(first, second)
agrees(found, 10.0, "means and traces in frechet_distance", "Fréchet distance")

# %% [markdown]
# The table below has all of these but the last, which returns with SIFID, and three sliced
# Wasserstein distances (SWD) of 5 x 5 patches, from fine detail (1) to layout (3).
#
# ## The sets
#
# The trained models first: runs that come with this repository. (For an image of your own, they are
# trained here, in minutes.) They must have learned from *this* image; no metric reports that
# mistake. "Again" is the same SIV-GAN with other latents. SIV-GAN draws smaller images than SinGAN,
# so all that follows is brought to its size.

# %% tags=["nbval-ignore-output"]
count = 4 if preset == "smoke" else 16
photograph = read_frames(source)[:1]
runs = {}
for method in ("siv_gan", "singan"):
    shipped = Path(source).parent / "runs" / f"{Path(source).stem}_{method}"
    if shipped.exists():
        runs[method] = open_run(shipped, "cpu")
    else:
        runs[method] = train(method, photograph, Path(out, method), preset)
    hint = f"{runs[method].folder} learned from another image, or in another range"
    look = "look at load_frames in siv_lite/training/config.py"
    check(runs[method].frames, photograph, f"{hint}: {look}")

# %% tags=["nbval-ignore-output"]
frames = runs["siv_gan"].training_frames
height, width = frames.shape[2:]
print(f"{height} x {width} pixels")


def draw(method: str, seed: int) -> torch.Tensor:
    """Samples of a run, at the size of `frames`."""
    return resize_to(runs[method].sample(count, seed), (height, width))


# %%
def show(rows: dict[str, torch.Tensor]) -> Image.Image:
    """The first six images of each row."""
    return contact_sheet({name: images[:6] for name, images in rows.items()})


models = {
    "SIV-GAN": draw("siv_gan", seed=1),
    "again": draw("siv_gan", seed=2),
    "SinGAN": draw("singan", seed=1),
}
show(models)

# %% [markdown]
# SIV-GAN's balloons are sharp and differ in kind and size, but some have run together, and the
# upper ones come back to the same few places. SinGAN's are soft and bent, and arranged more freely.
# Now the cheats; the last of them, "one sample", is SIV-GAN's first sample, repeated.

# %%
dice = torch.Generator().manual_seed(0)


def crop() -> torch.Tensor:
    """A random quarter of the image, enlarged to its size."""
    top = int(torch.randint(height // 2, (), generator=dice))
    left = int(torch.randint(width // 2, (), generator=dice))
    part = frames[..., top : top + height // 2, left : left + width // 2]
    return F.interpolate(part, (height, width), mode="bilinear")


def shuffle() -> torch.Tensor:
    """The image, its tiles of 8 x 8 in random order."""
    tiles = F.unfold(frames, 8, stride=8)
    order = torch.randperm(tiles.shape[2], generator=dice)
    return F.fold(tiles[..., order], (height, width), 8, stride=8)


# %%
copies = frames.repeat(count, 1, 1, 1)
noise = 0.2 * torch.randn(copies.shape, generator=dice)
cheats = {
    "copies": copies,
    "copies + noise": (copies + noise).clamp(-1, 1),
    "half mirrored": torch.cat([frames, frames.flip(3)]).repeat(count // 2, 1, 1, 1),
    "crops": torch.cat([crop() for _ in range(count)]),
    "shuffled tiles": torch.cat([shuffle() for _ in range(count)]),
    "uniform noise": 2 * torch.rand(copies.shape, generator=dice) - 1,
    "mean color": frames.mean((2, 3), keepdim=True).expand_as(copies),
    "one sample": models["SIV-GAN"][:1].repeat(count, 1, 1, 1),
}
save_image(show(cheats), Path(out, "cheats.png"))
show(cheats)

# %% [markdown]
# ## The table
#
# `evaluate` computes all metrics of a set. SIFID and LPIPS need pretrained networks, whose weights
# this repository does not ship. Where they are absent, `missing` says which file belongs where, and
# we go on without. (What is said below about values and images holds for the balloons and the
# preset `lesson`.)

# %% tags=["nbval-ignore-output"]
scores = {name: evaluate(images, frames) for name, images in {**cheats, **models}.items()}
for name, reason in scores["copies"].missing.items():
    print(f"{name}: {reason}")

# %%
quality = [f"sliced_wasserstein_{level}" for level in (1, 2, 3)]
quality += ["patch_fidelity", "large_patch_fidelity", "patch_coverage"]
diversity = ["copy_distance", "pixel_diversity", "arrangement_diversity", "ms_ssim"]
columns = quality + diversity
HIGH = {"copy_distance", "pixel_diversity", "arrangement_diversity"}  # more is better
HIGH |= {"lpips", "distance_to_train"}


def find_winner(metric: str) -> str:
    """The set with the best value."""
    choose = max if metric in HIGH else min
    return choose(scores, key=lambda name: scores[name][metric])


# %% tags=["nbval-ignore-output"]
show_table(scores, high=HIGH)

# %% [markdown]
# The word under each name says whether high or low values are good; gold marks the best. Now the
# answers.

# %%
print("best in the quality columns:", *dict.fromkeys(map(find_winner, quality)))
print("best in the other columns:", *dict.fromkeys(map(find_winner, diversity)))
won = [metric for metric in columns if find_winner(metric) in models]
print("columns won by a trained model:", len(won))

beaten = []
for metric in quality:
    model = max(scores["SIV-GAN"][metric], scores["SinGAN"][metric])
    if scores["mean color"][metric] < model:
        beaten.append(metric)
print("the mean color beats one of the models in:", beaten)

# %% [markdown]
# Two sets share all the gold, and both are worthless. **Copies** have perfect quality by
# definition. **Noise** is more diverse, and further from the image, than anything else here. The
# models are in between.
#
# The third answer is stranger. By patch fidelity a flat rectangle is no worse than SIV-GAN, even
# ahead by a hair. A flat patch is never very far from *some* flat piece of sky, so fidelity rewards
# blur. Coverage and SWD see through it. It also rewards whoever copies patches, such as crops.
# **Large** patch fidelity asks the same of patches of half the height, here 20 x 20 pixels, where
# what stands beside what counts, too. There both models beat the rectangle, the tiles and the
# crops. There is more to find:
#
# - **Tiles** beat SinGAN in the two finer SWDs, and both models by far in diversity. Only the
#   coarsest SWD and large patch fidelity, which see layout, object clearly.
# - **Crops** beat SIV-GAN in fidelity, and both models by far in diversity. The finest SWD knows:
#   enlarging blurs.
# - **One sample** has a finest SWD about half of that of the model that drew it: SWD never compares
#   samples with each other.
# - **Half mirrored** shows two scenes, yet has three fifths of SIV-GAN's pixel diversity, and half
#   of its arrangement diversity. Copy distance knows mirrors.
# - **Copies + noise** is one scene. Pixel diversity gives it more than half of SIV-GAN's,
#   arrangement diversity, which sees halved images, a seventh.
# - **SIV-GAN** and **again** are one model. That is how much numbers change by drawing anew:
#   believe no smaller difference.

# %% [markdown]
# ## What a number likes in a trained model
#
# SIV-GAN's samples sorted by their own patch fidelity. Which row would you have called the better
# one?

# %%
images = models["SIV-GAN"]
fidelity = []
for image in images:
    fidelity.append(metrics.patch_distances(image[None], frames)["patch_fidelity"])
order = torch.tensor(fidelity).argsort()
few = count // 4
rows = {"best by patch fidelity": images[order[:few]], "worst": images[order[-few:]]}
show(rows)

# %% [markdown]
# The best have whole balloons, and few of them. The worst have the most, large ones and small ones,
# and between them some that are half transparent. The number is right about those; yet it prefers
# what shows less.
#
# ## Quality and diversity together
#
# One axis each; the upper left is good. In the left panel quality is patch fidelity, in the right
# one the *worst* of the three SWDs, so that a set must be right in detail and in layout. (The right
# parts of the axes are logarithmic. The dot without a name is SIV-GAN again.)


# %%
def plot_sets(axes, places: dict[str, float], label: str, limit: float) -> None:
    """Every set's pixel diversity against one measure of quality."""
    below = {"SinGAN", "crops", "one sample", "copies + noise"}  # their names stand below the dot
    for name, x in places.items():
        y = scores[name]["pixel_diversity"]
        axes.scatter(x, y, color="tab:red" if name in models else "tab:gray")
        side = "right" if name == "uniform noise" else "left"
        offset = (4, -12 if name in below else 4)
        if name != "again":
            axes.annotate(name, (x, y), offset, textcoords="offset points", ha=side)
    axes.set_xscale("symlog", linthresh=limit)
    axes.set_xlabel(f"{label} (less is better)")
    axes.margins(y=0.15)


# %%
worst = {}
for name, row in scores.items():
    worst[name] = max(row[metric] for metric in quality[:3])
fidelity = {name: row["patch_fidelity"] for name, row in scores.items()}

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), sharey=True, layout="constrained")
plot_sets(left, fidelity, "patch fidelity", limit=0.02)
plot_sets(right, worst, "worst of three SWDs", limit=1)
left.set_ylabel("pixel diversity (more is better)")
plt.show()

# %% [markdown]
# In the left panel crops are as good as the models and more diverse: this pair is fooled. In the
# right one SIV-GAN holds its place: whatever is more diverse has a worse SWD, whatever has a better
# SWD is less diverse. So the rule is: **read quality and diversity together, chosen so that the
# cheats you know fall out. Then look at the images**, since there are cheats you don't know yet.
# Exercise 1 asks for one that walks through nearly all columns.

# %% [markdown]
# ## SIFID, and what is weak about it
#
# FID compares the features of thousands of images with those of thousands of others. SIFID (Shaham
# et al. 2019) has one image on each side; the *places* within it stand for the thousands. At each
# place Inception-v3, a network trained to name photographs, gives a feature of 64 numbers that sees
# 11 x 11 pixels. SIFID is the Fréchet distance of both sets. Three weaknesses follow, and none
# needs the weights to be shown.
#
# **A copy has 0**, the best there is. SIV-GAN's authors note that SIFID tends to penalize
# diversity. **Places are forgotten**: below, the color of a pixel is the feature, and all pixels
# are shuffled. (SIFID's features see texture; only where each stands is lost.) **There are few
# places**: at 48 x 64 pixels 21 x 29 = 609 with 64 numbers, but at the next level 8 x 12 = 96
# places with 192 numbers. From 96 points no covariance of 192 x 192 can be found. We draw two sets
# from *one* distribution, so the true distance is 0.

# %%
pixels = frames[0].flatten(1).T  # (places, 3)
shuffled = pixels[torch.randperm(len(pixels), generator=dice)]
distance = metrics.frechet_distance(shuffled, pixels)
where = "frechet_distance: it must not depend on the order"
agrees(distance, 0.0, where, "distance of the pixels in random order")

per_number = {}
for places, numbers in ((609, 64), (96, 192)):
    first, second = torch.randn(2, places, numbers, generator=dice)
    per_number[numbers] = metrics.frechet_distance(first, second) / numbers
    print(f"{places} places with {numbers} numbers each: {per_number[numbers]:.3f} per number")

# %% [markdown]
# **Published** (SIV-GAN, Table 1, Places; not our measurement). FastGAN repeats the training image
# or its mirror image; the last column shows that most plainly:
#
# | | SIFID, first level | best SIFID | LPIPS | pixel diversity | distance to train |
# |---|---|---|---|---|---|
# | SinGAN | 0.15 | 0.09 | 0.22 | 0.52 | 0.24 |
# | ConSinGAN | 0.08 | 0.06 | 0.24 | 0.50 | 0.25 |
# | FastGAN | 0.14 | 0.11 | 0.15 | 0.48 | 0.08 |
# | SIV-GAN | 0.06 | 0.05 | 0.28 | 0.57 | 0.31 |
#
# LPIPS is a distance by another network's features: over pairs it measures diversity; to the
# nearest augmented training image, memorizing.

# %% [markdown]
# ## Broken on purpose: images from 0 to 1
#
# Now the mix-up. The same samples three times: right; samples and training image in [0, 1]; samples
# only. Which columns will notice?

# %% tags=["nbval-ignore-output"]
right = scores["SIV-GAN"]
both = evaluate((images + 1) / 2, (frames + 1) / 2)
only = evaluate((images + 1) / 2, frames)
for metrics_of_kind in (quality, diversity):
    bars = {}
    for metric in metrics_of_kind:
        bars[metric.replace("_", "\n")] = {
            "both in [0, 1]": both[metric] / right[metric],
            "samples only": only[metric] / right[metric],
        }
    plot_bars(bars, ylabel="times the right value")

# %%
for metric, factor in {
    "patch_fidelity": 1 / 4,
    "copy_distance": 1 / 2,
    "pixel_diversity": 1.0,
}.items():
    where = f"{metric}: how it depends on the scale"
    agrees(both[metric] / right[metric], factor, where, f"{metric}, times the right one")
try:
    evaluate((images + 1) * 127.5, frames)
except SivLiteError as error:
    print("0 to 255:", error)

# %% [markdown]
# Nothing stopped us. With both in [0, 1], differences are halved and squared ones quartered:
# fidelity is "four times better", by a bug. SWD and pixel diversity divide by the training image's
# deviation and stay the same. With samples only, all quality columns get worse, but fidelity least:
# pale patches find pale patches. Arrangement diversity is the same both times, since correlation
# does not know contrast.
#
# The package refuses 0 to 255, but it cannot refuse [0, 1]: a bright image may well lie there.
# Hence the image of known values at the start. (SIV-GAN's official code feeds LPIPS, which expects
# [-1, 1], with [0, 1].)

# %%
pale = (images[:4] + 1) / 2
show({"right": images[:4], "samples in [0, 1], taken for [-1, 1]": pale})

# %% [markdown]
# ## A slider: noise buys diversity
#
# Four copies with more and more noise. No new scene appears, yet "diversity" grows.

# %%
grains = torch.randn(4, *frames.shape[1:], generator=dice)
noisy = {}
by_noise = {}
for step in range(6):
    amount = step / 10
    noisy[amount] = (frames + amount * grains).clamp(-1, 1)
    by_noise[amount] = evaluate(noisy[amount], frames)

# %% tags=["nbval-ignore-output"]
shown = ["patch_fidelity", *diversity]
slider = widgets.FloatSlider(value=0.1, min=0, max=0.5, step=0.1, description="Noise")
view = Picture("Four noisy copies, and their numbers", height=None)


def show_noise(change: dict | None = None) -> None:
    """Draw the copies with the slider's noise, under their numbers."""
    amount = round(slider.value, 1)
    numbers = [f"{metric} {by_noise[amount][metric]:.3f}" for metric in shown]
    view.value = encode(show({", ".join(numbers): noisy[amount]}))


slider.observe(show_noise, "value")
show_noise()
widgets.VBox([slider, view])

# %%
labels = {"xlabel": "noise (standard deviation)", "ylabel": "value over its largest"}
for names in (quality, diversity):
    lines = {}
    for metric in names:
        values = torch.tensor([row[metric] for row in by_noise.values()])
        lines[metric] = values / values.max()
    plot_lines(lines, x=list(by_noise), **labels)


# %% [markdown]
# The first panel is quality, where up is bad. In the second, copy distance, pixel diversity (they
# coincide) and arrangement diversity go up and MS-SSIM goes down: all for the better. They mean
# something only beside quality.
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1. The cheat of cheats.** From the training image alone, make `count` images that beat SIV-GAN
# in all columns of quality and diversity, with a copy distance above SinGAN's. (It works with the
# balloons.) What does copy distance try, and what does it not try?


# %%
def cheat(frames: torch.Tensor, count: int) -> torch.Tensor:
    """`count` images (count, 3, H, W) made of one, frames (1, 3, H, W)."""
    ...


# %%
to_beat = {metric: scores["SIV-GAN"][metric] for metric in columns}
to_beat["copy_distance"] = scores["SinGAN"]["copy_distance"]
check_cheat(cheat, frames, count, to_beat, HIGH)

# %% [markdown]
# **2.** Write pixel diversity from its definition. Gray is 0.299 red + 0.587 green + 0.114 blue.
# Both deviations divide by the number of values, not by one less.


# %%
def my_pixel_diversity(images: torch.Tensor, frames: torch.Tensor) -> float:
    """Pixel diversity of images (n, 3, H, W) against frames (1, 3, H, W)."""
    ...


# %%
sets = [models["SinGAN"], cheats["half mirrored"]]
check_pixel_diversity(my_pixel_diversity, frames, sets)

# %% [markdown]
# **3.** Which sentence about the shipped balloons may stand in a report?
#
# - a) SIV-GAN is better than SinGAN: its SWD is lower at all three scales.
# - b) SinGAN is better: patch fidelity and MS-SSIM agree.
# - c) On this image, one run each, SIV-GAN has the lower SWD, SinGAN the better patch fidelity and
#   MS-SSIM.
# - d) SIV-GAN draws more different scenes: its pixel diversity is higher.


# %%
def honest_sentence() -> str:
    """The letter of the sentence."""
    ...


# %%
check_honest_sentence(honest_sentence)

# %% [markdown]
# The solutions are in `solutions/08_measuring.ipynb`.
#
# ## Quiz
#
# **1.** Sixteen samples have a SIFID of 0. What do you know?
#
# - a) The model is perfect.
# - b) Their features have the training image's mean and covariance, as copies would.
# - c) They are diverse.
#
# <details><summary>Answer</summary>b) A distance to the training image would tell whether they
# are.</details>
#
# **2.** Good SWD, pixel diversity 0. What has happened?
#
# - a) The samples are blurred.
# - b) All samples are one image.
# - c) The metric is broken.
#
# <details><summary>Answer</summary>b) So it is in the row "one sample". Whether it is a copy, copy
# distance says.</details>
#
# **3.** You tidied the code that loads images. Now patch fidelity is four times better. First step?
#
# - a) Publish.
# - b) Train longer.
# - c) Check the range of values.
#
# <details><summary>Answer</summary>c) Exactly four is the sign of halved differences.</details>
#
# **4.** Model A has a pixel diversity of 0.65, B 0.63, sixteen samples and one run each. Is A
# better?
#
# - a) Yes.
# - b) This does not tell.
# - c) No.
#
# <details><summary>Answer</summary>b) "SIV-GAN" and "again" differ more, and they are one
# model.</details>

# %% [markdown]
# ## Where we differ
#
# | | papers | SIV-GAN's official code | here |
# |---|---|---|---|
# | SIFID | two levels; mean and best | not looked at | up to four levels; mean and best |
# | pixel diversity | 100 samples (SinGAN) | not looked at | all samples given, 16 in this lesson |
# | LPIPS | mean over pairs | fed with [0, 1] | mean over pairs, fed with [-1, 1] |
# | distance to train | LPIPS to nearest augmented image | not looked at | the same, of 64 |
# | MS-SSIM | five scales (Wang et al. 2003) | not looked at | as many as fit, three at 48 x 64 |
# | SWD, patch distances, copy distance | not used | not looked at | because they need no weights |
# | arrangement diversity | not used | not looked at | because contrast cannot buy it |
#
# Of our ten columns only pixel diversity and MS-SSIM have published values, and those are of larger
# images.
#
# ## Next
#
# `09_five_answers` puts seven methods beside each other on one image; you now know how to read such
# a table.
