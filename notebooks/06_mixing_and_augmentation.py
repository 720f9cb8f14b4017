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
# **Goal:** you can say, and show, how SIV-GAN keeps a discriminator from learning its one picture by heart: by moving
# the picture (DA) and by mixing what the network sees in it (FA).
#
# **You need:** to know what a generator and a discriminator are, and that SIV-GAN's discriminator judges content and
# layout in two branches; lesson 5 is not needed. PyTorch's indexing and `torch.where` help.
#
# **Time:** 25 seconds of computing on two cores; 20 minutes of reading and exercises.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # image to learn from
preset: str = "lesson"  # smoke (seconds) or lesson (two trainings of 300 iterations)
out: str = "../runs/06_mixing_and_augmentation"  # folder of the two short trainings

# %%
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from siv_lite import contact_sheet, open_run, read_frames, train
from siv_lite.augment import apply_transforms, mix_channels, mix_rectangle, sample_transforms
from siv_lite.figures import show_images
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Where we are
#
# Both the one picture and the generator's samples pass through DA on their way into the discriminator. FA sits deeper,
# at the mouth of each branch, and touches only the real side. Today's parts are yellow.


# %%
def draw_method(*lit):
    """The whole method; the boxes in `lit` are yellow."""
    places = {"latents": (0, 2), "generator": (1, 2), "one picture": (1, 0), "DA": (2, 1), "low-level\nblocks": (3, 1)}
    places |= {"content\n(mean over\nplaces)": (4, 2), "FA: mix\nchannels": (5, 2), "content\nblocks": (6, 2)}
    places |= {"layout\n(one channel)": (4, 0), "FA: mix\nrectangle": (5, 0), "layout\nblocks": (6, 0)}
    names, axes = list(places), plt.figure(figsize=(10, 3)).add_axes((0, 0, 1, 1))
    for a, b in ((0, 1), (1, 3), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (4, 8), (8, 9), (9, 10)):
        ends = {"xy": places[names[b]], "xytext": places[names[a]]}
        axes.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "shrinkA": 38, "shrinkB": 38})
    for name, place in places.items():
        box = {"boxstyle": "round", "facecolor": "gold" if name in lit else "white"}
        axes.text(*place, name, ha="center", va="center", bbox=box)
    axes.set(xlim=(-0.5, 6.5), ylim=(-0.6, 2.6))
    axes.axis("off")
    plt.show()


draw_method("DA", "FA: mix\nchannels", "FA: mix\nrectangle")

# %% [markdown]
# ## A prediction
#
# DA has three kinds of transform: a translation, a flip, and one that either crops or rotates. Each happens to a sample
# with probability 0.7, independently of the others.
#
# **Of 1,000 samples, how many reach the discriminator as the picture itself? 700, 300, 90 or 27?** Write your guess
# down. A cell below counts.

# %% [markdown]
# ## One picture is soon known by heart
#
# A discriminator answers one question: real or fake? If "real" is always the same 48 x 64 pixels, the shortest answer
# is not "this looks like balloons in a sky" but "this pixel is blue and that one is red". It has then *memorized* the
# picture. The generator can please such a judge only by copying.
#
# Let us catch it. Two trainings, alike but for this lesson's parts: one with DA and FA, one with neither. They are
# short and narrow; their samples are still blurs of color. The discriminators, however, already differ.

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, 64)
settings = {"with DA and FA": {}, "with neither": {"augmentation": 0.0, "feature_mixing": 0.0}}
runs = {}
for name, changed in settings.items():
    length = 20 if preset == "smoke" else 300
    runs[name] = train("siv_gan", frames, Path(out, name), "smoke", length, batch_size=5, **changed)

# %% [markdown]
# Now three questions to each. How real is the picture? How real is *the same scene seen differently*: moved, flipped,
# cropped or turned? How real are samples of its own generator? The answers are *logits*: above 0 means "rather real".
# We average them over all blocks and parts of the discriminator.


# %%
def build_pyramid(D, images):
    """The images and their halves, one scale per low-level block."""
    pyramid = [images]
    while len(pyramid) < len(D.low_level):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid


@torch.no_grad()
def judge(D, images):
    """The mean logit over samples, places, blocks and parts."""
    decisions = D(build_pyramid(D, images)).values()
    return torch.stack([torch.stack([x.mean() for x in maps]).mean() for maps in decisions]).mean().item()


# %%
logits = {}
for name, run in runs.items():
    real = run.method.real[0]
    views = sample_transforms(64, *real.shape[2:], 0.7, torch.Generator().manual_seed(1))
    moved = apply_transforms(real.expand(64, -1, -1, -1), views)
    logits[name] = [judge(run.method.D, images) for images in (real, moved, run.sample(64, seed=1))]

# %%
for k, (name, values) in enumerate(logits.items()):
    plt.bar([i + 0.4 * k for i in range(3)], values, width=0.4, label=name)
plt.xticks([0.2, 1.2, 2.2], ["the picture", "same scene, moved", "generated"])
plt.axhline(0, color="black", linewidth=0.8)
plt.ylabel("mean logit (more real: higher)")
plt.legend()
plt.show()

# %% tags=["nbval-ignore-output"]
loss = {name: values[0] - values[1] for name, values in logits.items()}
print("Moving the scene costs more realism without DA and FA:", loss["with neither"] > loss["with DA and FA"])
for name, value in loss.items():
    print(f"  {name:<16}{value:.2f}")

# %% [markdown]
# Compare the first two bars of each color. With DA and FA they stand close together: the judge has come to know a
# scene. With neither, the moved scene falls clearly behind the picture: the judge has begun to know *this image*.
# (After the 20 iterations of `smoke` no judge knows anything yet, and the claim may come out either way.)
#
# Two cautions. The first judge has seen transforms of this kind in training, though not these; being used to them is
# exactly what DA is for. And one pair of short trainings is a demonstration, not a measurement. The paper's Table 3
# takes parts away one by one in full trainings, and the notebook `ablations` does so here.

# %% [markdown]
# ## DA by hand: a map from the output to the input
#
# DA is *differentiable augmentation*: gradients flow through it back to the generator, because it is only a weighted
# reading of pixels. A transform is a 2 x 3 matrix. It says for each place of the **output** where in the **input** to
# read. Coordinates run from -1 to 1 over the whole picture, so one pixel of four is a step of 2 / 4.
#
# Here is a picture of 4 x 4 pixels with their numbers as values. We ask each output pixel to read one pixel further to
# the right. Which way does the picture move, and what enters at the edge?

# %%
picture = torch.arange(16.0).view(1, 1, 4, 4)
read_right = torch.tensor([[[1.0, 0, 1 * 2 / 4], [0, 1, 0]]])
print(picture[0, 0].int())
print(apply_transforms(picture, read_right)[0, 0].round().int())

# %% [markdown]
# The picture moved to the **left**: whoever reads to the right brings what is right to the place where they stand. At
# the right edge the *reflection* enters, as if a mirror stood on the border. By hand, with plain indexing, columns 1,
# 2, 3 and then 3 once more; a flip reads the columns backwards.

# %%
by_hand = picture[..., [1, 2, 3, 3]]
hint = "translation: look at the sign of the third column, and at 2 / width for one pixel"
assert_close(apply_transforms(picture, read_right), by_hand, atol=1e-4, rtol=0, msg=lambda text: f"{hint}\n{text}")

flip = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
hint = "flip: x is multiplied by -1, in the first row of the map"
flipped = picture[..., [3, 2, 1, 0]]
assert_close(apply_transforms(picture, flip), flipped, atol=1e-4, rtol=0, msg=lambda text: f"{hint}\n{text}")
print("equal to the hand computation: True")

# %% [markdown]
# Whole pixels matter. A step of half a pixel would read between two pixels, their mean, and so blur the real side and
# teach the generator to blur. `sample_transforms` therefore rounds its translations. Its crops and rotations do blur a
# little; they are worth it.

# %%
drawn = sample_transforms(4000, 48, 64, 0.7, torch.Generator().manual_seed(0))
identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
unchanged = (drawn - identity).abs().amax((1, 2)) < 1e-6
print(f"Of 1,000 samples {1000 * unchanged.float().mean():.0f} stay as they are; 1000 * 0.3 ** 3 = {1000 * 0.3**3:.0f}")

# %% [markdown]
# This was the prediction's answer: 27 of 1,000 expected, and about so many drawn. The discriminator nearly never sees
# the bare picture.

# %% [markdown]
# ## One transform per sample, the same at every scale
#
# SIV-GAN's discriminator reads each sample at several scales. They must tell one story, so a sample's one matrix is
# applied to all its scales. That is why coordinates run from -1 to 1: the same matrix fits every size. Each column
# below is a sample; each row is a scale.


# %%
def show_rows(rows):
    """Rows of pictures of any scale, all enlarged to the first's size, with white between them."""
    size = next(iter(rows.values())).shape[2:]
    return contact_sheet({name: F.interpolate(x, size) for name, x in rows.items()}, scale=2)


# %%
scales = [frames[:1].repeat(6, 1, 1, 1)]
scales += [F.avg_pool2d(scales[0], 2), F.avg_pool2d(scales[0], 4)]
transforms = sample_transforms(6, *frames.shape[2:], 0.7, torch.Generator().manual_seed(4))
show_rows({f"1 / {2**k} of the size": apply_transforms(x, transforms) for k, x in enumerate(scales)})

# %% [markdown]
# Checked on numbers: move up by two pixels and flip, then halve; or halve, then move up by one and flip. Both orders
# give the same, with one and the same matrix.

# %%
both = torch.tensor([[[-1.0, 0, 0], [0, 1, 2 * 2 / 4]]])
first, second = F.avg_pool2d(apply_transforms(picture, both), 2), apply_transforms(F.avg_pool2d(picture, 2), both)
hint = "scales disagree: was each scale given the same map, with coordinates from -1 to 1?"
assert_close(first, second, atol=1e-4, rtol=0, msg=lambda text: f"{hint}\n{text}")
print(first[0, 0], "the same at both scales: True", sep="\n")

# %% [markdown]
# ## A slider: the probability of DA
#
# The draws stay the same while you move it: a transform that happens at 0.3 happens at 0.5 too, and others join it. At
# 0 all twelve are the picture. At 1 none is. Which value would you choose?


# %%
def show_augmented(probability):
    """Twelve samples in two rows, with the same random numbers for every probability."""
    maps = sample_transforms(12, *frames.shape[2:], probability, torch.Generator().manual_seed(3))
    images = apply_transforms(frames[:1].expand(12, -1, -1, -1), maps)
    return show_rows({f"probability {probability:.1f}": images[:6], " ": images[6:]})


picture_of_slider = Picture("Twelve augmented samples of the training image", height=None)
slider = widgets.FloatSlider(value=0.7, min=0, max=1, step=0.1, description="Probability")


def update(change):
    picture_of_slider.value = encode(show_augmented(slider.value))


slider.observe(update, "value")
update(None)

# %% tags=["nbval-ignore-output"]
widgets.VBox([slider, picture_of_slider])

# %% [markdown]
# The same without a slider, for the printed page: six samples at four probabilities. The paper takes 0.7. If every
# sample is transformed, nothing tells the generator that upright and unflipped is the usual way: its samples may come
# out flipped or cropped. One says that augmentations *leak*. A probability below 1 leaves each kind undone in some
# samples.

# %%
rows = {}
for probability in (0.0, 0.3, 0.7, 1.0):
    maps = sample_transforms(6, *frames.shape[2:], probability, torch.Generator().manual_seed(3))
    rows[f"probability {probability}"] = apply_transforms(frames[:1].expand(6, -1, -1, -1), maps)
show_rows(rows)

# %% [markdown]
# ## FA by hand: content
#
# Each channel of the content vector answers to something: the amount of sky, say, or of red balloons. FA, *feature
# augmentation*, lets a real sample take some channels from another real sample, and sets some to zero. The result is a
# scene with the sky of one view and the balloons of another, or without balloons. No such picture exists, yet the
# discriminator is told that it is real.
#
# Three samples with ten channels. The tens digit says whose value it is, the last digit which channel.

# %%
content = torch.tensor([[10.0 * sample + channel for channel in range(10)] for sample in (1, 2, 3)])
x = content.view(3, 10, 1, 1)  # (samples, channels, 1, 1), as in the network
mixed = mix_channels(x, 1.0, torch.Generator().manual_seed(2))
print("before", content.int(), "after", mixed[:, :, 0, 0].int(), sep="\n")

# %% [markdown]
# Read the rows. Sample 2 received a few values in the tens from sample 1; sample 3 some in the twenties; sample 1, the
# first, some in the thirties from the last. A 0 is a dropped channel. Now the same with loops and `if`s. We draw the
# same random numbers in the same order as the package: four for the batch, then one for each channel, twice.

# %%
generator = torch.Generator().manual_seed(2)
amounts = torch.rand(4, generator=generator)
chosen = torch.rand((2, 3, 10, 1, 1), generator=generator)[..., 0, 0]
by_hand = content.clone()  # a new tensor: all reading below is from `content`, all writing goes here
for i in range(3):
    for channel in range(10):
        if chosen[0, i, channel] < 0.1 + 0.2 * amounts[0]:  # 10 to 30 % of the channels
            by_hand[i, channel] = content[i - 1, channel]
        if chosen[1, i, channel] < 0.1 + 0.2 * amounts[2]:
            by_hand[i, channel] = 0

hint = "content mixing: look at which sample gives (i - 1), and whether you read from the untouched input"
assert_close(mixed[:, :, 0, 0], by_hand, msg=lambda text: f"{hint}\n{text}")
print("equal to the hand computation: True")

# %% [markdown]
# Two draws are left over, `amounts[1]` and `amounts[3]`. They decide whether each kind happens at all in this pass;
# with probability 1 both always do. In training it is 0.4.

# %% [markdown]
# ## FA by hand: layout
#
# The layout branch sees a map with one number per place. FA pastes a rectangle of another sample's map at the same
# place: the left side of one scene, the right side of another. In the maps below every number is its sample's.

# %%
layout = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1).expand(3, 1, 4, 6)
mixed = mix_rectangle(layout, 1.0, torch.Generator().manual_seed(30))
print("sample 1", mixed[0, 0].int(), "sample 2", mixed[1, 0].int(), sep="\n")

# %% [markdown]
# By hand: draw the two sides, each 10 to 50 % of the map, then the corner so that the rectangle lies inside. A place
# belongs to it if its *middle* does. Thus the rectangle can reach the last row and column.

# %%
height, width, *start, _ = torch.rand(5, generator=torch.Generator().manual_seed(30)).tolist()
height, width = 0.1 + 0.4 * height, 0.1 + 0.4 * width
top, left = (1 - height) * start[0], (1 - width) * start[1]
by_hand = layout.clone()
for row in range(4):
    for column in range(6):
        y, x = (row + 0.5) / 4, (column + 0.5) / 6
        if top <= y < top + height and left <= x < left + width:
            by_hand[:, :, row, column] = layout[[2, 0, 1], :, row, column]

hint = "layout mixing: look at the middles of the cells, (row + 0.5) / rows, and at who gives to whom"
assert_close(mixed, by_hand, msg=lambda text: f"{hint}\n{text}")
print("equal to the hand computation: True")

# %% [markdown]
# ## In a trained model
#
# The same on real features. We send five views of the picture into a discriminator that was trained for 4,800
# iterations (if the repository's run is missing: into the short one from above) and look at the maps at the mouths of
# its branches.

# %%
shipped = Path(source).parent / "runs" / "balloons_siv_gan"
trained = open_run(shipped) if shipped.exists() else runs["with DA and FA"]
D, real = trained.method.D, trained.method.real[0]
views = sample_transforms(5, *real.shape[2:], 0.7, torch.Generator().manual_seed(7))
images = apply_transforms(real.expand(5, -1, -1, -1), views)
with torch.no_grad():
    features = None
    for block, from_rgb, scale in zip(D.low_level, D.from_rgb, build_pyramid(D, images), strict=True):
        rgb = from_rgb(scale)
        features = block(rgb if features is None else torch.cat([features, rgb], dim=1))
    content, layout = D.view("content", features), D.view("layout", features)

# %%
pasted = mix_rectangle(layout, 1.0, torch.Generator().manual_seed(5))
limit = layout.abs().max()
rows, columns = (pasted != layout)[0, 0].nonzero().T
box = (columns.min() - 0.5, rows.min() - 0.5), columns.max() - columns.min() + 1, rows.max() - rows.min() + 1
figure, axes = plt.subplots(3, 5, figsize=(10, 5), layout="constrained")
for i in range(5):
    axes[0, i].imshow((images[i].permute(1, 2, 0) + 1).clamp(0, 2) / 2)
    for row, maps in ((1, layout), (2, pasted)):
        axes[row, i].imshow(maps[i, 0], cmap="coolwarm", vmin=-limit, vmax=limit)
    axes[2, i].add_patch(plt.Rectangle(*box, fill=False, linewidth=2))
for row, name in enumerate(("view", "layout map", "after FA")):
    axes[row, 0].set_ylabel(name)
for each in axes.flat:
    each.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# In the last row the framed rectangle of each map is that of its left neighbor (of the first map: that of the fifth).
# Below is the content: one row per view, one column per channel. After FA some cells come from the row above; white
# ones are zero.

# %%
channels = mix_channels(content, 1.0, torch.Generator().manual_seed(5))
limit = content.abs().max()
figure, axes = plt.subplots(2, 1, figsize=(10, 2.4), layout="constrained")
for each, values, name in zip(axes, (content, channels), ("content vectors", "after FA"), strict=True):
    each.imshow(values[:, :, 0, 0], cmap="bwr", vmin=-limit, vmax=limit, aspect="auto")
    each.set(title=name, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The rows before FA differ little: they are views of one picture, and the mean over all places forgets where things
# are. So what FA changes most in the content is what it *drops*.

# %% [markdown]
# ## Broken on purpose, 1: a swap that copies one way
#
# In Python `a, b = b, a` swaps. Here is the same idiom on a tensor, on pairs of samples: 1 with 2, 3 with 4. (The
# paper's release makes this mistake; the lines are ours.) Five samples of four channels; channels 1 and 2 are to be
# swapped.


# %%
def swap_in_place(x, channels):
    """Meant to swap these channels within each pair. Where is the mistake?"""
    for i in range(0, len(x) - 1, 2):
        for c in channels:
            x[i, c], x[i + 1, c] = x[i + 1, c], x[i, c]


before = torch.tensor([[10.0 * sample + channel for channel in range(4)] for sample in range(1, 6)])
after = before.clone()
swap_in_place(after, channels=(1, 2))
for a, b in zip(before.int().tolist(), after.int().tolist(), strict=True):
    print(a, "became", b)

# %% [markdown]
# Samples 1 and 3 received. Samples 2 and 4 did not, and sample 5 has no partner. `x[i, c]` is no copy but a *view*, a
# window onto `x`. Once `x[i, c]` is overwritten, the view shows the new value, and sample 2 gets back its own.
#
# Nothing crashes, no shape is wrong, and the loss looks as ever. Only a look at the numbers finds it. The package reads
# everything from the untouched input (`x.roll(1, 0)` is a copy) and writes to a new tensor, so that every sample
# receives.

# %%
received = (after != before).any(1).tolist()
print("broken:", received)
assert received == [True, False, True, False, False], "the idiom should copy one way: look at the views"

x = torch.randn(5, 64, 1, 1, generator=torch.Generator().manual_seed(0))
mixed = mix_channels(x, 1.0, torch.Generator().manual_seed(1))
received = (mixed == x.roll(1, 0)).any(1).flatten().tolist()
print("package:", received)
assert all(received), "each sample should hold channels of the one before: look at x.roll"

# %% [markdown]
# ## Broken on purpose, 2: one draw for the whole batch
#
# A batch is five times the same picture. If one transform is drawn for all, five samples are five copies. Above: one
# draw per sample. Below: one for the batch.

# %%
maps = sample_transforms(5, *frames.shape[2:], 0.7, torch.Generator().manual_seed(4))
five = frames[:1].expand(5, -1, -1, -1)
alike = apply_transforms(five, maps[:1].expand(5, -1, -1))
show_rows({"one draw per sample": apply_transforms(five, maps), "one draw for the batch": alike})

# %% [markdown]
# There is a second loss, less easy to see. FA mixes *different* views. Between equal samples there is nothing to mix: a
# rectangle pasted from a copy changes nothing. (We paste into pictures here; features of equal pictures are equal too.)
# DA with one draw per sample is what FA lives on.

# %%
changed = {}
for name, batch in {"a draw per sample": apply_transforms(five, maps), "one draw for the batch": alike}.items():
    pasted = mix_rectangle(batch, 1.0, torch.Generator().manual_seed(5))
    changed[name] = not torch.equal(pasted, batch)
    print(f"With {name} the pasted rectangle changes something: {changed[name]}")
assert changed == {"a draw per sample": True, "one draw for the batch": False}, "look at `alike`: are all equal?"

# %% [markdown]
# ## Broken on purpose, 3: pictures in [0, 1]
#
# Many libraries read pictures with values from 0 to 1. Here all are in [-1, 1], as the generator's last `tanh` makes
# them. Feed the real ones in [0, 1] and nothing crashes. But then no real value is ever negative, and many of the fake
# ones are. The discriminator needs no look at the scene; the sign gives the answer away, and no augmentation hides it.


# %%
def check_range(images):
    """AssertionError where images look like [0, 1] instead of [-1, 1]."""
    low, high = images.min().item(), images.max().item()
    hint = "look at how they were read: 2 * x - 1 takes [0, 1] to [-1, 1]"
    assert low < -0.01, f"no value is negative (from {low:.2f} to {high:.2f}): pictures in [0, 1]? {hint}"


check_range(frames)
wrong = (frames + 1) / 2
try:
    check_range(wrong)
except AssertionError as error:
    print("AssertionError:", error)

# %%
show_images(torch.cat([frames[:1], wrong[:1]]), "in [-1, 1], and in [0, 1] taken for [-1, 1]", columns=2, scale=4)

# %% [markdown]
# The paleness is the symptom to remember: if your pictures look as if seen through fog, check their range first.

# %% [markdown]
# ## Exercises
#
# Replace the `...`; the check below each says "not yet" until you do. Solutions:
# `solutions/06_mixing_and_augmentation`.
#
# **1.** Write the map that moves a picture **down** by `pixels` of its `height` rows and flips it if `flipped`.
# Remember which way a map reads.


# %%
def make_map(pixels, height, flipped):
    """The map (1, 2, 3) that moves down by `pixels` and perhaps flips left and right."""
    ...


# %%
found = make_map(1, 4, True)
if found is None:
    print("not yet: make_map returns nothing")
else:
    hint = "look at the sign: to move down, read further up"
    expected = picture[:, :, [0, 0, 1, 2]].flip(3)
    assert_close(apply_transforms(picture, found), expected, atol=1e-4, rtol=0, msg=lambda text: f"{hint}\n{text}")
    print("right: moved down and flipped")

# %% [markdown]
# **2.** Repair the swap: a function that swaps the given channels within each pair, leaves a last sample without
# partner as it is, and does not change its input.


# %%
def swap(x, channels):
    """A new tensor (n, c), in which samples 0 and 1, 2 and 3, ... have swapped these channels."""
    ...


# %%
kept = before.clone()
found = swap(before, [1, 2])
if found is None:
    print("not yet: swap returns nothing")
else:
    assert torch.equal(before, kept), "the input changed: look at what you write into"
    received = (found != before).any(1).tolist()
    assert received == [True, True, True, True, False], f"who received: {received}; look at views and clone()"
    assert found[:2, 1:3].tolist() == [[21, 22], [11, 12]], "the pair must exchange channels 1 and 2"
    print("right: both ways")

# %% [markdown]
# **3.** FA of content has two kinds, exchange and drop, each with `probability` for the whole batch. In which share of
# all passes does at least one of them happen? The check counts 1,000 passes.


# %%
def share_of_mixed_passes(probability):
    """The probability that exchange, drop or both happen."""
    ...


# %%
found = share_of_mixed_passes(0.4)
if found is None:
    print("not yet: share_of_mixed_passes returns nothing")
else:
    x, draws = torch.ones(2, 64, 1, 1) * torch.tensor([1.0, 2.0]).view(2, 1, 1, 1), torch.Generator().manual_seed(0)
    counted = sum(not torch.equal(mix_channels(x, 0.4, draws), x) for _ in range(1000)) / 1000
    assert abs(found - counted) < 0.04, f"counted {counted:.2f}, not {found:.2f}: look at the passes where neither does"
    print("right: agrees with the count")

# %% [markdown]
# ## Quiz
#
# **1.** Why are the generated pictures augmented too, and not the real ones alone?
#
# - a) To make the generator faster.
# - b) Else the discriminator could tell real from fake by the traces of augmentation.
# - c) Because the release does so.
#
# <details><summary>Answer</summary>b. What only one side shows is a give-away, and the generator would learn to imitate
# the augmentation. This is also why DA must be differentiable: the generator's gradient passes through it.</details>
#
# **2.** A map has +0.5 as the last number of its first row. A picture 64 pixels wide then moves
#
# - a) 16 pixels to the left. b) 16 pixels to the right. c) 32 pixels to the left.
#
# <details><summary>Answer</summary>a. The width is 2 units, so 0.5 is a quarter of 64 pixels. Each place reads further
# to the right, so the picture moves to the left.</details>
#
# **3.** What does FA have to work with if `augmentation` is 0 and the training set is one image?
#
# - a) Nothing but dropped channels. b) Rectangles, but no channels. c) As much as before.
#
# <details><summary>Answer</summary>a. All samples of the batch are the same, so exchanging changes nothing. Of a clip,
# the frames still differ.</details>
#
# **4.** Of the swap that copies one way, which sign would you see in training?
#
# - a) An error message. b) A loss that becomes NaN. c) None, but for a little less variety.
#
# <details><summary>Answer</summary>c. That is why the check is a test of who received, and not a look at the loss
# curve.</details>

# %% [markdown]
# ## Where we differ
#
# | | Paper | Its release | Here |
# |---|---|---|---|
# | DA, at 0.7 | moved, cropped, turned, flipped | one draw for a whole batch | one draw per sample |
# | Translation | not specified | with reflection | with reflection, by whole pixels |
# | Scales | not specified | also those that nothing reads | one map for all that are read |
# | FA of content | channels of another sample | writes into its input: one way only | reads the untouched input |
# | FA of layout | rectangle at the same place | never reaches the last row or column | reaches every place |
# | FA happens | with 0.4 per pass | the same | the same, drawn for each kind on its own |
#
# Paper: sections 3.1 and 3.3. Figures in the table are published ones.
#
# **Next.** The notebook `ablations` takes the parts of SIV-GAN away one by one, DA and FA among them, in whole
# trainings; lesson 7 goes on from here.
