# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 4: two judges, content and layout
#
# **Goal:** understand how SIV-GAN splits its discriminator into a judge of *what* is in a picture and a judge of
# *where* it is, and see on a trained model how far the split really goes.
#
# **You need:** convolutions and cross-entropy in PyTorch, and from lesson 3 that the generator makes a picture at
# several scales. The paper's section is 3.1.
#
# **Time:** 5 seconds of computing on two cores; 25 minutes of reading and exercises.
#
# **Words used below.** *D* is the discriminator, the judge; *G* the generator that it trains. A *part* of D is its
# low-level blocks, its content branch or its layout branch. A *block* is a few convolutions with a shortcut around
# them. A *logit* is a decision as a plain number: above 0 means real, below 0 generated. *F(x)* is the map of features
# that the low-level blocks make of a picture x. The *pyramid* is x and its halved copies.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the picture that was, or is to be, learned
preset: str = "lesson"  # smoke (seconds) or lesson (under a minute)
edits: int | None = None  # random edits to measure on; None: 200 in `lesson`, 40 in `smoke`
out: str = "../runs/lesson_04"  # where a model is trained if none is shipped for this picture

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, losses, open_run, read_frames, train
from siv_lite.augment import draw_transforms, mix_channels, transform
from siv_lite.methods import find_method, make_settings
from siv_lite.methods.siv_gan import Discriminator, Settings, complete
from siv_lite.widgets import Picture, edit_region, encode, microscope

# %%
close, CPU = torch.testing.assert_close, torch.device("cpu")
edits = edits or {"smoke": 40}.get(preset, 200)

# %% [markdown]
# ## The whole method, and today's part
#
# G draws, D judges. Today we are inside D: its low-level blocks look at the pictures, and behind them D splits in two.
# Diversity (lesson 5) and augmentation (lesson 6) are left out of this picture.


# %%
def draw_method(*lit: str) -> None:
    """The parts of SIV-GAN; those named in `lit` in color."""
    places = {"latents z": (0, 1), "G: blocks": (1, 1), "pyramid": (2, 1), "D: low level": (3, 1)}
    places |= {"F(x)": (4, 1), "content: mean\nover places": (5, 1.7), "layout: one\nchannel": (5, 0.3)}
    places |= {"content\nblocks": (6, 1.7), "layout\nblocks": (6, 0.3), "Eq. 3": (7, 1)}
    names, axes = list(places), plt.figure(figsize=(12, 2.4)).add_axes((0, 0, 1, 1), xlim=(-0.6, 7.6), ylim=(-0.4, 2.4))
    axes.axis("off")
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (4, 6), (5, 7), (6, 8), (7, 9), (8, 9)):
        arrow = {"arrowstyle": "->", "shrinkA": 38, "shrinkB": 38, "color": "gray"}
        axes.annotate("", places[names[b]], places[names[a]], arrowprops=arrow)
    for name, place in places.items():
        box = {"boxstyle": "round,pad=0.5", "fc": "gold" if name in lit else "gainsboro"}
        axes.text(*place, name, ha="center", va="center", bbox=box)


# %%
branches = "content: mean\nover places", "layout: one\nchannel", "content\nblocks", "layout\nblocks"
draw_method("D: low level", "F(x)", *branches)
plt.show()

# %% [markdown]
# ## Predict before you run
#
# Write your answers down; cells below reveal them.
#
# 1. We shuffle all places of F(x), as if it were a pack of cards. Which branch notices?
# 2. In the *picture* we cut out a rectangle and put it elsewhere. Does the content branch notice?
# 3. We leave the rectangle where it is and turn its colors. Does the layout branch notice?
#
# ## One map, two views
#
# A discriminator that sees the one training picture whole can learn it by heart. Then only copies of it pass, and G
# will draw copies. SIV-GAN takes away what is needed for that: after some common blocks, each branch gets a squeezed
# F(x). A new scene can pass if it is made of the right things, and if it is arranged in a likely way. It need not be
# *the* picture.
#
# - **Content** gets the mean over all places: one number per channel. It cannot know *where* anything was.
# - **Layout** gets one channel, a weighted sum of all: one number per place. It knows where, hardly *what*.
#
# Here is an F(x) of two channels, 2 x 2 places. The weights of the sum, which D learns, shall be 0.6 and 0.8.
#
# | | channel 1 | channel 2 | layout sees 0.6 x first + 0.8 x second |
# |---|---|---|---|
# | upper places | 5, 0 | 0, 10 | 3, 8 |
# | lower places | 5, 10 | 10, 20 | 3 + 8 = 11, 6 + 16 = 22 |
# | content sees the mean | 5 | 10 | |

# %%
x = torch.tensor([[[5.0, 0], [5, 10]], [[0, 10], [10, 20]]])[None]  # (1, 2, 2, 2): sample, channel, row, column


def see_content(x: torch.Tensor) -> torch.Tensor:
    """One number per channel: (1, C, h, w) -> (1, C, 1, 1)."""
    return torch.stack([channel.sum() / channel.numel() for channel in x[0]]).view(1, -1, 1, 1)


def see_layout(x: torch.Tensor, weights: list[float]) -> torch.Tensor:
    """One number per place: (1, C, h, w) -> (1, 1, h, w)."""
    return sum(weight * channel for weight, channel in zip(weights, x[0], strict=True))[None, None]


# %% [markdown]
# The package's `Discriminator.view` does the same. We build one so small that its F(x) has two channels, and set its
# 1x1 convolution, `squeeze`, to our weights.

# %%
tiny = Discriminator(complete(Settings(width=1, low_level_blocks=1, branch_blocks=1), 1, 32, 32))
with torch.no_grad():
    tiny.squeeze.weight.copy_(torch.tensor([0.6, 0.8]).view(1, 2, 1, 1))
    found = {part: tiny.view(part, x) for part in ("content", "layout")}

# %%
means, mixture = torch.tensor([5.0, 10]).view(1, 2, 1, 1), torch.tensor([[3.0, 8], [11, 22]]).view(1, 1, 2, 2)
close(see_content(x), means, msg="see_content is not the mean of each channel")
close(see_layout(x, [0.6, 0.8]), mixture, msg="see_layout is not the weighted sum of the channels")
look = "Look at Discriminator.view in siv_lite/methods/siv_gan.py: are the branches swapped? "
close(found["content"], means, msg=look + "content must see the mean over places, one number per channel")
close(found["layout"], mixture, msg=look + "layout must see one channel, one number per place")
print("by hand, by our functions and by the package: True")

# %% [markdown]
# Each view has a blind spot, and both are exact.
#
# - Shuffle the places: no mean changes. **Content is blind to it.** In layout's view the numbers change places.
# - Add (4, -3) to the two channels at some place: 0.6 x 4 - 0.8 x 3 = 0. **Layout is blind to it.** Content is not.

# %%
shuffled = x.flatten(2)[..., [3, 0, 2, 1]].view_as(x)
repainted = x + torch.tensor([4.0, -3]).view(1, 2, 1, 1) * torch.tensor([[1.0, 0], [0, 2]])
for name, changed in {"shuffled": shuffled, "repainted": repainted}.items():
    for part in ("content", "layout"):
        with torch.no_grad():
            same = torch.allclose(tiny.view(part, changed), found[part])
        assert same == ((name, part) in (("shuffled", "content"), ("repainted", "layout"))), look + f"{name}, {part}"
        print(f"places {name}: {part} {'sees no difference' if same else 'sees it'}")

# %% [markdown]
# That answers question 1: only layout notices. How much is taken away? For our pictures of 48 x 64 pixels F(x) is 64
# channels of 12 x 16 places, 12,288 numbers. Content gets 64 means of them, layout 192 mixtures. Neither can get the
# picture back from that.
#
# ## Before the split: low-level blocks and from-RGB
#
# The first blocks halve the map each time. The first reads the picture. Every later one also reads the picture of its
# *own* scale: a convolution turns its three colors into a few features (*from-RGB*), and these are concatenated to
# what comes from above. So D sees the small pictures that G makes along the way, and G's early blocks learn from it
# directly. (The idea is MSG-GAN's, Karnewar and Wang 2020.)
#
# Here is the forward pass of D in our words. Every block has its own decision, a map of logits.


# %%
def judge(D: Discriminator, pyramid: list[torch.Tensor]) -> tuple[torch.Tensor, dict]:
    """F(x), and each part's decisions, of pictures at all scales, fine to coarse."""
    x, decisions = None, {"low_level": [], "content": [], "layout": []}
    for block, layer, pictures in zip(D.low_level, D.from_rgb, pyramid, strict=True):
        rgb = F.conv2d(pictures, layer.weight, layer.bias, padding=1)
        x = block(rgb if x is None else torch.cat([x, rgb], dim=1))
        decisions["low_level"].append(block.decide(x))
    views = {"content": x.mean((2, 3), keepdim=True), "layout": F.conv2d(x, D.squeeze.weight, D.squeeze.bias)}
    for part, y in views.items():
        for block in D.branches[part]:
            y = block(y)
            decisions[part].append(block.decide(y))
    return x, decisions


# %% [markdown]
# Is that what the package does? We look at the sizes of its layers first. Then we run both. To get at the package's
# F(x) we hang a *forward hook* on its last low-level block: a function that PyTorch calls with the layer's output.


# %%
def check_sizes(D: Discriminator) -> None:
    """AssertionError unless the layers take what we think they take."""
    look = "Look at Discriminator.__init__ in siv_lite/methods/siv_gan.py: "
    takes = {part: blocks[0].first.raw.shape[1] for part, blocks in D.branches.items()}
    wanted = {"content": D.squeeze.raw.shape[1], "layout": 1}
    assert takes == wanted, look + f"the branches take {takes} channels, not {wanted}; are they swapped?"
    takes = [block.first.raw.shape[1] for block in D.low_level[1:]]
    pairs = zip(D.low_level, D.from_rgb[1:], strict=False)
    wanted = [block.second.raw.shape[0] + rgb.raw.shape[0] for block, rgb in pairs]
    assert takes == wanted, look + f"later low-level blocks take {takes} channels, not features and from-RGB, {wanted}"


# %%
def check_forward(D: Discriminator, pyramid: list[torch.Tensor]) -> None:
    """AssertionError unless D's F(x) and all its decisions are ours."""
    look, seen = "Look at Discriminator.forward in siv_lite/methods/siv_gan.py: ", []
    hook = D.low_level[-1].register_forward_hook(lambda layer, inputs, output: seen.append(output))
    try:
        with torch.no_grad():
            theirs, (features, ours) = D(pyramid), judge(D, pyramid)
    except RuntimeError as error:
        raise AssertionError(look + "are branches swapped, or from-RGB features not concatenated?") from error
    finally:
        hook.remove()
    hint = look + "F(x) differs. Are the from-RGB features of each smaller picture concatenated, not skipped or zero?"
    close(seen[0], features, rtol=1e-4, atol=1e-7, msg=hint)
    assert theirs.keys() == ours.keys(), look + f"its parts are {list(theirs)}"
    for part, maps in ours.items():
        shapes = [tuple(found.shape) for found in theirs[part]]
        assert shapes == [tuple(x.shape) for x in maps], look + f"{part} gives maps {shapes}; are the branches swapped?"
        for found, own in zip(theirs[part], maps, strict=True):
            close(found, own, rtol=1e-3, atol=1e-6, msg=look + f"{part} differs; what does view give it, which blocks?")


# %%
frames = read_frames(source, max_size=64)[:1]
fresh = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), CPU, "fp32", 0)
for _ in range(20):
    fresh.D.normalize()  # an untrained network's spectral norms are rough guesses at first
pyramid = [fresh.real[0], -fresh.real[1]]  # a small picture that does not follow from the large one
check_sizes(fresh.D)
check_forward(fresh.D, pyramid)
print("F(x) and every decision of the package are ours: True")

# %% [markdown]
# ## Three groups of losses
#
# Every decision map gets a loss (Eq. 2): binary cross-entropy, `-log D` where the picture is real and `-log(1 - D)`
# where it is generated; here D is the logit's sigmoid, the probability of *real*. The mean over a part's blocks is the
# part's loss (Eq. 1). And Eq. 3 adds the parts:
#
# $$ \mathcal{L}_{adv} = \mathcal{L}_{content} + \mathcal{L}_{layout} + 2\,\mathcal{L}_{low\text{-}level} $$
#
# The 2 is there because two branches look at high-level features and only one part at low-level ones.
#
# By hand, a part of two blocks. The first says 1/2 to both pictures: -log 1/2 - log 1/2 = log 4. The second is right,
# 3/4 for the real and 1/4 for the generated one: -log 3/4 - log 3/4 = log 16/9. Their mean is half the log of the
# product, log 8/3.

# %%
maps = [torch.tensor(chances).logit().view(2, 1, 1, 1) for chances in ((0.5, 0.5), (0.75, 0.25))]
loss = losses.discriminator_part_loss(maps, real=1)
close(loss, torch.tensor(8 / 3).log(), msg="Look at losses.discriminator_part_loss: mean over blocks, Eq. 1 and 2")
total = fresh.total({"content": 1.0, "layout": 10.0, "low_level": 100.0})
assert total == 1 + 10 + 2 * 100, f"{total}, not 211: look at SIVGAN.total in siv_lite/methods/siv_gan.py, Eq. 3"
print("Eq. 1, 2 and 3 by hand and by the package: True")

# %% [markdown]
# A mean, not a sum: a branch of four blocks does not count more than one of two. And a map of 6 x 8 decisions weighs as
# much as content's single one.
#
# ## In a trained model
#
# We open the run that comes with this repository (or train one here first, if there is none of your picture). We choose
# one rectangle, in `balloons.png` around the large striped balloon, and make three edits. **Moved**: it goes elsewhere,
# and the pixels that it covers fill the hole, so that every color is kept. **Recolored**: it stays, and its hue turns
# by 120 degrees. **Slid**: the whole picture moves half its width; what leaves on the right enters on the left. So
# everything changes its place, and the picture is cut along one line only.

# %% tags=["nbval-ignore-output"]
shipped = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
if not shipped.exists():
    train("siv_gan", frames, Path(out, "base"), preset)
run = open_run(shipped if shipped.exists() else Path(out, "base"), "cpu")
D, picture = run.method.D, run.method.real[0][0]


# %%
def halve(pictures: torch.Tensor) -> list[torch.Tensor]:
    """The pyramid of pictures (n, 3, H, W): themselves and their copies of half the size."""
    return [pictures, F.avg_pool2d(pictures, 2)]


# %%
height, width = picture.shape[1:]
rows, columns = (height // 10, height * 6 // 10), (width // 10, width * 3 // 10)
versions = {"original": picture, "moved": edit_region(picture, rows, columns, height // 8, width // 2, 0)}
versions |= {"recolored": edit_region(picture, rows, columns, 0, 0, 120), "slid": picture.roll(width // 2, 2)}
with torch.no_grad():
    features = [judge(D, halve(edited[None]))[0] for edited in versions.values()]
    views = {part: torch.cat([D.view(part, x) for x in features]) for part in ("content", "layout")}

# %%
figure = plt.figure(figsize=(12, 3.4), layout="constrained")
axes = figure.add_gridspec(2, 5, width_ratios=[1, 1, 1, 1, 1.5])
for i, (name, edited) in enumerate(versions.items()):
    above, below = (figure.add_subplot(axes[row, i], xticks=[], yticks=[]) for row in (0, 1))
    above.imshow((edited.permute(1, 2, 0) + 1) / 2)
    above.set_title(name)
    below.imshow(views["layout"][i, 0], cmap="coolwarm", vmin=-1, vmax=1)
    below.set_xlabel("layout's input")
panel = figure.add_subplot(axes[:, 4], xlabel="channel", title="content's input: change to the original")
for name, vector in list(zip(versions, views["content"], strict=True))[1:]:
    panel.plot((vector - views["content"][0]).flatten(), linewidth=1, label=name)
panel.legend(fontsize=7)
plt.show()

# %% [markdown]
# Look at the lower row. Layout's input keeps places: "slid" is the first map, slid. "Moved" differs from the first map
# where the balloon was, and where it is now. But the strongest mark is in **recolored**: the branch that "hardly sees
# what" shows a change of color best. One channel is one *mixture* of 64, and nothing keeps training from choosing one
# in which colors count. Layout is blind to 63 of 64 directions; hue need not lie in them.
#
# On the right the theory holds better. The new colors change content's input most, by far. Sliding everything changes
# it least. The one moved rectangle comes between. Why at all? It was cut out and pasted, and the cuts are new edges,
# which *are* content. (Borders, and steps that do not fit the grid of F(x), add a little.) So the answers to questions
# 2 and 3 are: yes, somewhat; and yes, very much.
#
# First the exact part. On the trained F(x) itself, the blind spots are as blind as in the 2 x 2 map. We shuffle all its
# places; then we add random features of which we have removed the direction that `squeeze` sees.


# %%
def branch(part: str, features: torch.Tensor) -> torch.Tensor:
    """All decisions of a branch of the trained D on F(x), in a row."""
    y, found = D.view(part, features), []
    for block in D.branches[part]:
        y = block(y)
        found.append(block.decide(y).flatten())
    return torch.cat(found)


# %%
generator, whole = torch.Generator().manual_seed(0), features[0]
order = torch.randperm(whole[0, 0].numel(), generator=generator)
weights = D.squeeze.weight.detach()  # (1, C, 1, 1)
noise = torch.randn(whole.shape, generator=generator)
unseen = noise - weights * F.conv2d(noise, weights) / weights.square().sum()
changes = {"shuffled": whole.flatten(2)[..., order].view_as(whole), "repainted": whole + unseen}
with torch.no_grad():
    for name, changed in changes.items():
        same = {part: torch.allclose(branch(part, changed), branch(part, whole), atol=1e-3) for part in D.branches}
        print(f"F(x) {name}: the same decisions of content {same['content']}, of layout {same['layout']}")

# %% [markdown]
# ## Measured, not picked
#
# One balloon proves little. So: many random rectangles, anywhere in the picture, each of them once moved to a random
# place and once turned by a random hue where it is. Nobody chose them, and good and bad cases count alike.
#
# For every part we take the root mean square change of its map, over places, and average over blocks and edits. The
# absolute size means little, since logits of different parts have different scales. The **ratio** moved : recolored
# can be compared: high is "minds where", low is "minds what". The last column slides the whole picture, by seven
# distances. We measure every shipped run, not only that of this picture.


# %%
def draw_edits(picture: torch.Tensor, count: int) -> dict[str, torch.Tensor]:
    """Random rectangles, each moved to a random place, and each turned in hue where it is."""
    generator, found = torch.Generator().manual_seed(0), {"moved": [], "recolored": []}
    sides = torch.tensor(picture.shape[1:])
    for _ in range(count):
        draw = torch.rand(4, 2, generator=generator)
        size = ((0.2 + 0.3 * draw[0]) * sides).long()
        start, target = ((share * (sides - size + 1)).long() for share in draw[1:3])
        place = [*zip(start.tolist(), (start + size).tolist(), strict=True)]  # (top, bottom), (left, right)
        found["moved"].append(edit_region(picture, *place, *(target - start).tolist(), 0))
        found["recolored"].append(edit_region(picture, *place, 0, 0, 60 + 240 * draw[3, 0].item()))
    found["slid"] = [picture.roll(int(sides[1]) * part // 8, 2) for part in range(1, 8)]
    return {name: torch.stack(pictures) for name, pictures in found.items()}


# %%
def measure(D: Discriminator, picture: torch.Tensor, count: int) -> dict[str, dict[str, float]]:
    """By edit, how far the inputs and the decisions of each part change."""
    found, original = {}, None
    for name, pictures in {"original": picture[None], **draw_edits(picture, count)}.items():
        with torch.no_grad():
            x, decisions = judge(D, halve(pictures))
            values = {f"{part}'s input": [D.view(part, x)] for part in D.branches} | decisions
        original = original or values
        pairs = {part: zip(maps, original[part], strict=True) for part, maps in values.items()}
        squares = {part: [(a - b).square().mean((1, 2, 3)) for a, b in both] for part, both in pairs.items()}
        found[name] = {part: torch.stack(each).sqrt().mean().item() for part, each in squares.items()}
    return found


# %% tags=["nbval-ignore-output"]
others = sorted(path for path in shipped.parent.glob("*_siv_gan") if path != shipped)
runs = {"this picture": run} | {path.name: open_run(path, "cpu") for path in others}
tables = {name: measure(each.method.D, each.method.real[0][0], edits) for name, each in runs.items()}
for name, table in tables.items():
    print(f"{name:<18}    moved  recolored  moved : recolored  slid")
    for part in ("content's input", "layout's input", "low_level", "content", "layout"):
        moved, recolored, slid = (table[edit][part] for edit in ("moved", "recolored", "slid"))
        print(f"  {part:<17}{moved:8.3f}{recolored:12.3f}{moved / recolored:20.2f}{slid:10.3f}")

# %%
for name, table in tables.items():
    ratio = {part: table["moved"][part] / table["recolored"][part] for part in table["moved"]}
    print(f"{name}: of the inputs, layout's minds where more:", ratio["layout's input"] > ratio["content's input"])
    print(f"{name}: of the decisions, layout's mind where more:", ratio["layout"] > ratio["content"])

# %% [markdown]
# Read the ratios. In all shipped models layout's is the higher one, for inputs and for decisions, and so the two
# judges differ in the direction that theory says. But they differ *in degree*. With the balloons, content minds a moved
# rectangle about half as much as a recolored one, and layout minds both about alike. The low-level part,
# which sees everything, lies between the two.
#
# Then read the last column. When the whole picture slides, content's decision changes much less than by one pasted
# rectangle: it cares little where things are, but it does care for cuts. Layout's *input* changes more than by a moved
# rectangle. Its *decision* changes less than by a pasted rectangle. One reason may be that in training D has seen the
# picture moved about all the time (lesson 6).
#
# So do not say "content sees no places, layout sees no colors" of the decisions. Say: content's input has no places,
# and layout's input is one mixture of channels. The first makes content mind places little. The second makes layout
# mind colors only somewhat less.
#
# ## Broken on purpose, 1: the branches swapped
#
# Suppose someone confuses the two branches. If only their views are swapped, the first convolution gets the wrong
# number of channels and stops you. If only the *names* of the results are swapped, nothing does. The class below does
# that:


# %%
class Swapped(Discriminator):
    """A discriminator whose branches have each other's names."""

    def forward(self, *inputs, **options) -> dict[str, list[torch.Tensor]]:
        found = super().forward(*inputs, **options)
        return found | {"content": found["layout"], "layout": found["content"]}


# %%
swapped = Swapped(fresh.settings)
swapped.prepare(CPU, torch.Generator().manual_seed(0))
right, wrong = (Discriminator.forward(swapped, pyramid), swapped(pyramid))
sums = [fresh.total({part: losses.generator_part_loss(x) for part, x in found.items()}) for found in (right, wrong)]
print("the loss is the same:", torch.allclose(*sums))
try:
    check_forward(swapped, pyramid)
except AssertionError as error:
    print("AssertionError:", error)

# %% [markdown]
# Eq. 3 gives both branches weight 1, so the loss cannot tell. Only our check does, by the sizes of the maps. All you
# would have seen is a table like the one above, with two rows exchanged.
#
# Is it harmless then? Not if the names are swapped everywhere, views and blocks included. *Feature augmentation*
# (lesson 6) goes by the names, too: it copies and drops a random 10 to 30 % of the channels of what is called
# "content". The layout map has one channel. When that is dropped, as in two of the five maps below, D is shown an empty
# map, and told that this is real.

# %%
turns = draw_transforms(5, height, width, 0.7, torch.Generator().manual_seed(7))
five = transform(picture.expand(5, -1, -1, -1), turns)
with torch.no_grad():
    real = D.view("layout", judge(D, halve(five))[0])
mixed = mix_channels(real, 1.0, torch.Generator().manual_seed(11))

# %%
figure, axes = plt.subplots(2, 5, figsize=(10, 3.2), layout="constrained", subplot_kw={"xticks": [], "yticks": []})
for i in range(5):
    axes[0, i].imshow(real[i, 0], cmap="coolwarm", vmin=-1, vmax=1)
    axes[1, i].imshow(mixed[i, 0], cmap="coolwarm", vmin=-1, vmax=1)
axes[0, 0].set_ylabel("layout maps")
axes[1, 0].set_ylabel("treated as content")
plt.show()

# %%
draws = torch.Generator().manual_seed(0)
empty = sum((mix_channels(real, 1.0, draws) == 0).flatten(1).all(1).sum().item() for _ in range(400)) / 2000
print("about one real map in five is empty, whenever channels are dropped:", 0.15 < empty < 0.25)

# %% [markdown]
# ## Broken on purpose, 2: from-RGB dropped
#
# Now the smaller picture: we hang a hook on its from-RGB that makes its features zero. All shapes stay, nothing
# crashes.


# %%
def drop(layer, inputs, output: torch.Tensor) -> torch.Tensor:
    """A forward hook: zeros in place of what the layer gives."""
    return torch.zeros_like(output)


hook = fresh.D.from_rgb[1].register_forward_hook(drop)
try:
    check_forward(fresh.D, pyramid)
except AssertionError as error:
    print("AssertionError:", error)
hook.remove()

# %% [markdown]
# What does the trained D lose? We show it the training picture with a right and with a wrong small copy, one with all
# colors inverted. How real does it find the second block's places? White is real, black is generated.

# %%
large, small = halve(picture[None])
with torch.no_grad():
    decided = {f"whole D, {name} copy": D([large, copy]) for name, copy in (("right", small), ("wrong", -small))}
    hook = D.from_rgb[1].register_forward_hook(drop)
    decided |= {f"broken D, {name} copy": D([large, copy]) for name, copy in (("right", small), ("wrong", -small))}
hook.remove()
seen = [decisions["low_level"][1] for decisions in decided.values()]
print("right and wrong copy judged the same by the whole D:", torch.equal(*seen[:2]))
print("and by the broken one:", torch.equal(*seen[2:]))

# %%
figure, axes = plt.subplots(1, 5, figsize=(12, 2.2), layout="constrained", subplot_kw={"xticks": [], "yticks": []})
axes[0].imshow((1 - small[0].permute(1, 2, 0)) / 2)
axes[0].set_title("the wrong copy")
for each, name, logits in zip(axes[1:], decided, seen, strict=True):
    each.imshow(logits[0, 0].sigmoid(), cmap="gray", vmin=0.2, vmax=0.8)
    each.set_title(name)
plt.show()

# %% [markdown]
# With the right copy the whole D is gray, undecided: G has learned to be hard to tell. With the wrong one it turns
# dark. The broken D gives the same map twice: to it the small picture does not exist. It is darker than the whole one
# even so, since it was trained with features that are now missing.
#
# What D does not see, G does not learn: no gradient comes back through that picture. Two small models take three steps,
# one of them with the hook in place.

# %%
for name in ("with", "without"):
    model = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), CPU, "fp32", 0)
    if name == "without":
        model.D.from_rgb[1].register_forward_hook(drop)
    layer = model.G.blocks[-2].to_rgb
    first = layer.raw.detach().clone()
    for _ in range(3):
        model.step()
    learned = not torch.equal(first, layer.raw)
    assert learned == (name == "with"), "Look at Discriminator.forward: is G's small picture read?"
    print(f"{name} from-RGB, the layer that makes G's small picture has learned: {learned}")

# %% [markdown]
# The small picture of the trained G, as it is, and from the same features through a layer that never learned:

# %%
G = run.method.average
with torch.no_grad():
    maps = G.features(run.method.draw_latents(5, seed=1))
    half = G.pyramid(maps)[1]
    weight = torch.randn(G.blocks[-2].to_rgb.weight.shape, generator=torch.Generator().manual_seed(0))
    weight = weight / torch.linalg.matrix_norm(weight.flatten(1), 2)  # spectral norm 1, as all layers of G have
    unlearned = F.conv2d(maps[-2], weight, padding=1).tanh()
contact_sheet({"half size, as trained": half, "through a layer that never learned": unlearned}, scale=5)

# %% [markdown]
# The first row is the scene, coarse but complete. The second is no pure noise, since the features below it are good
# ones; but its colors are arbitrary and far too strong. A model trained so from the start would be worse off still:
# its early blocks would miss the gradient that comes in through this picture. (We have not trained one.)
#
# ## A slider
#
# Move the rectangle across the picture. The title has each branch's mean logit; below are the decisions of its three
# blocks, white for real. The curves after it have all positions at once.

# %%
slider = widgets.IntSlider(value=width // 2, min=-columns[0], max=width - columns[1], description="right by")
view = Picture("The edited picture, and what each block of the branches decides")


def show_move(change=None) -> None:
    edited = edit_region(picture, rows, columns, 0, slider.value, 0)
    with torch.no_grad():
        decisions = D(halve(edited[None]))
    means = [f"{part} {torch.stack([x.mean() for x in decisions[part]]).mean():.2f}" for part in D.branches]
    blocks = {part: torch.cat([F.interpolate(x, (height, width)) for x in decisions[part]]) for part in D.branches}
    grays = {part: (2 * x.sigmoid() - 1).expand(-1, 3, -1, -1) for part, x in blocks.items()}
    view.value = encode(contact_sheet({", ".join(means): edited[None], **grays}, scale=3))


# %% tags=["nbval-ignore-output"]
slider.observe(show_move, "value")
show_move()
widgets.VBox([slider, view])

# %%
places = range(slider.min, slider.max + 1)
moved = torch.stack([edit_region(picture, rows, columns, 0, place, 0) for place in places])
with torch.no_grad():
    decisions = D(halve(moved))
figure, axes = plt.subplots(1, 2, figsize=(10, 2.6), layout="constrained")
for each, part in zip(axes, D.branches, strict=True):
    each.plot(places, torch.stack([x.mean((1, 2, 3)) for x in decisions[part]]).mean(0))
    each.axvline(0, linestyle=":", color="gray")
    each.set(title=part, xlabel="right by, pixels", ylabel="mean logit")
plt.show()

# %% [markdown]
# Mind the two scales: layout's is about nine times as large. It likes the balloon best where it was, at 0, and little
# in between. There is a second peak at about 36 pixels. There the striped balloon changes places with the purple one,
# which is as large: probably few cuts show, and the arrangement is nearly the old one. Content has the same two peaks.
# So even this judge of *what* minds where the balloon is pasted, as the table said.
#
# More of this, with rectangles, moves and hues of your own, is in the *microscope*. Blue is generated, red is real.

# %% tags=["nbval-ignore-output"]
microscope(run.folder)

# %% [markdown]
# ## Does the split help?
#
# **Published** (Table 3, single images of DAVIS-YFCC100M, not our measurement; SIFID at 1/16 is a distance of
# high-level features to the training image, low is good; LPIPS and the distance to train measure diversity, high is
# good):
#
# | discriminator | SIFID at 1/16 | LPIPS | distance to train |
# |---|---|---|---|
# | both branches | 16.30 | 0.33 | 0.37 |
# | no layout branch | 20.29 | 0.35 | 0.40 |
# | no content branch | 23.25 | 0.34 | 0.36 |
# | no branches, one ordinary trunk | 7.73 | 0.13 | 0.12 |
#
# The last row has the best SIFID and the least diversity: it copies the training image. With one branch alone, samples
# differ but fit the scene less well. `ablations.ipynb` with `tables = "3"` trains these rows on your picture.
#
# ## Exercises
#
# Replace each `...`; the cell below then checks. Before that it says "not yet" and nothing fails.
#
# **1.** Of a picture of `height` x `width` pixels, how many numbers does each branch receive? There are `blocks`
# low-level blocks, each of which halves both sides, and F(x) has `channels` channels.


# %%
def count_numbers(height: int, width: int, blocks: int, channels: int) -> tuple[int, int]:
    """How many numbers content and layout receive."""
    ...


# %%
if count_numbers(48, 64, 2, 64) is None:
    print("not yet: count_numbers returns nothing; what is left of F(x) after a mean over places?")
else:
    for sides, blocks, channels in (((48, 64), 2, 64), ((192, 320), 3, 256)):
        blank = torch.zeros(1, channels, *(side // 2**blocks for side in sides))
        expected = see_content(blank).numel(), see_layout(blank, [0.0] * channels).numel()
        answer = count_numbers(*sides, blocks, channels)
        assert answer == expected, f"{sides}: {answer}; content keeps channels, layout keeps places"
    print("exercise 1: right")

# %% [markdown]
# **2.** G's side of Eq. 3. For G every decision has the loss -log D, which is `F.softplus(-logits)`. Mean over a map,
# mean over a part's blocks, then the weights of the parts.


# %%
def generator_loss(decisions: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """Eq. 3 for G, of logits by part: "low_level", "content" and "layout"."""
    ...


# %%
draws = torch.Generator().manual_seed(0)
decisions = {part: [torch.randn(5, 1, n, n, generator=draws) for n in (4, 2)] for part in ("low_level", "content")}
decisions["layout"] = [torch.randn(5, 1, n, n, generator=draws) for n in (8, 4, 1)]
if generator_loss(decisions) is None:
    print("not yet: generator_loss returns nothing; begin with the mean of F.softplus(-logits) for one map")
else:
    expected = fresh.total({part: losses.generator_part_loss(maps) for part, maps in decisions.items()})
    close(generator_loss(decisions), expected, msg="Not Eq. 3: means (not sums) over maps and blocks, low_level twice?")
    print("exercise 2: right")

# %% [markdown]
# **3.** You are handed two judges without names: functions that take F(x) and return a mean logit. Find out which is
# the content branch, by asking them.


# %%
def find_content(judges: tuple, features: torch.Tensor) -> int:
    """The number, 0 or 1, of the judge that is the content branch; `features` is one F(x)."""
    ...


# %%
both = [lambda x, part=part: branch(part, x).mean().item() for part in ("content", "layout")]
answers = [find_content(judges, features[0]) for judges in (both, both[::-1])]
if None in answers:
    print("not yet: find_content returns nothing; change F(x) in a way to which content is blind")
else:
    assert answers == [0, 1], f"it answers {answers}, not [0, 1]; whose logit stays when the places are shuffled?"
    print("exercise 3: right")

# %% [markdown]
# The solutions are in `solutions/04_two_judges.ipynb`.
#
# ## Quiz
#
# **1.** Why can the two branches learn the picture by heart less easily than one trunk? (a) They have fewer blocks. (b)
# Each gets a small part of F(x). (c) They are trained more slowly.
# <details><summary>Answer</summary>(b). 64 and 192 numbers of 12,288 here. The published table says the same: one trunk
# copies.</details>
#
# **2.** Which two can the content branch not tell apart *at all*? (a) An F(x) and the same with its places shuffled.
# (b) A picture and the same with a balloon moved. (c) A picture and its mirror image.
# <details><summary>Answer</summary>(a). Only there is the mean exactly the same. A moved rectangle brings new edges,
# and a mirrored edge is another edge to a convolution.</details>
#
# **3.** Layout's input is one channel. Is it blind to color? (a) Yes. (b) Only to changes that its mixture of channels
# does not contain. (c) No, it sees all channels.
# <details><summary>Answer</summary>(b). The 1x1 convolution is learned, and in our models it learned a mixture that hue
# changes a lot.</details>
#
# **4.** The names of the branches are swapped everywhere. What tells you? (a) An error. (b) The loss. (c) Neither; only
# a look at who reacts to what, or at the sizes of the maps.
# <details><summary>Answer</summary>(c). Both have weight 1 in Eq. 3, so training goes on, with feature augmentation
# doing the wrong thing to each.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | release | here |
# |---|---|---|---|
# | layout's one channel | a 1x1 convolution | its first 3x3 block narrows to one | a 1x1 convolution |
# | weights of the parts | 1, 1 and 2 (low level) | 0.5/7, 0.5/7 and 1/7 | 1, 1 and 2 |
# | over the blocks of a part | mean | sum | mean |
# | blocks, low level + branch | 3 + 4 | by size: 2 + 4 at about 64 px | by size: 2 + 3 at 48 x 64 |
# | from-RGB | concatenated (MSG-GAN); no sizes given | 3x3, an eighth of the channels | as the release |
# | first low-level block | not specified | no activation before it | as the release |
# | small pictures that D never reads | not specified | made all the same | not made |
# | segmentation masks (a later paper) | none | content branch can classify | none |
#
# ## Next
#
# Two judges with little memory still allow G to draw one good picture for all latents. `05_diversity` is about the term
# that keeps its samples apart.
