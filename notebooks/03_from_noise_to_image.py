# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 3: a generator from noise to image
#
# **Goal:** follow random numbers through SIV-GAN's generator until they are an image, know which
# block decides what, and why users see what the *average* of its weights draws.

# %%
from siv_lite.figures import show_map

show_map("latents", "generator", "images", "ema", "samples")

# %% [markdown]
# Lit is the way from random numbers to an image, and the average. The discriminator D, which looks
# at the images of the last two blocks, is for lesson 4.
#
# **You need:** convolutions in PyTorch. Lessons 1 and 2 explain why a GAN needs a discriminator,
# but nobody asks it here.
#
# **Time:** 60 seconds of computing on two cores; 55 minutes of reading and exercises.
#
# **Words used below.** *Latents* z are the random numbers that go in. A *block* is a few
# convolutions with a nonlinearity (leaky ReLU) between them. A *map* is what a block puts out: a
# grid of cells, each with a number of *channels*. *To-RGB* is a convolution that turns the channels
# into three colors. A *singular value* says how much a matrix stretches some direction. *EMA*,
# exponential moving average, is an average that slowly forgets.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the image that was, or is to be, learned
preset: str = "lesson"  # smoke (seconds) or lesson (about a minute)
steps: int | None = None  # of the short training: 30, 40, ...; None: 400, or 30 in `smoke`
max_size: int = 64  # longest side of the image in the short trainings, in pixels

out: str = "../runs/lesson_03"  # folder of a run, if none of this image is shipped

# %% tags=["nbval-ignore-output"]
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import ipywidgets as widgets
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, metrics, nn, open_run, read_frames, train
from siv_lite.comparison import spread
from siv_lite.exercises import check_fold_mean, check_move_right, check_warm_up
from siv_lite.figures import plot_bars, plot_lines
from siv_lite.lesson_checks import (
    check,
    check_average,
    check_power_iteration,
    largest_difference,
)
from siv_lite.methods import find_method, make_settings
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Predict before you run
#
# Write your answers down; cells below reveal them.
#
# 1. Take two latents, A and B. After some block, cut the left half out of A's map and put B's left
#    half there. Then let the remaining blocks continue. Where will you see a hard seam: after a cut
#    behind block 1, or behind block 4, the last?
# 2. A cut behind block 1 is 32 pixels from the right edge. How many of these 32 columns can notice
#    it?
# 3. G is trained for a few hundred steps. You draw with its last weights, and with the average of
#    its weights. Which of the two changes more from one moment to another? And which draws better,
#    halfway through a full training, and at its end?

# %% [markdown]
# We take a finished run that comes with the repository, if there is one for this image. (If not,
# one is trained here first.) Here is what its generator makes of six latents.

# %%
if steps is None:
    steps = 30 if preset == "smoke" else 400

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, max_size)[:1]
shipped = Path(source).parent / "runs"
folder = shipped / f"{Path(source).stem}_siv_gan"
if not folder.exists():
    folder = train("siv_gan", read_frames(source)[:1], Path(out, "base"), preset).folder
run = open_run(folder, "cpu")
G = run.method.G_ema
height, width = run.method.size
latents = run.method.sample_latents(12, seed=1)  # (12, 64, rows, columns)

# %%
images = run.decode(latents)
contact_sheet({"the training image": run.training_frames, "six latents": images[:6]})

# %% [markdown]
# ## One block doubles the map
#
# The doubling is the simplest there is: *nearest upsampling* repeats every cell twice, along both
# sides. A 3 x 3 convolution then smooths and draws. By hand, along one side only. The map is 1, 2;
# doubled it is 1, 1, 2, 2; outside are zeros. The kernel is 1, 10, 100 for the left neighbor, the
# cell itself and the right neighbor, so each result shows which cells were read:
#
# | cell | left | itself | right | sum |
# |---|---|---|---|---|
# | 1 | 0 | 10 x 1 | 100 x 1 | 110 |
# | 2 | 1 x 1 | 10 x 1 | 100 x 2 | 211 |
# | 3 | 1 x 1 | 10 x 2 | 100 x 2 | 221 |
# | 4 | 1 x 2 | 10 x 2 | 0 | 22 |
#
# In every row, two of the three products read the same number of the small map, so their weights
# can be added in advance. Then each cell of the *small* map stamps a kernel of four onto the large
# one, two cells further each time (a *transposed convolution* of stride 2). The stamp is 100, 110,
# 11, 1. The 1 stamps its last three numbers, 110, 11, 1; the 2 stamps 200, 220, 22 from the second
# cell on. Add them: 110, 211, 221, 22.

# %%
row = torch.tensor([[[1.0, 2.0]]])
kernel = torch.tensor([[[1.0, 10.0, 100.0]]])
doubled = F.interpolate(row, scale_factor=2, mode="nearest")
plain = F.conv1d(doubled, kernel, padding=1)
check(plain, torch.tensor([[[110.0, 211, 221, 22]]]), "Look at the order of the kernel")

stamp = torch.tensor([[[100.0, 110.0, 11.0, 1.0]]])
stamped = F.conv_transpose1d(row, stamp, stride=2, padding=1)
check(stamped, plain, "Look at how the four numbers of the stamp are sums of the kernel's three")
print(stamped.int().flatten().tolist())

# %% [markdown]
# The stamp of a kernel a, b, c is c, b + c, a + b, a. Along two sides it is the same twice, for
# rows and for columns: nine products a pixel become four. The package does this in every block but
# the first. (A block has a second 3 x 3 convolution after this one, and a shortcut around both: a 1
# x 1 convolution, doubled and added.) Here on a map of 2 x 2.

# %%
small = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
weight = torch.arange(9.0).view(1, 1, 3, 3)
doubled = F.interpolate(small, scale_factor=2, mode="nearest")
plain = F.conv2d(doubled, weight, padding=1)

taps = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
stamp = taps @ weight @ taps.T
stamped = F.conv_transpose2d(small, stamp, stride=2, padding=1)
check(stamped, plain, "Rows and columns are both folded: look at taps @ weight @ taps.T")

# %%
check(nn.upsample_kernel(weight), stamp, "look at upsample_kernel in siv_lite/nn")
error = largest_difference(stamped, plain)
print(
    f"upsampling and 3 x 3 against our stamp: largest difference {error:.0e} of {plain.max():.0f}"
)
error = largest_difference(nn.upsample_kernel(weight), stamp)
print(f"our stamp against the package's: largest difference {error:.0e}")

# %% [markdown]
# ## Following the shapes
#
# Now the generator of the finished run. Its latents are *spatial*: every cell of the coarsest map
# has 64 random numbers of its own. They enter through `project`, a 3 x 3 convolution, so that each
# cell also hears its eight neighbors. Then the blocks. (In the paper 64 numbers serve the whole
# scene, and in the official code each of them has a pattern as large as the coarsest map. That is
# the setting `latent="projected"`, the one of the preset `paper`.)

# %%
_, numbers, rows, columns = latents.shape
print(f"latents: {numbers} numbers for each of {rows} x {columns} cells")
features = [maps.detach() for maps in G.features(latents)]
for number, (block, maps) in enumerate(zip(G.blocks, features, strict=True), start=1):
    _, channels, high, wide = maps.shape
    image = "an image of the same size" if block.to_rgb else "no image"
    print(f"block {number}: {channels:3} channels of {high} x {wide}, {image}")

# %%
for small, large in pairwise(features):
    doubled = [2 * side for side in small.shape[2:]]
    assert list(large.shape[2:]) == doubled, "Look at GeneratorBlock: a block does not double"

coarsest = F.conv2d(latents, G.project.weight, padding=1)
look = "This convolution is not the map: look at `project` in Generator.features"
check(G.blocks[0](coarsest), features[0], look, rtol=1e-4, atol=1e-4)
error = largest_difference(G.blocks[0](coarsest).detach(), features[0])
print("every block but the first doubles its map;")
print(
    f"after a 3 x 3 convolution of ours block 1 gives the same map: largest difference {error:.0e}"
)

# %% [markdown]
# Read the list. In the coarsest map, 128 numbers describe a cell that will become 8 x 8 pixels.
# Every doubling makes four times as many cells, and the last three blocks halve the channels in
# turn: from *what* to *where*.
#
# Only the blocks whose image D reads have a to-RGB. These smaller images are for training: D's
# complaint reaches a coarse block directly, not only through all the blocks behind it. Users see
# only the last image.
#
# Below: six of one sample's channels after each block, those that vary most over the map.


# %%
def show_gray(maps: torch.Tensor) -> torch.Tensor:
    """Maps (n, h, w) as images of one size: 0 is gray, the strongest value black or white."""
    maps = maps / maps.abs().amax((1, 2), keepdim=True)
    images = maps[:, None].expand(-1, 3, -1, -1)
    return F.interpolate(images, (height, width))


# %%
rows = {}
for number, maps in enumerate(features, start=1):
    strongest = maps[0].var((1, 2)).topk(6).indices
    rows[f"after block {number}"] = show_gray(maps[0][strongest])
contact_sheet(rows)

# %% [markdown]
# With the shipped balloons, in most channels after block 1 the lower two rows of cells stand out:
# the land. Later maps are mostly stripes and blotches, finer ones where the grass will be. There is
# no balloon channel; a balloon lies in how channels are combined.
#
# ## Spectral norm: no layer may shout
#
# Every convolution's weights are divided by their *spectral norm* sigma: the largest singular
# value, the most that the matrix stretches any direction. (The kernel is read as a matrix with a
# row per output channel.) So no layer can make signals or gradients grow without end.
#
# Finding sigma exactly at each step is too costly. *Power iteration* guesses: send a vector u
# backwards through W to v, and v forwards to u; each round turns it further into the direction of
# the largest stretch. By hand: `W = [[2, 1], [1, 2]]` stretches (1, 1) by 3 and (1, -1) by 1, so
# sigma is 3. Start with u = (1, 0). Lengths do not matter: u goes to v = (2, 1), that to u = (5,
# 4), then v = (14, 13), u = (41, 40). It becomes (1, 1). And sigma is the length of Wv over that of
# v: sqrt(41 / 5) = 2.86, then sqrt(3281 / 365) = 2.998.

# %%
W = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
u = torch.tensor([1.0, 0.0])
sigmas = []
for _ in range(2):
    v = F.normalize(W.T @ u, dim=0)
    u = F.normalize(W @ v, dim=0)
    sigmas.append((W @ v).norm())

by_hand = torch.tensor([41 / 5, 3281 / 365]).sqrt()
check(torch.stack(sigmas), by_hand, "Look at which of W and W.T comes first, and at the lengths")

# %%
check_power_iteration(W, torch.tensor([1.0, 0.0]), by_hand)
for found, expected in zip(sigmas, by_hand, strict=True):
    print(f"sigma {expected:.6f} by hand, {found:.6f} by our loop, and by the package the same")

# %% [markdown]
# One round per training step is enough, because the weights move only a little and u is kept.
#
# ### The same in plain PyTorch
#
# The package's networks take a fast path. They are divided by sigma once per update, not in every
# pass; doubling and averaging are folded into kernels, as above; and a gradient is computed only
# for the network whose turn it is. None of this changes a result, and you need not believe it:
# `nn.as_reference` rewrites a network with `nn.Conv2d`, PyTorch's own `spectral_norm`,
# `F.interpolate` and `F.avg_pool2d`. That copy is trained as everywhere, by `loss.backward()` and
# `optimizer.step()`. Here G and its copy take one step each. The toy loss wants white images.

# %%
settings = make_settings("siv_gan", "smoke")
model = find_method("siv_gan")(frames, settings, torch.device("cpu"), "fp32", 0)
fast = model.G
plain = nn.as_reference(fast)
three = model.sample_latents(3, seed=1)


def toy_loss(G: torch.nn.Module) -> torch.Tensor:
    """How far the images of three latents are from white, at all scales."""
    images = G.to_images(G.features(three))
    return sum((1 - x).square().mean() for x in images)


# %%
loss_plain = toy_loss(plain)
optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
loss_plain.backward()
optimizer.step()

loss_fast = toy_loss(fast)
optimizer = torch.optim.SGD(fast.parameters(), lr=0.1)
nn.assign_gradients(loss_fast, [fast])
optimizer.step()

# %%
look = "The fast path is not plain PyTorch: look at SpectralNetwork in siv_lite/nn/spectral_norm.py"
check(loss_fast, loss_plain, look)
for name, weight in fast.named_parameters():
    weight_plain = nn.reference_parameter(plain, name)
    largest = weight_plain.grad.abs().max().item()
    rounding = 1e-3 * largest + 1e-6  # the two add up the same numbers in another order
    check(weight.grad, weight_plain.grad, look, atol=rounding)
    check(weight, weight_plain, look, rtol=1e-4, atol=rounding)
gradients = [weight.grad for weight in fast.parameters()]
error = 0.0
for name, weight in fast.named_parameters():
    other = nn.reference_parameter(plain, name).grad
    error = max(error, largest_difference(weight.grad, other))
print(f"loss {loss_fast:.6f} on the fast path, {loss_plain:.6f} in plain PyTorch")
print(
    f"largest difference of {sum(x.numel() for x in gradients):,} gradients: {error:.0e},", end=" "
)
print(f"the largest of them is {max(x.abs().max() for x in gradients):.2f}")

# %% [markdown]
# ## Which block decides what?
#
# What a later block sees is the map before it and nothing else: no noise enters on the way. So
# whatever stands in the map after block l is decided. We test where by cutting: B's left half goes
# into A's map. Each convolution reads one cell further, so the cut also spreads. Behind the last of
# the L blocks only to-RGB follows, so the cut reaches 1 pixel. Behind the block before it, two more
# convolutions read on: 3 pixels. One block earlier the same happens at half the size, where 2 cells
# are 4 pixels: 3 + 4 = 7. Then 15. That is 2^(L + 1 - l) - 1 pixels for a cut behind block l.


# %%
@torch.no_grad()
def finish(maps: torch.Tensor, after: int) -> torch.Tensor:
    """The images that the blocks behind block `after` make of its maps."""
    for block in G.blocks[after:]:
        maps = block(maps)
    return torch.tanh(G.blocks[-1].to_rgb(maps))


# %%
half = G.grid[1] // 2  # of the columns of the coarsest map


def cut(after: int, one: int, other: int, cells: int = half) -> torch.Tensor:
    """The image of latent `one`, with a map whose first columns of cells are `other`'s."""
    maps = features[after - 1][[one]].clone()
    edge = maps.shape[3] * cells // G.grid[1]
    maps[..., :edge] = features[after - 1][[other], ..., :edge]
    return finish(maps, after)


# %%
check(finish(features[2], 3), images, "Look at `after` in finish", atol=1e-4)
L = len(G.blocks)
middle = width * half // G.grid[1]
for after in range(1, L + 1):
    reach = 2 ** (L + 1 - after) - 1
    mixed = cut(after, 3, 9)[0]
    look = f"cut behind block {after}: more than {reach} columns notice; count the convolutions"
    right = slice(middle + reach, None)
    left = slice(None, max(0, middle - reach))  # empty where the image is narrow
    check(mixed[..., right], images[3][..., right], look, atol=1e-4)
    check(mixed[..., left], images[9][..., left], look, atol=1e-4)
reaches = [2 ** (L + 1 - after) - 1 for after in range(1, L + 1)]
print(f"behind blocks 1 to {L} a cut reaches at most {reaches} columns, as computed")

# %%
pairs = [(1, 7), (3, 9), (4, 10), (5, 11)]
rows = {"A": images[[1, 3, 4, 5]], "B": images[[7, 9, 10, 11]]}
cut_latents = latents[[1, 3, 4, 5]].clone()
cut_latents[..., :half] = latents[[7, 9, 10, 11], ..., :half]
rows["latents: left half of B, right half of A"] = run.decode(cut_latents)
for after in range(1, L + 1):
    mixed = [cut(after, a, b) for a, b in pairs]
    rows[f"behind block {after}: left half of B, right half of A"] = torch.cat(mixed)
contact_sheet(rows, scale=4)

# %% [markdown]
# Answers to questions 1 and 2: the seam is hard behind block 4 and softest behind block 1, where 15
# of the 32 columns can notice. Look at the second column: behind block 4 a balloon of B is cut off
# in the middle, and a line shows the glue. Behind block 1 the same balloon is whole. In the last
# column the later blocks glue a piece of A's balloon to B's; behind block 1 each of the two is
# drawn whole. Cut the latents themselves, and all four are new scenes that nobody would take for a
# collage.
#
# *Can* notice is not *does*. How much of the right half really changes, compared with how much A
# and B differ there?


# %%
def measure_right(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the right halves of two images."""
    return (one - other)[..., middle:].abs().mean()


pairs = [(a, b) for a in range(6) for b in range(6, 12)]
apart = torch.stack([measure_right(images[a], images[b]) for a, b in pairs]).mean()
changes = []
for after in range(1, L + 1):
    moved = [measure_right(cut(after, a, b)[0], images[a]) for a, b in pairs]
    changes.append((torch.stack(moved).mean() / apart).item())

# %%
numbers = range(1, L + 1)
labels = {"xlabel": "cut behind block", "ylabel": "share of the difference"}
plot_lines({"change": changes}, x=numbers, xticks=numbers, ylim=(0, None), **labels)

# %% [markdown]
# In the shipped model an eighth of the possible change crosses the border behind block 1, a
# twentieth behind block 2, and less later. Part of that fall is forced, as behind block 3 only 3 of
# 32 columns are in reach. So the map of 5 x 7 cells settles what stands where; later blocks paint
# it. A second test: replace the map by its mean over all cells, so that no place is special.

# %%
rows = {"samples": images[:4]}
for after in range(1, 4):
    maps = features[after - 1][:4]
    flat = maps.mean((2, 3), keepdim=True).expand_as(maps)
    rows[f"map made flat after block {after}"] = finish(flat.contiguous(), after)
contact_sheet(rows)

# %% [markdown]
# Flat after block 1, the balloons are gone, but a sky and a strip of land stay! A flat map says
# nothing about places, so only the zeros that convolutions put around each map can have told up
# from down. Flat after block 2, little more than a color in a frame is left: by then the layout is
# in the map.
#
# ### The slider
#
# Move the cut, and choose the block behind which it is made. The figure above shows the border in
# the middle.

# %% tags=["nbval-ignore-output"]
block_slider = widgets.IntSlider(value=1, min=1, max=L, description="Block")
border = widgets.IntSlider(value=half, min=0, max=G.grid[1], description="Cells of B")
view = Picture("Sample A, B, and A with its left part from B after the chosen block", None)


def show_cut(change: dict | None = None) -> None:
    """Draw the cut that the sliders ask for."""
    mixed = cut(block_slider.value, 3, 9, border.value)
    row = torch.cat([images[[3, 9]], mixed])
    view.value = encode(contact_sheet({"A, B, and the cut": row}))


block_slider.observe(show_cut, "value")
border.observe(show_cut, "value")
show_cut()
widgets.VBox([block_slider, border, view])

# %% [markdown]
# ## A part of the scene alone, and a walk
#
# Since every cell has numbers of its own, some of them can be drawn anew and the others kept:
# `run.resample(latents, region, seed)`. Below, the same scene with five other upper left corners of
# 3 x 3 cells.

# %%
region = (0, 0, 0.6, 0.43)  # top, left, bottom, right, as shares of the sides: 3 x 3 cells
drawn_anew = [latents[:1]]
for seed in range(5):
    drawn_anew.append(run.resample(latents[:1], region, seed))
scenes = run.decode(torch.cat(drawn_anew))
change = (scenes - scenes[:1]).abs().mean(1, keepdim=True)  # (6, 1, h, w), of six

rows = {"a scene, then its upper left corner drawn anew, five times": scenes}
rows["where it changed: white"] = (2 * change.expand(-1, 3, -1, -1) - 1).clamp(-1, 1)
contact_sheet(rows)

# %%
bottom = round(region[2] * height)
right = round(region[3] * width)
inside = change[..., :bottom, :right].sum() / change.sum()
area = bottom * right / (height * width)
print(f"the corner has {area:.0%} of the pixels and {inside:.0%} of the change")

# %% [markdown]
# Other balloons come and go in the corner. What changes outside of it is what it touches: the
# blocks read across its border, and a balloon that reaches over the border is drawn whole on both
# sides. Far away nothing can be seen. In the explorer a click on the image does the same.
#
# When all cells change at once, little by little, that is a walk from one latent to another. It
# goes along an arc, cos(t) A + sin(t) B. On a straight line between them the latents would be too
# short: halfway only 0.7 times a usual length. The package's `walk` is the same arc, all around.

# %%
arc = []
for angle in torch.linspace(0, torch.pi / 2, 6):
    arc.append(angle.cos() * latents[0] + angle.sin() * latents[1])
rows = {"a walk": run.decode(torch.stack(arc))}
look = "the walk's ends are not its two latents: look at Run.walk in siv_lite/training/run.py"
check(run.walk(4, seed=1)[:2], images[:2], look, atol=1e-4)
contact_sheet(rows)

# %% [markdown]
# On the walk the balloons do not travel: they fade in one place and appear in another. This small
# model knows a number of places, and each can hold a balloon or none.
#
# ## Why an average?
#
# G and D play a game, and in a game the players circle. The smallest one: G has one weight g, D one
# weight d; G wants g d small, D wants it large. Both rest only at zero. Each takes small steps
# downhill, or uphill, in turn.


# %%
def play(rounds: int = 1500, rate: float = 0.1) -> dict[str, list[float]]:
    """G's weight after every round, and its average."""
    G = torch.nn.Linear(1, 1, bias=False)
    average = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(G.weight)
    torch.nn.init.ones_(average.weight)
    d = 1.0
    found = {"last weight": [], "averaged weight": []}
    for count in range(1, rounds + 1):
        with torch.no_grad():
            d += rate * G.weight.item()
            G.weight -= rate * d
        nn.update_ema(average, G, 0.999, torch.tensor(count))
        found["last weight"].append(G.weight.item())
        found["averaged weight"].append(average.weight.item())
    return found


# %%
game = play()
plot_lines(game, xlabel="round")

# %%
last = max(abs(weight) for weight in game["last weight"][-300:])
averaged = max(abs(weight) for weight in game["averaged weight"][-300:])
assert averaged < 0.2 * last, "the average circles too: look at update_ema in siv_lite/nn/optim.py"
print(f"in the last 300 rounds: last weight up to {last:.2f}, average up to {averaged:.2f}")

# %% [markdown]
# The last weight never arrives, and where it stands depends on when you stop. The average swings
# less and less.
#
# ## The average by hand
#
# The EMA after each update: average = k average + (1 - k) weight. A *fixed* k = 0.999 would still
# hold mostly the first, random weights after a few hundred steps. So k warms up: after n updates it
# is (1 + n) / (10 + n), but at most the setting `ema_decay`, here 0.999. A weight that starts at 0
# and becomes 11, 13, 25:
#
# | n | k | weight | average |
# |---|---|---|---|
# | 1 | 2/11 | 11 | 2/11 x 0 + 9/11 x 11 = 9 |
# | 2 | 3/12 | 13 | 1/4 x 9 + 3/4 x 13 = 12 |
# | 3 | 4/13 | 25 | 4/13 x 12 + 9/13 x 25 = 21 |

# %%
G1 = torch.nn.Linear(1, 1, bias=False)
average = torch.nn.Linear(1, 1, bias=False)
torch.nn.init.zeros_(average.weight)
ours = 0.0
for n, (weight, by_hand) in enumerate(((11.0, 9.0), (13.0, 12.0), (25.0, 21.0)), start=1):
    k = min(0.999, (1 + n) / (10 + n))
    ours = k * ours + (1 - k) * weight
    check(ours, by_hand, "Not the table: look at which factor belongs to which")

    torch.nn.init.constant_(G1.weight, weight)
    nn.update_ema(average, G1, 0.999, torch.tensor(n))
    check(average.weight.item(), by_hand, "look at update_ema in siv_lite/nn")
    print(
        f"{by_hand:.0f} by hand, {ours:.6f} by our loop, {average.weight.item():.6f} by the package"
    )

# %% [markdown]
# Now the real thing. A fresh SIV-GAN takes five steps, while `check_average` keeps an average of
# its own by the formula above. Try what this cell is for: put a `#` before the line
# `update_ema(...)` in `SIVGAN.step`, restart the kernel and run all cells. It must stop you.

# %%
settings = make_settings("siv_gan", "smoke")
model = find_method("siv_gan")(frames, settings, torch.device("cpu"), "fp32", 0)
check_average(model, steps=5)
count = sum(weight.numel() for weight in model.G_ema.parameters())
print(f"after each of five steps all {count:,} averaged weights are ours, to 1e-6")

# %% [markdown]
# ## Broken on purpose: skip the average
#
# A short training, and at every tenth step we draw the same six latents with the last weights and
# with the average. Beside it two mistakes: an average that is never updated, and one with a fixed k
# = 0.999, without warm-up.


# %%
@torch.no_grad()
def draw(G: torch.nn.Module, latents: torch.Tensor) -> torch.Tensor:
    """What a generator makes of fixed latents."""
    G.normalize(power_iteration=False)
    return G.to_images(G.features(latents), num_scales=1)[0]


# %% tags=["nbval-ignore-output"]
settings = make_settings("siv_gan", "smoke", batch_size=5, ema_decay=0.999)
model = find_method("siv_gan")(frames, settings, torch.device("cpu"), "fp32", 0)
six = model.sample_latents(6, seed=1)
never = deepcopy(model.G_ema)
fixed = deepcopy(model.G_ema)
drawn = {"last weights": [], "averaged": []}
for step in range(1, steps + 1):
    model.step()
    with torch.no_grad():
        for a, x in zip(fixed.parameters(), model.G.parameters(), strict=True):
            a.lerp_(x, 0.001)
    if step % 10 == 0:
        drawn["last weights"].append(draw(model.G, six))
        drawn["averaged"].append(draw(model.G_ema, six))

# %%
weights = dict(fixed.named_parameters())
fixed.load_state_dict({**model.G.state_dict(), **weights})  # u and v are copied from G

rows = {}
for index, moment in ((-3, steps - 20), (-1, steps)):
    for name, images_of_step in drawn.items():
        rows[f"{name}, step {moment}"] = images_of_step[index]
rows[f"fixed k, step {steps}"] = draw(fixed, six)
rows[f"never updated, step {steps}"] = draw(never, six)
contact_sheet(rows)

# %% tags=["nbval-ignore-output"]
changes = {}
for name, found in drawn.items():
    changes[name] = [(after - before).abs().mean().item() for before, after in pairwise(found)]
plot_lines(changes, x=range(20, steps + 1, 10), xlabel="step", ylabel="change in 10 steps")

# %% [markdown]
# Answer to question 3, its first half. Compare the first row with the third, then the second with
# the fourth: twenty steps redraw what the last weights show, and leave what the average shows
# nearly as it was. (Colors and shapes may be others on your computer; such a training does not
# repeat to the digit.) By the curve the average changes about a third as much. It is not prettier:
# after so short a training neither shows a balloon. What it gives is steadiness: your images do not
# depend on the moment at which you stopped.
#
# The average with a fixed k is still mostly the random start, 67 % of it (0.999 to the power of
# 400); the one never updated is nothing else. Note that nothing crashed, and that no loss can tell
# you: no loss ever looks at the average. (With `smoke`, all of it is noise.)
#
# ### Does it draw better?
#
# So short a training cannot say. Two shipped runs can, since they hold G's last weights beside the
# average. One was stopped halfway, after 2,000 of 4,000 iterations; the other is finished. The
# chart has the sliced Wasserstein distance of the finest patches to the training image (lesson 8;
# low is good) of four times 16 samples. (For an image without such runs the short training above
# stands in.)

# %% tags=["nbval-ignore-output"]
models = {"after the short training": model}
half_way = shipped / f"{Path(source).stem}_siv_gan_half_way"
if half_way.exists():
    models = {"halfway": open_run(half_way, "cpu").method, "finished": run.method}

rows = {}
bars = {}
for moment, trained in models.items():
    training_image = trained.real[0]  # (1, 3, h, w)
    for name, network in {"last weights": trained.G, "averaged": trained.G_ema}.items():
        distances = []
        for seed in range(1, 5):
            samples = draw(network, trained.sample_latents(16, seed)).contiguous()
            distances.append(metrics.sliced_wasserstein(samples, training_image)[0])
        rows[f"{moment}, {name}: {spread(distances)}"] = samples[:6]
        bars.setdefault(moment, {})[name] = sum(distances) / len(distances)
contact_sheet(rows)

# %% tags=["nbval-ignore-output"]
plot_bars(bars, ylabel="distance of the finest patches")

# %% [markdown]
# The second half of answer 3: **halfway the average draws better, at the end both are the same.**
# Halfway the last weights have a distance of 0.110, the average one of 0.082, far beyond the
# spread; their skies are harsher, with whiter specks. In the finished run 0.087 and 0.090 are a
# tie, and the scenes can hardly be told apart. The likely reason: over the last 30 % of that
# training the learning rate fell to 0 (lesson 7), the circle shrank, and the last weights came to
# rest where the average was. The paper's learning rate never falls, so there the average should be
# needed to the end. (All this is one training: the spread is over samples, not over trainings.)
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1.** D does the reverse: a kernel of three, then the mean of every two neighbors. That, too, is
# one convolution of stride 2 with four numbers. Which, for a kernel a, b, c? Write down which cells
# one mean reads, and how often.


# %%
def fold_mean(a: float, b: float, c: float) -> list[float]:
    """The four numbers that equal the kernel a, b, c and then the mean of two."""
    ...


# %%
check_fold_mean(fold_mean)

# %% [markdown]
# **2.** Move the whole scene of sample 0 to the right by one cell of the map after block 2, without
# touching a pixel: change that map and let `finish` do the rest. What leaves on the right may enter
# again on the left. Use `features` and `finish`. The check leaves out the columns that the border
# and the seam can reach.


# %%
def move_right() -> torch.Tensor:
    """Sample 0 (1, 3, h, w), moved by a cell of the map after block 2."""
    ...


# %%
check_move_right(move_right, run)

# %% [markdown]
# **3.** After how many updates n does the warm-up end, that is, when does (1 + n) / (10 + n) reach
# `decay`? Solve for n and round up.


# %%
def warm_up(decay: float) -> int:
    """The first n with (1 + n) / (10 + n) >= decay."""
    ...


# %%
check_warm_up(warm_up)

# %% [markdown]
# The solutions are in `solutions/03_from_noise_to_image.ipynb`.
#
# ## Quiz
#
# **1.** What does the stamp of four by four change, compared with doubling and then a 3 x 3 kernel?
#
# - a) The images get a little blurred.
# - b) Only the time it takes.
# - c) There are more weights to learn.
#
# <details><summary>Answer</summary>b) It is the same function to rounding, and what is learned is
# still the kernel of three by three.</details>
#
# **2.** Power iteration has just begun, and its sigma is still a guess. How are the weights that
# are divided by it?
#
# - a) Too large.
# - b) Too small.
# - c) Sometimes the one, sometimes the other.
#
# <details><summary>Answer</summary>a) No direction is stretched by more than the true sigma, so
# each guess is at most that: 2.86 and 2.998 came before 3. Dividing by too little leaves too
# much.</details>
#
# **3.** During the warm-up, after 900 updates, over about how many of them does the average look
# back?
#
# - a) 10.
# - b) 100.
# - c) All 900.
#
# <details><summary>Answer</summary>b) 1 - k = 9 / (10 + n), about 1 / 100. The average is always
# that of about the last ninth of the training.</details>
#
# **4.** A colleague averages u and v of the power iteration like the weights. The images come out
# with glaring colors. Why?
#
# - a) The mean of unit vectors is shorter than one.
# - b) Colors cannot be averaged.
# - c) The k of the average was too small.
#
# <details><summary>Answer</summary>a) Sigma is computed as the length of Wv; with v too short,
# sigma is too small and the weights too large, in every layer. `update_ema` copies u and
# v.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | official code | here |
# |---|---|---|---|
# | latents | one z, in every cell | one z, transposed convolution | as there; a map in `lesson` |
# | coarsest map | 3 x 5, adjustable | bends the image to its grid | nearest to its shape |
# | to-RGB | at intermediate blocks | at every block | at the blocks whose images D reads |
# | upsampling | blocks like BigGAN's | nearest, then 3 x 3 | the same function, as one stamp |
# | spectral norm | on G and D | every convolution but the first | the same |
# | average | not mentioned | k = 0.9999 | the same in `paper`, 0.999 in `lesson` |
# | warm-up of k | not mentioned | not looked at | (1 + n) / (10 + n) |
#
# ## Next
#
# Today nobody said what a good image is: `04_two_judges` is about D, which judges content and
# layout apart.
