# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 7: training SIV-GAN, live
#
# **Goal:** say what one training step does, read the curves of a whole training, and know what a
# checkpoint must hold so that a training that was killed continues as if nothing had happened.

# %%
from siv_lite.figures import show_map

show_map("losses", "ema", "run")

# %% [markdown]
# From left to right a picture is drawn and judged. Lit is what the judgment changes, and in which
# order: first D, then G, then the average of G; the run folder keeps log and checkpoints.
#
# **You need:** PyTorch's autograd and optimizers, and lesson 4 for what the parts of the
# discriminator judge.
#
# **Time:** 3.9 minutes of computing on two cores; 55 minutes of reading and exercises.
#
# **Words used below.** The *generator* G draws pictures from *latents*, random numbers; such
# pictures are *fakes*. The *discriminator* D answers with *logits*: 0 means "real or fake, I cannot
# tell", positive means "rather real". The sigmoid turns a logit into a probability. One *iteration*
# is one update of D and one of G. *Adam* is the optimizer. A *checkpoint* is the state of a
# training on disk; *resuming* is continuing from it.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the picture to learn
preset: str = "lesson"  # smoke (seconds) or lesson (a minute or two)
iterations: int | None = None  # None: the second half of a shipped training, if there is one
seed: int = 0  # of the weights and of all that is drawn in the live training
out: str = "../runs/lesson_07"  # folder of what this lesson trains

# %% tags=["nbval-ignore-output"]
import math
import shutil
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import ipywidgets as widgets
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, losses, open_run, read_frames, train
from siv_lite.figures import plot_lines, plot_losses
from siv_lite.lesson_checks import check
from siv_lite.methods import find_method, make_settings
from siv_lite.nn import make_adam
from siv_lite.widgets import Picture, live_training

# %% [markdown]
# ## Predict before you run
#
# Write your answers down; cells below reveal them.
#
# 1. A SIV-GAN has been trained for 4,000 iterations, and its pictures are good. After a few dozen
#    of them D's loss was about 5.5. Where did it end: near 0, not far below 5.5, or well above it?
# 2. In another training D wins for good. What do the curves of D's loss and of G's loss do?
# 3. A training is killed at iteration 15 and continues from its last checkpoint. At the end, how
#    large is the largest difference in any weight from a training that was never killed: exactly 0,
#    about 0.0000001, or visible?
#
# ## Start it
#
# Begin with the real thing, and keep reading while it trains. A training of 4,000 iterations comes
# with the repository, stopped after 2,000 (of the balloons only; any other picture begins at 0). A
# copy of it is trained to its end here, in about three minutes on two cores. In JupyterLab the cell
# returns at once: the training has a process of its own, and its progress, its losses and, every
# few seconds, its newest scenes appear in the cell. The network draws them small; here they are
# *rendered*, drawn anew with the photograph's own patches and at its size. *Save and stop* does
# what it says, and *Go on*, or the same cell on another day, continues. If you begin at 0 with the
# balloons, the shipped training's small samples are replayed below. Run with nobody watching, as in
# a test, the cell waits and shows the end.
#
# What to look for: follow *one* scene. Do its balloons move while it trains, or do they stay where
# they are? How many kinds of them are there? Do small ones appear? Rendering makes every scene
# sharp, so sharpness says nothing here. What the network itself drew comes at the end, with the
# same question: are the balloons whole, or soft and frayed?

# %% tags=["nbval-ignore-output"]
half_way = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan_half_way"
goes_on = iterations is None and preset == "lesson" and seed == 0 and half_way.exists()
if iterations is None:
    iterations = 20 if preset == "smoke" else make_settings("siv_gan", preset).iterations

photograph = read_frames(source)[:1]
folder = Path(out, f"live {Path(source).stem} {preset} {iterations} {seed}")
if goes_on and not folder.exists():
    shutil.copytree(half_way, folder)
options = {"preset": preset, "iterations": iterations, "seed": seed}
if half_way.exists() and not goes_on:
    options["beside"] = [half_way, half_way.with_name(f"{Path(source).stem}_siv_gan")]
view = live_training("siv_gan", photograph, folder, **options)
view

# %% [markdown]
# ## One iteration by hand
#
# The smallest GAN there is (a game of Mescheder et al. 2018): pictures are numbers, and the one
# real picture is zero. G is a single number g, which is also what it draws. D is a single number d,
# and its logit for a picture x is d x. So for the real one it always says 0, "cannot tell"; d only
# says on which side of it the fakes are.
#
# Start at g = 1, d = 0, with steps of 0.1 down the slope.
#
# 1. **D first.** Its loss is -log of the probability it gives to each right answer: log 2 for the
#    real picture, and log(1 + e^(d g)) = log 2 for the fake. The slope in d is g sigmoid(d g) =
#    0.5. So d becomes **-0.05**: "positive is fake".
# 2. **Then G, judged by the new D.** Its loss is -log of the probability that D takes its fake for
#    real, log(1 + e^(0.05)). The slope in g is 0.05 sigmoid(0.05), about 0.0256. So g becomes
#    **0.99744**: a little more real.
#
# Had G moved first, d would have been 0 and so would its slope: from a judge who knows nothing
# there is nothing to learn.


# %%
def play(rounds: int, pace: float = 0.1) -> dict[str, torch.Tensor]:
    """The game of two numbers; what there is to see after each round."""
    g = torch.tensor(1.0, requires_grad=True)
    d = torch.tensor(0.0, requires_grad=True)
    average = 1.0
    rows = []
    for _ in range(rounds):
        logits = torch.stack([0 * d, g.detach() * d])  # of the real image and of the fake
        loss_D = losses.discriminator_part_loss([logits.view(2, 1, 1, 1)], num_real=1)
        (slope,) = torch.autograd.grad(loss_D, d)
        d = (d - pace * slope).detach().requires_grad_()

        logit = g * d.detach()
        loss_G = losses.generator_part_loss([logit.view(1, 1, 1, 1)])
        (slope,) = torch.autograd.grad(loss_G, g)
        g = (g - pace * slope).detach().requires_grad_()

        average = 0.99 * average + 0.01 * g.item()
        rows.append([g.item(), average, loss_D.item(), loss_G.item()])
    names = ("g", "running average of g", "D's loss", "G's loss")
    return dict(zip(names, torch.tensor(rows).T, strict=True))


# %%
game = play(800)
look = "look at which comes first in `play`, D's update or G's, and at the signs in losses.py"
slope = 0.05 / (1 + math.exp(-0.05))
check(game["g"][0], 1 - 0.1 * slope, f"Not 0.99744 after one round: {look}")
check(game["G's loss"][0], math.log(1 + math.exp(0.05)), f"G's first loss: {look}")
check(game["D's loss"][0], 2 * math.log(2), f"D's first loss is not 2 log 2: {look}")
print("one round by hand and by the package's losses: True")

# %% [markdown]
# And now 800 rounds. Before you look: does g go straight to 0?

# %%
for names in (("g", "running average of g"), ("D's loss", "G's loss")):
    plot_lines({name: game[name] for name in names}, xlabel="round")

# %% [markdown]
# It circles. D says "positive is fake", G moves through 0 to the negative side, D finds out and
# turns around, and so on. Nobody does anything wrong; each has a moving target. The circle shrinks,
# ever more slowly: after 800 rounds g still swings by about a third. Three habits of real GANs are
# already here.
#
# - **No loss falls to 0.** They settle at the loss of a tossed coin, log 2 for each question: 2 log
#   2 for D, log 2 for G. A perfect G leaves D nothing to do but toss coins.
# - **A loss does not tell how good G is.** Each time g passes through 0, where G is perfect, G's
#   loss is log 2. It is lower when D is mistaken, with g well away from 0.
# - **The running average of g is nearer to the truth than g.** So SIV-GAN draws its samples from an
#   average of G's weights (EMA, exponential moving average), which learns nothing itself.

# %%
swing = game["g"][-130:].abs().max()
swing_of_average = game["running average of g"][-130:].abs().max()
assert swing > 0.2, "g came to rest: look at the order of the updates in `play`"
assert swing_of_average < swing / 2, "the average swings as far: look at its weights"
print("g still swings, its average less than half as far: True")

# %% [markdown]
# ## The losses on given logits: Eq. 1 to 3
#
# D of SIV-GAN answers many times: each *part* (content, layout, low level) after each of its
# *blocks*. In one block the loss is the cross-entropy of the two-number game (Eq. 2). A part takes
# the mean over its blocks (Eq. 1). In all it is content + layout + 2 x low level (Eq. 3). A part of
# two blocks, with one real picture and one fake:
#
# | | logit of the real | probability | logit of the fake | probability | D's loss | G's loss |
# |---|---|---|---|---|---|---|
# | block 1 | 0 | 1/2 | log 3 | 3/4 | log 2 + log 4 | log 4/3 |
# | block 2 | log 3 | 3/4 | -log 3 | 1/4 | log 4/3 + log 4/3 | log 4 |
# | the part | | | | | half of log 128/9 | half of log 16/3 |
#
# "Probability" is always that of being real. D wants it to be 1 for the real and 0 for the fake; G
# wants 1 for the fake. In block 1 D was fooled, so D pays much and G little.

# %%
log3 = math.log(3)
block_1 = torch.tensor([0.0, log3]).view(2, 1, 1, 1)  # logits of the real image and of the fake
block_2 = torch.tensor([log3, -log3]).view(2, 1, 1, 1)
loss_D = losses.discriminator_part_loss([block_1, block_2], num_real=1)
loss_G = losses.generator_part_loss([block_1[1:], block_2[1:]])

look = "Look at losses.py: -log p for real, -log(1 - p) for fake, mean of blocks"
check(loss_D, math.log(128 / 9) / 2, look)
check(loss_G, math.log(16 / 3) / 2, look)
print("half of log 128/9 and half of log 16/3: True")

# %% [markdown]
# Now the number to compare every curve with. Suppose that D cannot tell them apart at all: every
# logit is 0, every probability 1/2. Then each part costs D 2 log 2 and G log 2. With the weights 1,
# 1 and 2 that is **8 log 2 = 5.55** for D and **4 log 2 = 2.77** for G. We call these the *coin
# levels*. Backwards, exp(-loss / 8) for D, or exp(-loss / 4) for G, is the probability behind a
# loss: how sure D is of the right answer, and how real it finds the fakes. (It is a geometric mean
# over all answers, with those weights.)


# %%
frames = read_frames(source, max_size=64)[:1]


def fresh(**settings):
    """An untrained SIV-GAN, small and always the same."""
    chosen = make_settings("siv_gan", "smoke", **settings)
    return find_method("siv_gan")(frames, chosen, torch.device("cpu"), "fp32", 0)


coin = {"D": 8 * math.log(2), "G": 4 * math.log(2)}
for name, answers in (("D", 2), ("G", 1)):
    loss = torch.tensor(answers * math.log(2))
    total = fresh().total_loss({"content": loss, "layout": loss, "low_level": loss})
    check(total, coin[name], "Look at the weights in SIVGAN.total: 1, 1 and 2")
print("coin levels 8 log 2 and 4 log 2: True")

# %% [markdown]
# ## The real step, in the same order
#
# Here are both halves of the step in our own words. D's half puts real pictures and fakes into one
# batch and asks for the truth. G's half draws *new* fakes and asks the same question, but with a
# lie as its target: "these are real". Only the wanted answer differs, so one cross-entropy serves
# both. `augment` moves and turns pictures (lesson 6).


# %%
def cross_entropy(logits: dict[str, list[torch.Tensor]], wanted: torch.Tensor):
    """Eq. 1 and 3 with PyTorch's cross-entropy; `wanted` (n) is 1 for real, 0 for fake."""
    weights = {"content": 1, "layout": 1, "low_level": 2}
    total = 0
    for part, maps in logits.items():
        each = []
        for x in maps:  # (n, 1, h, w), one for each block
            target = wanted.view(-1, 1, 1, 1).expand_as(x)
            each.append(F.binary_cross_entropy_with_logits(x, target))
        total = total + weights[part] * torch.stack(each).mean()
    return total


def draw_fakes(model) -> list[torch.Tensor]:
    """Fakes at all sizes that D reads, large to small, from new latents."""
    latents = model.sample_noise(model.settings.batch_size)
    return model.G.to_images(model.G.features(latents))


# %%
def half_of_D(model) -> torch.Tensor:
    """D's loss; G is only used, not taught."""
    n = model.settings.batch_size
    with torch.no_grad():
        fakes = draw_fakes(model)
    chosen = torch.randint(len(frames), (n,), generator=model.generator)  # there is one frame
    batch = []
    for real, fake in zip(model.real, fakes, strict=True):
        batch.append(torch.cat([real[chosen], fake]))
    logits = model.D(model.augment(batch), num_real=n, generator=model.generator)
    wanted = torch.tensor([1.0] * n + [0.0] * n)
    return 2 * cross_entropy(logits, wanted)  # twice: Eq. 2 adds both means


def half_of_G(model) -> torch.Tensor:
    """G's loss, before diversity is subtracted."""
    logits = model.D(model.augment(draw_fakes(model)))
    return cross_entropy(logits, torch.ones(model.settings.batch_size))


# %% [markdown]
# Three models with the same weights and random numbers. One takes the package's step. One takes
# ours. In the third, G is judged by the old D, as if its turn came first.

# %%
theirs = fresh(learning_rate=1e-3).step()

ours = fresh(learning_rate=1e-3)
loss_D = half_of_D(ours)
ours.update(loss_D, lr={"D": ours.learning_rate()})
loss_G = half_of_G(ours)

early = fresh(learning_rate=1e-3)
half_of_D(early)  # the same random numbers are drawn, but D stays as it is
too_early = half_of_G(early)

look = "Look at SIVGAN.step: "
check(loss_D, theirs["D"], look + "real first, fakes without gradient, weights of Eq. 3")
check(loss_G, theirs["G"], look + "D is updated before G is judged", rtol=1e-4)
assert abs(too_early / theirs["G"] - 1) > 1e-3, "The old D judges as the new one: see `update`"
print("our two halves are the package's step: True; G is judged by the D of before: False")

# %% [markdown]
# In the package G's update goes down `loss_G - diversity_scale * lambda * diversity` (lesson 5).
# The log keeps three numbers: `D` and `G` without that term, and `diversity`. Ten times in a
# training it also has the `bandless_diversity` of sixteen samples: 1 minus their mean correlation,
# after every row and every column has lost its mean color, so that neither contrast nor a sky over
# a meadow counts. Under 0.75 they show one arrangement, and the training says so. The last act of
# the step is to move the average of G's weights a little towards G.
#
# ## Adam, by hand
#
# Adam keeps two memories of every weight: m, a running mean of its slopes, and v, one of their
# squares. It moves the weight by rate x m / sqrt(v). Both start at 0, so both are divided by the
# share of a full mean that they hold by now.
#
# With the first slope both corrected memories hold that slope alone: m / sqrt(v) is its *sign*. So
# **the first step is as long as the learning rate, 0.0002, whether the slope is 1 or 1,000.**
# SIV-GAN's m has beta 0.5: half of it is the newest slope. A slope from ten iterations ago counts a
# thousandth of that. With PyTorch's default, 0.9, it would count a third, though the opponent has
# moved since.


# %%
def adam_by_hand(slopes: list[float], rate: float = 2e-4) -> float:
    """Where a weight that starts at 0 is after these slopes."""
    weight = m = v = 0.0
    for t, slope in enumerate(slopes, start=1):
        m = 0.5 * m + 0.5 * slope
        v = 0.999 * v + 0.001 * slope**2
        full_m = m / (1 - 0.5**t)
        full_v = v / (1 - 0.999**t)
        weight -= rate * full_m / (math.sqrt(full_v) + 1e-8)
    return weight


def adam_of_the_package(slopes: list[float], rate: float = 2e-4) -> float:
    """The same by the package's optimizer."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    optimizer = make_adam(layer, rate)
    for slope in slopes:
        layer.weight.grad = torch.tensor([[slope]])
        optimizer.step()
    return layer.weight.item()


# %%
for slopes in ([1.0], [1000.0], [1.0, -3.0], [1.0, -3.0, 2.0]):
    ours = adam_by_hand(slopes)
    theirs = adam_of_the_package(slopes)
    check(theirs, ours, f"slopes {slopes}: look at the betas in nn.make_adam", rtol=1e-4)
    print(f"slopes {slopes}: the weight is at {ours:+.6f}, by hand and by the package")

# %% [markdown]
# ## The learning rate over a training
#
# In the preset `lesson` the rate is 0.0004, twice the paper's, since minutes have to do. It then
# falls in a straight line to 0 over the last 30 % (`lr_decay_fraction=0.3`). Shorter steps make for
# a quieter end. Of 4,000 iterations: full until 2,800 are done, half after 3,400, a 1,200th of it
# in the last.

# %%
model = fresh(iterations=4000, learning_rate=4e-4, lr_decay_fraction=0.3)
for done, share in ((0, 1), (2800, 1), (3400, 1 / 2), (3999, 1 / 1200)):
    model.iteration.fill_(done)
    look = f"After {done} iterations: look at SIVGAN.learning_rate and `lr_decay_fraction`"
    check(model.learning_rate(), 4e-4 * share, look, rtol=1e-5)
print("full, full, half, a 1,200th: True")

# %% [markdown]
# ## What a checkpoint holds
#
# The weights alone are not the training. Here is all that is saved, sorted by kind, in numbers
# stored.

# %%
KINDS = {  # word of a tensor's name -> kind; the first word that fits counts
    "adam": "Adam's memories",
    "G_ema": "average of G",
    "u": "u and v",
    "v": "u and v",
    "weight_orig": "weights",
    "bias": "weights",
    "project": "weights",
    "random": "random numbers",
    "iteration": "count",
}


def find_kind(name: str) -> str:
    """The kind of a tensor of a checkpoint, by its name."""
    words = name.split(".")
    return next(kind for word, kind in KINDS.items() if word in words)


# %%
model = fresh()
for _ in range(5):
    model.step()
saved = {name: tensor.clone() for name, tensor in model.state().items()}
saved["random"] = model.generator.get_state()
for kind in dict.fromkeys(KINDS.values()):
    numbers = sum(tensor.numel() for name, tensor in saved.items() if find_kind(name) == kind)
    print(f"{kind:<16}{numbers:9,}")

# %% [markdown]
# *u and v* belong to spectral normalization, which divides each weight by its largest stretch; they
# are the running estimate of its direction. *Random numbers* is the state of the random generator:
# where in its endless sequence it stands.
#
# Which of these could be left out? We resume from the state after five iterations, each time with
# another kind lost (replaced by that of an untrained model). Then we take three more iterations,
# and compare with three more of the original.


# %%
def resume(lost: str):
    """A new model, resumed from `saved` without the kind `lost`, three iterations later."""
    resumed = fresh()
    own = resumed.state()
    own["random"] = resumed.generator.get_state()
    state = {}
    for name, tensor in saved.items():
        state[name] = own[name] if find_kind(name) == lost else tensor
    resumed.generator.set_state(state.pop("random"))
    resumed.load_state(state)
    for _ in range(3):
        resumed.step()
    return resumed


# %%
def join_weights(network: torch.nn.Module) -> torch.Tensor:
    """All weights of a network in a row."""
    return torch.cat([weight.flatten() for weight in network.parameters()])


for _ in range(3):
    model.step()
latents = model.sample_latents(4, seed=1)
weights = join_weights(model.G)
images = model.generate(latents)
for lost in ("nothing", *dict.fromkeys(KINDS.values())):
    resumed = resume(lost)
    same = torch.equal(join_weights(resumed.G), weights)
    alike = torch.equal(resumed.generate(latents), images)
    print(f"lost: {lost:<16} weights of G as if never stopped: {same!s:<6} samples too: {alike}")
    if lost == "nothing":
        assert same and alike, "Not exact: look at Method.state and Method.load_state"

# %% [markdown]
# Nothing can be left out. Lose the average or the count, and G itself trains on exactly as before,
# but its samples differ: they come from the average, and the count says how fast that moves. (With
# `lr_decay_fraction` the count also sets the learning rate.) The finished runs that are shipped are
# a deliberate exception: to be small they hold no memories, so they draw but cannot be resumed. The
# one that you are training on is whole, and four times as large.
#
# ## Kill it and continue
#
# Now for real, on disk. One training of 30 iterations runs through. Another loses its power after
# iteration 15. A training this short writes a checkpoint every 2 iterations, so the last is that of
# 14; the log is one ahead. Then `train` is called again with the same arguments. It takes back what
# was written after the checkpoint, and continues.


# %%
class PowerCut(Exception):
    """Nobody catches it inside `train`, and nothing is saved."""


SIVGAN = find_method("siv_gan")
whole_step = SIVGAN.step


def step_or_die(model):
    """A step, but for the sixteenth."""
    if model.iteration == 15:
        raise PowerCut
    return whole_step(model)


short = {"preset": "smoke", "iterations": 30, "lr_decay_fraction": 0.3}
short |= {"progress": False, "device": "cpu"}
folders = {"whole": Path(out, "whole"), "cut": Path(out, "cut")}
for folder in folders.values():
    shutil.rmtree(folder, ignore_errors=True)  # so that this cell always tells the same story
whole = train("siv_gan", frames, folders["whole"], **short)

# %%
with patch.object(SIVGAN, "step", step_or_die), suppress(PowerCut):
    train("siv_gan", frames, folders["cut"], **short)
cut = open_run(folders["cut"], "cpu")
print(f"after the cut: checkpoint of iteration {cut.iteration}, {len(cut.log())} lines in the log")
cut = train("siv_gan", frames, folders["cut"], **short)
print(f"after going on: iteration {cut.iteration}, {len(cut.log())} lines in the log")

# %%
for name in ("checkpoint-00000030.safetensors", "log.jsonl", "samples/00000030.png"):
    first = (folders["whole"] / name).read_bytes()
    second = (folders["cut"] / name).read_bytes()
    assert first == second, f"{name} differs: what does Method.state leave out?"
    print(f"{name}: the same to the last bit: True")

# %% [markdown]
# Answer to question 3: exactly 0. That is worth some care in the code. All randomness comes from
# one generator whose state is saved, and nothing depends on the clock. It holds on one machine with
# one number of threads; elsewhere sums may be taken in another order and rounded differently. One
# wrong bit would be harmless in itself. But "almost the same" cannot be tested, and "the same" can.
#
# ## How your training went
#
# If your training is still running, the next cell waits for it. (To end it early, press *Save and
# stop* above first, once there are samples.)

# %% tags=["nbval-ignore-output"]
if hasattr(view, "child"):  # it trains in a process of its own
    view.child.wait()
run = view.run
print(f"{run.iteration} of {iterations} iterations are done; the log has {len(run.log())} lines")

plot_losses(run.log(), coin)

# %% [markdown]
# Move the slider to watch the same sixteen latents at ten moments. The sheet after it shows all
# moments at once, with the upper half of the samples.

# %% tags=["nbval-ignore-output"]
paths = sorted(run.folder.glob("samples/*.png"))
slider = widgets.IntSlider(value=0, max=len(paths) - 1, description="Moment")
picture = Picture("Sixteen samples at one moment of the training")
text = widgets.Label()


def show_moment(change: dict | None = None) -> None:
    """Put the samples of the slider's moment into the widgets."""
    path = paths[slider.value]
    picture.value = path.read_bytes()
    text.value = f"after {int(path.stem)} iterations"


slider.observe(show_moment, "value")
show_moment()
widgets.VBox([slider, text, picture])

# %%
rows = {}
for start in range(0, len(paths), 4):
    group = paths[start : start + 4]
    grids = torch.cat([read_frames(path, None) for path in group])
    moments = ", ".join(str(int(path.stem)) for path in group)
    rows[f"after {moments} iterations"] = grids[:, :, : grids.shape[2] // 2]
contact_sheet(rows)

# %% [markdown]
# With the balloons and the preset `lesson` these are the moments of the whole training; the first
# half came with the repository. After 400 iterations colored squares lie in a lattice, one for each
# cell of the coarsest map, over a strip of green. After 800 there are land and sky, and frayed
# lumps in it. After 1,200 they are balloons. At 2,000, where yours began, they stand where they
# will stand, but nearly all are of one size and red, and fine crosses lie over all. In your half
# they become what they are in the training image: a large striped one, green ones near the top,
# small ones above the hills. So *what stands where* comes first, and detail and variety later.
#
# There was drama in the curves. Around 300 both losses jump: G's goes up to 10, and D's *above* the
# dashed coin level. D was mistaken for some dozens of iterations, and after that both came back.
# This is no cause for alarm so early. The thin line is what was logged, each number from one batch
# of five; read the thick one, its moving average. From 2,800 on the learning rate falls, and G's
# thin line is calmer.
#
# ## A whole training
#
# The finished run that comes with this repository has the same settings and the same seed, and was
# stopped after 2,000 iterations as well. So it should look like yours. On the same processor with
# the same number of threads the two are equal (but for the shipped one's half precision); on
# another, rounding drives them apart, and yours are other scenes. (For a picture without such a
# run, this shows the training above once more.)

# %% tags=["nbval-ignore-output"]
shipped = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
finished = run
if shipped.exists():
    finished = open_run(shipped, "cpu")
plot_losses(finished.log(), coin)
samples = finished.sample(6, seed=1)
rows = {"the training image": finished.training_frames, "six samples": samples}
rows["six samples of yours"] = run.sample(6, seed=1)
contact_sheet(rows, scale=3)


# %%
def describe(log: list[dict[str, float]]) -> tuple[float, float]:
    """What the last fifth of a log says: how sure D is of the truth, how real it finds fakes."""
    last = log[-max(1, len(log) // 5) :]
    loss_D = sum(entry["D"] for entry in last) / len(last)
    loss_G = sum(entry["G"] for entry in last) / len(last)
    return math.exp(-loss_D / 8), math.exp(-loss_G / 4)


sure, fooled = describe(finished.log())
print(f"D gives the right answer {sure:.2f} and finds fakes real by {fooled:.2f}; a coin: 0.50")

# %% [markdown]
# Answer to question 1: not far below 5.5. D is well ahead once, around 700; at the end its loss is
# 4.6 and G's 3.5. D is a little surer than a coin, no more, while the pictures went from squares to
# balloons. So the losses of an equal game hardly move, however much both learn: from 1,000 to 4,000
# nothing in them tells a better picture from a worse one.
#
# Do not think the model perfect, either. The balloons are recognizable and stand elsewhere than in
# the training image, but some have run together or are half transparent, and in all six samples the
# upper ones come back to the same few places. No curve says so.
#
# ## Broken on purpose
#
# Three short trainings of a smaller network with the paper's latents, alike except for one thing.
# In the second, all steps are 50 times as long. In the third, only G's steps are 50 times
# *shorter*, so that D learns and G hardly does.


# %%
def train_broken(steps: int, pace_of_G: float = 1.0, **settings):
    """A short training in which G may be slower than D: its log, two samples at five moments."""
    model = fresh(batch_size=5, latent="projected", diversity="features", **settings)
    update = model.update

    def update_at_pace(loss, lr):
        if "G" in lr:
            lr = {"G": lr["G"] * pace_of_G}
        update(loss, lr=lr)

    model.update = update_at_pace
    latents = model.sample_latents(2, seed=0)
    log, images = [], []
    for iteration in range(1, steps + 1):
        values = {name: value.item() for name, value in model.step().items()}
        log.append({"iteration": iteration, **values})
        if iteration % (steps // 5) == 0:
            images.append(model.generate(latents))
    return log, torch.cat(images)


# %% tags=["nbval-ignore-output"]
steps = 10 if preset == "smoke" else 120
logs, images = {}, {}
logs["healthy"], images["healthy"] = train_broken(steps)
name = "learning rate x 50"
logs[name], images[name] = train_broken(steps, learning_rate=1e-2)
name = "G 50 times slower"
logs[name], images[name] = train_broken(steps, pace_of_G=0.02)
contact_sheet(images, scale=2)

# %%
for name in ("D", "G"):
    lines = {label: [entry[name] for entry in log] for label, log in logs.items()}
    lines["coin level"] = [coin[name]] * steps
    plot_lines(lines, title=f"{name}'s loss (logarithmic)", xlabel="iteration", yscale="log")

# %% tags=["nbval-ignore-output"]
for name, log in logs.items():
    sure, fooled = describe(log)
    print(f"{name:<20} D gives the right answer {sure:.2f}, finds fakes real by {fooled:.6f}")

# %% [markdown]
# Each row shows two samples at five moments; in these few iterations the healthy one gets no
# further than blobs. But its curves stay near the coin levels. In the two others D's loss falls
# below 1 and G's climbs above 10, and neither comes back. That answers question 2: **D's falls
# towards 0, and G's grows without an end in sight.**
#
# So the curves say *that* D has won, not *why*. The pictures do. With steps too long, G was thrown
# to pure colors with hard edges: its tanh is at -1 or 1, where it has hardly any slope. With steps
# too short it is as gray as it began. The remedies are opposite as well.

# %% [markdown]
# ## Exercises
#
# Replace each `...`; the cell below then checks. Before that it says "not yet" and nothing fails.
#
# **1.** Write G's whole adversarial loss from probabilities, as in the table: -log p, the mean over
# the places of a map, the mean over the blocks of a part, and content + layout + 2 x low level.


# %%
def my_loss_of_G(probabilities: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """G's loss; for each part the maps of its blocks: the probability of being real."""
    ...


# %%
generator = torch.Generator().manual_seed(0)
logits = {}
for part, sides in {"content": (4, 2), "layout": (4, 2), "low_level": (8, 4)}.items():
    logits[part] = [torch.randn(3, 1, side, side, generator=generator) for side in sides]
probabilities = {part: [x.sigmoid() for x in maps] for part, maps in logits.items()}
if my_loss_of_G(probabilities) is None:
    print("not yet: my_loss_of_G returns nothing; begin with -x.log().mean() of one map")
else:
    parts = {part: losses.generator_part_loss(maps) for part, maps in logits.items()}
    hint = "Not the package's; look at the sign, at mean or sum over blocks, and at Eq. 3"
    check(my_loss_of_G(probabilities), fresh().total_loss(parts), hint)
    print("exercise 1: right")

# %% [markdown]
# **2.** After how many iterations has the learning rate fallen to half, for any length and any
# `decay`? And to a quarter? Write it for any `share`.


# %%
def done_at(share: float, iterations: int, decay: float) -> float:
    """How many iterations are done when the rate has fallen to `share` of the first, below 1."""
    ...


# %%
if done_at(0.5, 4000, 0.3) is None:
    print("not yet: done_at returns nothing; at share 0 it would be `iterations`")
else:
    for share, length, decay in ((0.5, 4000, 0.3), (0.25, 4000, 0.3), (0.5, 1000, 1.0)):
        model = fresh(iterations=length, lr_decay_fraction=decay)
        model.iteration.fill_(done_at(share, length, decay))
        hint = f"{length} iterations, decay {decay}: another share of the rate"
        check(model.learning_rate() / 2e-4, share, hint, rtol=1e-3)
    print("exercise 2: right")

# %% [markdown]
# **3.** Three logs, measured here on `beach.png`: each number is a mean over 20 iterations. One
# training is healthy. In one, G's updates were 50 times smaller. In one, **D's** updates were 50
# times smaller, which you have not seen yet. Think about what a judge that hardly learns would mean
# for both losses. Which log is it?

# %%
logs_of_D = {
    "A": [5.5, 5.8, 5.4, 5.5, 5.4, 5.3, 5.2, 4.6],
    "B": [4.5, 2.9, 2.1, 1.1, 0.8, 0.7, 0.6, 1.1],
    "C": [5.9, 5.9, 5.9, 5.8, 5.8, 5.7, 5.7, 5.6],
}
logs_of_G = {
    "A": [2.8, 2.9, 3.5, 3.2, 3.1, 3.5, 3.2, 3.6],
    "B": [2.8, 3.0, 4.8, 12.5, 19.4, 24.8, 29.0, 24.3],
    "C": [2.6, 2.5, 2.5, 2.6, 2.6, 2.7, 2.7, 2.7],
}


def log_of_the_sleeping_judge() -> str:
    """The letter of its log: "A", "B" or "C"."""
    ...


# %%
answer = log_of_the_sleeping_judge()
if answer is None:
    print("not yet: log_of_the_sleeping_judge returns nothing; compare with 5.55 and 2.77")
else:
    assert answer in logs_of_D, "the answer is one of the letters A, B and C"
    lowest = min(logs_of_D[answer])
    assert lowest > 5.5, f"In {answer} D's loss falls to {lowest}: that D has learned"
    print("exercise 3: right")

# %% [markdown]
# The solutions are in `solutions/07_training_live.ipynb`.
#
# ## Quiz
#
# **1.** G's loss rose from 3.0 to 3.6 over the last thousand iterations. Have the pictures become
# worse? (a) Yes. (b) That cannot be told from it. (c) No, they are better.
# <details><summary>Answer</summary>(b). D has become better at telling, compared with G. Both may
# have improved. Look at the samples, or measure (lesson 8).</details>
#
# **2.** D is sure that a fake is a fake: its logit is -5, p = 0.007. G goes down -log p. How long
# is the slope in the logit, 1 - p, compared with that of log(1 - p), which Eq. 5 to the letter
# would give, p? (a) The same. (b) About 150 times as long. (c) 150 times shorter.
# <details><summary>Answer</summary>(b), 0.993 against 0.007. Hence the name, *non-saturating*:
# where G is worst it still has a slope to follow.</details>
#
# **3.** A training of 4,000 iterations has ended, and you call `train` with the same folder and
# `iterations=8000`. (a) It trains 4,000 more. (b) It refuses and names the difference. (c) It
# begins again.
# <details><summary>Answer</summary>(b). In a training of 8,000 the learning rate would not have
# begun to fall at 2,800, so the first half is not the same training. Use another `out`.</details>
#
# **4.** Why does the log keep G's loss without the diversity term? (a) To save space. (b) So that
# it can be compared with the coin level. (c) Because G does not minimize that term.
# <details><summary>Answer</summary>(b). With a large reward subtracted, the number could fall while
# D is fooled less and less.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | official code | here |
# |---|---|---|---|
# | loss of D | Eq. 1 to 3 | scaled to about a quarter of Eq. 3 | Eq. 1 to 3 |
# | loss of G | the same, maximized (Eq. 5) | non-saturating | non-saturating |
# | updates | not stated | one of D, one of G | one of D, then one of G, from new latents |
# | Adam | 0.5, 0.999; 0.0002 | the same | the same; 0.0004 in `lesson` |
# | learning rate later on | not mentioned | not looked at | constant; falls in `lesson` |
# | average of G | not mentioned | 0.9999 | 0.9999; 0.999 in `lesson`; faster at the start |
# | iterations, one image | 100,000 | not looked at | 100,000 in `paper`, 4,000 in `lesson` |
# | seeds | not mentioned | set after the networks are built | one generator for all |
# | resuming | not mentioned | not looked at | to the bit on a CPU |
#
# ## Next
#
# The curves say whether the game is fair, not whether the pictures are good; lesson 8,
# `08_measuring`, is about that.
