# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 6: feature mixing and augmentation
#
# **Goal:** you can say, and show, how SIV-GAN keeps a discriminator from learning its one image by
# heart: by moving the image (DA) and by mixing what the network sees in it (FA).

# %%
from siv_lite.figures import show_map

show_map("augmentation", "mixing")

# %% [markdown]
# Both the one image and the generator's samples pass through DA on their way into the
# discriminator. FA sits deeper, at the entrance of each branch, and touches only the real side.
#
# **You need:** to know what a generator and a discriminator are, and that SIV-GAN's discriminator
# judges content and layout in two branches; lesson 5 is not needed. PyTorch's indexing and
# `torch.where` help.
#
# **Time:** 25 seconds of computing on two cores; 45 minutes of reading and exercises.
#
# **Words used below.** *D* is the discriminator, *G* the generator that it trains. A *view* is the
# training image after a random transform. *Augmentation* makes such views; *DA*, differentiable
# augmentation, lets gradients through. *FA*, feature augmentation, mixes the features of several
# views inside of D. A *map* of DA is a 2 x 3 matrix that says where to read. A *logit* is D's
# decision as a number, higher for "more real".

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # image to learn from
preset: str = "lesson"  # smoke (seconds) or lesson (two trainings of 300 iterations)
out: str = "../runs/06_mixing_and_augmentation"  # folder of the two short trainings

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import ipywidgets as widgets
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, open_run, read_frames, train
from siv_lite.augment import apply_transforms, mix_channels, mix_rectangle, sample_transforms
from siv_lite.exercises import check_make_map, check_share, check_swap
from siv_lite.figures import color_maps, plot_bars
from siv_lite.lesson_checks import check, largest_difference
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Predict before you run
#
# DA has three kinds of transform: a translation, a flip, and one that either crops or rotates. Each
# happens to a sample with probability 0.7, independently of the others.
#
# **Of 1,000 samples, how many reach the discriminator as the image itself? 700, 300, 90 or 27?**
# Write your guess down. A cell below counts.

# %% [markdown]
# ## One image is soon known by heart
#
# A discriminator answers one question: real or fake? If "real" is always the same 48 x 64 pixels,
# the shortest answer is not "this looks like balloons in a sky" but "this pixel is blue and that
# one is red". It has then *memorized* the image. The generator can please such a discriminator only
# by copying.
#
# Let us catch it. Two trainings, alike except for this lesson's parts: one with DA and FA, one with
# neither. They are short and narrow; their samples are still blurs of color. The discriminators,
# however, already differ.

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, 64)
settings = {"with DA and FA": {}, "with neither": {"augmentation": 0.0, "feature_mixing": 0.0}}
iterations = 20 if preset == "smoke" else 300
runs = {}
for name, changed in settings.items():
    folder = Path(out, name)
    runs[name] = train("siv_gan", frames, folder, "smoke", iterations, batch_size=5, **changed)

# %% [markdown]
# Now we ask each three questions. How real is the image? How real is *the same scene seen
# differently*: moved, flipped, cropped or turned? How real are samples of its own generator? We
# average the logits over all blocks and parts of the discriminator. Below are some of the images
# that we show them.


# %%
def build_pyramid(D, images: torch.Tensor) -> list[torch.Tensor]:
    """The images and their halves, one scale per low-level block."""
    pyramid = [images]
    while len(pyramid) < len(D.low_level):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid


@torch.no_grad()
def judge(D, images: torch.Tensor) -> float:
    """The mean logit over samples, places, blocks and parts."""
    parts = []
    for maps in D(build_pyramid(D, images)).values():
        parts.append(torch.stack([x.mean() for x in maps]).mean())
    return torch.stack(parts).mean().item()


# %%
real = runs["with neither"].method.real[0]  # both were trained on the same pixels
views = sample_transforms(64, *real.shape[2:], 0.7, torch.Generator().manual_seed(1))
moved = apply_transforms(real.expand(64, -1, -1, -1), views)
rows = {"the image": real, "the same scene seen differently": moved[:5]}
logits = {}
for name, run in runs.items():
    samples = run.sample(64, seed=1)
    rows[f"samples of the training {name}"] = samples[:5]
    logits[name] = [judge(run.method.D, images) for images in (real, moved, samples)]

# %% tags=["nbval-ignore-output"]
contact_sheet(rows)

# %% tags=["nbval-ignore-output"]
less_real = {}
for name, (of_image, of_views, of_samples) in logits.items():
    less_real[name] = {
        "the same scene seen differently": of_image - of_views,
        "samples of its own generator": of_image - of_samples,
    }
plot_bars(less_real, ylabel="less real than the image")

# %% [markdown]
# A bar is the logit of the training image minus that of other images. (Only such differences count:
# where a discriminator that is still learning has its zero is an accident.) With DA and FA the same
# scene seen differently is as real as the image: this D has come to know a *scene*. With neither,
# another view of the scene is as bad as the blurs that its generator draws: this D has begun to
# know *one image*. (After the 20 iterations of `smoke` neither knows anything yet, and the bars may
# have any length.)
#
# Two cautions. The first D has seen transforms of this kind in training, though not these; being
# used to them is exactly what DA is for. And one pair of short trainings is a demonstration, not a
# measurement. The paper's Table 3 takes parts away one by one in full trainings, and the notebook
# `ablations` does so here.

# %% [markdown]
# ## DA by hand: a map from the output to the input
#
# DA is *differentiable augmentation*: gradients flow through it back to the generator, because it
# is only a weighted reading of pixels. A transform is a 2 x 3 matrix. It says for each place of the
# **output** where in the **input** to read. Coordinates run from -1 to 1 over the whole image, so
# one pixel of four is a step of 2 / 4.
#
# Here is an image of 4 x 4 pixels with their numbers as values. We ask each output pixel to read
# one pixel further to the right. Which way does the image move, and what enters at the edge?

# %%
image = torch.arange(16.0).view(1, 1, 4, 4)
read_right = torch.tensor([[[1.0, 0, 1 * 2 / 4], [0, 1, 0]]])
print(image[0, 0].int())
print(apply_transforms(image, read_right)[0, 0].round().int())

# %% [markdown]
# The image moved to the **left**: whoever reads to the right brings what is right to the place
# where they stand. At the right edge the *reflection* enters, as if a mirror stood on the border.
# By hand, with plain indexing, columns 1, 2, 3 and then 3 once more; a flip reads the columns
# backwards.

# %%
by_hand = image[..., [1, 2, 3, 3]]
hint = "translation: look at the sign of the third column, and at 2 / width for one pixel"
check(apply_transforms(image, read_right), by_hand, hint, atol=1e-4)

flip = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
by_hand = image[..., [3, 2, 1, 0]]
hint = "flip: x is multiplied by -1, in the first row of the map"
check(apply_transforms(image, flip), by_hand, hint, atol=1e-4)
error = largest_difference(apply_transforms(image, flip), by_hand)
print(f"the package differs from plain indexing by at most {error:.0e}")

# %% [markdown]
# Whole pixels matter. A step of half a pixel would read between two pixels, their mean, and so blur
# the real side and teach the generator to blur. `sample_transforms` therefore rounds its
# translations. Its crops and rotations do blur a little; they are worth it.

# %%
drawn = sample_transforms(4000, 48, 64, 0.7, torch.Generator().manual_seed(0))
identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
unchanged = (drawn - identity).abs().amax((1, 2)) < 1e-6
found = 1000 * unchanged.float().mean()
expected = 1000 * 0.3**3
print(f"Of 1,000 samples {found:.0f} stay as they are; 1000 * 0.3 ** 3 = {expected:.0f}")

# %% [markdown]
# That answers the prediction: 27 of 1,000 are expected, and about that many were drawn. The
# discriminator hardly ever sees the bare image.

# %% [markdown]
# ## One transform per sample, the same at every scale
#
# SIV-GAN's discriminator reads each sample at several scales. They must tell one story, so a
# sample's one matrix is applied to all its scales. That is why coordinates run from -1 to 1: the
# same matrix fits every size. Each column below is a sample; each row is a scale.


# %%
def show_rows(rows: dict[str, torch.Tensor]):
    """Rows of images of any scale, all enlarged to the first's size."""
    size = next(iter(rows.values())).shape[2:]
    return contact_sheet({name: F.interpolate(x, size) for name, x in rows.items()})


# %%
whole = frames[:1].repeat(5, 1, 1, 1)
half = F.avg_pool2d(whole, 2)
scales = {"full size": whole, "half": half, "a quarter": F.avg_pool2d(half, 2)}
transforms = sample_transforms(5, *frames.shape[2:], 0.7, torch.Generator().manual_seed(4))
show_rows({name: apply_transforms(x, transforms) for name, x in scales.items()})

# %% [markdown]
# Checked on numbers: move up by two pixels and flip, then halve; or halve, then move up by one and
# flip. Both orders give the same, with one and the same matrix.

# %%
both = torch.tensor([[[-1.0, 0, 0], [0, 1, 2 * 2 / 4]]])
first = F.avg_pool2d(apply_transforms(image, both), 2)
second = apply_transforms(F.avg_pool2d(image, 2), both)
hint = "was each scale given the same map, with coordinates from -1 to 1?"
check(first, second, hint, atol=1e-4)
print(first[0, 0])
print(f"in the other order: largest difference {largest_difference(first, second):.0e}")

# %% [markdown]
# ## A slider: the probability of DA
#
# The draws stay the same while you move it: a transform that happens at 0.3 happens at 0.5 too, and
# others join it. At 0 all ten are the image. At 1 none is. Which value would you choose?


# %%
def augment(count: int, probability: float) -> torch.Tensor:
    """Samples of the image, with the same random numbers for every probability."""
    generator = torch.Generator().manual_seed(3)
    maps = sample_transforms(count, *frames.shape[2:], probability, generator)
    return apply_transforms(frames[:1].expand(count, -1, -1, -1), maps)


view = Picture("Ten augmented samples of the training image", height=None)
slider = widgets.FloatSlider(value=0.7, min=0, max=1, step=0.1, description="Probability")


def show_augmented(change: dict | None = None) -> None:
    """Draw ten samples at the slider's probability."""
    images = augment(10, slider.value)
    view.value = encode(show_rows({f"{slider.value:.1f}": images[:5], " ": images[5:]}))


# %% tags=["nbval-ignore-output"]
slider.observe(show_augmented, "value")
show_augmented()
widgets.VBox([slider, view])

# %% [markdown]
# The same without a slider, for the printed page: five samples at four probabilities. The paper
# takes 0.7. If every sample is transformed, nothing tells the generator that upright and unflipped
# is the usual way: its samples may come out flipped or cropped. One says that augmentations *leak*.
# A probability below 1 leaves each kind undone in some samples.

# %%
show_rows({f"probability {p}": augment(5, p) for p in (0.0, 0.3, 0.7, 1.0)})

# %% [markdown]
# ## FA by hand: content
#
# Each channel of the content vector answers to something: the amount of sky, say, or of red
# balloons. FA, *feature augmentation*, lets a real sample take some channels from another real
# sample, and sets some to zero. The result is a scene with the sky of one view and the balloons of
# another, or without balloons. No such image exists, yet the discriminator is told that it is real.
#
# Three samples with ten channels. The tens digit says whose value it is, the last digit which
# channel.

# %%
content = torch.arange(10.0) + torch.tensor([[10.0], [20.0], [30.0]])  # (3, 10)
x = content.view(3, 10, 1, 1)  # (samples, channels, 1, 1), as in the network
mixed = mix_channels(x, 1.0, torch.Generator().manual_seed(2))[:, :, 0, 0]
print("before", content.int(), "after", mixed.int(), sep="\n")

# %% [markdown]
# Read the rows. Sample 2 received a few values in the tens from sample 1; sample 3 some in the
# twenties; sample 1, the first, some in the thirties from the last. A 0 is a dropped channel. Now
# the same with loops and `if`s. We draw the same random numbers in the same order as the package:
# four for the batch, then one for each channel, twice.

# %%
generator = torch.Generator().manual_seed(2)
amounts = torch.rand(4, generator=generator)
exchanged, dropped = torch.rand((2, 3, 10, 1, 1), generator=generator)[..., 0, 0]

by_hand = content.clone()  # a new tensor: all reading is from `content`, all writing goes here
for i in range(3):
    for channel in range(10):
        if exchanged[i, channel] < 0.1 + 0.2 * amounts[0]:  # 10 to 30 % of the channels
            by_hand[i, channel] = content[i - 1, channel]
        if dropped[i, channel] < 0.1 + 0.2 * amounts[2]:
            by_hand[i, channel] = 0

check(mixed, by_hand, "look at which sample gives (i - 1), and what you read from")
print(f"the package differs from our loops by {largest_difference(mixed, by_hand):.0e}")

# %% [markdown]
# Two draws are left over, `amounts[1]` and `amounts[3]`. They decide whether each kind happens at
# all in this pass; with probability 1 both always do. In training it is 0.4.

# %% [markdown]
# ## FA by hand: layout
#
# The layout branch sees a map with one number per place. FA pastes a rectangle of another sample's
# map at the same place: the left side of one scene, the right side of another. In the maps below
# every number is its sample's.

# %%
layout = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1).expand(3, 1, 4, 6)
mixed = mix_rectangle(layout, 1.0, torch.Generator().manual_seed(30))
print("sample 1", mixed[0, 0].int(), "sample 2", mixed[1, 0].int(), sep="\n")

# %% [markdown]
# By hand: draw the two sides, each 10 to 50 % of the map, then the corner so that the rectangle
# lies inside. A place belongs to it if its *middle* does. Thus the rectangle can reach the last row
# and column.

# %%
random = torch.rand(5, generator=torch.Generator().manual_seed(30)).tolist()
height = 0.1 + 0.4 * random[0]
width = 0.1 + 0.4 * random[1]
top = (1 - height) * random[2]
left = (1 - width) * random[3]

by_hand = layout.clone()
for row in range(4):
    for column in range(6):
        y = (row + 0.5) / 4
        x = (column + 0.5) / 6
        if top <= y < top + height and left <= x < left + width:
            by_hand[:, :, row, column] = layout[[2, 0, 1], :, row, column]

check(mixed, by_hand, "look at the middles of the cells, and at who gives to whom")
print(f"the package differs from our loops by {largest_difference(mixed, by_hand):.0e}")

# %% [markdown]
# ## In a trained model
#
# The same on real features. We send five views of the image into a discriminator that was trained
# for 4,000 iterations (if the repository's run is missing: into the short one above) and look at
# the maps at the entrances of its branches. To see what the rectangle means, we also paste it into
# the views themselves.

# %%
shipped = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
trained = runs["with DA and FA"]
if shipped.exists():
    trained = open_run(shipped)
D = trained.method.D
real = trained.method.real[0]
views = sample_transforms(5, *real.shape[2:], 0.7, torch.Generator().manual_seed(7))
images = apply_transforms(real.expand(5, -1, -1, -1), views)
with torch.no_grad():
    features = None
    for block, from_rgb, scale in zip(
        D.low_level, D.from_rgb, build_pyramid(D, images), strict=True
    ):
        rgb = from_rgb(scale)
        features = block(rgb if features is None else torch.cat([features, rgb], dim=1))
    content = D.branch_input("content", features)
    layout = D.branch_input("layout", features)

# %%
pasted = mix_rectangle(layout, 1.0, torch.Generator().manual_seed(42))
limit = layout.abs().max()
rows = {
    "view": images,
    "the same rectangle in the views": mix_rectangle(
        images, 1.0, torch.Generator().manual_seed(42)
    ),
    "layout map": color_maps(layout, limit),
    "after FA": color_maps(pasted, limit),
    "after FA minus before": color_maps(pasted - layout, limit),
}
contact_sheet(rows)

# %% [markdown]
# Each view got a rectangle from its left neighbor (the first from the fifth), at the right, a
# little below the top. In the second row you see it in the views: one has a piece of land in its
# sky, others have a balloon cut in two. The last row shows where the layout map has changed, and
# how. D is told that all five arrangements are real. Now the content: one row per view, one column
# per channel. After FA some cells come from the row above; white ones are zero.

# %%
mixed = mix_channels(content, 1.0, torch.Generator().manual_seed(5))
limit = content.abs().max()
vectors = content[:, :, 0, 0][None, None]  # as one map: a row per view, a column per channel
vectors_after = mixed[:, :, 0, 0][None, None]
rows = {
    "content vectors": color_maps(vectors, limit),
    "after FA": color_maps(vectors_after, limit),
}
contact_sheet(rows)

# %% [markdown]
# Before FA the rows differ little: they are views of one image, and the mean over all places
# forgets where things are. So what FA changes most in the content is what it *drops*.

# %% [markdown]
# ## Broken on purpose, 1: a swap that copies one way
#
# In Python `a, b = b, a` swaps. Here is the same idiom on a tensor, on pairs of samples: 1 with 2,
# 3 with 4. (The official code makes this mistake; the lines are ours.) Five samples of four
# channels; channels 1 and 2 are to be swapped.


# %%
def swap_in_place(x: torch.Tensor, channels: tuple[int, ...]) -> None:
    """Meant to swap these channels within each pair. Where is the mistake?"""
    for i in range(0, len(x) - 1, 2):
        for c in channels:
            x[i, c], x[i + 1, c] = x[i + 1, c], x[i, c]


before = torch.arange(4.0) + 10 * torch.arange(1.0, 6)[:, None]  # (5, 4)
after = before.clone()
swap_in_place(after, channels=(1, 2))
for a, b in zip(before.int().tolist(), after.int().tolist(), strict=True):
    print(a, "became", b)

# %% [markdown]
# Samples 1 and 3 received. Samples 2 and 4 did not, and sample 5 has no partner. `x[i, c]` is no
# copy but a *view*, a window onto `x`. Once `x[i, c]` is overwritten, the view shows the new value,
# and sample 2 gets back its own.
#
# Nothing crashes, no shape is wrong, and the loss looks as ever. Only a look at the numbers finds
# it. The package reads everything from the untouched input (`x.roll(1, 0)` is a copy) and writes to
# a new tensor, so that every sample receives.

# %%
received = (after != before).any(1).tolist()
print("broken:", received)
hint = "the idiom should copy one way: look at the views"
assert received == [True, False, True, False, False], hint

x = torch.randn(5, 64, 1, 1, generator=torch.Generator().manual_seed(0))
mixed = mix_channels(x, 1.0, torch.Generator().manual_seed(1))
received = (mixed == x.roll(1, 0)).any(1).flatten().tolist()
print("package:", received)
assert all(received), "each sample should hold channels of the one before: look at x.roll"

# %% [markdown]
# ## Broken on purpose, 2: one draw for the whole batch
#
# A batch is five times the same image. If one transform is drawn for all, five samples are five
# copies. Above: one draw per sample. Below: one for the batch.

# %%
maps = sample_transforms(5, *frames.shape[2:], 0.7, torch.Generator().manual_seed(4))
five = frames[:1].expand(5, -1, -1, -1)
batches = {
    "one draw per sample": apply_transforms(five, maps),
    "one draw for the batch": apply_transforms(five, maps[:1].expand(5, -1, -1)),
}
show_rows(batches)

# %% [markdown]
# There is a second loss, harder to see. FA mixes *different* views. Between equal samples there is
# nothing to mix: a rectangle pasted from a copy changes nothing. (We paste into images here;
# features of equal images are equal too.) DA with one draw per sample is what FA lives on.

# %%
changed = []
for name, batch in batches.items():
    pasted = mix_rectangle(batch, 1.0, torch.Generator().manual_seed(5))
    changed.append(not torch.allclose(pasted, batch, atol=1e-4))
    change = (127.5 * (pasted - batch).abs().max()).item()
    print(f"{name}: the rectangle changes pixels by up to {change:.0f} gray levels")
assert changed == [True, False], "look at the second batch: are all of its samples equal?"

# %% [markdown]
# ## Broken on purpose, 3: images in [0, 1]
#
# Many libraries read images with values from 0 to 1. Here all are in [-1, 1], as the generator's
# last `tanh` makes them. Feed in the real ones as [0, 1] and nothing crashes. But then no real
# value is ever negative, and many of the fake ones are. The discriminator needs no look at the
# scene; the sign gives the answer away, and no augmentation hides it.


# %%
def check_range(images: torch.Tensor) -> None:
    """AssertionError where images look like [0, 1] instead of [-1, 1]."""
    low = images.min().item()
    high = images.max().item()
    hint = "look at how they were read: 2 * x - 1 takes [0, 1] to [-1, 1]"
    assert low < -0.01, f"from {low:.2f} to {high:.2f}, so none is negative: {hint}"


check_range(frames)
wrong = (frames + 1) / 2
try:
    check_range(wrong)
except AssertionError as error:
    print("AssertionError:", error)

# %%
both = torch.cat([frames[:1], wrong[:1]])
contact_sheet({"in [-1, 1], and in [0, 1] taken for [-1, 1]": both})

# %% [markdown]
# The paleness is the symptom to remember: if your images look as if seen through fog, check their
# range first.

# %% [markdown]
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1.** Write the map that moves an image **down** by `pixels` of its `height` rows and flips it if
# `flipped`. Remember which way a map reads.


# %%
def make_map(pixels: int, height: int, flipped: bool) -> torch.Tensor:
    """The map (1, 2, 3) that moves down by `pixels` and perhaps flips left and right."""
    ...


# %%
check_make_map(make_map)

# %% [markdown]
# **2.** Repair the swap: a function that swaps the given channels within each pair, leaves a last
# sample without partner as it is, and does not change its input.


# %%
def swap(x: torch.Tensor, channels: list[int]) -> torch.Tensor:
    """A new tensor (n, c): samples 0 and 1, 2 and 3, ... have swapped these channels."""
    ...


# %%
check_swap(swap)

# %% [markdown]
# **3.** FA of content has two kinds, exchange and drop, each with `probability` for the whole
# batch. In which share of all passes does at least one of them happen? The check counts.


# %%
def share_of_mixed_passes(probability: float) -> float:
    """The probability that exchange, drop or both happen."""
    ...


# %%
check_share(share_of_mixed_passes)

# %% [markdown]
# The solutions are in `solutions/06_mixing_and_augmentation.ipynb`.
#
# ## Quiz
#
# **1.** Why are the generated images augmented too, and not the real ones alone?
#
# - a) To make the generator faster.
# - b) Else the discriminator could tell real from fake by the traces of augmentation.
# - c) Because the official code does so.
#
# <details><summary>Answer</summary>b) What only one side shows is a giveaway, and the generator
# would learn to imitate the augmentation. This is also why DA must be differentiable: the
# generator's gradient passes through it.</details>
#
# **2.** A map has +0.5 as the last number of its first row. How does an image 64 pixels wide then
# move?
#
# - a) 16 pixels to the left.
# - b) 16 pixels to the right.
# - c) 32 pixels to the left.
#
# <details><summary>Answer</summary>a) The width is 2 units, so 0.5 is a quarter of 64 pixels. Each
# place reads further to the right, so the image moves to the left.</details>
#
# **3.** What does FA have to work with if `augmentation` is 0 and the training set is one image?
#
# - a) Nothing but dropped channels.
# - b) Rectangles, but no channels.
# - c) As much as before.
#
# <details><summary>Answer</summary>a) All samples of the batch are the same, so exchanging changes
# nothing. With a clip, the frames would still differ.</details>
#
# **4.** Which sign of the swap that copies one way would you see in training?
#
# - a) An error message.
# - b) A loss that becomes NaN.
# - c) None, except a little less variety.
#
# <details><summary>Answer</summary>c) That is why the check is a test of who received, and not a
# look at the loss curve.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | official code | here |
# |---|---|---|---|
# | DA, at 0.7 | moved, cropped, turned, flipped | one draw per batch | one draw per sample |
# | Translation | not specified | with reflection | with reflection, by whole pixels |
# | Scales | not specified | also those that nothing reads | one map for all that are read |
# | FA of content | channels of another sample | copies one way only | reads the untouched input |
# | FA of layout | same place, a rectangle | not in the last row or column | reaches every place |
# | FA happens | with 0.4 per pass | the same | the same, for each kind on its own |
#
# Paper: sections 3.1 and 3.3. The numbers in the table are published ones.
#
# ## Next
#
# `07_training_live` puts everything together: one step, a whole training, and its curves. The
# notebook `ablations` takes the parts of SIV-GAN away one by one, DA and FA among them, in full
# trainings.
