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
# **Goal:** follow 64 random numbers through SIV-GAN's generator until they are a picture, know which block decides
# what, and why users see the picture of *averaged* weights.
#
# **You need:** convolutions in PyTorch. Lessons 1 and 2 help with why a GAN needs a judge, but nothing here asks it.
#
# **Time:** 20 seconds of computing on two cores; 20 minutes of reading and exercises.
#
# **Words used below.** *Latents* z are the random numbers that go in. A *block* is a few convolutions with a bend
# (leaky ReLU) between them. A *map* is what a block puts out: a grid of cells, with so many *channels*, numbers, in
# each cell. *To-RGB* is a convolution that makes three colours of the channels. A *singular value* says how much a
# matrix stretches some direction. *EMA*, exponential moving average, is an average that slowly forgets.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the picture that was, or is to be, learned
preset: str = "lesson"  # smoke (seconds) or lesson (about a minute)
steps: int | None = None  # of the short training; 30, 40, 50, ...; None: 400 in `lesson`, 30 in `smoke`
max_size: int = 64  # longest side in pixels; larger pictures are reduced
out: str = "../runs/lesson_03"  # folder of a run, where none of this picture comes with the repository

# %% tags=["nbval-ignore-output"]
from copy import deepcopy
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.testing import assert_close as close

from siv_lite import blocks, contact_sheet, open_run, read_frames, train
from siv_lite.methods import find_method, make_settings
from siv_lite.widgets import Picture, encode

steps = steps or {"smoke": 30}.get(preset, 400)

# %% [markdown]
# ## The whole method, and today's part
#
# Today: the way from left to right, and the average. The judge D, who reads the pictures of the last blocks, is for
# lesson 4.


# %%
def draw_method(lit: str) -> None:
    """SIV-GAN from left to right, the boxes growing with the maps; `lit` is the colour of today's parts."""
    names = ["64\nlatents", *(f"block {n}\n{3 * 2**n // 2} x {2 * 2**n}" for n in range(1, 6))]
    axes = plt.figure(figsize=(9, 3.2)).add_axes((0, 0, 1, 1), xlim=(-0.4, 5.6), ylim=(-2, 1))
    axes.axis("off")
    axes.text(0.7, 0.72, "G")
    boxes = {(x, 0.4): (name, lit, 0.4 + 0.15 * x) for x, name in enumerate(names)}
    boxes |= {(4, -0.7): ("to-RGB", lit, 0.4), (5, -0.7): ("to-RGB", lit, 0.4)}
    boxes |= {(4.5, -1.6): ("D, the judge", "gainsboro", 0.5)}
    boxes |= {(1.5, -1.2): ("a second G, whose weights are an average\nof the first's, draws what users see", lit, 0.5)}
    arrows = [((x, 0.4), (x + 1, 0.4)) for x in range(5)] + [((x, 0.4), (x, -0.7)) for x in (4, 5)]
    for begin, end in [*arrows, ((4, -0.7), (4.5, -1.6)), ((5, -0.7), (4.5, -1.6)), ((1.5, 0.22), (1.5, -1.2))]:
        style = {"arrowstyle": "->", "shrinkA": 20, "shrinkB": 30 if end[1] > 0 else 18}
        axes.annotate("", end, begin, arrowprops=style)
    axes.add_patch(plt.Rectangle((0.6, -0.05), 4.8, 0.95, fill=False, linestyle="--"))
    for place, (name, colour, size) in boxes.items():
        box = {"boxstyle": f"round,pad={size}", "facecolor": colour}
        axes.text(*place, name, ha="center", va="center", bbox=box)
    plt.show()


# %%
draw_method("gold")

# %% [markdown]
# ## Predict before you run
#
# Write your answers down; cells below reveal them.
#
# 1. Take two latents, A and B. After some block, cut the left half out of A's map and put B's left half there. Then
#    let the remaining blocks go on. Where will you see a hard seam: after a cut behind block 1, or behind block 5?
# 2. A cut behind block 1 is 32 pixels from the right edge. How many of those 32 columns can still notice it?
# 3. G is trained for a few hundred steps. You draw with its last weights, and with the average of its weights. Which
#    of the two changes more from one moment to another?

# %% [markdown]
# ## One block doubles the map
#
# Doubling is the plainest there is: *nearest upsampling* repeats every cell twice, along both sides. A 3 x 3
# convolution then smooths and draws. By hand, along one side only. The map is 1, 2; doubled it is 1, 1, 2, 2; outside
# are zeros. The kernel is 1, 10, 100 for the left neighbour, the cell and the right one, so each result shows who was
# read:
#
# | cell | left | itself | right | sum |
# |---|---|---|---|---|
# | 1 | 0 | 10 x 1 | 100 x 1 | 110 |
# | 2 | 1 x 1 | 10 x 1 | 100 x 2 | 211 |
# | 3 | 1 x 1 | 10 x 2 | 100 x 2 | 221 |
# | 4 | 1 x 2 | 10 x 2 | 0 | 22 |
#
# In every row two of the three products read the same number of the small map, so their weights can be added
# beforehand. Then each cell of the *small* map stamps a kernel of four onto the large one, two cells further each time
# (a *transposed convolution* of stride 2). The stamp is 100, 110, 11, 1. The 1 stamps its last three numbers, 110, 11,
# 1; the 2 stamps 200, 220, 22 from the second cell on. Add them: 110, 211, 221, 22.

# %%
row, kernel = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[1.0, 10.0, 100.0]]])
plain = F.conv1d(F.interpolate(row, scale_factor=2, mode="nearest"), kernel, padding=1)
stamp = torch.tensor([[[100.0, 110.0, 11.0, 1.0]]])
stamped = F.conv_transpose1d(row, stamp, stride=2, padding=1)
close(plain, torch.tensor([[[110.0, 211, 221, 22]]]), msg="Not the table: look at the order of the kernel")
close(stamped, plain, msg="The stamp differs: look at how its four numbers are sums of the kernel's three")
print(stamped.int().flatten().tolist())

# %% [markdown]
# The stamp of a kernel a, b, c is c, b + c, a + b, a. Along two sides it is the same twice, for rows and for columns:
# nine products a pixel become four. The package does this in every block but the first. (A block has a second 3 x 3
# convolution behind, and beside both a shortcut: a 1 x 1 convolution, doubled and added.) Here on a map of 2 x 2.

# %%
small, weight = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), torch.arange(9.0).view(1, 1, 3, 3)
taps = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
ours = taps @ weight @ taps.T
plain = F.conv2d(F.interpolate(small, scale_factor=2, mode="nearest"), weight, padding=1)
stamped = F.conv_transpose2d(small, ours, stride=2, padding=1)
close(stamped, plain, msg="Rows and columns are both folded: look at taps @ weight @ taps.T")

# %%
look = "the package folds otherwise: look at UPSAMPLE_TAPS and upsample_kernel in siv_lite/blocks.py"
close(blocks.upsample_kernel(weight), ours, msg=look)
print("upsampling and 3 x 3, our stamp and the package's are one and the same: True")

# %% [markdown]
# ## The way of the shapes
#
# Now the generator. We take a finished run that comes with the repository, if there is one of this picture. The latents
# enter through `project`: each of the 64 numbers has a pattern of its own, as large as the coarsest map, and the map is
# the sum of the patterns, each multiplied by its number. Then the blocks.

# %% tags=["nbval-ignore-output"]
frames = read_frames(source, max_size)[:1]
folder = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
if not folder.exists():
    folder = train("siv_gan", frames, Path(out, "base"), preset).folder
run = open_run(folder, "cpu")
G, height, width = run.method.average, *run.method.size
half = G.grid[1] // 2  # columns of the coarsest map
latents = run.method.draw_latents(12, seed=1)

# %%
features = [x.detach() for x in G.features(latents)]
for number, (block, maps) in enumerate(zip(G.blocks, features, strict=True), 1):
    picture = "a picture of the same size" if block.to_rgb else "no picture"
    print(f"block {number}: {maps.shape[1]:3} channels of {maps.shape[2]} x {maps.shape[3]}, {picture}")

# %%
for small, large in zip(features, features[1:], strict=False):
    doubled = [2 * side for side in small.shape[2:]]
    assert list(large.shape[2:]) == doubled, "a block does not double: look at GeneratorBlock in methods/siv_gan.py"
start = torch.einsum("nz,zchw->nchw", latents, G.project.weight)
look = "The sum of patterns is not the map: look at `project` in Generator.features"
close(G.blocks[0](start), features[0], rtol=1e-4, atol=1e-4, msg=look)
print("every block but the first doubles its map; the coarsest map is a sum of 64 patterns: True")

# %% [markdown]
# Read the list. At the coarsest map 128 numbers describe a cell that will become 16 x 16 pixels. Every doubling makes
# four times as many cells, and the last three blocks halve the channels in turn: from *what* to *where*.
#
# Only the blocks whose picture D reads have a to-RGB. These smaller pictures are for training: D's complaint reaches a
# coarse block directly, not only through all blocks behind it. Users see the last one.
#
# Below: six of one sample's channels after each block, those that vary most over the map.


# %%
def grey(maps: torch.Tensor) -> torch.Tensor:
    """Maps (n, h, w) as grey pictures of one size with a white frame: 0 is grey, the strongest black or white."""
    maps = maps / maps.abs().amax((1, 2), keepdim=True)
    return F.pad(F.interpolate(maps[:, None].expand(-1, 3, -1, -1), (height, width)), [1] * 4, value=1)


# %%
rows = {}
for number, maps in enumerate(features, 1):
    strongest = maps[0].var((1, 2)).topk(6).indices
    rows[f"after block {number}"] = grey(maps[0][strongest])
contact_sheet(rows, scale=2)

# %% [markdown]
# Of the shipped balloons: two channels after block 2 are dark above and light below, which is sky and land. Later maps
# are mostly stripes and blotches. There is no balloon channel; a balloon lies in how channels are combined.
#
# ## Spectral norm: no layer may shout
#
# Every convolution's weights are divided by their *spectral norm* sigma: the largest singular value, the most that the
# matrix stretches any direction. (The kernel is read as a matrix: outputs by all that they read.) So no layer can make
# signals or gradients grow without end.
#
# Finding sigma exactly at each step is too costly. *Power iteration* guesses: send a vector u backwards through W to v,
# and v forwards to u; each round turns it further into the direction of the largest stretch. By hand:
# `W = [[2, 1], [1, 2]]` stretches (1, 1) by 3 and (1, -1) by 1, so sigma is 3. Start with u = (1, 0). Lengths do not
# matter: u goes to v = (2, 1), that to u = (5, 4), then v = (14, 13), u = (41, 40). It becomes (1, 1). And sigma is the
# length of Wv over that of v: sqrt(41 / 5) = 2.86, then sqrt(3281 / 365) = 2.998.

# %%
W, u, ours = torch.tensor([[2.0, 1.0], [1.0, 2.0]]), torch.tensor([1.0, 0.0]), []
for _ in range(2):
    v = F.normalize(W.T @ u, dim=0)
    ours.append((W @ v).norm())
    u = F.normalize(W @ v, dim=0)
by_hand = torch.tensor([41 / 5, 3281 / 365]).sqrt()
close(torch.stack(ours), by_hand, msg="Not by hand: look at which of W and W.T is applied first, and the lengths")

# %%
network = blocks.SpectralNetwork()
network.layer = blocks.SpectralConv2d(2, 2, kernel=1, bias=False)
network.prepare(torch.device("cpu"), torch.Generator().manual_seed(0))
network.layer.raw.data.copy_(W.view(2, 2, 1, 1))
network.layer.left.copy_(torch.tensor([1.0, 0.0]))
for sigma in by_hand:
    network.normalize()
    close(network.sigmas[0], sigma, msg="Look at SpectralNetwork.normalize in siv_lite/blocks.py: W.T u, then W v")
    close(network.layer.weight.view(2, 2), W / sigma, msg="The weights are not raw / sigma: look at normalize")
print("two rounds of power iteration, by hand and by the package: True")

# %% [markdown]
# One round per training step is enough, because the weights move only a little and u is kept.
#
# ## Which block decides what?
#
# What a later block sees is the map before it and nothing else: no noise enters on the way. So whatever stands in the
# map after block l is decided. We test where by cutting: B's left half into A's map. Each convolution reads one cell
# further, so the cut also spreads. Behind the last of the L blocks only to-RGB follows, so the cut reaches 1 pixel.
# Behind the block before it, two more convolutions read on: 3 pixels. One block earlier the same happens at half the
# size, where 2 cells are 4 pixels: 3 + 4 = 7. Then 15, then 31. That is 2^(L + 1 - l) - 1 pixels for a cut behind block
# l.

# %%
@torch.no_grad()
def finish(maps: torch.Tensor, after: int) -> torch.Tensor:
    """The pictures that the blocks behind block `after` make of its maps."""
    for block in G.blocks[after:]:
        maps = block(maps)
    return torch.tanh(G.blocks[-1].to_rgb(maps))


# %%
def cut(after: int, one: int, other: int, cells: int = half) -> torch.Tensor:
    """The picture of latent `one`, whose maps after a block are `other`'s in the first `cells` columns of the grid."""
    maps = features[after - 1][[one]].clone()
    edge = maps.shape[3] * cells // G.grid[1]
    maps[..., :edge] = features[after - 1][[other], ..., :edge]
    return finish(maps, after)


# %%
pictures, L, middle = run.generate(latents), len(G.blocks), width * half // G.grid[1]
look = "Block by block is another picture: look at `after` in finish"
close(finish(features[2], 3), pictures, rtol=0, atol=1e-4, msg=look)

# %%
for after in range(1, L + 1):
    mixed, reach = cut(after, 3, 9)[0], 2 ** (L + 1 - after) - 1
    look = f"cut behind block {after}: more than {reach} columns notice; look at the number of convolutions"
    close(mixed[..., middle + reach :], pictures[3][..., middle + reach :], rtol=0, atol=1e-4, msg=look)
    close(mixed[..., : middle - reach], pictures[9][..., : middle - reach], rtol=0, atol=1e-4, msg=look)
print("a cut behind the last block reaches 1 pixel, and twice that + 1 for each block before: True")

# %%
pairs = [(1, 7), (3, 9), (4, 10), (5, 11)]
rows = {"A": pictures[[a for a, _ in pairs]], "B": pictures[[b for _, b in pairs]]}
for after in range(1, L + 1):
    rows[f"behind block {after}: left half of B, right half of A"] = torch.cat([cut(after, *pair) for pair in pairs])
contact_sheet(rows, scale=3)

# %% [markdown]
# Answers to questions 1 and 2: the seam is hard behind block 5 and softest behind block 1, where 31 of the 32 columns
# can notice. Look at the second column, whose A and B differ most. Behind block 5, two pictures are glued together; a
# bright line shows the glue. Behind block 1 there is no line: the middle turns into haze, into which both sides run. A
# convincing new scene it is not; the last two columns, less different, come close.
#
# *Can* notice is not *does*. How much of the right half really changes, compared with how much A and B differ there?

# %%
pairs = [(a, b) for a in range(6) for b in range(6, 12)]
right, changes = slice(middle, None), []
apart = torch.stack([(pictures[a] - pictures[b])[..., right].abs().mean() for a, b in pairs]).mean()
for after in range(1, L + 1):
    moved = torch.stack([(cut(after, a, b)[0] - pictures[a])[..., right].abs().mean() for a, b in pairs]).mean()
    changes.append((moved / apart).item())

# %%
plt.figure(figsize=(6, 2.6))
plt.plot(range(1, L + 1), changes, marker="o")
plt.xlabel("cut behind block")
plt.ylabel("share of the difference")
plt.xticks(range(1, L + 1))
plt.ylim(0)
plt.show()

# %% [markdown]
# In the shipped model over a quarter of the possible change crosses the border behind block 1, an eighth behind block
# 2, less than a tenth later. Part of that fall is forced, as behind block 3 only 7 of 32 columns are in reach. So
# places are settled by the maps of 3 x 4 and 6 x 8 cells; later blocks paint what stands there. A second test: replace
# the map by its mean over all cells, so that no place is special.

# %%
rows = {"samples": pictures[:4]}
for after in range(1, 4):
    flat = features[after - 1][:4].mean((2, 3), keepdim=True).expand_as(features[after - 1][:4])
    rows[f"map made flat after block {after}"] = finish(flat.contiguous(), after)
contact_sheet(rows, scale=3)

# %% [markdown]
# Flat after block 1, the balloons are gone, but sky over land stays! A flat map says nothing about places, so only the
# zeros that convolutions put around each map can have told up from down. Flat after block 2, little more than a colour
# is left: by then the layout is in the map.
#
# ### The slider
#
# Move the cut, and choose the block behind which it is made. The figure above shows the border in the middle.

# %% tags=["nbval-ignore-output"]
block_slider = widgets.IntSlider(value=1, min=1, max=L, description="Block")
border = widgets.IntSlider(value=half, min=0, max=G.grid[1], description="Cells of B")
view = Picture("Sample A, B, and A with its left part from B after the chosen block", 192)


def show_cut(change: dict | None = None) -> None:
    mixed = cut(block_slider.value, 3, 9, border.value)
    view.value = encode(contact_sheet({"A, B, and the cut": torch.cat([pictures[[3, 9]], mixed])}, scale=4))


for slider in (block_slider, border):
    slider.observe(show_cut, "value")
show_cut()
widgets.VBox([block_slider, border, view])

# %% [markdown]
# ## One number, and a walk
#
# What does one of the 64 numbers do? Three of them below, each from -4 to 4. In the last row all change at once: a walk
# from one latent to another along an arc, cos(t) A + sin(t) B. On the straight line between them latents would be too
# short: half way only 0.7 of a usual length. The package's `walk` is the same arc, all around.

# %%
rows = {}
for number in (0, 7, 20):
    changed = latents[:1].repeat(6, 1)
    changed[:, number] = torch.linspace(-4, 4, 6)
    rows[f"latent number {number} from -4 to 4"] = run.generate(changed)

# %%
angles = torch.linspace(0, torch.pi / 2, 6)[:, None]
rows["a walk"] = run.generate(angles.cos() * latents[:1] + angles.sin() * latents[1:2])
look = "the walk's ends are not its two latents: look at Run.walk in siv_lite/run.py"
close(run.walk(4, seed=1)[:2], pictures[:2], rtol=0, atol=1e-4, msg=look)
contact_sheet(rows, scale=2)

# %% [markdown]
# One number can do much: number 20 raises the balloons bit by bit, number 0 swaps the arrangement, number 7 does
# least. No number *is* a balloon; a scene is the sum of all 64. On the walk the balloons do not travel: they fade in
# one place and appear in another, with a soft picture between. This small model knows a few arrangements and crosses
# from one to the next.
#
# ## Why an average?
#
# G and D play a game, and in a game the players circle. The smallest one: G has one weight g, D one weight d; G wants
# g d small, D wants it large. Both rest only at zero. Each takes small steps downhill, or uphill, in turn.


# %%
def play(rounds: int = 1500, rate: float = 0.1) -> list[tuple[float, float]]:
    """G's weight after every round, and its average."""
    (g, average), d, found = [torch.nn.Linear(1, 1, bias=False) for _ in range(2)], 1.0, []
    for network in (g, average):
        torch.nn.init.ones_(network.weight)
    for count in range(1, rounds + 1):
        with torch.no_grad():
            d += rate * g.weight.item()
            g.weight -= rate * d
        blocks.average_weights(average, g, 0.999, torch.tensor(count))
        found.append((g.weight.item(), average.weight.item()))
    return found


# %%
game = play()
plt.figure(figsize=(8, 2.4))
plt.plot(game, label=["last weight", "averaged weight"])
plt.xlabel("round")
plt.legend(loc="upper right")
plt.show()

# %%
last, averaged = torch.tensor(game[-300:]).abs().amax(0)
assert averaged < 0.2 * last, "the average circles too: look at average_weights in siv_lite/blocks.py"
print("the last weight swings as ever, the average less than a fifth of it:", bool(last > 0.9))

# %% [markdown]
# The last weight never arrives, and where it stands depends on when you stop. The average swings less and less.
#
# ## The average by hand
#
# The EMA after each update: average = k average + (1 - k) weight. A *fixed* k = 0.999 would still hold mostly the
# first, random weights after a few hundred steps. So k warms up by count: after n updates it is (1 + n) / (10 + n), but
# at most the setting `average`, here 0.999. A weight that starts at 0 and becomes 11, 13, 25:
#
# | n | k | weight | average |
# |---|---|---|---|
# | 1 | 2/11 | 11 | 2/11 x 0 + 9/11 x 11 = 9 |
# | 2 | 3/12 | 13 | 1/4 x 9 + 3/4 x 13 = 12 |
# | 3 | 4/13 | 25 | 4/13 x 12 + 9/13 x 25 = 21 |

# %%
network, average, ours = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False), 0.0
torch.nn.init.zeros_(average.weight)
look = "average_weights in siv_lite/blocks.py did not move the average as the table does: look at its `weight`"
for n, (weight, by_hand) in enumerate(((11.0, 9.0), (13.0, 12.0), (25.0, 21.0)), 1):
    torch.nn.init.constant_(network.weight, weight)
    blocks.average_weights(average, network, 0.999, torch.tensor(n))
    k = min(0.999, (1 + n) / (10 + n))
    ours = k * ours + (1 - k) * weight
    close(torch.tensor([[ours]]), torch.tensor([[by_hand]]), msg="Not the table: look at which factor belongs to which")
    close(average.weight.detach(), torch.tensor([[by_hand]]), msg=look)
print("9, 12, 21 by hand, by our loop and by the package: True")

# %% [markdown]
# Now the real thing. A fresh SIV-GAN takes five steps, and we keep our own average beside it. Try what this cell is
# for: put a `#` before the line `average_weights(...)` in `SIVGAN.step`, restart the kernel and run all. It must stop
# you.

# %%
model = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), torch.device("cpu"), "fp32", 0)
ours = [x.detach().clone() for x in model.average.parameters()]
look = (
    "The averaged generator does not follow G, and it draws every picture that users see: look at the call of "
    "average_weights at the end of SIVGAN.step (siv_lite/methods/siv_gan.py), then at average_weights in blocks.py"
)
for n in range(1, 6):
    model.step()
    k = min(model.settings.average, (1 + n) / (10 + n))
    ours = [k * a + (1 - k) * x.detach() for a, x in zip(ours, model.G.parameters(), strict=True)]
    for a, x in zip(ours, model.average.parameters(), strict=True):
        close(x.detach(), a, rtol=0, atol=1e-6, msg=look)
print("after each of five steps the package's average is ours: True")

# %% [markdown]
# ## Broken on purpose: skip the average
#
# A short training, and at every tenth step we draw the same six latents with the last weights and with the average.
# Beside it two mistakes: an average that is never updated, and one with a fixed k = 0.999, without warm-up.


# %%
@torch.no_grad()
def draw(network: torch.nn.Module) -> torch.Tensor:
    """What a generator makes of six fixed latents."""
    network.normalize(iterate=False)
    return network.pyramid(network.features(latents[:6]), scales=1)[0]


# %% tags=["nbval-ignore-output"]
settings = make_settings("siv_gan", "smoke", batch_size=5, average=0.999)
model = find_method("siv_gan")(frames, settings, torch.device("cpu"), "fp32", 0)
never, fixed = deepcopy(model.average), deepcopy(model.average)
drawn = {"last weights": [], "averaged": []}
for step in range(1, steps + 1):
    model.step()
    with torch.no_grad():
        for a, x in zip(fixed.parameters(), model.G.parameters(), strict=True):
            a.lerp_(x, 0.001)
    if step % 10 == 0:
        drawn["last weights"].append(draw(model.G))
        drawn["averaged"].append(draw(model.average))

# %%
fixed.load_state_dict(model.G.state_dict() | dict(fixed.named_parameters()))  # u and v are copied
rows = {f"{name}, step {steps - 20}": found[-3] for name, found in drawn.items()}
rows |= {f"{name}, step {steps}": found[-1] for name, found in drawn.items()}
rows |= {f"fixed k, step {steps}": draw(fixed), f"never updated, step {steps}": draw(never)}
contact_sheet(rows, scale=2)

# %% tags=["nbval-ignore-output"]
plt.figure(figsize=(8, 2.4))
for name, found in drawn.items():
    change = [(b - a).abs().mean().item() for a, b in zip(found, found[1:], strict=False)]
    plt.plot(range(20, steps + 1, 10), change, label=name)
plt.xlabel("step")
plt.ylabel("change of the pictures")
plt.legend()
plt.show()

# %% [markdown]
# Answer to question 3. Compare the rows in pairs. In our twenty steps the last weights went from blue and brown to
# white and green. (Your colours may be others; such a training does not repeat to the digit on another computer.) The
# average moved too, but less: once the first fifty steps are over, it changes about half as much or less. It is not
# prettier. After so short a training neither shows a balloon, and our average even has more stripes. What it gives is
# steadiness: your pictures do not hang on the moment at which you stopped. How much it helps at the end of a full
# training, this short one cannot say.
#
# The average with a fixed k is still mostly the random start, 67 % of it (0.999 to the power of 400); the one never
# updated is nothing else. Mind that nothing crashed, and that no loss can tell you: no loss ever looks at the average.
# (With `smoke`, all of it is noise.)
#
# ## Exercises
#
# Replace each `...`; the cell below then checks. Before that it says "not yet" and nothing fails.
#
# **1.** D does the reverse: a kernel of three, then the mean of each two neighbours. That, too, is one convolution of
# stride 2 with four numbers. Which, for a kernel a, b, c? Write down which cells one mean reads, and how often.


# %%
def fold_mean(a: float, b: float, c: float) -> list[float]:
    """The four numbers that equal the kernel a, b, c and then the mean of two."""
    ...


# %%
if fold_mean(1.0, 10.0, 100.0) is None:
    print("not yet: fold_mean returns nothing; the first number belongs to the leftmost cell, read by one of the two")
else:
    four = torch.tensor(fold_mean(1.0, 10.0, 100.0))
    row, three = torch.tensor([[[1.0, 2, 5, 3, 4, 9]]]), torch.tensor([1.0, 10, 100])
    plain = F.avg_pool1d(F.conv1d(row, three.view(1, 1, 3), padding=1), 2)
    close(F.conv1d(row, four.view(1, 1, 4), stride=2, padding=1), plain, msg="another result: did you halve the sums?")
    package = blocks.pool_kernel(three.outer(three)[None, None])[0, 0]
    close(four.outer(four), package, msg="another kernel than blocks.pool_kernel's")
    print("exercise 1: right")

# %% [markdown]
# **2.** Move the whole scene of sample 0 to the right by one cell of the map after block 2, without touching a pixel:
# change that map and let `finish` do the rest. What leaves at the right may come in again at the left. The check leaves
# out the columns that the border and the seam can reach.


# %%
def move_right() -> torch.Tensor:
    """Sample 0 (1, 3, h, w), moved by a cell of the map after block 2; use `features` and `finish`."""
    ...


# %%
moved, cell, reach = move_right(), 2 ** (L - 2), 2 ** (L - 1) - 1
if moved is None:
    print("not yet: move_right returns nothing; torch.Tensor.roll moves along a dimension, and 3 is the columns")
else:
    expected = pictures[:1, ..., reach : width - reach - cell]
    hint = f"the middle is not the same scene {cell} pixels further right: look at the direction and the block"
    close(moved[..., reach + cell : width - reach], expected, rtol=0, atol=1e-4, msg=hint)
    print("exercise 2: right")

# %% [markdown]
# **3.** After how many updates n does the warm-up end, that is, when does (1 + n) / (10 + n) reach `decay`? Solve for n
# and round up.


# %%
def warm_up(decay: float) -> int:
    """The first n with (1 + n) / (10 + n) >= decay."""
    ...


# %%
if warm_up(0.9) is None:
    print("not yet: warm_up returns nothing; multiply by 10 + n first")
else:
    for decay in (0.9, 0.99, 0.999):
        counted = next(n for n in range(10**5) if (1 + n) / (10 + n) >= decay - 1e-12)
        assert abs(warm_up(decay) - counted) <= 1, f"for {decay} it is {counted}, not {warm_up(decay)}"
    print("exercise 3: right; of the paper's 100,000 iterations, 0.9999 warms up over", round(warm_up(0.9999), -3))

# %% [markdown]
# The solutions are in `solutions/03_from_noise_to_image.ipynb`.
#
# ## Quiz
#
# **1.** What does the stamp of four by four change, compared with doubling and then a 3 x 3 kernel? (a) The pictures
# get a little blurred. (b) Only the time it takes. (c) There are more weights to learn.
# <details><summary>Answer</summary>(b). It is the same function to rounding, and what is learned is still the kernel of
# three by three.</details>
#
# **2.** Power iteration has just begun, and its sigma is still a guess. The weights divided by it are (a) too large,
# (b) too small, (c) either.
# <details><summary>Answer</summary>(a). No direction is stretched by more than the true sigma, so each guess is at most
# that: 2.86 and 2.998 came before 3. Dividing by too little leaves too much.</details>
#
# **3.** During the warm-up, after 900 updates, the average looks back over about (a) 10, (b) 100, (c) 900 of them.
# <details><summary>Answer</summary>(b). 1 - k = 9 / (10 + n), about 1 / 100. The average is always that of about the
# last ninth of the training.</details>
#
# **4.** A colleague averages u and v of the power iteration like the weights. The pictures come out with glaring
# colours. Why? (a) The mean of unit vectors is shorter than one. (b) Colours cannot be averaged. (c) k was too small.
# <details><summary>Answer</summary>(a). Sigma is computed as the length of Wv; with v too short, sigma is too small and
# the weights too large, in every layer. `average_weights` copies u and v.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | release | here |
# |---|---|---|---|
# | from z to the map | broadcast: z in every cell | a transposed convolution, no norm | release's; or `broadcast` |
# | coarsest map | 3 x 5, adjustable | bends the picture to its grid | nearest to the picture's shape |
# | to-RGB | at intermediate blocks | at every block | at the blocks whose pictures D reads |
# | upsampling | blocks like BigGAN's | nearest, then 3 x 3 | the same function, as one stamp |
# | spectral norm | on G and D | every convolution but the first | as the release |
# | average | not mentioned | k = 0.9999 | the same in `paper`, 0.999 in `lesson` |
# | warm-up of k | not mentioned | not looked at | (1 + n) / (10 + n) |
#
# ## Next
#
# Today nobody said what a good picture is: `04_two_judges` is about D, who judges content and layout apart.
