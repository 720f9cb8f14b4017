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
# **Goal:** after this lesson you can say what a network that is trained on a single image takes as
# its training samples, how many there are, and why it needs them at several scales.

# %%
from siv_lite.figures import show_map

show_map("image", "pyramid")

# %% [markdown]
# Lit is today's part: what the networks are shown. A **generator** G draws images from noise. A
# **discriminator** D looks at patches, small square windows of an image, and says of each whether
# it looks real. G learns to please D. Both do this at every scale of a pyramid of ever smaller
# copies of the image. The networks themselves come later.
#
# **You need:** PyTorch: tensors, convolutions, gradients.
#
# **Time:** 55 seconds of computing on two cores; 50 minutes of reading and exercises.
#
# **Words used below.** A *patch* is a small square window of an image. The *receptive field* of an
# output is the part of the input that it depends on. A *pyramid* is the image with ever smaller
# copies of it; each is a *scale*. A *score* is what D says of a patch: any number, higher for "more
# real". A *distance* of two sets of patches is small if they hold the same ones, wherever they are.

# %% tags=["parameters"]
source: str = "../data_samples/beach.png"  # the one image; a photograph of your own works too
preset: str = "lesson"  # smoke (seconds, gray images) or lesson (one to three minutes)
seed: int = 0  # of the weights and of all that is drawn in training
out: str = "../runs/one_image_is_a_data_set"  # folder of the two runs

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import ipywidgets as widgets
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, open_run, read_frames, train
from siv_lite.exercises import check_count_patches, check_fool_coarse, check_receptive_field
from siv_lite.figures import plot_bars, plot_lines, show_images
from siv_lite.lesson_checks import check, largest_difference
from siv_lite.methods.pyramid import PatchDiscriminator, pyramid_sizes, resize
from siv_lite.metrics import extract_patches, sliced_wasserstein
from siv_lite.widgets import encode

# %% [markdown]
# ## Predict before you run
#
# We will cut the image into square tiles of 16 x 16 pixels and shuffle the tiles. Sky lands between
# umbrellas; nobody would take the result for a beach. Then a number compares it with the original,
# but the number sees only patches of 5 x 5 pixels, all of them, and not where they were.
#
# **Will that number notice?** Say nearly not, a little, or strongly. And if it looked at 5 x 5
# patches of a copy **four times smaller**? Write both answers down; "Broken on purpose" has ours.

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, max_size=64)[:1]  # (1, 3, H, W)
height = frames.shape[2] // 16 * 16  # whole tiles of 16
width = frames.shape[3] // 16 * 16
frames = frames[..., :height, :width]
show_images(frames, f"{height} x {width} pixels: all we have", scale=10)

# %% [markdown]
# ## Patches, counted by hand
#
# A window of 3 x 3 pixels fits into an image of 4 x 5 pixels at 2 heights and 3 places across: 6
# patches. In general there are (height - size + 1) times (width - size + 1). They overlap, so one
# pixel belongs to many patches.
#
# `unfold` lists the windows along one dimension, and we need it along two. The package's
# `extract_patches` returns the same patches, each as a row, but in random order; sorted by their
# first pixel, they must be ours.

# %%
small = torch.arange(20.0).view(1, 1, 4, 5)  # the pixels, numbered from 0 to 19
small = small.expand(-1, 3, -1, -1)  # gray: three equal colors

windows = small.unfold(2, 3, 1).unfold(3, 3, 1)  # (1, 3, 2, 3, 3, 3)
windows = windows.permute(0, 2, 3, 1, 4, 5)  # image, down, across, color, row, column
ours = windows.flatten(0, 2).flatten(1)  # (6, 27): a patch is a row

theirs = extract_patches(small, size=3, max_count=100)
theirs = theirs[theirs[:, 0].argsort()]
check(theirs, ours, "look at the order in `permute`")
print(f"{len(ours)} patches; the first in gray, row by row: {ours[0, :9].int().tolist()}")

# %% [markdown]
# An image of 48 x 64 pixels holds 38 x 54 = 2,052 patches of 11 x 11. That is the data set. Each
# sample is 3 x 11 x 11 = 363 numbers. Why exactly 11? That is what this kind of discriminator sees
# at once; we get there below.

# %%
count = (height - 10) * (width - 10)
found = len(extract_patches(frames, 11, max_count=10**6))
assert found == count, "count the places of the window, not the pixels"
print(f"{height} x {width} pixels hold {count:,} patches of 11 x 11, each of {3 * 11 * 11} numbers")

# %% [markdown]
# ## How alike are they?
#
# A data set is useful when its samples have something in common. So for every patch we look for the
# **nearest** other one: the one with the smallest root mean squared difference, in gray levels from
# 0 to 255. Patches that overlap it do not count, since a window moved by one pixel is nearly the
# same and proves nothing.
#
# As a yardstick, the same pixels in random order: same colors, no structure.


# %%
def list_windows(image: torch.Tensor, size: int = 11) -> torch.Tensor:
    """All windows of an image (1, 3, H, W) by their place: (down, across, 3, size, size)."""
    return image.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5)[0]


# %%
def patch_differences(image: torch.Tensor, size: int = 11) -> torch.Tensor:
    """Differences in gray levels between all patches, infinite where two overlap: (n, n)."""
    windows = list_windows(image, size)
    rows = windows.flatten(0, 1).flatten(1)  # (n, 3 * size * size)
    differences = torch.cdist(rows, rows) * 127.5 / rows.shape[1] ** 0.5

    # Two patches overlap if both of their distances, down and across, are below the window's size.
    places = torch.cartesian_prod(*map(torch.arange, windows.shape[:2]))  # (n, 2)
    distances = (places[:, None] - places).abs()  # (n, n, 2)
    overlap = (distances < size).all(2)
    return differences.masked_fill(overlap, torch.inf)


# %%
def describe_patches(image: torch.Tensor) -> dict[str, float]:
    """How far a patch is from its nearest and from any other one: medians, in gray levels."""
    differences = patch_differences(image)
    return {
        "its nearest": differences.amin(1).median().item(),
        "any other": differences[differences.isfinite()].median().item(),
    }


# %%
order = torch.randperm(height * width, generator=torch.Generator().manual_seed(0))
noise = frames.flatten(2)[..., order].view_as(frames)
described = {
    Path(source).stem: describe_patches(frames),
    "its pixels, shuffled": describe_patches(noise),
}
balloons = Path(source).with_name("balloons.png")
if balloons.exists():
    described["balloons"] = describe_patches(read_frames(balloons, max_size=64))
plot_bars(described, ylabel="gray levels", title="How far is a patch from ...")

# %% [markdown]
# The bars are medians. In an image the nearest patch is about half as far away as any other; in
# noise it is hardly nearer. So patches come in families: sky, foam, sand. That repetition is what a
# network can learn, and it is why one image can be enough. But look at the first bar itself: tens
# of gray levels is *alike*, not *equal*.
#
# Below, six patches spread over the image, and under each its nearest relative. Which have a good
# one, and which are alone in this image?

# %%
differences = patch_differences(frames)
all_windows = list_windows(frames).flatten(0, 1)  # (n, 3, 11, 11)
chosen = torch.linspace(0.06, 0.94, 6).mul(len(all_windows)).long()
nearest = differences[chosen].argmin(1)
rows = {"patches": all_windows[chosen], "their nearest": all_windows[nearest]}
contact_sheet(rows)

# %% [markdown]
# ## The receptive field: why 11
#
# SinGAN's discriminator is five convolutions of 3 x 3. Each looks one pixel further to every side,
# so five of them see 1 + 5 x 2 = 11: the receptive field.
#
# A gradient finds it without any theory: differentiate one output with respect to all inputs; where
# the gradient is not zero, the output looks. First five convolutions in a row of 15 numbers, all
# their weights 1.

# %%
row = torch.zeros(1, 1, 15, requires_grad=True)
result = row
for _ in range(5):
    result = F.conv1d(result, torch.ones(1, 1, 3))
(paths,) = torch.autograd.grad(result[0, 0, 2], row)
paths = paths.flatten()
print(f"{result.shape[2]} outputs; the middle one depends on the inputs like this:")
print(paths.int().tolist())

# %% [markdown]
# Eleven numbers are not zero. They count paths: a single path leads from the output to the
# outermost input, 51 paths lead to the middle one. You can check the first rows by hand: 1 1 1,
# then 1 2 3 2 1, then 1 3 6 7 6 3 1. So a patch is judged mostly by its middle.
#
# The package's `PatchDiscriminator` is the same in two dimensions. With all weights 1 and its
# nonlinearities switched off, its gradient must be the outer product of our row with itself.

# %%
plain = PatchDiscriminator(channels=1, norm=False, slope=1.0)  # slope 1: leaky ReLU does nothing
for name, parameter in plain.named_parameters():
    value = 0.0 if name.endswith("bias") else 1.0
    torch.nn.init.constant_(parameter, value)

image = torch.zeros(1, 3, 15, 15, requires_grad=True)
middle = plain(image)[0, 0, 2, 2]
(gradient,) = torch.autograd.grad(middle, image)
check(gradient[0, 0], paths.outer(paths), "look at the number of layers")
error = largest_difference(gradient[0, 0], paths.outer(paths))
rows_seen = gradient[0, 0].any(1).sum()
columns_seen = gradient[0, 0].any(0).sum()
print(f"The package's discriminator sees {rows_seen} x {columns_seen} pixels;")
print(f"the gradient differs from our product by at most {error:.0e} of {51 * 51} paths")

# %% [markdown]
# Now a real one, with random weights, on our image. It gives one score per patch, as many as we
# counted. But there is a twist. Its batch normalization subtracts the mean of the whole image, so
# *while it trains* every score depends a little on every pixel. Once it uses fixed statistics
# (`eval`), the window is exact.


# %%
def measure_view(D: torch.nn.Module) -> tuple[int, int]:
    """Height and width of the part of the image on which the score in the middle depends."""
    image = frames.clone().requires_grad_()
    scores = D(image)
    middle = scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2]
    (gradient,) = torch.autograd.grad(middle, image)
    seen = gradient[0].abs().amax(0) > 0  # (H, W)
    return seen.any(1).sum().item(), seen.any(0).sum().item()


# %%
torch.manual_seed(0)
D = PatchDiscriminator(channels=8)
scores = D.eval()(frames)
assert scores.numel() == count, "look at the padding: a score for each whole window"
print(f"{count:,} patches, {scores.numel():,} scores")
print("With fixed statistics a score sees {} x {} pixels".format(*measure_view(D.eval())))
print("In training it sees {} x {} pixels".format(*measure_view(D.train())))

# %% [markdown]
# ## The pyramid
#
# Eleven pixels of 48 are a piece of an umbrella. No network that sees only that can know that the
# sky is above the sea. SinGAN's answer: leave the window as it is and **shrink the image**. In a
# copy of 25 pixels, 11 are nearly half the height, so the same small network sees the layout. A
# pyramid of copies, coarse to fine, shows things of every size.
#
# The sizes: the shorter side begins at `coarsest_side` and grows each time by the same ratio, up to
# the image's own. By hand: from 6 to 48 pixels is 8 times. At most 4 times per step, that needs two
# steps; like the authors' program, the package takes one more: three steps of 2 each.

# %%
by_hand = [(6, 8), (12, 16), (24, 32), (48, 64)]
found = pyramid_sizes(48, 64, coarsest_side=6, scale_factor=1 / 4)
assert found == by_hand, "look at the number of steps: three, not two"

sizes = pyramid_sizes(height, width, coarsest_side=min(25, height, width), scale_factor=0.65)
for high, wide in sizes:
    count = (high - 10) * (wide - 10)
    print(f"{high} x {wide}: {count:5,} patches, each {11 / high:.0%} of the height")

# %% [markdown]
# Coarse: few samples, each showing nearly half the height, as in the paper. Fine: many samples,
# each a detail.
#
# Below, the same 11 x 11 window at every scale, all scales drawn equally high.


# %%
def mark_window(image: torch.Tensor) -> torch.Tensor:
    """The image (1, 3, H, W), at least 13 pixels wide, with a red frame around 11 x 11 pixels."""
    marked = image.clone()
    top = image.shape[2] // 2 - 6
    left = image.shape[3] // 2 - 6
    red = torch.tensor([1.0, -1, -1]).view(3, 1, 1)
    marked[0, :, top : top + 13, left : left + 13] = red
    inside = image[0, :, top + 1 : top + 12, left + 1 : left + 12]
    marked[0, :, top + 1 : top + 12, left + 1 : left + 12] = inside
    return marked


# %%
large = (4 * height, 4 * width)  # one size for all
copies = [F.interpolate(mark_window(resize(frames, size)), large) for size in sizes]
names = [f"{high} x {wide}" for high, wide in sizes]
contact_sheet({", ".join(names): torch.cat(copies)}, scale=1)

# %% [markdown]
# ## Shrinking, by hand
#
# To shrink an image is to average, and the weights matter: keep every second pixel and fine stripes
# turn into false ones. `resize` weighs with a **bicubic** curve, stretched over twice as many
# pixels when the image halves, so that what is too fine disappears (*antialiasing*).
#
# Eight numbers become four. A new pixel lies between two old ones; on the curve, the four old ones
# on either side, at distances 1/4, 3/4, 5/4, 7/4, have the weights 0.867, 0.227, -0.070, -0.023.
# They add up to 1 on each side; halve them. Where the row ends, the weights that are left are
# scaled to a sum of 1.

# %%
old = torch.tensor([0.0, 0, 0, 0, 1, 1, 1, 1])  # an edge
middles_old = torch.arange(8) + 0.5
middles_new = 2 * (torch.arange(4.0) + 0.5)
t = (middles_old - middles_new[:, None]).abs() / 2  # (4, 8): distances, in new pixels

near = 1.5 * t**3 - 2.5 * t**2 + 1
far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
weights = torch.where(t < 1, near, torch.where(t < 2, far, 0))
new = weights / weights.sum(1, keepdim=True) @ old

package = resize(old.expand(1, 1, 8, 8), (8, 4))[0, 0, 0]
check(package, new, "look at the distances")
error = largest_difference(package, new)
print("Halved edge:", [round(x, 3) for x in new.tolist()])
print(f"The package's differs by at most {error:.0e}")

# %% [markdown]
# The edge slightly overshoots, below 0 and above 1. That keeps bicubic images crisp, and is why
# images are clamped to [-1, 1] before they are shown.
#
# ## Comparing two sets of patches
#
# Is a drawn image made of the right patches? That compares two *sets*. In one dimension it is easy:
# sort both and compare in order. For {0, 3, 1} and {1, 2, 4}: 0 to 1, 1 to 2, 3 to 4, on average 1.
# This is the **Wasserstein distance**, the shortest total way to move one set of numbers onto the
# other.
#
# Patches have many dimensions, and there sorting means nothing. The trick: project all on a random
# direction, which gives one number each, sort those, and average over many directions. That is the
# **sliced** Wasserstein distance. One direction can be blind. Here are two sets of two points in
# the plane, the two diagonals of a square:


# %%
def line_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Wasserstein distance of two sets of equally many numbers."""
    return (a.sort().values - b.sort().values).abs().mean().item()


# %%
assert line_distance(torch.tensor([0.0, 3, 1]), torch.tensor([1.0, 2, 4])) == 1

one = torch.tensor([[0.0, 0], [1, 1]])
other = torch.tensor([[0.0, 1], [1, 0]])
directions = {"along x": [1.0, 0.0], "along y": [0.0, 1.0], "diagonally": [0.5**0.5, 0.5**0.5]}
for name, direction in directions.items():
    direction = torch.tensor(direction)
    print(f"{name:<12}{line_distance(one @ direction, other @ direction):.3f}")

# %% [markdown]
# Along x and y both sets are {0, 1}: distance 0. Only the third direction tells them apart: {0,
# 1.414} against {0.707, 0.707}. Hence many directions; the package draws 256.
#
# Now the same for images. The package compares 200 quantiles (what stands at 0.5 %, 1 %, ... of the
# sorted row) instead of every number, so that the sets may differ in size, and divides by the
# training image's standard deviation.

# %%
quantiles = torch.linspace(0.005, 0.995, 200)


def project_patches(image: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Quantiles of all 5 x 5 patches of an image along each direction: (200, directions)."""
    rows = list_windows(image, 5).flatten(0, 1).flatten(1)  # (patches, 75)
    return torch.quantile((rows @ directions).T, quantiles, dim=1)


# %%
def level_distance(
    image: torch.Tensor, original: torch.Tensor, generator: torch.Generator
) -> float:
    """Sliced Wasserstein distance of all 5 x 5 patches of two images, 256 directions."""
    directions = F.normalize(torch.randn(75, 256, generator=generator), dim=0)
    moved = project_patches(image, directions) - project_patches(original, directions)
    return (moved.abs().mean() / original.std()).item()


# %%
dim = 0.5 * frames
brighter = dim + 0.1
found = level_distance(brighter, dim, torch.Generator().manual_seed(0))
check(sliced_wasserstein(brighter, dim, levels=1), [found], "look at the quantiles")

# %% [markdown]
# A check by hand: `brighter` adds 0.1 to all 75 numbers of every patch. Along a direction d all
# projections move by 0.1 times the sum of d, sorted or not. So the distance must be the mean of
# |0.1 sum(d)|, over the standard deviation.

# %%
directions = F.normalize(torch.randn(75, 256, generator=torch.Generator().manual_seed(0)), dim=0)
by_hand = (0.1 * directions.sum(0)).abs().mean() / dim.std()
check(found, by_hand, "look at the axis of the sum", rtol=1e-3)
print(f"Distance of an image to its brighter copy: {found:.6f}, by hand {by_hand:.6f}")

# %% [markdown]
# ### At every scale
#
# One number per scale. Before comparing, the fine scales subtract what the coarser ones know: image
# minus its own halved and enlarged copy. What is left is only detail of that size (a *Laplacian
# pyramid*). The first number of the result is the finest scale, the last the coarsest, which keeps
# the colors and the layout.


# %%
def split_detail(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The image at half its size, and what the half does not know: the finest detail."""
    half = F.avg_pool2d(image, 2)
    enlarged = F.interpolate(half, size=image.shape[2:], mode="bilinear")
    return half, image - enlarged


# %%
def scale_distances(image: torch.Tensor, original: torch.Tensor, levels: int = 3) -> list[float]:
    """The distance at every scale, fine to coarse."""
    generator = torch.Generator().manual_seed(0)
    distances = []
    for _ in range(levels - 1):
        image, detail = split_detail(image)
        original, original_detail = split_detail(original)
        distances.append(level_distance(detail, original_detail, generator))
    distances.append(level_distance(image, original, generator))
    return distances


# %%
ours = scale_distances(brighter, dim)
theirs = sliced_wasserstein(brighter, dim)
check(ours, theirs, "look at what is subtracted, and from what")
error = largest_difference(ours, theirs)
print("finest {:.4f}, middle {:.4f}, coarsest {:.4f} by our function;".format(*ours))
print(f"siv_lite.metrics.sliced_wasserstein differs by at most {error:.0e}")

# %% [markdown]
# ## Broken on purpose: one scale only
#
# Now the prediction. Tiles of 16 x 16, shuffled: within a tile every patch is original; only those
# across the seams are new. We measure it at the finest and at the coarsest scale. Beside it stands
# the opposite damage: blur, with the layout in place and the detail gone.


# %%
def shuffle_tiles(image: torch.Tensor, side: int) -> torch.Tensor:
    """The image cut into tiles of side x side pixels that are put together in random order."""
    tiles = image.unfold(2, side, side).unfold(3, side, side)  # (1, 3, down, across, side, side)
    places = tiles.shape[2:4]
    order = torch.randperm(places.numel(), generator=torch.Generator().manual_seed(0))
    tiles = tiles.flatten(2, 3)[:, :, order].unflatten(2, places)
    return tiles.permute(0, 1, 2, 4, 3, 5).reshape(image.shape)


# %%
half = resize(frames, (height // 2, width // 2))
blurred = resize(half, (height, width)).clamp(-1, 1)
damaged = {"original": frames, "shuffled": shuffle_tiles(frames, 16), "blurred": blurred}
contact_sheet({"original, shuffled, blurred": torch.cat(list(damaged.values()))})

# %%
distances = {}
for name in ("shuffled", "blurred"):
    fine, _, coarse = scale_distances(damaged[name], frames)
    distances[name] = {"finest scale": fine, "coarsest scale": coarse}
plot_bars(distances, ylabel="distance to the original")

# %% [markdown]
# **Our answers: nearly not, and strongly.** To the finest scale the shuffled image is almost the
# original: all its small patches are there. The coarsest scale notices at once. With blur it is the
# other way round. Neither scale is enough; together they leave little room for cheating.
#
# ### The slider
#
# How small may tiles become before the finest scale objects? At one pixel the whole image is noise.
# Move the slider and watch the three numbers; the chart after it has all positions at once.

# %%
sides = [1, 2, 4, 8, 16]
shuffled = {side: shuffle_tiles(frames, side) for side in sides}
table = {side: scale_distances(image, frames) for side, image in shuffled.items()}
slider = widgets.SelectionSlider(options=sides, value=16, description="tile, px")
view = widgets.Image(format="png", width=768)
text = widgets.HTML()


def show_tiles(change: dict | None = None) -> None:
    """Put the image and its distances for the slider's tile into the widgets."""
    side = slider.value
    view.value = encode(contact_sheet({f"tiles of {side}": shuffled[side]}, scale=12))
    text.value = "finest {:.2f}, middle {:.2f}, coarsest {:.2f}".format(*table[side])


# %%
slider.observe(show_tiles, "value")
show_tiles()
widgets.VBox([slider, view, text])

# %%
fine, middle, coarse = zip(*table.values(), strict=True)
lines = {"finest": fine, "middle": middle, "coarsest": coarse}
plot_lines(lines, x=[str(side) for side in sides], xlabel="tile, pixels", ylabel="distance")

# %% [markdown]
# Each scale objects to tiles of its own size. A low value can be an accident: at one pixel the
# middle scale sees noise with about as much contrast as the beach. So read all three.
#
# ## In a trained model
#
# The same thing happens to networks. Two small SinGANs with equally many updates: one with the
# pyramid, one with the finest scale only (it has two stages, both of the full size, since the
# package always adds one). Both have the same 11 x 11 discriminators. This is the cell that takes a
# minute or more; if you stop it, running it again continues where it stopped.

# %% tags=["nbval-ignore-output"]
settings = {"image_size": 64}  # that of our frames, in every preset
if preset != "smoke":
    settings["base_channels"] = 16
    settings["iterations"] = 100
pyramid = train("singan", frames, Path(out, "pyramid"), preset, seed=seed, **settings)

# %% tags=["nbval-ignore-output"]
# One scale only: the coarsest is as large as the finest. Half the stages, so twice the iterations.
if preset != "smoke":
    settings["iterations"] = pyramid.method.iterations // 2
settings["coarsest_side"] = min(height, width)
single = train("singan", frames, Path(out, "one_scale"), preset, seed=seed, **settings)

# %% tags=["nbval-ignore-output"]
results = {"the pyramid": pyramid.sample(4, seed=1), "one scale only": single.sample(4, seed=1)}
contact_sheet({"the image": frames, **results})

# %% tags=["nbval-ignore-output"]
distances = {}
for name, images in results.items():
    of_samples = [sliced_wasserstein(image[None], frames) for image in images]
    fine, _, coarse = torch.tensor(of_samples).mean(0).tolist()
    distances[name] = {"finest scale": fine, "coarsest scale": coarse}
plot_bars(distances, ylabel="distance to the image")

# %% [markdown]
# Both trainings are far too short for good images, and it shows. But see *what* they got right.
# With the pyramid, sky, sea and sand lie in order, because its coarser discriminators saw larger
# parts at once. With one scale there are the right colors and crumbs of texture, nearly anywhere: a
# shuffled image, made by a network. Nearly, since blue keeps to the upper edge and sand to the
# lower: the zeros around G's input tell it where the border is.
#
# Expect the coarsest distance to be smaller for the pyramid. The finest may well be *better* with
# one scale, which spent all its updates there. Both numbers are honest; each answers its own
# question.
#
# Now how one image grows. Below are the stages of one sample, coarse to fine; each hands its image
# to the next. Where this repository has a finished SinGAN of the image (in `data_samples/runs`), we
# use that one.

# %% tags=["nbval-ignore-output"]
shipped = Path(source).parent / "runs" / f"{Path(source).stem}_singan"
run = pyramid
if (shipped / "done.json").exists():
    run = open_run(shipped)

rows = {}
for stage in range(run.method.num_stages):
    images = run.sample(4, seed=1, stage=stage)
    rows[f"{images.shape[2]} x {images.shape[3]}"] = F.interpolate(images, (height, width))
contact_sheet(rows)

# %% [markdown]
# Each row starts from the one above: the layout comes first, the texture last.
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1. Count.** How many patches of `size` x `size` does a pyramid hold in all, given the (height,
# width) of its scales? An image smaller than the patch holds none.


# %%
def count_patches(sizes: list[tuple[int, int]], size: int) -> int:
    """How many patches of size x size pixels all these (height, width) hold together."""
    ...


# %%
check_count_patches(count_patches)

# %% [markdown]
# **2. Receptive field.** For any chain of convolutions with these kernel sizes and strides (a
# stride of 2 keeps every second output), how many pixels does one output see? Think of how many
# input pixels one step of each layer is worth. The check asks a gradient.


# %%
def receptive_field(kernels: list[int], strides: list[int]) -> int:
    """How many pixels, along one side, one output of such a chain sees."""
    ...


# %%
check_receptive_field(receptive_field)

# %% [markdown]
# **3. Fool the coarse scale.** Shuffling whole tiles fooled the finest scale. Do the opposite, and
# without blur: change `image` so that the finest distance is above 0.2 while the coarsest stays
# below 0.05. Hint: average pooling by 4 is all that the coarsest scale sees.


# %%
def fool_coarse(image: torch.Tensor) -> torch.Tensor:
    """The image (1, 3, H, W), changed so that only the finest scale notices."""
    ...


# %%
check_fool_coarse(fool_coarse, frames)

# %% [markdown]
# The solutions are in `solutions/01_one_image_is_a_data_set.ipynb`.
#
# ## Quiz
#
# **1.** An image of 100 x 100 is scored by five 3 x 3 convolutions without padding. How many scores
# come out?
#
# - a) One.
# - b) 8,100.
# - c) 10,000.
#
# <details><summary>Answer</summary>b) 90 times 90. Each layer takes one pixel from every side; a
# score belongs to a whole window, and there are (100 - 10) x (100 - 10) windows.</details>
#
# **2.** Why shrink the image rather than enlarge the window?
#
# - a) Shrinking is more exact.
# - b) A larger window has fewer, more different samples and needs a larger network, which could
#   learn the image by heart.
# - c) Convolutions larger than 3 x 3 cannot be trained.
#
# <details><summary>Answer</summary>b) With a window as large as the image there is one sample, and
# the only image that pleases the discriminator is the training image. The paper: small receptive
# fields and limited capacity prevent memorizing.</details>
#
# **3.** A sample has distances 0.45 (finest), 0.15, 0.03 (coarsest). What is it?
#
# - a) Blurred or noisy, with the right layout.
# - b) Sharp, with a wrong layout.
# - c) A copy.
#
# <details><summary>Answer</summary>a) A copy would have 0 at all scales; a wrong layout shows in
# the last number. But mind that this distance never sees *where* a patch is: a mirror image has
# small distances at all scales.</details>
#
# **4.** Two patches that are one pixel apart are very alike. What does that say about the image?
#
# - a) It repeats itself.
# - b) Nothing: nearly all their pixels are the same ones.
# - c) It is blurred.
#
# <details><summary>Answer</summary>b) So overlapping patches did not count when we looked for the
# nearest. It also means that 2,052 patches are far fewer than 2,052 independent samples.</details>

# %% [markdown]
# ## Where we differ
#
# | | here | paper and official code |
# |---|---|---|
# | size | 64 pixels on the longer side | SinGAN: 250, published |
# | coarsest scale | 25 pixels on the shorter side | the same, published |
# | ratio of two scales | about 0.8 here, asked for 0.65 | as near to 0.75 as fits, published |
# | number of scales | one more than the ratio asks for | the official code's; not in the paper |
# | training | 100 iterations a scale, 16 channels | 2,000 and 32 to 128, published |
# | shrinking | bicubic, antialiased | the official code's |
# | receptive field | 11, and all in training | 11; same normalization, effect not mentioned |
# | distance: patches | 5 x 5, of one image | 7 x 7, of many images (Karras et al. 2018) |
# | distance: comparing | 200 quantiles, 256 directions | all values sorted |
# | distance: scale | over one standard deviation | every color normalized by itself |
#
# SinGAN itself never computes that distance; its discriminator is the judge. We use it to
# *measure*, because it needs no training and no pretrained network.
#
# ## Next
#
# `02_the_patch_gan_pyramid` puts a generator and a discriminator of patches on every scale of this
# pyramid: SinGAN.
