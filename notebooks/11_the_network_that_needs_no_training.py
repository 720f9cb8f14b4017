# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 11: the network that needs no training
#
# **Goal:** understand why the best possible denoiser of one image can be written down instead of
# trained, why a perfect one would only copy, and what a GAN is still good for.

# %%
from siv_lite.figures import show_map

show_map("image", "samples", "methods")

# %% [markdown]
# From the image straight to samples: no D, no G, no losses. What SIV-GAN draws comes back at the
# end, as a sketch that the image's own patches draw sharply.
#
# **You need:** means, the softmax, and patches from lesson 1. No knowledge of diffusion models.
#
# **Time:** 45 seconds of computing on two cores; 50 minutes of reading and exercises.
#
# **Words used below.** *Clean* means without noise. A *query* q is a noisy patch. To *denoise* is
# to name the clean patch that one expects behind q, written E[p | q]. *P* is the side of a patch,
# in pixels. A *copy* is a sample that is the training image, or nearly so.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the training image
preset: str = "lesson"  # smoke (seconds, 2 samples of each kind) or lesson (4, under a minute)
samples: int | None = None  # of each row of the last table; None: 4 in `lesson`, 2 in `smoke`
size: int | None = None  # longest side of rendered images; None: 128 in `lesson`, 64 in `smoke`
out: str = "../runs/lesson_11"  # folder of runs

# %% tags=["nbval-ignore-output"]
import time
from pathlib import Path

import ipywidgets as widgets
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, metrics, open_run, read_frames, render, train
from siv_lite.exercises import check_count_table, check_denoise_with_counts, check_share_together
from siv_lite.figures import plot_lines, show_provenance, show_row, show_table
from siv_lite.frames import resize_frames
from siv_lite.lesson_checks import check, check_denoiser, check_overlaps
from siv_lite.rendering import provenance
from siv_lite.rendering.denoiser import denoise_exact
from siv_lite.rendering.patches import PatchGrid, PatchTable
from siv_lite.rendering.sampler import MIN_NOISE, draw, make_levels, noise_levels
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Predict before you run
#
# A *diffusion model* is a network that removes noise. It is trained on images covered with noise,
# and draws a new one by starting from pure noise and removing a little of it again and again.
#
# 1. A network of any size learns to remove noise from our one image, perfectly. We let it draw.
#    What comes out?
# 2. Now it sees only patches of P x P pixels, each by itself. What comes out for P = 3? For a P
#    nearly as large as the image?
# 3. A number is 0, 2 or 4, and we see it with some noise: 2.9. What is the best guess? And with
#    hardly any noise?
#
# ## A signal of three numbers
#
# Our "image" has the pixels 0, 2 and 4, and a patch is one pixel. Somebody picks a pixel p, each
# equally likely, fades it by a factor a, and adds normal noise n of standard deviation s:
#
# $$ q = a\,p + s\,n $$
#
# We see q = 1.5 and know that a = 0.5 and s = 0.5. Which p was it? Bayes' rule weighs every clean
# value by how likely it would have given us q. For normal noise that is exp(-(q - a p)² / 2 s²).
#
# | p | a p | (q - a p)² | divided by 2 s² = 0.5 | weight |
# |---|---|---|---|---|
# | 0 | 0 | 2.25 | 4.5 | exp(-4.5) = 0.011 |
# | 2 | 1 | 0.25 | 0.5 | exp(-0.5) = 0.607 |
# | 4 | 2 | 0.25 | 0.5 | exp(-0.5) = 0.607 |
#
# The mean under these weights is (0.607 x 2 + 0.607 x 4) / (0.011 + 0.607 + 0.607) = 2.973. No
# other guess has a smaller squared error on average. So a network that is trained to make this
# error small can, at best, learn exactly this number. We need not train it: we have computed it.
#
# Dividing the weights by their sum is the softmax, and the same works for patches of d numbers.


# %%
def denoise_by_hand(query: torch.Tensor, patches: torch.Tensor, a: float, s: float) -> torch.Tensor:
    """E[p | q] of one query (d) if it comes from one of the patches (m, d)."""
    logits = []
    for patch in patches:
        distance = (query - a * patch).square().sum()
        logits.append(-distance / (2 * s * s))
    weights = torch.stack(logits).softmax(0)  # (m)
    return weights @ patches


# %%
values = torch.tensor([[0.0], [2.0], [4.0]])  # three patches of one number
found = denoise_by_hand(torch.tensor([1.5]), values, a=0.5, s=0.5)
check(found, torch.tensor([2.973]), "not the mean of the table above", atol=1e-3)
print("the mean of the table: True")

# %% [markdown]
# Note that 2.973 is no value of the signal. Two values are equally good, and the best guess stands
# between them. In an image that is *blur*: it shows that the denoiser has not decided yet.
#
# When does it decide? Here is the best guess for every q, with a = 1 and more or less noise.

# %%
queries = torch.linspace(-1, 5, 61)
lines = {}
for s in (3.0, 1.0, 0.5, 0.1):
    lines[f"s = {s}"] = [denoise_by_hand(q[None], values, 1.0, s).item() for q in queries]
plot_lines(lines, x=queries, xlabel="noisy value q", ylabel="best guess", title="clean: 0, 2, 4")

# %% [markdown]
# With much noise the guess hardly listens to q and stays near the mean of all values. With little
# noise it is a staircase: the **nearest neighbor**. That answers question 3. At s = 0.5 the guess
# for 2.9 is about 2.6; at s = 0.1 it is 2. A method that pastes nearest neighbors (GPNN, Granot et
# al., CVPR 2022) is the limit of this denoiser for vanishing noise.
#
# ## The same thing is attention
#
# Take the signal 3, 4, 3, -4. Its patches of two numbers are (3, 4), (4, 3) and (3, -4), all of
# length 5. Multiply out:
#
# $$ |q - a\,p|^2 = |q|^2 - 2a\,q \cdot p + a^2 |p|^2 $$
#
# The first term is the same for all p. If all p are equally long, so is the last, and the softmax
# does not see what is the same for all. What remains is softmax(a q · p / s²): attention, with the
# query q, and with the patches as keys *and* values.
#
# For q = (2, 2) the products are 14, 14 and -2. With a = 0.5 and s = 1 the logits are 7, 7 and -1.
# The third patch has practically no weight, and the mean of the others is (3.5, 3.5).

# %%
signal = torch.tensor([3.0, 4.0, 3.0, -4.0])
patches = signal.unfold(0, 2, 1)  # (3, 2): three patches of two numbers
query = torch.tensor([[2.0, 2.0]])
a = 0.5
s = 1.0
attended = F.scaled_dot_product_attention(query, patches, patches, scale=a / s**2)
check(attended[0], torch.tensor([3.5, 3.5]), "not the mean of two patches", atol=1e-2)
check(attended[0], denoise_by_hand(query[0], patches, a, s), "attention is not the denoiser")
print("patches of equal length: attention is the denoiser")

# %% [markdown]
# Our first signal, 0, 2, 4, has patches of different lengths. Then the last term stays, as a bias
# that is added to the logits. Without it long (glaring) patches would win too often.

# %%
query = torch.tensor([[1.5]])
a = 0.5
s = 0.5
bias = -(a**2) * values.square().sum(1) / (2 * s**2)  # (3)
plain = F.scaled_dot_product_attention(query, values, values, scale=a / s**2)
with_bias = F.scaled_dot_product_attention(query, values, values, bias[None], scale=a / s**2)
print(f"without the bias {plain.item():.3f}, with it {with_bias.item():.3f}")
check(with_bias[0], denoise_by_hand(query[0], values, a, s), "the bias is -a^2 |p|^2 / 2 s^2")

# %% [markdown]
# A transformer has to *learn* its keys and values. Here they are in the image.
#
# ## The package's denoiser
#
# A `PatchTable` holds all patches of an image; `denoise_exact` denoises many queries at once, as
# attention with that bias. `check_denoiser` gives it tables and queries of random numbers and
# compares it with our function, patch by patch.

# %%
check_denoiser(denoise_by_hand)
print("the package's denoiser is ours: True")

# %% [markdown]
# ## From noise to image in ten steps
#
# An image is denoised patch by patch. A `PatchGrid` cuts it into overlapping patches; every patch
# is denoised by itself; where denoised patches overlap, their mean is taken. `check_overlaps` makes
# sure that the grid covers every pixel and takes means.

# %%
check_overlaps()
is_smoke = preset == "smoke"
count = 2 if is_smoke else 4
original = read_frames(source)[:1]
frames = resize_frames(original, 48 if is_smoke else 64)
height, width = frames.shape[2:]
patch_side = 9 if is_smoke else 15


# %%
def cut(side: int, stride: int) -> tuple[PatchGrid, PatchTable]:
    """Where patches are denoised, and all clean patches that they may come from."""
    grid = PatchGrid((1, height, width), (1, side, side), (1, stride, stride))
    table = PatchTable(frames[:, :, None], (1, side, side))
    return grid, table


def denoise_image(
    x: torch.Tensor, a: float, s: float, grid: PatchGrid, table: PatchTable
) -> torch.Tensor:
    """E[x0 | x] of an image as a volume (1, 3, 1, H, W)."""
    means, matches = denoise_exact(grid.extract(x), table, a, s)
    return grid.average(means)


# %% [markdown]
# We begin with pure noise: share of the image a = 0, noise s = 1. Each step guesses the clean
# image, computes which noise that leaves, and mixes both again with a little less noise (DDIM; a +
# s = 1 always). `MIN_NOISE` keeps the last step from dividing by zero.


# %%
def remove_noise(x: torch.Tensor, denoise) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Every step's noisy image x, and the guess E[x0 | x]; the last guess is the result."""
    levels = noise_levels(1.0)  # ten, from 1 to 0
    steps = []
    for step, s in enumerate(levels):
        sigma = max(s, MIN_NOISE)
        clean = denoise(x, 1 - s, sigma)
        steps.append((x, clean))
        noise = (x - (1 - s) * clean) / sigma
        if s > 0:
            lower = levels[step + 1]
            x = (1 - lower) * clean + lower * noise
    return steps


# %%
def make_noise(seed: int) -> torch.Tensor:
    """Pure noise as large as the image."""
    return torch.randn(1, 3, 1, height, width, generator=torch.Generator().manual_seed(seed))


grid, table = cut(patch_side, stride=3)
steps = remove_noise(make_noise(1), lambda x, a, s: denoise_image(x, a, s, grid, table))
noisy = torch.cat([x[:, :, 0] for x, clean in steps]).clamp(-1, 1)
guesses = torch.cat([clean[:, :, 0] for x, clean in steps]).clamp(-1, 1)
contact_sheet({"noise s from 1 to 0: x": noisy, "the guess E[x0 | x]": guesses}, scale=2)

# %% [markdown]
# Read the lower row. At first nothing is known, and the guess is the mean of all patches, one flat
# color. Then it decides: where it is light and where dark, then what stands there, then every edge.
# After half of the steps hardly anything is left to decide; the rest takes off the noise.
#
# The package's `draw` does these steps. (It can do more: begin with a small image, and go on to
# larger ones.)

# %%
levels = make_levels(frames, [(height, width)], patch_side=patch_side)
start = torch.zeros(1, 3, 1, height, width)
drawn, matches = draw(start, levels, strength=1.0, seed=0, noise=make_noise(1))
check(
    drawn[:, :, 0], guesses[-1:], "look at draw_level in siv_lite/rendering/sampler.py", atol=1e-2
)
print("the package's ten steps are ours: True")

# %% [markdown]
# ## Why a perfect network would only copy
#
# Let a patch be the whole image. Then a training set of three images has three patches, and the
# perfect denoiser is their weighted mean. We take our image, its mirror image, and a copy that is
# pushed sideways by half its width, and draw from noise.

# %%
three = torch.cat([frames, frames.flip(3), frames.roll(width // 2, 3)])
whole_table = PatchTable(three.transpose(0, 1)[None], (1, height, width))  # (1, 3, 3, H, W)
whole_grid = PatchGrid((1, height, width), (1, height, width), (1, height, width))
copies = []
for seed in range(6):
    steps = remove_noise(
        make_noise(seed), lambda x, a, s: denoise_image(x, a, s, whole_grid, whole_table)
    )
    copies.append(steps[-1][1][:, :, 0])
copies = torch.cat(copies)
contact_sheet({"the training set": three, "drawn from noise": copies}, scale=2)

# %%
distances = (copies[:, None] - three).abs().amax((2, 3, 4))  # (samples, training images)
print("every sample is one of the training images:", bool((distances.amin(1) < 0.02).all()))

# %% [markdown]
# That answers question 1: the training image comes out, pixel by pixel. This is no accident of our
# image and no lack of data. The best denoiser of *any* training set can draw nothing else, and
# training pulls every network towards it.
#
# Real diffusion models do draw new images, so they must be *unable* to learn the best denoiser.
# Kamb and Ganguli (ICML 2025) say which inability does it: a convolutional network with a small
# field of view has to decide from a patch, and the best that it can learn is our patch denoiser. It
# keeps every patch, and is free in how patches follow each other. **Locality makes new scenes.**
#
# ## A slider: from soup to copy
#
# So the side P decides. We draw from noise with patches of 3 pixels up to nearly the whole image.
# Question 2: which P would you publish?

# %% tags=["nbval-ignore-output"]
longest = min(height, width) - 1
sides = [side for side in (3, 7, 11, 15, 23, 31) if side < longest]
if is_smoke:
    sides = [3, 9, 21]
sides.append(longest)
by_side = {}
scores = {}
for side in sides:
    levels = make_levels(frames, [(height, width)], patch_side=side, stride=2 if side == 3 else 3)
    noise = torch.cat([make_noise(seed) for seed in range(count)])
    volumes, matches = draw(torch.zeros_like(noise), levels, strength=1.0, seed=0, noise=noise)
    images = volumes[:, :, 0]
    by_side[side] = images
    scores[side] = {
        "copy distance": metrics.copy_distance(images, frames),
        "coarse SWD": metrics.sliced_wasserstein(images, frames)[2],
    }

# %% tags=["nbval-ignore-output"]
slider = widgets.SelectionSlider(options=sides, value=sides[len(sides) // 2], description="P")
view = Picture("Samples drawn from noise, with patches of P x P pixels", height=None)


def show_side(change: dict | None = None) -> None:
    """Draw the samples of the slider's P under their two numbers."""
    numbers = [f"{metric} {value:.2f}" for metric, value in scores[slider.value].items()]
    view.value = encode(contact_sheet({", ".join(numbers): by_side[slider.value]}, scale=3))


slider.observe(show_side, "value")
show_side()
widgets.VBox([slider, view])

# %%
contact_sheet({f"P = {side}": images for side, images in by_side.items()}, scale=2)

# %%
for metric, unit in {"copy distance": "gray levels", "coarse SWD": "0 is the image's"}.items():
    line = [scores[side][metric] for side in sides]
    plot_lines({metric: line}, x=sides, title=metric, xlabel="P, pixels", ylabel=unit)
nearer = scores[longest]["copy distance"] < scores[3]["copy distance"]
print("the largest patches copy more than the smallest:", nearer)

# %% [markdown]
# (What is said about values and images holds for the balloons and the preset `lesson`.) P = 3 is
# soup: leaves, sky and specks of color. At 11 there are balloons, at 15 whole ones, but meadows
# float in the sky: nothing says that green belongs below. At 31 the meadow lies on the ground,
# since most patches reach it. At 47 the samples are the training image, or the ghost of several
# copies pushed apart.
#
# No P gives new scenes *and* a sure arrangement. And coarse SWD is best for the copies: read it
# together with the copy distance, as lesson 8 says.
#
# ## Up and down: a prior on heights
#
# Small patches do not know up from down. Two things help. Patch diffusion (Qiu, Kutulakos and
# Lindell, CVPR 2026) draws a *small* image first, of which a patch of 15 pixels covers a large
# part, and then enlarges it and draws it anew. Ours besides is a **prior**: before q is seen, a
# patch is likelier at about the height that it has in the training image. The logarithm of that
# probability is added to the logits, like the bias. `height_sigma` says how strictly, as a share of
# the image's height; 10 is as good as none.

# %% tags=["nbval-ignore-output"]
rows = {}
diffusion = {}
for name, sigma in {"without the prior": 10.0, "with it": 0.15}.items():
    folder = Path(out, name.replace(" ", "_"))
    diffusion[name] = train("patch_diffusion", frames, folder, preset, height_sigma=sigma)
    images = diffusion[name].sample(count, seed=1)
    swd = metrics.sliced_wasserstein(images, frames)[2]
    rows[f"{name}: coarse SWD {swd:.2f}"] = images
contact_sheet(rows, scale=3)

# %% [markdown]
# `train` is in the cell because every method here has the same face. It took one step, which drew
# one image; nothing was learned.
#
# With the prior the sky stays above. That is bought: what stood low will never fly high, and a
# scene without up and down gains nothing. (`render`, below, has such a prior, too.)
#
# ## Broken on purpose, 1: forget the a
#
# q is not a noisy p: it is a noisy *faded* p. Somebody compares q with p itself, |q - p|² in place
# of |q - a p|². Nothing crashes. The check notices:


# %%
def forget_a(query: torch.Tensor, patches: torch.Tensor, a: float, s: float) -> torch.Tensor:
    """As `denoise_by_hand`, but with |q - p|^2."""
    return denoise_by_hand(query, patches, 1.0, s)


try:
    check_denoiser(forget_a)
except AssertionError as error:
    print("AssertionError:", str(error).splitlines()[0])

# %% [markdown]
# ## Broken on purpose, 2: no averaging
#
# And somebody saves time: patches that touch but do not overlap, one every P pixels, so that there
# is nothing to average. What do you expect of either?

# %%
tiles, _ = cut(patch_side, stride=patch_side)
denoisers = {
    "right": lambda x, a, s: denoise_image(x, a, s, grid, table),
    "a forgotten": lambda x, a, s: denoise_image(x, 1.0, s, grid, table),
    "no overlap": lambda x, a, s: denoise_image(x, a, s, tiles, table),
}
rows = {}
for name, denoise in denoisers.items():
    results = [remove_noise(make_noise(seed), denoise)[-1][1] for seed in range(count - 1)]
    rows[name] = torch.cat(results)[:, :, 0]
contact_sheet(rows, scale=3)

# %% [markdown]
# Without the a, the first queries, mere noise around 0, are compared with patches in full color.
# The nearest are those with values nearest to 0, that is mid-gray: here the meadow. From then on
# meadow is what the image is taken for. No balloon has a chance.
#
# Without overlaps every tile is a perfect piece of the training image, and knows nothing of its
# neighbors. All agreement between places comes from pixels that belong to several patches: each
# step, their patches have to meet at one mean.
#
# ## A GAN's sketch, drawn with patches
#
# Now start not from noise but from a sample of SIV-GAN, covered with *some* noise: so much that its
# mush drowns, and so little that its arrangement shows through. `strength` is that first s. (For an
# image of your own, SIV-GAN and SinGAN are trained here, in minutes.)

# %% tags=["nbval-ignore-output"]
runs = {}
for method in ("siv_gan", "singan"):
    shipped = Path(source).parent / "runs" / f"{Path(source).stem}_{method}"
    if shipped.exists():
        runs[method] = open_run(shipped, "cpu")
    else:
        runs[method] = train(method, original, Path(out, method), preset)
scene = resize_frames(original, size or (64 if is_smoke else 128))

# %%
sketches = runs["siv_gan"].sample(count, seed=1)
rows = {
    "SIV-GAN's samples": sketches,
    "render=True: at the photograph's own size": runs["siv_gan"].sample(count, seed=1, render=True),
    "rendered with the patches of a smaller image": render(sketches, scene, seed=1),
}
contact_sheet(rows)

# %% [markdown]
# The run knows its image whole, 192 x 256 pixels, so `render=True` draws that size. `render` takes
# the patches of whatever image it is given, here of the same scene in 96 x 128. **The GAN decides
# what stands where; the image's own patches draw it.** They also draw its faults sharply: where two
# balloons have run together, one has the stripes of both, and where one was half transparent, a
# piece of it hangs in the sky.
#
# What does `strength` do?

# %%
rows = {}
for strength in (0.0, 0.3, 0.55, 0.8, 1.0):
    rows[strength] = render(sketches[:1], scene, strength=strength, seed=1)
names = ", ".join(str(strength) for strength in rows)
contact_sheet({f"strength {names}": torch.cat(list(rows.values()))}, scale=2)

# %% [markdown]
# 0 is the sample, enlarged. With 0.3 it is redrawn, nearly everything in its place. With 0.8 only
# the largest things are left. With 1 nothing is, and this is patch diffusion with smaller patches.
#
# ## Where does every pixel come from?
#
# A GAN cannot answer that. Here every patch has a best match, so `provenance` returns with every
# image the frame, row and column that each pixel comes from. In the right panel the training image
# is painted, red at the left to violet at the right and darker downwards. In the middle every pixel
# of the rendered scene has the paint of the place that it comes from.

# %%
rendered, sources = provenance(sketches[:1], scene, seed=1)
show_provenance(scene, rendered, sources)

# %%
from_rows = sources[0, ..., 1]  # (H, W)
from_columns = sources[0, ..., 2]
looked_up = scene[:, :, from_rows, from_columns]
show_row({"rendered": rendered, "looked up in the training image": looked_up})

# %% [markdown]
# The map is a mosaic. Inside a piece the colors change slowly: neighbors come from neighbors,
# farther than a patch reaches. At its borders they jump. A balloon is mostly one piece. The second
# figure's right image is no rendering at all: it fetches every pixel from its place. It hardly
# differs but at the borders of pieces, where rendering takes means. So a renderer invents nothing:
# it is a collage with soft seams.
#
# ## What a GAN still buys
#
# If patches draw so well, why train anything? Compare: rendered samples of both GANs; patch
# diffusion from noise; a rendered *collage*, four quarters of the image, each shifted and flipped
# at random; and SIV-GAN's samples just enlarged.


# %%
def make_collage(generator: torch.Generator) -> torch.Tensor:
    """Four quarters, each from the image at random shifted and flipped."""
    collage = frames.clone()
    for rows in (slice(0, height // 2), slice(height // 2, height)):
        for columns in (slice(0, width // 2), slice(width // 2, width)):
            down = int(torch.randint(height, (), generator=generator))
            right = int(torch.randint(width, (), generator=generator))
            copy = frames.roll((down, right), (2, 3))
            if torch.rand((), generator=generator) < 0.5:
                copy = copy.flip(3)
            collage[..., rows, columns] = copy[..., rows, columns]
    return collage


# %%
def draw_collages() -> torch.Tensor:
    """Random collages, rendered."""
    generator = torch.Generator().manual_seed(1)
    collages = torch.cat([make_collage(generator) for _ in range(samples)])
    return render(collages, scene, seed=1)


def draw_rendered(method: str) -> torch.Tensor:
    """A GAN's samples, rendered."""
    return render(runs[method].sample(samples, seed=1), scene, seed=1)


def draw_enlarged() -> torch.Tensor:
    """SIV-GAN's samples, enlarged."""
    return render(runs["siv_gan"].sample(samples, seed=1), scene, strength=0)


# %% tags=["nbval-ignore-output"]
longest = max(scene.shape[2:])
folder = Path(out, f"from_noise_{longest}")
from_noise = train("patch_diffusion", scene, folder, preset, image_size=longest)
rivals = {
    "SIV-GAN rendered": lambda: draw_rendered("siv_gan"),
    "SinGAN rendered": lambda: draw_rendered("singan"),
    "patch diffusion from noise": lambda: from_noise.sample(samples, seed=1),
    "random collage rendered": draw_collages,
    "bicubic enlargement": draw_enlarged,
}


# %% tags=["nbval-ignore-output"]
samples = samples or count
pictures = {}
results = {}
for name, draw_samples in rivals.items():
    begin = time.perf_counter()
    images = draw_samples()
    seconds = (time.perf_counter() - begin) / samples
    pictures[name] = images
    results[name] = {
        "coarse SWD": metrics.sliced_wasserstein(images, scene)[2],
        "arrangement diversity": metrics.arrangement_diversity(images),
        "copy distance": metrics.copy_distance(images, scene),
        "seconds a picture": seconds,
    }
show_table(results, high={"arrangement diversity", "copy distance"})

# %%
contact_sheet({name: images[:4] for name, images in pictures.items()})

# %% [markdown]
# Your table is of few images. This one is of 16 at the size of the photograph, from the shipped
# runs of balloons, beach and street, on one thread. Correlation is 1 - arrangement diversity.
#
# | row | coarse SWD | correlation | copy distance | seconds a picture |
# |---|---|---|---|---|
# | SIV-GAN rendered | .069 .075 .076 | .46 .70 .39 | 68 54 70 | 0.5 |
# | SinGAN rendered | .112 .088 .100 | .48 .69 .45 | 64 52 69 | 0.5 |
# | patch diffusion from noise | .053 .033 .069 | .29 .45 .19 | 64 50 73 | 1.1 |
# | random collage rendered | .149 .161 .127 | .12 .21 .11 | 72 64 76 | 0.8 |
# | SIV-GAN, bicubic enlargement | .099 .116 .170 | .54 .76 .52 | 60 47 59 | 0.01 |
#
# **Patch diffusion** has the best coarse SWD and needs no training. Remember lesson 8
# before you give it the gold: SWD compares patches, and it cuts out large ones. Look at its images:
# the balloons stand in about the same row each time, and some are half ones. The **collage** is the
# most diverse and, on two of three images, by far the worst: meadows fly, because rendering draws
# and does not arrange. The two **GANs** lie between, SIV-GAN nearer to the image. The **enlarged**
# samples are mush, and coarse SWD, which sees small copies of the images, hardly notices.
#
# And there is what no column shows. We walk from one latent a tenth of the way to another, in equal
# steps, and measure how much the image changes at each. Patch diffusion has latents, too: its first
# noise.


# %%
def walk(run, steps: int) -> torch.Tensor:
    """Small steps from one latent towards another: how much each changes the sample."""
    start, target = run.method.sample_latents(2, seed=1).split(1)
    angles = torch.linspace(0, 0.6, steps).view(-1, *[1] * (start.ndim - 1))
    images = run.decode(angles.cos() * start + angles.sin() * target)
    return (images[1:] - images[:-1]).square().mean((1, 2, 3)).sqrt()


# %%
number = 6 if is_smoke else 24
changes = {"SIV-GAN": walk(runs["siv_gan"], number)}
changes["patch diffusion"] = walk(diffusion["with it"], number)
plot_lines(changes, xlabel="step", ylabel="change", title="root mean square change at each step")

# %% [markdown]
# SIV-GAN changes a little at every step. Patch diffusion stands still, and then a part of the scene
# is exchanged: its ten steps are decisions, and a small push changes a decision or does not. So
# these are what a GAN buys:
#
# - **Milliseconds.** Its sketch can be shown at once, and rendered when somebody wants to keep it.
# - **A latent to walk in**, for sliders and animations.
# - **Memory.** The table of patches grows with the image and holds every pixel nearly P² times
#   (exercise 2). A GAN keeps only its weights.
# - **An arrangement that was learned**, not cut out.
#
# **Published** (Qiu, Kutulakos and Lindell, not our measurement): SIFID 0.054, against 0.089 of
# SinDDM, a network trained for about ten hours on each image.
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1. A prior.** In the signal 0, 2, 2, 2, 4 the pixel 2 is three times as likely. Don't loop over
# repeated values: given every value once and how often it occurs, return E[p | q]. (One line more
# than in our function: what must be added to a logit so that its weight is multiplied by `count`?)


# %%
def denoise_with_counts(
    query: torch.Tensor, patches: torch.Tensor, counts: torch.Tensor, a: float, s: float
) -> torch.Tensor:
    """E[p | q] of one query (d); patch i of patches (m, d) occurs counts[i] times."""
    ...


# %%
check_denoise_with_counts(denoise_with_counts, denoise_by_hand)

# %% [markdown]
# **2. Memory.** How many numbers has the table of all patches of P x P pixels and three colors, of
# an image of `height` x `width`?


# %%
def count_table(height: int, width: int, side: int) -> int:
    """How many numbers the table of all patches holds."""
    ...


# %%
check_count_table(count_table)

# %% [markdown]
# **3. How much is copied in one piece?** `sources` (H, W, 3) holds the frame, row and column that
# each pixel comes from. For which share of the pairs of horizontal neighbors is the source of the
# right one the right neighbor of the source of the left one?


# %%
def share_together(sources: torch.Tensor) -> float:
    """The share of neighbors (left, right) that were neighbors in the training image."""
    ...


# %%
check_share_together(share_together, sources[0])

# %% [markdown]
# The solutions are in `solutions/11_the_network_that_needs_no_training.ipynb`.
#
# ## Quiz
#
# **1.** You train a huge network on 10,000 photographs until its denoising error is as small as can
# be. It then draws
#
# - a) Photographs like them.
# - b) The 10,000 photographs.
# - c) Their mean.
#
# <details><summary>Answer</summary>b) Their mean is only its first guess.</details>
#
# **2.** The guess E[x0 | x] at high noise is blurred, because
#
# - a) The denoiser is not good enough.
# - b) It is the mean of what x may be.
# - c) Patches overlap.
#
# <details><summary>Answer</summary>b) No denoiser has a smaller squared error.</details>
#
# **3.** In which way is the denoiser attention?
#
# - a) Noisy patches are queries, clean ones keys and values.
# - b) Clean patches are queries.
# - c) Only if it is trained.
#
# <details><summary>Answer</summary>a) With a bias for the length of the patches.</details>
#
# **4.** A sample has the best coarse SWD of all, and a copy distance near 0. What was P?
#
# - a) 3.
# - b) 15.
# - c) Nearly the image.
#
# <details><summary>Answer</summary>c)</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | here |
# |---|---|---|
# | steps at each size | 10 | 10 from noise, fewer when the coarser result is known |
# | a finer size starts from | noise | the coarser result, enlarged and covered with noise |
# | side of a patch | 15 | 15 from noise, 9 when rendering |
# | prior on heights | none | `height_sigma` 0.15; 10 is the paper's |
# | compared with | all patches | all of small images; of large ones near the coarser matches |
# | start from a GAN's sample | no | `render` |
#
# ## Next
#
# `siv_lite/rendering/denoiser.py` is short enough to be read now. Lesson 12,
# `12_one_image_ten_years`, puts all methods of this course on one page.
