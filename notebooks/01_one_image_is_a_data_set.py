# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 1: one image is a data set
#
# **Goal:** after this lesson you can say what a network that is trained on a single picture takes as its training
# samples, how many there are, and why it needs them at several scales.
#
# **You need:** PyTorch: tensors, convolutions, gradients.
#
# **Time:** 55 seconds of computing on two cores; 20 minutes of reading and exercises.

# %% tags=["parameters"]
source: str = "../data_samples/beach.png"  # the one image; a photograph of your own works too
preset: str = "lesson"  # smoke (seconds, trained pictures stay grey) or lesson (one to three minutes on two cores)
seed: int = 0  # of the weights and of all that is drawn in training
out: str = "../runs/one_image_is_a_data_set"  # folder of the two runs

# %%
# NBVAL_IGNORE_OUTPUT
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from siv_lite import contact_sheet, open_run, read_frames, train
from siv_lite.figures import show_images
from siv_lite.methods.pyramid import PatchDiscriminator, pyramid_sizes, resize
from siv_lite.metrics import extract_patches, sliced_wasserstein
from siv_lite.widgets import encode

# %% [markdown]
# ## The whole method, and today's part
#
# A **generator** G draws pictures from noise. A **discriminator** D looks at patches, small square windows of a
# picture, and says of each whether it looks real. G learns to please D. Both do this at every scale of a pyramid of
# ever smaller copies of the picture. The lit boxes are today's: what D is shown. The networks themselves come later.

# %%
def draw_method(lit: set[str]) -> None:
    """The method as boxes and arrows; those of today are lit."""
    places = {"one image": (0, 1), "pyramid": (1.5, 1), "patches": (3, 1), "D: real or not?": (4.5, 0.5)}
    places |= {"noise": (0, 0), "G draws": (1.5, 0), "its patches": (3, 0)}
    arrows = ["one image>pyramid", "pyramid>patches", "patches>D: real or not?", "noise>G draws"]
    axes = plt.figure(figsize=(8.5, 2.2)).add_axes((0, 0, 1, 1), xlim=(-0.7, 5.4), ylim=(-0.4, 1.4))
    axes.axis("off")
    for arrow in [*arrows, "G draws>its patches", "its patches>D: real or not?"]:
        begin, end = (places[name] for name in arrow.split(">"))
        axes.annotate("", end, begin, arrowprops={"arrowstyle": "->", "shrinkA": 42, "shrinkB": 42})
    for name, place in places.items():
        box = {"boxstyle": "round,pad=0.6", "facecolor": "gold" if name in lit else "whitesmoke"}
        axes.text(*place, name, ha="center", va="center", bbox=box)
    plt.show()


draw_method({"one image", "pyramid", "patches"})

# %% [markdown]
# ## Predict first
#
# We will cut the picture into square tiles of 16 x 16 pixels and shuffle the tiles. Sky lands between umbrellas; nobody
# would take the result for a beach. Then a number compares it with the original, but the number sees only patches of
# 5 x 5 pixels, all of them, and not where they were.
#
# **Will that number notice?** Say nearly not, a little, or strongly. And if it looked at 5 x 5 patches of a copy **four
# times smaller**? Write both answers down; "Broken on purpose" has ours.

# %%
# NBVAL_IGNORE_OUTPUT
frames = read_frames(source, max_size=64)[:1]
frames = frames[..., : frames.shape[2] // 16 * 16, : frames.shape[3] // 16 * 16]  # whole tiles of 16
height, width = frames.shape[2:]
show_images(frames, f"{height} x {width} pixels: all we have", scale=6)

# %% [markdown]
# ## Patches, counted by hand
#
# A window of 3 x 3 pixels fits into a picture of 4 x 5 pixels at 2 heights and 3 places across: 6 patches. In general
# there are (height - size + 1) times (width - size + 1). They overlap, so one pixel belongs to many patches.
#
# `unfold` lists the windows along one dimension, and we need it along two. The package's `extract_patches` returns
# the same ones, each as a row, but in random order; sorted by their first pixel they must be ours.

# %%
small = torch.arange(20.0).view(1, 1, 4, 5).expand(-1, 3, -1, -1)  # grey, the pixels numbered from 0 to 19
windows = small.unfold(2, 3, 1).unfold(3, 3, 1)  # (1, 3, 2, 3, 3, 3): picture, colour, down, across, row, column
ours = windows.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)
theirs = extract_patches(small, size=3, max_count=100)
print(f"{len(ours)} patches; the first in grey, row by row: {ours[0, :9].int().tolist()}")
assert_close(theirs[theirs[:, 0].argsort()], ours, msg=lambda text: f"look at the order in `permute`: {text}")

# %% [markdown]
# A picture of 48 x 64 pixels holds 38 x 54 = 2,052 patches of 11 x 11. That is the data set. Each sample is
# 3 x 11 x 11 = 363 numbers. Why just 11? It is what this kind of discriminator sees at once; we get there below.

# %%
count = (height - 10) * (width - 10)
assert len(extract_patches(frames, 11, max_count=10**6)) == count, "count the places of the window, not the pixels"
print(f"{height} x {width} pixels hold {count:,} patches of 11 x 11, each of {3 * 11 * 11} numbers")

# %% [markdown]
# ## How alike are they?
#
# A data set is useful when its samples have something in common. So for every patch we look for the **nearest** other
# one: the one with the smallest root mean squared difference, in grey levels from 0 to 255. Patches that overlap it are
# barred, since a window moved by one pixel is nearly the same and proves nothing.
#
# As a yardstick, the same pixels in random order: same colours, no structure.

# %%
def patch_differences(image: torch.Tensor, size: int = 11) -> torch.Tensor:
    """Differences in grey levels between all patches, infinite where two overlap: (patches, patches)."""
    windows = image.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5)
    down, across = (x.flatten() for x in torch.meshgrid(*map(torch.arange, windows.shape[1:3]), indexing="ij"))
    overlap = ((down[:, None] - down).abs() < size) & ((across[:, None] - across).abs() < size)
    rows = windows.flatten(0, 2).flatten(1)
    return (torch.cdist(rows, rows) * 127.5 / rows.shape[1] ** 0.5).masked_fill(overlap, torch.inf)

# %%
def describe_patches(name: str, image: torch.Tensor) -> float:
    """Print how far patches are from their nearest and from any other; return the share of the two."""
    differences = patch_differences(image)
    nearest, typical = differences.amin(1).median(), differences[differences.isfinite()].median()
    print(f"{name:<28}nearest {nearest:3.0f}   any other {typical:3.0f}   share {nearest / typical:.2f}")
    return (nearest / typical).item()


order = torch.randperm(height * width, generator=torch.Generator().manual_seed(0))
structured = describe_patches(Path(source).stem, frames)
unstructured = describe_patches("the same pixels, shuffled", frames.flatten(2)[..., order].view_as(frames))
balloons = Path(source).with_name("balloons.png")
if balloons.exists():
    describe_patches("balloons", read_frames(balloons, max_size=64))
print("A patch has closer relatives in a picture than in noise:", structured < unstructured)

# %% [markdown]
# Medians, in grey levels. In a picture the nearest patch is about half as far away as just any; in noise it is hardly
# nearer. So patches come in families: sky, foam, sand. That repetition is what a network can learn, and it is why one
# picture can be enough. But look at the first number itself: tens of grey levels is *alike*, not *equal*.
#
# Below, six patches spread over the picture, and under each its nearest. Which have a good relative? Which are loners?

# %%
differences = patch_differences(frames)
rows = frames.unfold(2, 11, 1).unfold(3, 11, 1).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
chosen = torch.linspace(0.06, 0.94, 6).mul(len(rows)).long()
show_images(torch.cat([rows[chosen], rows[differences[chosen].argmin(1)]]), "patches, and their nearest", 6, scale=8)

# %% [markdown]
# ## The receptive field: why 11
#
# The **receptive field** of an output is the part of the input that it depends on. SinGAN's discriminator is five
# convolutions of 3 x 3. Each looks one pixel further to every side, so five of them see 1 + 5 x 2 = 11.
#
# A gradient finds it without any theory: differentiate one output with respect to all inputs; where the gradient is
# not zero, the output looks. First five convolutions in a row of 15 numbers, all their weights 1.

# %%
row = torch.zeros(1, 1, 15, requires_grad=True)
result = row
for _ in range(5):
    result = F.conv1d(result, torch.ones(1, 1, 3))
(paths,) = torch.autograd.grad(result[0, 0, 2], row)
paths = paths.flatten()
print(f"{result.shape[2]} outputs; the middle one depends on the inputs like this:\n{paths.int().tolist()}")

# %% [markdown]
# Eleven numbers are not zero. They count paths: by one path the last convolution reaches the outermost input, by 51 the
# middle one. You can check the first rows by hand: 1 1 1, then 1 2 3 2 1, then 1 3 6 7 6 3 1. So a patch is judged
# mostly by its middle.
#
# The package's `PatchDiscriminator` is the same in two dimensions. With all weights 1 and the bends of its activations
# taken out, its gradient must be the product of our row with itself.

# %%
plain = PatchDiscriminator(width=1, norm=False, slope=1.0)  # slope 1: the leaky ReLU does nothing
for name, parameter in plain.named_parameters():
    torch.nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
image = torch.zeros(1, 3, 15, 15, requires_grad=True)
(gradient,) = torch.autograd.grad(plain(image)[0, 0, 2, 2], image)
assert_close(gradient[0, 0], paths.outer(paths), msg=lambda text: f"look at the number of layers: {text}")
print("The package's discriminator sees our 11 x 11 pixels: True")

# %% [markdown]
# Now a real one, with random weights, on our picture. It gives one score per patch: as many as we counted. And it has
# a twist. Its batch normalisation subtracts the mean of the whole picture, so *while it trains* every score depends a
# little on every pixel. Once it uses fixed statistics (`eval`), the window is exact.

# %%
def seen(D: torch.nn.Module) -> tuple[int, int]:
    """Height and width of the part of the picture on which the score in the middle depends."""
    image = frames.clone().requires_grad_()
    scores = D(image)
    (gradient,) = torch.autograd.grad(scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2], image)
    looked = gradient[0].abs().amax(0) > 0
    return looked.any(1).sum().item(), looked.any(0).sum().item()


torch.manual_seed(0)
D = PatchDiscriminator(width=8)
print(f"Scores: {D.eval()(frames).numel():,}, one per patch: {D(frames).numel() == count}")
print(f"With fixed statistics a score sees 11 x 11: {seen(D.eval()) == (11, 11)}")
print(f"In training it sees the whole picture: {seen(D.train()) == (height, width)}")

# %% [markdown]
# ## The pyramid
#
# Eleven pixels of 48 are a piece of an umbrella. No network that sees only that can know that the sky is above the
# sea. SinGAN's answer: leave the window as it is and **shrink the picture**. In a copy of 25 pixels, 11 are nearly half
# the height, so the same small network sees the layout. A pyramid of copies, coarse to fine, has all sizes of things.
#
# The sizes: the shorter side begins at `coarsest` and grows each time by the same ratio, up to the picture's own. By
# hand: from 6 to 48 pixels is 8 times. At most 4 times a step needs two steps; like the authors' program, the package
# takes one more: three steps of 2 each.

# %%
wanted = [(6, 8), (12, 16), (24, 32), (48, 64)]
assert pyramid_sizes(48, 64, coarsest=6, factor=1 / 4) == wanted, "look at the number of steps: three, not two"
sizes = pyramid_sizes(height, width, coarsest=min(25, min(height, width)), factor=0.65)
for high, wide in sizes:
    print(f"{high} x {wide}: {(high - 10) * (wide - 10):5,} patches, each {11 / high:.0%} of the height")

# %% [markdown]
# Coarse: few samples, each showing nearly half the height, as in the paper. Fine: many samples, each a detail.
#
# Below, the same 11 x 11 window at every scale, all scales drawn equally large.

# %%
figure, panels = plt.subplots(1, len(sizes), figsize=(3 * len(sizes), 2.6), layout="constrained")
for axes, (high, wide) in zip(panels, sizes, strict=True):
    axes.imshow(((resize(frames, (high, wide))[0].clamp(-1, 1) + 1) / 2).permute(1, 2, 0), interpolation="nearest")
    corner = wide // 2 - 6, high // 2 - 6
    axes.add_patch(plt.Rectangle((corner[0] + 0.5, corner[1] + 0.5), 11, 11, fill=False, color="red", linewidth=2))
    axes.set_title(f"{high} x {wide}")
    axes.axis("off")
plt.show()

# %% [markdown]
# ## Shrinking, by hand
#
# To shrink a picture is to average, and the weights matter: keep every second pixel and fine stripes turn into false
# ones. `resize` weighs with a **bicubic** curve, stretched over twice as many pixels when the picture halves, so that
# what is too fine disappears (*antialiasing*).
#
# Eight numbers become four. A new pixel lies between two old ones; by the curve the four old ones to either side have,
# at distances 1/4, 3/4, 5/4, 7/4, the weights 0.867, 0.227, -0.070, -0.023. These add up to 1 a side; halve them.
# Where the row ends, the weights that are left are scaled to a sum of 1.

# %%
old = torch.tensor([0.0, 0, 0, 0, 1, 1, 1, 1])  # an edge
t = (torch.arange(8) + 0.5 - 2 * (torch.arange(4.0)[:, None] + 0.5)).abs() / 2  # distances, in new pixels
near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
weights = torch.where(t < 1, near, torch.where(t < 2, far, 0))
new = weights / weights.sum(1, keepdim=True) @ old
assert_close(resize(old.expand(1, 1, 8, 8), (8, 4))[0, 0, 0], new, msg=lambda text: f"look at the distances: {text}")
print("Halved edge:", [round(x, 3) for x in new.tolist()])

# %% [markdown]
# The edge slightly overshoots, below 0 and above 1. That keeps bicubic pictures crisp, and is why pictures are clamped
# to [-1, 1] before they are shown.
#
# ## Comparing two sets of patches
#
# Is a drawn picture made of the right patches? That compares two *sets*. In one dimension it is easy: sort both and
# compare in order. For {0, 3, 1} and {1, 2, 4}: 0 to 1, 1 to 2, 3 to 4, on average 1. This is the **Wasserstein
# distance**, the least total way to move one heap of numbers onto the other.
#
# Patches have many dimensions, and there sorting means nothing. The trick: project all on a random direction, which
# gives one number each, sort those, and average over many directions. That is the **sliced** Wasserstein distance.
# One direction can be blind. Here are two sets of two points in the plane, the two diagonals of a square:

# %%
def line_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Wasserstein distance of two sets of as many numbers."""
    return (a.sort().values - b.sort().values).abs().mean().item()


assert line_distance(torch.tensor([0.0, 3, 1]), torch.tensor([1.0, 2, 4])) == 1
a, b = torch.tensor([[0.0, 0], [1, 1]]), torch.tensor([[0.0, 1], [1, 0]])
for name, direction in {"along x": (1.0, 0.0), "along y": (0.0, 1.0), "diagonally": (0.5**0.5, 0.5**0.5)}.items():
    print(f"{name:<12}{line_distance(a @ torch.tensor(direction), b @ torch.tensor(direction)):.3f}")

# %% [markdown]
# Along x and y both sets are {0, 1}: distance 0. Only the third direction tells them apart: {0, 1.414} against
# {0.707, 0.707}. Hence many directions; the package draws 256.
#
# Now the same for pictures. The package compares 200 quantiles (what stands at 0.5 %, 1 %, ... of the sorted row) in
# place of every number, so that the sets may differ in size, and divides by the training picture's standard deviation.

# %%
quantiles = torch.linspace(0.005, 0.995, 200)


def level_distance(picture: torch.Tensor, original: torch.Tensor, generator: torch.Generator) -> float:
    """Sliced Wasserstein distance of all 5 x 5 patches of two pictures, 256 directions."""
    directions = F.normalize(torch.randn(75, 256, generator=generator), dim=0)
    rows = [x.unfold(2, 5, 1).unfold(3, 5, 1).permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)
            for x in (picture, original)]
    one, other = (torch.quantile((x @ directions).T, quantiles, dim=1) for x in rows)
    return ((one - other).abs().mean() / original.std()).item()


dim = 0.5 * frames
brighter = dim + 0.1
found = level_distance(brighter, dim, torch.Generator().manual_seed(0))
assert_close(sliced_wasserstein(brighter, dim, levels=1), [found], msg=lambda x: f"look at the quantiles: {x}")

# %% [markdown]
# A check by hand: `brighter` adds 0.1 to all 75 numbers of every patch. Along a direction d all projections move by
# 0.1 times the sum of d, sorted or not. So the distance must be the mean of |0.1 sum(d)|, over the standard deviation.

# %%
directions = F.normalize(torch.randn(75, 256, generator=torch.Generator().manual_seed(0)), dim=0)
by_hand = (0.1 * directions.sum(0)).abs().mean() / dim.std()
assert_close(found, by_hand.item(), rtol=1e-3, atol=0, msg=lambda x: f"look at the axis of the sum: {x}")
print("Distance of a picture to its brighter copy, as computed by hand: True")

# %% [markdown]
# ### At every scale
#
# One number per scale. Before comparing, the fine scales subtract what the coarser ones know: picture minus its own
# halved and enlarged copy. What is left is only detail of that size (a *Laplacian pyramid*). The first number of the
# result is the finest scale, the last the coarsest, which keeps the colours and the layout.

# %%
def scale_distances(picture: torch.Tensor, original: torch.Tensor, levels: int = 3) -> list[float]:
    """The distance at every scale, fine to coarse."""
    generator, distances = torch.Generator().manual_seed(0), []
    for level in range(levels):
        halves = [F.avg_pool2d(x, 2) for x in (picture, original)]
        if level < levels - 1:
            large = [F.interpolate(x, size=picture.shape[2:], mode="bilinear") for x in halves]
            picture, original = picture - large[0], original - large[1]
        distances.append(level_distance(picture, original, generator))
        picture, original = halves
    return distances


message = "look at what is subtracted, and from what"
assert_close(scale_distances(brighter, dim), sliced_wasserstein(brighter, dim), msg=lambda x: f"{message}: {x}")
print("Equal to siv_lite.metrics.sliced_wasserstein at all scales: True")

# %% [markdown]
# ## Broken on purpose: one scale only
#
# Now the prediction. Tiles of 16 x 16, shuffled: within a tile every patch is original; only those across the seams
# are new. Two numbers for it, from the finest and from the coarsest scale. Beside it the opposite damage: blur, the
# layout in place and the detail gone.

# %%
def shuffle_tiles(image: torch.Tensor, side: int) -> torch.Tensor:
    """The picture cut into tiles of side x side pixels that are put together in random order."""
    tiles = image.unfold(2, side, side).unfold(3, side, side)  # (1, 3, down, across, side, side)
    order = torch.randperm(tiles.shape[2:4].numel(), generator=torch.Generator().manual_seed(0))
    tiles = tiles.flatten(2, 3)[:, :, order].unflatten(2, tiles.shape[2:4])
    return tiles.permute(0, 1, 2, 4, 3, 5).reshape(image.shape)


blurred = resize(resize(frames, (height // 2, width // 2)), (height, width)).clamp(-1, 1)
damaged = {"original": frames, "shuffled": shuffle_tiles(frames, 16), "blurred": blurred}
for name, picture in damaged.items():
    fine, _, coarse = scale_distances(picture, frames)
    print(f"{name:<10}finest {fine:.2f}   coarsest {coarse:.2f}")
show_images(torch.cat(list(damaged.values())), "original, shuffled, blurred", 3, scale=4)

# %% [markdown]
# **Our answers: nearly not, and strongly.** To the finest scale the shuffled picture is almost the original: all its
# small patches are there. The coarsest scale
# notices at once. With blur it is the other way round. Neither scale is enough; together they leave little room.
#
# ### The slider
#
# How small may tiles become before the finest scale objects? At one pixel the whole picture is noise. Move the slider
# and watch the three numbers; the chart after it has all positions at once.

# %%
sides = [1, 2, 4, 8, 16]
table = {side: scale_distances(shuffle_tiles(frames, side), frames) for side in sides}
slider = widgets.SelectionSlider(options=sides, value=16, description="tile, px", continuous_update=False)
picture, text = widgets.Image(format="png", width=384), widgets.HTML()


def show_tiles(change: dict | None = None) -> None:
    """Put the picture and its distances for the slider's tile into the widgets."""
    picture.value = encode(contact_sheet({f"tiles of {slider.value}": shuffle_tiles(frames, slider.value)}, scale=6))
    text.value = "finest {:.2f}, middle {:.2f}, coarsest {:.2f}".format(*table[slider.value])


slider.observe(show_tiles, "value")
show_tiles()
widgets.VBox([slider, picture, text])

# %%
axes = plt.figure(figsize=(5, 3), layout="constrained").add_subplot()
for name, values in zip(("finest", "middle", "coarsest"), zip(*table.values(), strict=True), strict=True):
    axes.plot(sides, values, marker="o", label=name)
axes.set(xscale="log", xticks=sides, xticklabels=sides, xlabel="tile, pixels", ylabel="distance to the original")
axes.legend()
plt.show()

# %% [markdown]
# Each scale objects to tiles of its own size. A low value can be an accident: at one pixel the middle scale sees noise
# with about as much contrast as the beach. So read all three.
#
# ## In a trained model
#
# The same thing happens to networks. Two small SinGANs, as many updates each: one with the pyramid, one with the
# finest scale only (it has two stages, both of the full size, since the package always adds one). Both have the same
# 11 x 11 discriminators. This is the cell that takes a minute or more; if you stop it, it goes on where it stopped.
#

# %%
# NBVAL_IGNORE_OUTPUT
settings = {} if preset == "smoke" else {"width": 16, "iterations": 100}
pyramid = train("singan", frames, Path(out, "pyramid"), preset, seed=seed, **settings)
settings |= {} if preset == "smoke" else {"iterations": pyramid.method.iterations // 2}
single = train("singan", frames, Path(out, "one_scale"), preset, seed=seed, coarsest=min(height, width), **settings)

# %%
# NBVAL_IGNORE_OUTPUT
results = {"the pyramid": pyramid.sample(4, seed=1), "one scale only": single.sample(4, seed=1)}
for name, images in results.items():
    fine, _, coarse = torch.tensor([sliced_wasserstein(image[None], frames) for image in images]).mean(0).tolist()
    print(f"{name:<16}finest {fine:.2f}   coarsest {coarse:.2f}")
contact_sheet({"the picture": frames} | results, scale=3)

# %% [markdown]
# Both trainings are far too short for good pictures, and look it. But see *what* they got right. With the pyramid, sky,
# sea and sand lie in order, because its coarser discriminators saw larger parts at once. With one scale there are the
# right colours and crumbs of texture, nearly anywhere: a shuffled picture, made by a network. Nearly, since blue keeps
# to the upper edge and sand to the lower: the zeros around G's input tell it where the border is.
#
# Expect the coarsest distance to be smaller for the pyramid. The finest may well be *better* with one scale,
# which spent all its updates there. Both numbers are honest; each answers its own question.
#
# Now how one picture grows. Below are the stages of one sample, coarse to fine; each hands its picture to the next.
# Where this repository has a finished SinGAN of the picture (in `data_samples/runs`), it is that one.

# %%
# NBVAL_IGNORE_OUTPUT
shipped = Path(source).parent / "runs" / f"{Path(source).stem}_singan"
run = open_run(shipped) if (shipped / "done.json").exists() else pyramid
stages = [run.sample(4, seed=1, stage=stage) for stage in range(run.method.stages)]
contact_sheet({f"{x.shape[2]} x {x.shape[3]}": F.interpolate(x, (height, width)) for x in stages}, scale=3)

# %% [markdown]
# Each row starts from the one above: what lies where comes first, texture last.
#
# ## Exercises
#
# Replace the `...` and run the cell below it. A check says "not yet" as long as there is nothing to check. Solutions
# are in `solutions/01_one_image_is_a_data_set.ipynb`.
#
# **1. Count.** How many patches of `size` x `size` does a pyramid hold in all, given the (height, width) of its scales?
# A picture smaller than the patch holds none.

# %%
def count_patches(sizes: list[tuple[int, int]], size: int) -> int:
    ...


# %%
if count_patches([(4, 5)], 3) is None:
    print("not yet: count_patches returns nothing")
else:
    assert count_patches([(4, 5)], 3) == 6, "one scale first: 2 x 3 places"
    assert count_patches([(48, 64), (25, 34)], 11) == 2052 + 360, "add up the scales"
    assert count_patches([(48, 64), (6, 64)], 11) == 2052, "6 pixels hold no window of 11, not a negative number"
    print("right")

# %% [markdown]
# **2. Receptive field.** For any chain of convolutions with these kernel sizes and strides (a stride of 2 keeps every
# second output), how many pixels does one output see? Think of how many input pixels one step of each layer is worth.
# The check asks a gradient.

# %%
def receptive_field(kernels: list[int], strides: list[int]) -> int:
    ...


# %%
def measured(kernels: list[int], strides: list[int]) -> int:
    """The receptive field of such a chain in one dimension, by gradient."""
    row = result = torch.zeros(1, 1, 200, requires_grad=True)
    for kernel, stride in zip(kernels, strides, strict=True):
        result = F.conv1d(result, torch.ones(1, 1, kernel), stride=stride)
    return int(torch.autograd.grad(result[0, 0, 2], row)[0].count_nonzero())


if receptive_field([3], [1]) is None:
    print("not yet: receptive_field returns nothing")
else:
    for chain in (([3] * 5, [1] * 5), ([5, 3], [1, 1]), ([3, 3], [2, 1]), ([4, 4, 3], [2, 2, 1])):
        assert receptive_field(*chain) == measured(*chain), f"kernels and strides {chain}: {measured(*chain)} pixels"
    print("right")

# %% [markdown]
# **3. Fool the coarse scale.** Shuffling whole tiles fooled the finest scale. Do the opposite, and without blur: change
# `image` so that the finest distance is above 0.2 while the coarsest stays below 0.05. Hint: average pooling by 4 is
# all that the coarsest scale sees. What may you do to the pixels within a block of 4 x 4?

# %%
def fool_coarse(image: torch.Tensor) -> torch.Tensor:
    ...


# %%
fooled = fool_coarse(frames)
if fooled is None:
    print("not yet: fool_coarse returns nothing")
else:
    fine, _, coarse = scale_distances(fooled, frames)
    assert fooled.shape == frames.shape and fooled.abs().max() <= 1, "a picture of the same size, within [-1, 1]"
    assert fine > 0.2, f"the finest distance is only {fine:.3f}: change more within the blocks"
    assert coarse < 0.05, f"the coarsest distance is {coarse:.3f}: the mean of every block must stay"
    print("right")

# %% [markdown]
# ## Quiz
#
# **1.** A picture of 100 x 100 is scored by five 3 x 3 convolutions without padding. How many scores come out?
# (a) 1 (b) 8,100 (c) 10,000
# <details><summary>Answer</summary>(b): 90 x 90. Each layer takes one pixel from every side; a score belongs to a
# whole window, and there are (100 - 10) x (100 - 10) windows.</details>
#
# **2.** Why shrink the picture rather than enlarge the window? (a) Shrinking is more exact. (b) A larger window has
# fewer, more different samples and needs a larger network, which could learn the picture by heart. (c) Convolutions
# larger than 3 x 3 cannot be trained.
# <details><summary>Answer</summary>(b). With a window as large as the picture there is one sample, and the only
# picture that pleases the discriminator is the training image. The paper: small receptive fields and limited capacity
# prevent memorising.</details>
#
# **3.** A sample has distances 0.45 (finest), 0.15, 0.03 (coarsest). It is (a) blurred or noisy, with the right layout
# (b) sharp, with a wrong layout (c) a copy.
# <details><summary>Answer</summary>(a). A copy would have 0 at all scales; a wrong layout shows in the last
# number. But mind that this distance never sees *where* a patch is: a mirror image has small distances at all
# scales.</details>
#
# **4.** Two patches that are one pixel apart are very alike. What does that say about the picture? (a) It repeats
# itself. (b) Nothing: nearly all their pixels are the same ones. (c) It is blurred.
# <details><summary>Answer</summary>(b). So overlapping patches were barred when we looked for the nearest. It also
# means that 2,052 patches are far fewer than 2,052 independent samples.</details>

# %% [markdown]
# ## Where we differ
#
# | | here | paper and release |
# |---|---|---|
# | size | 64 pixels on the longer side | SinGAN: 250, published |
# | coarsest scale | 25 pixels on the shorter side | the same, published |
# | ratio of two scales | about 0.8 here, asked for 0.65 | as near to 0.75 as fits, published |
# | number of scales | one more than the ratio asks for | the release's; not in the paper |
# | training | 100 iterations a scale, 16 channels | 2,000 and 32 to 128, published |
# | shrinking | bicubic, antialiased | the release's |
# | receptive field | 11, and all in training | 11; the same normalisation, its effect not mentioned |
# | distance: patches | 5 x 5, of one picture | 7 x 7, of many pictures (Karras et al. 2018) |
# | distance: comparing | 200 quantiles, 256 directions | all values sorted |
# | distance: scale | over one standard deviation | every colour normalised by itself |
#
# SinGAN itself never computes that distance; its discriminator is the judge. We use it to *measure*, because it needs
# no training and no weights of another network.
#
# ## Next
#
# `02_the_patch_gan_pyramid` puts a generator and a judge of patches on every step of this pyramid: SinGAN.
