# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 5: diversity regularization
#
# **Goal:** understand why a GAN that has seen one image wants to draw only that image, and how one
# term in the generator's loss, diversity regularization (DR), keeps its samples apart.

# %%
from siv_lite.figures import show_map

show_map("generator", "diversity")

# %% [markdown]
# Latents go through the blocks of G to an image. D looks at images and judges fine detail, content
# and layout; all of that is for other lessons. Today's part looks into G while it draws two images,
# and never asks D.
#
# **You need:** PyTorch's autograd, and lesson 0 (`00_start_here`) for what SIV-GAN is. The paper's
# section is 3.2.
#
# **Time:** 50 seconds of computing on two cores; 40 minutes of reading and exercises.
#
# **Words used below.** *Latents* are the random numbers z that go into the generator G. *D* is the
# discriminator. A *batch* is the handful of samples of one training step, here five. *Collapse*
# means that all latents give the same image. *Features* are the maps inside G, here after each of
# its blocks.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the image that was, or is to be, learned
preset: str = "lesson"  # smoke (seconds) or lesson (minutes on two cores)
steps: int | None = None  # of each row's further training; None: 200, or 5 in `smoke`
max_size: int = 64  # longest side of the image in the one-step check, in pixels
out: str = "../runs/lesson_05"  # folder of what this lesson trains

# %% tags=["nbval-ignore-output"]
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import ipywidgets as widgets
import torch
from safetensors.torch import load_file, save_file

from siv_lite import Run, SivLiteError, contact_sheet, losses, open_run, read_frames, train
from siv_lite.exercises import check_best_spread, check_literal_settings, check_pair_distance
from siv_lite.figures import plot_bars, plot_lines
from siv_lite.files import atomic_write
from siv_lite.lesson_checks import check, check_diversity_sign
from siv_lite.methods import make_settings
from siv_lite.metrics import arrangement_diversity
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Predict before you run
#
# Write your answers down; cells below reveal them.
#
# 1. A generator of *numbers* has learned from a single number, 3. Its D likes what is near 3.
#    Nobody rewards diversity. What will the samples be in the end?
# 2. Now diversity is rewarded, with weight lambda. You double lambda. What happens to the spread of
#    the samples?
# 3. We take a trained SIV-GAN that draws many different scenes and continue its training in four
#    ways: as before, with DR weighted 16 times less, without DR, and with the sign of DR flipped.
#    In which order do they lose their diversity?

# %% [markdown]
# ## Why it collapses: a generator of numbers
#
# The smallest generator there is: `G(z) = a z + b`, two weights. There are two latents, z = -1 and
# z = +1, so the samples are `b - a` and `b + a`: **b** is where they lie, **a** how far they
# spread. The training set is the number 3.
#
# For D we take a fixed judge with the penalty `(x - 3)^2`. A real D learns and changes; what it has
# in common with this one is that its favorite is the only example it was given. The mean penalty of
# the two samples is
#
# $$ \tfrac12 (b-a-3)^2 + \tfrac12 (b+a-3)^2 = a^2 + (b-3)^2 . $$
#
# The minimum is at b = 3 and **a = 0**. So collapse is no accident and no bug: it is the *right
# answer* to the question that the loss asks. With a thousand examples D would miss the others; with
# one there is nothing to miss.
#
# DR adds a reward, the distance of the two samples: `|(b + a) - (b - a)| = 2a` for a > 0. G
# minimizes `a^2 + (b-3)^2 - 2 lambda a`. Its derivative in a is `2a - 2 lambda`, which is zero at
# **a = lambda**.


# %%
def train_toy(weight: float, judge: float = 1.0) -> list[float]:
    """Gradient descent on a toy generator a z + b; the spread a after each step."""
    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    z = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
    spreads = []
    for _ in range(400):
        samples = a * z + b
        penalty = judge * (samples - 3).square().mean()
        loss = penalty - weight * losses.pair_distance(samples)
        slope_a, slope_b = torch.autograd.grad(loss, (a, b))
        with torch.no_grad():
            a -= 0.02 * slope_a
            b -= 0.02 * slope_b
        spreads.append(a.item())
    return spreads


# %%
toys = {weight: train_toy(weight) for weight in (0.0, 0.25, 0.5, -0.25)}
lines = {f"lambda {weight}": spreads for weight, spreads in toys.items()}
lines["sign flipped"] = lines.pop("lambda -0.25")
plot_lines(lines, xlabel="step", ylabel="spread a")

# %% [markdown]
# Answers to questions 1 and 2: without a reward all samples become 3. With it the spread settles at
# lambda, so twice the lambda is twice the spread. The flipped sign also ends at no spread, only
# sooner. The center b is 3 every time.

# %%
look = "the toy settled elsewhere: look at the sign and weight of pair_distance in train_toy"
for weight in (0.0, 0.25, 0.5):
    check(toys[weight][-1], weight, f"lambda {weight}: {look}", atol=1e-2)
    print(f"lambda {weight:.2f}: the spread settles at {toys[weight][-1]:.4f}")
check(toys[-0.25][-1], 0.0, f"flipped: {look}", atol=2e-2)
print(f"sign flipped: {toys[-0.25][-1]:.4f}")

# %% [markdown]
# ## Equation 4, by hand
#
# $$ L_{DR}(G) = \mathbb{E}_{z_1, z_2} \frac1L \sum_{l=1}^L \lVert G^l(z_1) - G^l(z_2) \rVert $$
#
# In words: draw two latents. After each of G's L blocks compare their features, as the sum of
# absolute differences (the L1 norm). Average over blocks, and over pairs. The paper adds (section
# 3.3) that features go through tanh first. Like the official code, we take the mean over the
# features instead of the sum; otherwise the largest map would drown out all others.
#
# Three samples, two blocks. These are their features *after* tanh; `atanh` gives those before it.
#
# | | sample 1 | sample 2 | sample 3 | pairs 12, 13, 23 | mean |
# |---|---|---|---|---|---|
# | block 1, one number | 0 | 0.5 | -0.5 | 0.5, 0.5, 1 | 2/3 |
# | block 2, two numbers | (0, 0) | (0.8, 0) | (0, 0.4) | 0.4, 0.2, 0.6 | 0.4 |
#
# The distance of pair 12 in block 2 is the mean of 0.8 and 0. DR is the mean of 2/3 and 0.4, which
# is 8/15.


# %%
def diversity(features: list[torch.Tensor]) -> torch.Tensor:
    """Eq. 4 in the plainest way: over blocks, over pairs."""
    of_blocks = []
    for maps in features:
        pairs = [(x.tanh() - y.tanh()).abs().mean() for x, y in combinations(maps, 2)]
        of_blocks.append(torch.stack(pairs).mean())
    return torch.stack(of_blocks).mean()


block_1 = torch.tensor([0, 0.5, -0.5]).atanh().view(3, 1, 1, 1)
block_2 = torch.tensor([[0, 0], [0.8, 0], [0, 0.4]]).atanh().view(3, 1, 1, 2)
features = [block_1, block_2]

# %%
ours = diversity(features)
check(ours, 8 / 15, "Not 8/15: look at which pairs are counted, and whether means are taken")
look = "Look at losses.diversity_in_features: mean over blocks, tanh, sign (it must be positive)"
check(losses.diversity_in_features(features), ours, look)
distance = losses.pair_distance(block_2.tanh())
check(distance, 0.4, "Look at losses.pair_distance: pairs 12, 13, 23")
theirs = losses.diversity_in_features(features)
print(f"8/15 = {8 / 15:.6f} by hand, {ours:.6f} by our loop, {theirs:.6f} by the package")

# %% [markdown]
# **Why tanh?** Without it G could double DR by doubling a layer's weights, and no image would have
# changed. With tanh no pair can be further apart than 2, however large the features. Here all
# features are made a hundred times larger.

# %%
larger = [100 * x for x in features]
plain = torch.stack([losses.pair_distance(x) for x in larger]).mean()
unscaled = torch.stack([losses.pair_distance(x) for x in features]).mean()
check(plain, 100 * unscaled, "Without tanh distances grow with the features: pair_distance")
assert diversity(larger) <= 2, "tanh bounds every difference by 2: does `diversity` apply it?"
print(
    f"the features as they are: distance {unscaled:.2f} without tanh, DR {diversity(features):.2f}"
)
print(f"100 times as large:       distance {plain:.2f} without tanh, DR {diversity(larger):.2f}")

# %% [markdown]
# ## What the reward can be bought with
#
# Eq. 4 asks for different *values*. There are two ways to give them: put things elsewhere, or put
# them where they were and draw one sample pale and the other glaring. Here is one block's map with
# one channel of 8 x 8 places. *Left* is high in its left half, *top* in its upper half.

# %%
left = torch.ones(1, 1, 8, 8)
left[..., 4:] = -1  # mean 0
top = left.transpose(2, 3)

pairs = {
    "one arrangement, pale and glaring": torch.cat([0.1 * left, 0.9 * left]),
    "two arrangements": torch.cat([0.5 * left, 0.5 * top]),
}
contact_sheet({name: maps.expand(-1, 3, -1, -1) for name, maps in pairs.items()}, scale=30)

# %% [markdown]
# By hand, with these values taken as those after tanh. The pale and the glaring map differ by 0.8
# in every place: Eq. 4 gives 0.8. The two arrangements differ by 1 in half of the places, and by
# nothing in the other half: 0.5. So the *same* arrangement twice earns more. And contrast is cheap:
# G need only turn up one layer, while for another arrangement it must draw another scene that D
# believes.
#
# The cure is to take contrast out before measuring. From tanh G^l(z) we subtract each channel's
# mean over the places, and divide each sample by the root of its mean square. Then pale and glaring
# are one and the same map, distance 0; the two arrangements differ by 2 in half of the places: 1.

# %%
rewards = {}
for name, maps in pairs.items():
    paper = losses.diversity_in_features([maps.atanh()])
    normalized = losses.diversity_in_normalized_features([maps.atanh()])
    rewards[name] = {"Eq. 4": paper.item(), "normalized": abs(round(normalized.item(), 4))}
plot_bars(rewards, ylabel="reward")

pale, elsewhere = [maps.atanh() for maps in pairs.values()]
look = "Look at losses.diversity_in_normalized_features: mean over places, then the mean square"
check(losses.diversity_in_features([pale]), 0.8, "Look at losses.diversity_in_features")
check(losses.diversity_in_normalized_features([pale]), 0.0, look, atol=1e-3)
check(losses.diversity_in_normalized_features([elsewhere]), 1.0, look, atol=1e-3)

# %% [markdown]
# In `paper` the setting `diversity` is "features", Eq. 4 as printed: in 100,000 iterations D may
# well have the time to forbid pale and glaring scenes (our guess; we have not trained that long).
# In a training of minutes it has not, so `lesson` takes "normalized". The second cure is *where*
# the numbers go in: with `latent="spatial"` each cell of the coarsest map has 64 numbers of its
# own, so that one part of the scene can change without the rest (lesson 3).
#
# To see that, a measure is needed that contrast cannot fool either: `arrangement_diversity`, one
# minus the mean correlation of two samples. Correlation does not change when an image is made
# paler. 0: one arrangement.

# %% [markdown]
# ## The gradient it sends, and its sign
#
# Two samples with one feature each: u1 = 0, and u2 with tanh(u2) = 0.5. DR is 0.5. Since the
# derivative of tanh is `1 - tanh^2`, those of DR are `-(1 - 0) = -1` for u1 and `+(1 - 0.25) =
# 0.75` for u2. G *maximizes* DR, so the loss holds **minus** DR: descending it moves u1 down and u2
# up, apart. (Eq. 5 has `max` over G in front; code that minimizes needs the minus.) The push
# depends only on the order of the two, not on their distance: near or far, it is as strong, until
# tanh saturates.

# %%
u = torch.tensor([0.0, 0.5]).atanh().view(2, 1, 1, 1).requires_grad_()
DR = losses.diversity_in_features([u])
(slope,) = torch.autograd.grad(DR, u)
by_hand = torch.tensor([-1.0, 0.75])
check(slope.flatten(), by_hand, "Look at the derivative of tanh, and the sign of DR")

for name, sign in {"minus": -1, "plus": 1}.items():
    moved = u - 0.1 * sign * slope
    way = "apart" if diversity([moved]) > diversity([u]) else "together"
    print(f"a step down the gradient of {name} DR moves the samples {way}")

# %% [markdown]
# And in the real objective? `SIVGAN.step` updates D, then G by `loss_G - diversity_scale * lambda *
# diversity`. `check_diversity_sign` makes lambda so large that the other term hardly counts, takes
# one small step, and measures by our own loop whether the same eight latents are further apart than
# before. (A fresh network's spectral norms are rough guesses that the first steps would correct,
# which changes DR too; so they are found first, by 50 calls of `normalize`.)
#
# Try it: go to that line of `siv_lite/methods/siv_gan.py`, turn `-` into `+`, restart the kernel
# and run again: this cell must stop you. Then turn it back.

# %%
frames = read_frames(source, max_size)[:1]
check_diversity_sign(frames, diversity)
print("one step with a huge lambda moves samples apart")

# %% [markdown]
# ## With and without, from the start
#
# Two finished trainings of the balloons come with this repository, alike in seed, length and all
# settings but one: the second never had a diversity term. (For another image both are trained here
# first, with the preset.)

# %% tags=["nbval-ignore-output"]
stem = Path(source).stem
shipped = Path(source).parent / "runs"


def open_or_train(name: str, **settings) -> Run:
    """The run of this name that comes with the repository, or one that is trained here."""
    if (shipped / name / "done.json").exists():
        return open_run(shipped / name, "cpu")
    return train("siv_gan", read_frames(source), Path(out, name), preset, **settings)


base = open_or_train(f"{stem}_siv_gan")
without = open_or_train(f"{stem}_siv_gan_no_diversity", diversity="none")

# %%
rows = {"with the diversity term": base.sample(6, seed=1), "without": without.sample(6, seed=1)}
contact_sheet(rows)

# %% tags=["nbval-ignore-output"]
measured = {"arrangement diversity": {}, "DR (Eq. 4) of the images": {}}
for name, run in {"with the term": base, "without": without}.items():
    samples = run.sample(32, seed=2)
    measured["arrangement diversity"][name] = arrangement_diversity(samples)
    measured["DR (Eq. 4) of the images"][name] = diversity([samples]).item()
plot_bars(measured)

# %% [markdown]
# Without the term nearly all samples have the striped balloon at the left, a large red one beside
# it, the same row of small ones and the same green rim at the top. What differs is whether a place
# is filled. With it the large balloons stand elsewhere in each, and are of other kinds. The numbers
# say the same, 0.47 against 0.40, and not more: our explanation is that cells with numbers of their
# own differ to some degree even if nobody asks them to. (These are one training of each kind, from
# one seed: an image of what the term can do, no measurement of it.) In the published tables below,
# where one vector serves the whole scene, the same term doubles the pixel diversity.

# %% [markdown]
# ## In a trained model, and broken on purpose
#
# The package refuses a negative weight, so nobody flips the sign by accident:

# %%
try:
    make_settings("siv_gan", "lesson", diversity_weight=-0.15)
except SivLiteError as error:
    print(error)

# %% [markdown]
# We get around that by changing the settings of the finished model with the term, our *base*. A
# shipped run holds only the averaged generator and D, without Adam's memory, so that every row
# starts from these, alike. Four rows continue from there, with the same random numbers, each with
# one change. ("DR" is the normalized one here, as in the base; its weight is `diversity_scale`.)
# What a row made is kept in `out`; a second call only loads it.

# %% tags=["nbval-ignore-output"]
if steps is None:
    steps = 5 if preset == "smoke" else 200
moments = sorted({steps * part // 5 for part in range(6)})  # when something is noted


# %%
def train_on(**changes) -> dict[str, torch.Tensor]:
    """Train on from the base; at each of `moments`, DR and six images of fixed latents."""
    model = open_run(base.folder, "cpu").method
    model.G.load_state_dict(model.G_ema.state_dict())
    model.G.normalize(power_iteration=False)
    model.settings = replace(model.settings, lr_decay_fraction=0.0, **changes)
    latents = model.sample_latents(16, seed=1)
    found = {"diversity": [], "images": []}
    for step in range(steps + 1):
        if step in moments:
            with torch.no_grad():
                maps = model.G.features(latents)
                found["diversity"].append(diversity(maps))
                found["images"].append(model.G.to_images(maps, num_scales=1)[0][:6].contiguous())
        model.step()
    return {name: torch.stack(values) for name, values in found.items()}


# %%
changes = {
    "with DR, as trained": {},
    "DR, 16 times weaker": {"diversity_scale": 1.0},
    "without DR": {"diversity": "none"},
    "DR flipped": {"diversity_scale": -16.0},
}
rows = {}
for name, change in changes.items():
    path = Path(out, f"{stem} {preset} {name} {steps}.safetensors")
    if not path.exists():
        found = train_on(**change)
        with atomic_write(path) as temporary:
            save_file(found, temporary)
    rows[name] = load_file(path)

# %%
lines = {name: row["diversity"] for name, row in rows.items()}
labels = {"xlabel": "steps after the base", "ylabel": "DR (Eq. 4) of 16 fixed latents"}
plot_lines(lines, x=moments, ylim=(0, None), **labels)

# %%
print(f"after {steps} more steps, the same six latents in every row")
contact_sheet({name: row["images"][-1] for name, row in rows.items()})

# %% [markdown]
# Compare down a column first: one latent, four ways. Then along a row: are the six images six
# scenes? With the shipped balloons, the first three rows are much alike: most of the six arrange
# the balloons differently, though some places recur. In the flipped one the six have become nearly
# one image: the same striped balloons in the same two places, over the same stripes across the
# land.
#
# "Without DR" loses a quarter of its DR and keeps its scenes: what the base has learned is not
# undone in 200 steps. Nothing in its loss rewards that any longer, but nothing punishes it either,
# as long as D believes the scenes. That fits the two trainings *from the start* above: the term
# seems to do its work early, while G still chooses what it will be able to draw. One training of
# each kind is a hint and no proof; `ablations.ipynb` trains such pairs on your image.
#
# The answer to question 3 is computed, from the lowest DR to the highest:

# %%
final = {name: row["diversity"][-1].item() for name, row in rows.items()}
order = sorted(final, key=final.get)
print(" < ".join(f"{name} ({final[name]:.2f})" for name in order))

# %% [markdown]
# Do not read more into it than that. The two in the middle are close, and this is one seed; the
# curve measures nearly the quantity that DR rewards, so a high value is no proof of good images.
# That is why we look at images beside it.
#
# Move the slider (or press the arrow keys on it) to watch the rows drift apart. The figure above is
# its last position.

# %% tags=["nbval-ignore-output"]
slider = widgets.IntSlider(value=0, max=len(moments) - 1, description="Moment")
view = Picture("Six samples of each row at one moment", height=None)


def show_moment(change: dict | None = None) -> None:
    """Draw the samples of all rows at the slider's moment."""
    sheet = {name: row["images"][slider.value] for name, row in rows.items()}
    view.value = encode(contact_sheet(sheet))


slider.observe(show_moment, "value")
show_moment()
widgets.VBox([slider, view])

# %% [markdown]
# ## The alternatives of Table 4
#
# Others had rewarded diversity before. Take two samples again, now images of one number each, 0 and
# 0.2, so that every value can be checked by hand. Their latents are 0.1 apart, and in a second case
# 0.8.
#
# | name | formula | latents 0.1 apart | 0.8 apart |
# |---|---|---|---|
# | DR in image space (Choi et al. 2020) | mean abs(x1 - x2) | 0.2 | 0.2 |
# | DS (Yang et al. 2019) | min(abs(x1 - x2) / abs(z1 - z2), 1) | min(2, 1) = 1 | 0.25 |
# | zCR, latent consistency (Zhao et al. 2021) | mean (x1 - x2)^2, z2 near z1 | 0.04 | (not near) |

# %%
images = torch.tensor([0.0, 0.2]).view(2, 1, 1, 1).requires_grad_()
near = torch.tensor([[0.0], [0.1]])
far = torch.tensor([[0.0], [0.8]])
values = {
    "DR in image space": (losses.pair_distance(images), 0.2),
    "DS, latents near": (losses.diversity_sensitive(images, near), 1.0),
    "DS, latents far": (losses.diversity_sensitive(images, far), 0.25),
    "zCR": (losses.latent_consistency(images[:1], images[1:]), 0.04),
}
for name, (found, by_hand) in values.items():
    check(found, by_hand, f"{name}: look at its formula in siv_lite/losses.py", rtol=1e-4)
    (slope,) = torch.autograd.grad(found, images, retain_graph=True)
    print(f"{name:<20}{by_hand:5.2f} by hand, {found:.6f} by the package;", end=" ")
    print(f"it pushes with {slope.abs().max():.2f}")

# %% [markdown]
# DS (diversity-sensitive) stops pushing where its bound is reached: close latents are then
# *allowed* to look alike. That suits a large training set, where a smooth map from latents to
# images is wanted. zCR only ever compares a latent with its neighbor, and its push shrinks with the
# distance: almost nothing is left once the images are alike, exactly when it is needed. DR asks for
# the same distance of all pairs, near or far, and inside G: coarse blocks hold the layout, fine
# ones the detail, so both must differ. In pixels alone, a shift in brightness would already count
# as diversity.
#
# **Published** (Table 4, means over frames of DAVIS-YFCC100M, not our measurement; SIFID is a
# distance to the training image, low is good; the other three are measures of diversity, high is
# good):
#
# | regularization | SIFID | LPIPS | pixel diversity | distance to train |
# |---|---|---|---|---|
# | none | 0.05 | 0.04 | 0.33 | 0.06 |
# | zCR | 0.05 | 0.06 | 0.37 | 0.09 |
# | DS | 0.06 | 0.14 | 0.45 | 0.14 |
# | DR in image space | 0.07 | 0.21 | 0.52 | 0.25 |
# | DR | 0.08 | 0.33 | 0.66 | 0.37 |
#
# From row to row diversity rises, and so does SIFID: the best SIFID is that of a model that copies.
# All five rows are the setting `diversity` here (DR is "features"), and `ablations.ipynb` with
# `tables = "4"` trains them on your image.

# %% [markdown]
# ## How much: lambda and the balance
#
# **Published** (Table 5, the same data):
#
# | lambda | SIFID | LPIPS | pixel diversity | distance to train |
# |---|---|---|---|---|
# | 0.00 | 0.05 | 0.04 | 0.33 | 0.06 |
# | 0.05 | 0.07 | 0.19 | 0.50 | 0.23 |
# | 0.15 (chosen) | 0.08 | 0.33 | 0.66 | 0.37 |
# | 0.50 | 0.13 | 0.39 | 0.69 | 0.46 |
#
# But 0.15 *of what*? A weight means something only against the other term. Read literally, Eq. 5
# sets 0.15 DR against the loss of Eq. 3, content + layout + 2 low-level: four units of
# cross-entropy. The official code differs in two ways:
#
# - its adversarial loss is scaled to about one unit in total, a quarter of Eq. 3;
# - it *sums* over the 10 pairs of a batch of five, sums over the L blocks and divides by the number
#   of pairs of *blocks*, L (L - 1) / 2, where Eq. 4 takes means. That is 10 L / (L (L - 1) / 2) =
#   20 / (L - 1) times Eq. 4.
#
# Together: 4 x 20 / (L - 1) = 80 / (L - 1) times more weight on DR than Eq. 5 to the letter, for L
# blocks.

# %%
pairs_of_batch = 10
units_of_eq_3 = 4
factors = {}
for L in (5, 6, 7):
    pairs_of_blocks = L * (L - 1) / 2
    factors[L] = units_of_eq_3 * pairs_of_batch * L / pairs_of_blocks
    print(f"{L} blocks: the official code weighs DR {factors[L]:.1f} times Eq. 5")

balance = make_settings("siv_gan", "paper").diversity_scale
assert balance == factors[6], "Settings.diversity_scale is not the official code's at six blocks"
print(f"the default diversity_scale is {balance:g}, the official code's at six blocks")

# %% [markdown]
# So `diversity_scale=16` multiplies lambda in our step, whatever the depth; `diversity_scale=1` is
# Eq. 5 to the letter. The row "16 times weaker" above had just this weight. In terms of Table 5,
# the letter is like a lambda of 0.15 / 16, below 0.01: between its first and second row. The toy
# says the same: the spread is the *ratio* of the two weights.

# %%
quiet = train_toy(0.5, judge=1.0)[-1]
loud = train_toy(0.5, judge=4.0)[-1]
check(loud, quiet / 4, "Look at where train_toy multiplies by `judge`", atol=1e-2)
print(f"spread {quiet:.4f}; with a judge four times as loud {loud:.4f}, a quarter")

# %% [markdown]
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1.** The toy with a judge of weight k minimizes `k (a^2 + (b - 3)^2) - 2 lambda a`. What is the
# best spread a?


# %%
def best_spread(weight: float, judge: float) -> float:
    """The a at which the toy settles, for lambda = `weight` and k = `judge`."""
    ...


# %%
check_best_spread(best_spread, train_toy)

# %% [markdown]
# **2.** Write `pair_distance` without a loop over pairs, by broadcasting to all n x n differences.
# Take care: each sample also meets itself there, at distance 0, and those n entries must not lower
# the mean.


# %%
def my_pair_distance(values: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference over elements and pairs of different samples (n, c, h, w)."""
    ...


# %%
check_pair_distance(my_pair_distance)

# %% [markdown]
# **3.** A colleague wants Eq. 5 to the letter, with the lambda of Table 5's last row, and DR taken
# in image space. Return the settings, built by `make_settings("siv_gan", "smoke", ...)`. The names
# are in `siv_gan.Settings`.


# %%
def literal_settings():
    """SIV-GAN's settings for the colleague."""
    ...


# %%
check_literal_settings(literal_settings)

# %% [markdown]
# The solutions are in `solutions/05_diversity.ipynb`.
#
# ## Quiz
#
# **1.** Why does a GAN collapse more readily on one image than on ten thousand?
#
# - a) The generator is too small.
# - b) With one image, always drawing it *is* the best answer to D.
# - c) The learning rate is too high.
#
# <details><summary>Answer</summary>b) Nothing in the adversarial loss asks for anything else. On
# many images a D that sees one image again and again can tell; on one image it cannot.</details>
#
# **2.** What does the tanh in DR prevent?
#
# - a) Images outside [-1, 1].
# - b) Vanishing gradients.
# - c) Growing DR without end by growing features.
#
# <details><summary>Answer</summary>c) With tanh two features differ by 2 at most. It even costs
# gradient where it saturates, so b) is the opposite.</details>
#
# **3.** In a batch of five, two latents happen to be nearly equal. Which term pushes their images
# apart as hard as any others?
#
# - a) DR.
# - b) DS.
# - c) None.
#
# <details><summary>Answer</summary>a) DR does not look at the latents' distance. DS divides by it,
# reaches its bound and stops.</details>
#
# **4.** A model without DR has a better SIFID than one with it. Is it the better model?
#
# - a) Yes.
# - b) Not by that alone.
#
# <details><summary>Answer</summary>b) Copies of the training image have the best SIFID there is.
# Read quality and diversity together.</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | official code | here |
# |---|---|---|---|
# | distance in Eq. 4 | L1 norm | mean of absolute differences | mean of absolute differences |
# | over the pairs of a batch | expectation, a mean | sum | mean |
# | over the blocks | mean | sum / number of pairs of blocks | mean |
# | contrast of a sample | counts | counts | counts; in `lesson` it does not ("normalized") |
# | weight against Eq. 3 | lambda 0.15 | 13 to 20 times that | 0.15 x `diversity_scale` 16 |
# | features | after tanh | after tanh | after tanh |
# | zCR | generator's loss only | not looked at | generator's loss only, noise 0.1 |
# | DS | bound not given | not looked at | bound 1, neighbors in the batch |
#
# ## Next
#
# DR pulls samples apart and D holds them to the scene. `06_mixing_and_augmentation` is about what
# keeps D from learning the one image by heart. `ablations.ipynb` trains all rows of Tables 3 to 6.
