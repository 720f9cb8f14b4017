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
# **Goal:** understand how SIV-GAN splits its discriminator into a judge of *what* is in an image
# and a judge of *where* it is, and see on a trained model how far the split really goes.

# %%
from siv_lite.figures import show_map

show_map("low_level", "content", "layout", "losses")

# %% [markdown]
# G draws, D judges. Today we are inside D: its low-level blocks look at the images, and behind them
# D splits in two. The diversity term is for lesson 5, augmentation and feature mixing for lesson 6.
#
# **You need:** convolutions and cross-entropy in PyTorch, and from lesson 3 that the generator
# makes an image at several scales. The paper's section is 3.1.
#
# **Time:** 5 seconds of computing on two cores; 55 minutes of reading and exercises.
#
# **Words used below.** *D* is the discriminator; *G* is the generator that it trains. A *part* of D
# is its low-level blocks, its content branch or its layout branch. A *block* is a few convolutions
# with a shortcut around them. A *logit* is a decision as a plain number: above 0 means real, below
# 0 generated. *F(x)* is the map of features that the low-level blocks make of an image x. The
# *pyramid* is x and its halved copies.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the image that was, or is to be, learned
preset: str = "lesson"  # smoke (seconds) or lesson (under a minute)
edits: int | None = None  # random rectangles to move; None: 200 in `lesson`, 40 in `smoke`
out: str = "../runs/lesson_04"  # where a model is trained if none is shipped for this image

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import ipywidgets as widgets
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, losses, open_run, read_frames, train
from siv_lite.augment import apply_transforms, mix_channels, sample_transforms
from siv_lite.exercises import check_count_numbers, check_find_content, check_generator_loss
from siv_lite.figures import color_maps, plot_bars, plot_lines
from siv_lite.lesson_checks import check, check_forward, check_sizes
from siv_lite.methods import find_method, make_settings
from siv_lite.methods.siv_gan import Discriminator, Settings, complete_settings
from siv_lite.widgets import Picture, edit_region, encode, microscope

# %% [markdown]
# ## Predict before you run
#
# Write your answers down; cells below reveal them.
#
# 1. We shuffle all places of F(x), as if it were a pack of cards. Which branch notices?
# 2. We slide the whole *image* half its width; what leaves on the right enters on the left. Which
#    branch minds that more?
# 3. We turn all its hues by 120 degrees and leave everything in its place. Which branch minds that
#    more? Does the other one notice?

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, max_size=64)[:1]  # (1, 3, H, W)


def slide(image: torch.Tensor, right: int) -> torch.Tensor:
    """An image (3, H, W), moved right; what leaves on the right enters on the left."""
    return image.roll(right, 2)


def recolor(image: torch.Tensor, degrees: float) -> torch.Tensor:
    """An image (3, H, W) with all its hues turned."""
    _, height, width = image.shape
    return edit_region(image, (0, height), (0, width), 0, 0, degrees)


three = [frames[0], slide(frames[0], frames.shape[3] // 2), recolor(frames[0], 120)]
contact_sheet({"the image; slid; recolored": torch.stack(three)})

# %% [markdown]
# ## One map, two views
#
# A discriminator that sees the one training image whole can learn it by heart. Then only copies of
# it pass, and G will draw copies. SIV-GAN takes away what is needed for that: after some common
# blocks, each branch gets a squeezed F(x). A new scene can pass if it is made of the right things,
# and if it is arranged in a likely way. It need not be *the* image.
#
# - **Content** gets the mean over all places: one number per channel. It cannot know *where*
#   anything was.
# - **Layout** gets one channel, a weighted sum of all: one number per place. It knows where, hardly
#   *what*.
#
# Here is an F(x) of two channels, 2 x 2 places. Let the weights of the sum, which D learns, be 0.6
# and 0.8.
#
# | | channel 1 | channel 2 | layout sees 0.6 x first + 0.8 x second |
# |---|---|---|---|
# | upper places | 5, 0 | 0, 10 | 3, 8 |
# | lower places | 5, 10 | 10, 20 | 3 + 8 = 11, 6 + 16 = 22 |
# | content sees the mean | 5 | 10 | |

# %%
x = torch.tensor([[[5.0, 0], [5, 10]], [[0, 10], [10, 20]]])
x = x[None]  # (1, 2, 2, 2): sample, channel, row, column


def see_content(x: torch.Tensor) -> torch.Tensor:
    """One number per channel: (1, C, h, w) -> (1, C, 1, 1)."""
    means = [channel.sum() / channel.numel() for channel in x[0]]
    return torch.stack(means).view(1, -1, 1, 1)


# %%
def see_layout(x: torch.Tensor, weights: list[float]) -> torch.Tensor:
    """One number per place: (1, C, h, w) -> (1, 1, h, w)."""
    mixture = sum(weight * channel for weight, channel in zip(weights, x[0], strict=True))
    return mixture[None, None]


# %% [markdown]
# The package's `Discriminator.branch_input` does the same. We build one so small that its F(x) has
# two channels, and set its 1x1 convolution, `squeeze`, to our weights.

# %%
settings = Settings(base_channels=1, low_level_blocks=1, branch_blocks=1)
tiny = Discriminator(complete_settings(settings, 1, 32, 32))
with torch.no_grad():
    tiny.squeeze.weight.copy_(torch.tensor([0.6, 0.8]).view(1, 2, 1, 1))
    content = tiny.branch_input("content", x)
    layout = tiny.branch_input("layout", x)

# %%
means = torch.tensor([5.0, 10]).view(1, 2, 1, 1)
mixture = torch.tensor([[3.0, 8], [11, 22]]).view(1, 1, 2, 2)
check(see_content(x), means, "see_content is not the mean of each channel")
check(see_layout(x, [0.6, 0.8]), mixture, "see_layout is not the weighted sum of the channels")
look = "Look at Discriminator.branch_input in methods/siv_gan.py: are the branches swapped?"
check(content, means, look)
check(layout, mixture, look)
print("content sees", [f"{number:.4f}" for number in content.flatten()], "by the package")
print("layout sees", [f"{number:.4f}" for number in layout.flatten()])

# %% [markdown]
# Each view has a blind spot, and both are exact.
#
# - Shuffle the places: no mean changes. **Content is blind to it.** In layout's view the numbers
#   change places.
# - Add (4, -3) to the two channels at some place: 0.6 x 4 - 0.8 x 3 = 0. **Layout is blind to it.**
#   Content is not.

# %%
shuffled = x.flatten(2)[..., [3, 0, 2, 1]].view_as(x)
added = torch.tensor([4.0, -3]).view(1, 2, 1, 1)
repainted = x + added * torch.tensor([[1.0, 0], [0, 2]])  # at two of the four places

for name, changed in {"shuffled": shuffled, "repainted": repainted}.items():
    with torch.no_grad():
        same_content = torch.allclose(tiny.branch_input("content", changed), content)
        same_layout = torch.allclose(tiny.branch_input("layout", changed), layout)
    print(f"places {name}: content {'sees no difference' if same_content else 'sees it'}")
    print(f"places {name}: layout {'sees no difference' if same_layout else 'sees it'}")
    assert (same_content, same_layout) == (name == "shuffled", name == "repainted"), look

# %% [markdown]
# That answers question 1: only layout notices. How much is taken away? For our images of 40 x 56
# pixels F(x) has 64 channels of 10 x 14 places: 8,960 numbers. Content gets 64 means of them,
# layout 140 mixtures. Neither can get the image back from that.
#
# ## Before the split: low-level blocks and from-RGB
#
# The first blocks halve the map each time. The first reads the image. Every later one also reads
# the image of its *own* scale: a convolution turns its three colors into a few features
# (*from-RGB*), and these are concatenated to what comes from above. So D sees the small images that
# G makes along the way, and G's early blocks learn from it directly. (The idea is MSG-GAN's,
# Karnewar and Wang 2020.)
#
# Here is the forward pass of D in our words. Every block has its own decision, a map of logits.


# %%
def judge(D: Discriminator, pyramid: list[torch.Tensor]) -> tuple[torch.Tensor, dict]:
    """F(x), and each part's decisions, of images at all scales, fine to coarse."""
    decisions = {"low_level": [], "content": [], "layout": []}
    x = None
    for i, images in enumerate(pyramid):
        from_rgb = D.from_rgb[i]
        features = F.conv2d(images, from_rgb.weight, from_rgb.bias, padding=1)
        if x is not None:
            features = torch.cat([x, features], dim=1)
        x = D.low_level[i](features)
        decisions["low_level"].append(D.low_level[i].decide(x))

    content = x.mean((2, 3), keepdim=True)  # (n, C, 1, 1)
    layout = F.conv2d(x, D.squeeze.weight, D.squeeze.bias)  # (n, 1, h, w)
    for part, y in {"content": content, "layout": layout}.items():
        for block in D.branches[part]:
            y = block(y)
            decisions[part].append(block.decide(y))
    return x, decisions


# %% [markdown]
# Is that what the package does? `check_sizes` looks at how many channels its layers take, and
# `check_forward` runs both and compares F(x) and every decision. To get at the package's F(x) it
# hangs a *forward hook* on the last low-level block: a function that PyTorch calls with the layer's
# output.

# %%
CPU = torch.device("cpu")
fresh = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), CPU, "fp32", 0)
for _ in range(20):
    fresh.D.normalize()  # an untrained network's spectral norms are rough guesses at first
pyramid = [fresh.real[0], -fresh.real[1]]  # the small image does not follow from the large one

check_sizes(fresh.D)
check_forward(fresh.D, pyramid, judge)
decisions = judge(fresh.D, pyramid)[1]
count = sum(x.numel() for maps in decisions.values() for x in maps)
print(f"F(x) and all {count} decisions of the package are those of our function")

# %% [markdown]
# ## Three groups of losses
#
# Every decision map gets a loss (Eq. 2): binary cross-entropy, `-log D` where the image is real and
# `-log(1 - D)` where it is generated; here D is the logit's sigmoid, the probability of *real*. The
# mean over a part's blocks is the part's loss (Eq. 1). And Eq. 3 adds the parts:
#
# $$ L_{adv} = L_{content} + L_{layout} + 2\,L_{low\text{-}level} $$
#
# The 2 is there because two branches look at high-level features and only one part at low-level
# ones.
#
# By hand, a part of two blocks. The first says 1/2 to both images: -log 1/2 - log 1/2 = log 4. The
# second is right, 3/4 for the real and 1/4 for the generated one: -log 3/4 - log 3/4 = log 16/9.
# Their mean is half the log of the product, log 8/3.

# %%
first = torch.tensor([0.5, 0.5]).logit().view(2, 1, 1, 1)
second = torch.tensor([0.75, 0.25]).logit().view(2, 1, 1, 1)
loss = losses.discriminator_part_loss([first, second], num_real=1)
look = "Look at losses.discriminator_part_loss: mean over blocks, Eq. 1 and 2"
check(loss, torch.tensor(8 / 3).log(), look)

total = fresh.total_loss({"content": 1.0, "layout": 10.0, "low_level": 100.0})
assert total == 1 + 10 + 2 * 100, f"{total}, not 211: look at Eq. 3 in SIVGAN.total_loss"
print(f"Eq. 1 and 2: log 8/3 = 0.980829 by hand, {loss:.6f} by the package")
print(f"Eq. 3: 211 by hand, {total:.0f} by the package")

# %% [markdown]
# A mean, not a sum: a branch of four blocks does not count more than one of two. And a map of 6 x 8
# decisions weighs as much as content's single one.
#
# ## In a trained model
#
# We open the run that comes with this repository (or train one here first, if there is none for
# your image), and edit its training image in three ways. **Slid** and **recolored** are those of
# the questions. **Moved**: one rectangle goes elsewhere (in `balloons.png` the large striped
# balloon), and the pixels that it covers fill the hole, so that every color is kept.

# %%
if edits is None:
    edits = 40 if preset == "smoke" else 200

# %% tags=["nbval-ignore-output"]
shipped = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
if shipped.exists():
    run = open_run(shipped, "cpu")
else:
    run = train("siv_gan", read_frames(source)[:1], Path(out, "base"), preset, device="cpu")
D = run.method.D
image = run.method.real[0][0]  # (3, H, W)


# %%
def halve(images: torch.Tensor) -> list[torch.Tensor]:
    """The pyramid of images (n, 3, H, W): themselves and their copies of half the size."""
    return [images, F.avg_pool2d(images, 2)]


# %%
height, width = image.shape[1:]
rows_of_balloon = (height // 10, height * 6 // 10)
columns = (width // 10, width * 3 // 10)
versions = {
    "original": image,
    "slid": slide(image, width // 2),
    "recolored": recolor(image, 120),
    "moved": edit_region(image, rows_of_balloon, columns, height // 8, width // 2, 0),
}
with torch.no_grad():
    features = [judge(D, halve(edited[None]))[0] for edited in versions.values()]
    content = torch.cat([D.branch_input("content", x) for x in features])  # (4, C, 1, 1)
    layout = torch.cat([D.branch_input("layout", x) for x in features])  # (4, 1, h, w)

# %%
images = torch.stack(list(versions.values()))
contact_sheet({", ".join(versions): images, "layout's input": color_maps(layout)}, scale=4)

# %%
changes = {}
for i, name in enumerate(versions):
    if name != "original":
        changes[name] = (content[i] - content[0]).flatten()
plot_lines(changes, xlabel="channel", title="content's input: change to the original")

# %% [markdown]
# Look at the lower row first. Layout's input keeps places: "slid" is the first map, slid. "Moved"
# differs from it where the balloon was, and where it is now. But layout is not blind to color:
# "recolored" is another map altogether. One channel is one *mixture* of 64, and nothing keeps
# training from choosing one in which colors matter. Layout is blind to 63 of 64 directions; hue
# need not lie in them.
#
# Content's input behaves as theory says. Other colors change it strongly; sliding everything, or
# moving one balloon, hardly shows on that scale.
#
# First the exact part. On the trained F(x) itself, the blind spots are as blind as in the 2 x 2
# map. We shuffle all its places; then we add random features of which we have removed the direction
# that `squeeze` sees.


# %%
@torch.no_grad()
def branch(part: str, features: torch.Tensor) -> torch.Tensor:
    """All decisions of a branch of the trained D on F(x), in a row."""
    y = D.branch_input(part, features)
    found = []
    for block in D.branches[part]:
        y = block(y)
        found.append(block.decide(y).flatten())
    return torch.cat(found)


# %%
generator = torch.Generator().manual_seed(0)
whole = features[0]  # (1, C, h, w)
order = torch.randperm(whole[0, 0].numel(), generator=generator)
shuffled = whole.flatten(2)[..., order].view_as(whole)

weights = D.squeeze.weight.detach()  # (1, C, 1, 1)
noise = torch.randn(whole.shape, generator=generator)
unseen = noise - weights * F.conv2d(noise, weights) / weights.square().sum()
for name, changed in {"shuffled": shuffled, "repainted": whole + unseen}.items():
    same = {}
    for part in ("content", "layout"):
        same[part] = torch.allclose(branch(part, changed), branch(part, whole), atol=1e-3)
    print(f"F(x) {name}: the same decisions of", end=" ")
    print(f"content {same['content']}, of layout {same['layout']}")

# %% [markdown]
# ## Who minds what?
#
# Now the decisions. How far does each branch's map of logits change? Logits of two branches have
# different scales, so we need a yardstick: what a *new scene* changes, on average over 32 samples
# of G. At 100 % a branch minds an edit as much as if the whole scene were another.
#
# One edit proves little. So the image slides by seven distances, turns by five hues, and many
# random rectangles are moved to random places; good and bad cases count alike. We measure every
# shipped run, not only that of this image.


# %%
def move_rectangles(image: torch.Tensor, count: int) -> torch.Tensor:
    """Copies of an image (3, H, W), in each a random rectangle moved to a random place."""
    generator = torch.Generator().manual_seed(0)
    sides = torch.tensor(image.shape[1:])
    moved = []
    for _ in range(count):
        random = torch.rand(3, 2, generator=generator)
        size = ((0.2 + 0.3 * random[0]) * sides).long()
        start = (random[1] * (sides - size + 1)).long()  # top and left
        target = (random[2] * (sides - size + 1)).long()
        rows, columns = torch.stack([start, start + size], dim=1).tolist()
        moved.append(edit_region(image, rows, columns, *(target - start).tolist(), 0))
    return torch.stack(moved)


# %%
def measure_change(D: Discriminator, images: torch.Tensor, original: torch.Tensor) -> dict:
    """By branch, the root mean square change of its logits, mean over blocks and images."""
    with torch.no_grad():
        before = D(halve(original[None]))
        after = D(halve(images))
    found = {}
    for part in ("content", "layout"):
        changes = []
        for edited, maps in zip(after[part], before[part], strict=True):
            changes.append((edited - maps).square().mean((1, 2, 3)).sqrt().mean())
        found[part] = torch.stack(changes).mean().item()
    return found


# %% tags=["nbval-ignore-output"]
def measure(run, count: int) -> dict[str, dict[str, float]]:
    """By edit, how much each branch minds it, in percent of a new scene."""
    D = run.method.D
    image = run.method.real[0][0]
    width = image.shape[2]
    edited = {
        "slid": torch.stack([slide(image, width * part // 8) for part in range(1, 8)]),
        "recolored": torch.stack([recolor(image, 60.0 * part) for part in range(1, 6)]),
        "a rectangle moved": move_rectangles(image, count),
    }
    whole = measure_change(D, run.sample(32, seed=3), image)
    found = {}
    for name, images in edited.items():
        change = measure_change(D, images, image)
        found[name] = {part: 100 * change[part] / whole[part] for part in whole}
    return found


# %% tags=["nbval-ignore-output"]
runs = {Path(source).stem: run}
for path in sorted(shipped.parent.glob("*_siv_gan")):
    if path != shipped:
        runs[path.name.removesuffix("_siv_gan")] = open_run(path, "cpu")
minded = {name: measure(x, edits) for name, x in runs.items()}
for edit in ("slid", "recolored", "a rectangle moved"):
    bars = {name: by_edit[edit] for name, by_edit in minded.items()}
    plot_bars(bars, title=edit, ylabel="% of a new scene")

# %% [markdown]
# The first chart answers question 2: **layout** minds more, on every image at least twice as much.
# The second answers question 3: **content** does, by a factor of two to three. So the two judges
# differ, and in the direction that theory says.
#
# But neither is blind. Layout, which "sees no colors", minds these more than a whole new scene,
# since no scene of G has a pink sky. And the third chart is a warning: both mind a moved rectangle,
# about equally. In a *image* one cannot change places alone: where something is cut out and pasted,
# there are new edges, and edges are content. (That layout minds sliding no more than this may be
# because in training D has seen the image moved about all the time, lesson 6.)
#
# So do not say of the decisions "content sees no places, layout sees no colors". Say: content's
# input has no places, and layout's input is one mixture of channels. The first makes content mind
# places little. The second makes layout mind colors less.
#
# ## Broken on purpose, 1: the branches swapped
#
# Suppose someone mixes up the two branches. If only their views are swapped, the first convolution
# gets the wrong number of channels and stops you. If only the *names* of the results are swapped,
# nothing stops you. The class below does that:


# %%
class Swapped(Discriminator):
    """A discriminator whose branches have each other's names."""

    def forward(self, *inputs, **options) -> dict[str, list[torch.Tensor]]:
        decisions = super().forward(*inputs, **options)
        content = decisions["content"]
        decisions["content"] = decisions["layout"]
        decisions["layout"] = content
        return decisions


# %%
swapped = Swapped(fresh.settings)
swapped.init_weights(CPU, torch.Generator().manual_seed(0))
totals = []
for decisions in (Discriminator.forward(swapped, pyramid), swapped(pyramid)):
    parts = {part: losses.generator_part_loss(maps) for part, maps in decisions.items()}
    totals.append(fresh.total_loss(parts))
print("the loss with the right names {:.6f}, with swapped names {:.6f}".format(*totals))

try:
    check_forward(swapped, pyramid, judge)
except AssertionError as error:
    print("AssertionError:", error)

# %% [markdown]
# Eq. 3 gives both branches weight 1, so the loss cannot tell. Only our check does, by the sizes of
# the maps. All you would have seen are bars like those above, with their colors exchanged.
#
# Is it harmless then? Not if the names are swapped everywhere, views and blocks included. *Feature
# augmentation* (lesson 6) goes by the names, too: it copies and drops a random 10 to 30 % of the
# channels of what is called "content". The layout map has one channel. When that is dropped, as in
# two of the five maps below, D is shown an empty map, and told that this is real.

# %%
turns = sample_transforms(5, height, width, 0.7, torch.Generator().manual_seed(7))
five = apply_transforms(image.expand(5, -1, -1, -1), turns)
with torch.no_grad():
    features_of_five, _ = judge(D, halve(five))
    real = D.branch_input("layout", features_of_five)
mixed = mix_channels(real, 1.0, torch.Generator().manual_seed(11))

# %%
rows = {"layout maps": color_maps(real), "treated as content": color_maps(mixed)}
contact_sheet(rows)

# %%
generator = torch.Generator().manual_seed(0)
empty = 0
for _ in range(400):
    mixed = mix_channels(real, 1.0, generator)
    empty += (mixed == 0).flatten(1).all(1).sum().item()
share = empty / (400 * len(real))
print(f"whenever channels are dropped, {share:.0%} of the real maps are empty")

# %% [markdown]
# ## Broken on purpose, 2: from-RGB dropped
#
# Now the smaller image: we hang a hook on its from-RGB that makes its features zero. All shapes
# stay the same, and nothing crashes.


# %%
def drop(layer, inputs, output: torch.Tensor) -> torch.Tensor:
    """A forward hook: zeros in place of what the layer gives."""
    return torch.zeros_like(output)


hook = fresh.D.from_rgb[1].register_forward_hook(drop)
try:
    check_forward(fresh.D, pyramid, judge)
except AssertionError as error:
    print("AssertionError:", str(error).splitlines()[0])
hook.remove()

# %% [markdown]
# What does the trained D lose? We show it the training image with a right and with a wrong small
# copy, one with all colors inverted. How real does it find the second block's places? White is
# real, black is generated.

# %%
large, small = halve(image[None])
seen = {}
with torch.no_grad():
    seen["whole D, right copy"] = D([large, small])["low_level"][1]
    seen["whole D, wrong copy"] = D([large, -small])["low_level"][1]
    hook = D.from_rgb[1].register_forward_hook(drop)
    seen["broken D, right copy"] = D([large, small])["low_level"][1]
    seen["broken D, wrong copy"] = D([large, -small])["low_level"][1]
hook.remove()
for name in ("whole", "broken"):
    difference = (seen[f"{name} D, right copy"] - seen[f"{name} D, wrong copy"]).abs().max()
    print(f"{name} D: right and wrong copy differ by up to {difference:.3f} in the logit")

# %%
rows = {"the wrong copy": -small}
maps = torch.cat(list(seen.values())).sigmoid()  # (4, 1, h, w), between 0.2 and 0.8
grays = ((maps - 0.5) / 0.3).clamp(-1, 1).expand(-1, 3, -1, -1)
rows["; ".join(seen)] = grays
contact_sheet(rows)

# %% [markdown]
# With the right copy the whole D is gray, undecided: G has learned to be hard to tell. With the
# wrong one it turns dark. The broken D gives the same map twice: to it the small image does not
# exist. It is darker than the whole one all the same, since it was trained with features that are
# now missing.
#
# What D does not see, G does not learn: no gradient comes back through that image. Two small models
# take three steps, one of them with the hook in place.

# %%
for dropped in (False, True):
    model = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), CPU, "fp32", 0)
    if dropped:
        model.D.from_rgb[1].register_forward_hook(drop)
    layer = model.G.blocks[-2].to_rgb
    before = layer.weight_orig.detach().clone()
    for _ in range(3):
        model.step()
    learned = not torch.equal(before, layer.weight_orig)
    assert learned != dropped, "Look at Discriminator.forward: is G's small image read?"
    name = "without" if dropped else "with"
    print(f"{name} from-RGB, the layer that makes G's small image has learned: {learned}")

# %% [markdown]
# The small image of the trained G, as it is, and from the same features through a layer that never
# learned:

# %%
G = run.method.G_ema
with torch.no_grad():
    maps = G.features(run.method.sample_latents(5, seed=1))
    half = G.to_images(maps)[1]
    shape = G.blocks[-2].to_rgb.weight.shape
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    weight = weight / torch.linalg.matrix_norm(weight.flatten(1), 2)  # spectral norm 1, as in G
    unlearned = F.conv2d(maps[-2], weight, padding=1).tanh()
contact_sheet({"half size, as trained": half, "a layer that never learned": unlearned})

# %% [markdown]
# The first row is the scene, coarse but complete. The second is not pure noise, since the features
# below it are good ones; but its colors are arbitrary and far too strong. A model trained so from
# the start would be worse off still: its early blocks would miss the gradient that comes in through
# this image. (We have not trained one.)
#
# ## A slider
#
# Move the rectangle across the image. Below it stand each branch's mean logit and the decisions of
# its three blocks, white for real. The curves after it show all positions at once.

# %%
left, right = columns
slider = widgets.IntSlider(value=width // 2, min=-left, max=width - right, description="right by")
view = Picture("The edited image, and what each block of the branches decides")


# %%
def show_move(change: dict | None = None) -> None:
    """Draw the moved rectangle, and what each block of the branches decides."""
    edited = edit_region(image, rows_of_balloon, columns, 0, slider.value, 0)[None]
    sheet = {"the edited image": edited}
    with torch.no_grad():
        decisions = D(halve(edited))
    for part in ("content", "layout"):
        maps = [F.interpolate(x, (height, width)) for x in decisions[part]]
        grays = (2 * torch.cat(maps).sigmoid() - 1).expand(-1, 3, -1, -1)
        mean = torch.stack([x.mean() for x in decisions[part]]).mean()
        sheet[f"{part}: {mean:.2f}"] = grays
    view.value = encode(contact_sheet(sheet, scale=5))


# %% tags=["nbval-ignore-output"]
slider.observe(show_move, "value")
show_move()
widgets.VBox([slider, view])

# %%
places = range(slider.min, slider.max + 1)
edited = [edit_region(image, rows_of_balloon, columns, 0, place, 0) for place in places]
with torch.no_grad():
    decisions = D(halve(torch.stack(edited)))
for part in ("content", "layout"):
    means = torch.stack([x.mean((1, 2, 3)) for x in decisions[part]]).mean(0)
    plot_lines({part: means}, x=places, title=part, xlabel="right by, pixels", ylabel="mean logit")

# %% [markdown]
# Mind the two scales: layout's is about ten times as large. It likes the balloon best where it was,
# at 0, and little in between. There is a second peak at about 32 pixels. There the striped balloon
# takes the place of the purple one, which is as large: probably few cuts show, and the arrangement
# is nearly the old one. Content has the same two peaks. So even this judge of *what* minds where
# the balloon is pasted, as the third pair of bars said.
#
# For more of this, with rectangles, moves and hues of your own, there is the *microscope*: drag the
# outlined balloon, or turn its hue. A bar of 100 % means: this part minds the edit as much as if
# the whole image were exchanged for a new scene.

# %% tags=["nbval-ignore-output"]
microscope(run.folder)

# %% [markdown]
# ## Does the split help?
#
# **Published** (Table 3, single images of DAVIS-YFCC100M, not our measurement; SIFID at 1/16 is a
# distance of high-level features to the training image, low is good; LPIPS and the distance to
# train measure diversity, high is good):
#
# | discriminator | SIFID at 1/16 | LPIPS | distance to train |
# |---|---|---|---|
# | both branches | 16.30 | 0.33 | 0.37 |
# | no layout branch | 20.29 | 0.35 | 0.40 |
# | no content branch | 23.25 | 0.34 | 0.36 |
# | no branches, one ordinary trunk | 7.73 | 0.13 | 0.12 |
#
# The last row has the best SIFID and the least diversity: it copies the training image. With one
# branch alone, samples differ but fit the scene less well. `ablations.ipynb` with `tables = "3"`
# trains these rows on your image.
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1.** Of an image of `height` x `width` pixels, how many numbers does each branch receive? There
# are `blocks` low-level blocks, each of which halves both sides, and F(x) has `channels` channels.


# %%
def count_numbers(height: int, width: int, blocks: int, channels: int) -> tuple[int, int]:
    """How many numbers content and layout receive."""
    ...


# %%
check_count_numbers(count_numbers)

# %% [markdown]
# **2.** G's side of Eq. 3. For G every decision has the loss -log D, which is
# `F.softplus(-logits)`. Mean over a map, mean over a part's blocks, then the weights of the parts.


# %%
def generator_loss(decisions: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """Eq. 3 for G, of logits by part: "low_level", "content" and "layout"."""
    ...


# %%
check_generator_loss(generator_loss)

# %% [markdown]
# **3.** You are handed two judges without names: functions that take F(x) and return a mean logit.
# Find out which is the content branch, by asking them.


# %%
def find_content(judges: tuple, features: torch.Tensor) -> int:
    """The number, 0 or 1, of the judge that is the content branch; `features` is one F(x)."""
    ...


# %%
check_find_content(find_content, D, features[0])

# %% [markdown]
# The solutions are in `solutions/04_two_judges.ipynb`.
#
# ## Quiz
#
# **1.** Why can the two branches learn the image by heart less easily than one trunk?
#
# - a) They have fewer blocks.
# - b) Each gets a small part of F(x).
# - c) They are trained more slowly.
#
# <details><summary>Answer</summary>b) 64 and 140 numbers of 8,960 here. The published table says
# the same: one trunk copies.</details>
#
# **2.** Which two can the content branch not tell apart *at all*?
#
# - a) An F(x) and the same with its places shuffled.
# - b) An image and the same with a balloon moved.
# - c) An image and its mirror image.
#
# <details><summary>Answer</summary>a) Only there is the mean exactly the same. A moved rectangle
# brings new edges, and a mirrored edge is another edge to a convolution.</details>
#
# **3.** Layout's input is one channel. Is it blind to color?
#
# - a) Yes.
# - b) Only to changes that its mixture of channels does not contain.
# - c) No, it sees all channels.
#
# <details><summary>Answer</summary>b) The 1x1 convolution is learned, and in our models it learned
# a mixture that hue changes a lot.</details>
#
# **4.** The names of the branches are swapped everywhere. What tells you?
#
# - a) An error.
# - b) The loss.
# - c) Neither; only a look at who reacts to what, or at the sizes of the maps.
#
# <details><summary>Answer</summary>c) Both have weight 1 in Eq. 3, so training goes on, with
# feature augmentation doing the wrong thing to each.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | official code | here |
# |---|---|---|---|
# | layout's one channel | a 1x1 convolution | its first block narrows to one | a 1x1 convolution |
# | weights of the parts | 1, 1 and 2 (low level) | 0.5/7, 0.5/7 and 1/7 | 1, 1 and 2 |
# | over the blocks of a part | mean | sum | mean |
# | blocks, low level + branch | 3 + 4 | by size: 2 + 4 at about 64 px | by size: 2 + 3 at 40 x 56 |
# | from-RGB | concatenated; no sizes given | 3x3, an eighth of the channels | the same |
# | first low-level block | not specified | no activation before it | the same |
# | small images that D never reads | not specified | made all the same | not made |
# | segmentation masks (a later paper) | none | content branch can classify | none |
#
# ## Next
#
# Two judges with little memory still allow G to draw one good image for all latents. `05_diversity`
# is about the term that keeps its samples apart.
