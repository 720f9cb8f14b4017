# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 2: the patch-GAN pyramid (SinGAN)
#
# **Goal:** understand how SinGAN draws from coarse to fine: a discriminator of patches at every
# size, and generators that each only add something to the enlarged image from below.

# %%
from siv_lite.figures import show_map

show_map("singan", "pyramid")

# %% [markdown]
# SinGAN, at the lower right, is the older method. It has a G and a D for every size, a *stage*.
# Noise goes into G; D compares the patches of what comes out with those of the training image at
# that size. The result is enlarged for the next stage and used twice: G looks at it, and what G
# draws is added to it.
#
# **You need:** PyTorch, and from lesson 1: a discriminator of five 3 x 3 convolutions sees 11 x 11
# pixels, and in a smaller copy of the image that is a larger part of the scene.
#
# **Time:** 5 seconds of computing on two cores; 40 minutes of reading and exercises.
#
# **Words used below.** A *stage* is one size of the pyramid, with its own networks; 0 is the
# coarsest. G is its *generator*; the *residual* is what G adds. D is its *discriminator*; it gives
# each patch a *score*, any number, higher for "more real" (such a D is also called a critic). The
# *noise amplitude* sigma is what a stage's noise is multiplied by. The *reconstruction* is drawn
# from one fixed noise, z*, and should be the training image.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # the image that was, or is to be, learned
preset: str = "lesson"  # smoke (seconds) or lesson; matters only where a SinGAN is trained here
train_now: bool = False  # train here, about 5 minutes on one core, instead of opening a shipped run
out: str = "../runs/lesson_02"  # folder of a SinGAN that is trained here

# %% tags=["nbval-ignore-output"]
import math
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, losses, open_run, read_frames, train
from siv_lite.editing import redraw
from siv_lite.exercises import check_count_stages, check_penalty, check_vary_only
from siv_lite.figures import plot_bars
from siv_lite.lesson_checks import check, largest_difference
from siv_lite.methods.pyramid import pyramid_sizes, resize
from siv_lite.methods.singan import Generator
from siv_lite.widgets import Picture, encode

# %% [markdown]
# ## Predict before you run
#
# Write your answers down.
#
# 1. A trained SinGAN gets noise at all its stages. We take it away from all but the coarsest. What
#    do you see: the same samples, blurred ones, or the training image?
# 2. Now we take it away from the coarsest stage too. What is drawn: the training image, an average
#    of all samples, or neither?
# 3. We ask for images twice as high. Are the balloons twice as large, is there more sky, or are
#    there two scenes, one above the other?

# %% tags=["nbval-ignore-output"]
folder = Path(source).parent / "runs" / f"{Path(source).stem}_singan"
if train_now or not folder.exists():
    folder = train("singan", read_frames(source, 64)[:1], Path(out, "singan"), preset).folder
run = open_run(folder, "cpu")
method = run.method
frames = run.training_frames  # at the size of the finest stage
height, width = frames.shape[2:]
contact_sheet({"the training image": frames, "five samples": run.sample(5, seed=1)})

# %% [markdown]
# ## How many stages, of which sizes?
#
# The shipped image has 48 x 64 pixels. The coarsest copy shall be 25 high, and each stage at most 1
# / 0.65 = 1.54 times larger than the one below. One such step leads from 25 to 38, two to 59: two
# are enough. The official code takes one more, and so do we. Three equal steps are by the cube root
# of 48 / 25 each, 1.243. Sizes are rounded up.

# %%
ratio = (48 / 25) ** (1 / 3)
by_hand = []
for high in (25, 25 * ratio, 25 * ratio**2, 48):
    by_hand.append((math.ceil(high), math.ceil(high * 64 / 48)))

found = pyramid_sizes(48, 64, coarsest_side=25, scale_factor=0.65)
assert found == by_hand, "look at pyramid_sizes: the number of steps, the rounding up"
print("by hand and by the package:", by_hand)

# %% [markdown]
# How much does D see? Across the coarsest copy three windows of 11 stand side by side, two on top
# of each other. So its D can tell, roughly, how land, balloon and sky are arranged. In the finest
# copy the window is less than a quarter of the height: a balloon's stripes.

# %%
for stage, (high, wide) in enumerate(method.sizes):
    print(f"stage {stage}: {high} x {wide} pixels, ", end="")
    print(f"{wide / 11:.1f} patches across and {high / 11:.1f} down")

# %% [markdown]
# ## One stage: enlarge, look, add
#
# A stage enlarges the image from below. G gets that *plus noise*, and gives the residual. The new
# image is the sum:
#
# $$ x_n = \mathrm{up}(x_{n-1}) + G_n(\mathrm{up}(x_{n-1}) + \sigma_n z_n) $$
#
# Note where the noise is: inside G only, not in the sum. What becomes of it is up to G. At stage 0
# nothing is below; read zeros. G ends with a tanh, so it changes no value by more than 1. And since
# five convolutions take 5 pixels from each side, 5 zeros are put around first.


# %%
def refine(G: Generator, coarser: torch.Tensor, noise: torch.Tensor, sigma: float) -> torch.Tensor:
    """One stage: the enlarged image plus what G adds to it."""
    enlarged = resize(coarser, noise.shape[2:])
    seen = F.pad(enlarged + sigma * noise, [5] * 4)
    residual = torch.tanh(G.tail(G.layers(seen)))
    return enlarged + residual


# %% [markdown]
# A check by hand. The image below is flat, 0.5, so the enlarged one is too. We set the weights of
# G's last layer to 0 and its bias to atanh(0.25). Then G adds 0.25, whatever it sees: 0.75
# everywhere, and strong noise must not show.

# %%
G = Generator(channels=4).eval()
torch.nn.init.zeros_(G.tail.weight)
torch.nn.init.constant_(G.tail.bias, math.atanh(0.25))

coarser = torch.full((1, 3, 4, 4), 0.5)
z = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
ours = refine(G, coarser, z, sigma=5.0)
theirs = G(5.0 * z, resize(coarser, (6, 6)))
check(ours, torch.full((1, 3, 6, 6), 0.75), "Not 0.75: look at what `refine` adds to what")
check(theirs, ours, "Look at Generator.forward in methods/singan.py: is the noise in the sum?")
print(f"0.5 + 0.25 is 0.75 by hand; by the package {theirs.min():.6f} to {theirs.max():.6f}")

# %% [markdown]
# Now the whole pyramid, with trained networks: refine zeros, refine the result, and so on.
# `method.set_eval_except()` makes batch normalization use what it has learned.


# %%
@torch.no_grad()
def draw_stages(noise: list[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """For every stage the enlarged image from below, and the image after its G."""
    method.set_eval_except()
    image = torch.zeros(len(noise[0]), 3, *method.sizes[0])
    found = []
    for stage, z in enumerate(noise):
        enlarged = resize(image, z.shape[2:])
        image = refine(method.networks[f"G{stage}"], image, z, method.noise_amplitudes[stage])
        found.append((enlarged, image))
    return found


latents = method.sample_latents(4, seed=1)  # all the noise of a sample in one row
stages = draw_stages(method.split_latents(latents, method.sizes))
finest = stages[-1][1].clamp(-1, 1)
hint = "Look at SinGAN.refine: which noise for which stage?"
theirs = run.sample(4, seed=1)
check(finest, theirs, hint)
error = largest_difference(finest, theirs)
print(f"our loop draws the package's four samples: no value differs by more than {error:.0e}")

# %% [markdown]
# Four samples, one per column, stage by stage, all shown equally large.


# %%
def enlarge(images: torch.Tensor) -> torch.Tensor:
    """Images of any stage at the final size, with visible pixels."""
    return F.interpolate(images.clamp(-1, 1), (height, width))


contact_sheet({f"stage {k}": enlarge(image) for k, (_, image) in enumerate(stages)}, scale=4)

# %% [markdown]
# Look down a column of the shipped balloons. Stage 0 gives a green strip, sky and a few dark blots.
# At stage 1 there are bodies (not from every blot: that at the lower left of the first column is
# gone), at stage 2 outlines, at stage 3 stripes. From stage 1 on no balloon moves. It is far from
# perfect: stage 0 is muddy, and some balloons end up smeared.
#
# Now one sample, and a column is a stage. The middle row is what G adds, four times as strong,
# around gray.

# %%
rows = {"enlarged, from below": [], "added by G, x 4": [], "the sum": []}
for enlarged, image in stages:
    rows["enlarged, from below"].append(enlarge(enlarged[:1]))
    rows["added by G, x 4"].append(enlarge(4 * (image - enlarged)[:1]))
    rows["the sum"].append(enlarge(image[:1]))
contact_sheet({name: torch.cat(images) for name, images in rows.items()}, scale=4)

# %% [markdown]
# Stage 1 still changes large areas: it lifts the edge of the land. What stage 3 adds is thin, and
# strongest on the balloons, where the detail is.
#
# ## One noise for the training image
#
# No plain GAN is asked for its training image itself. SinGAN is, from one noise: z*, drawn once for
# the coarsest stage, and *zeros* at all finer ones. G's loss has two terms, D's score of a sample
# and the squared error of the reconstruction:
#
# $$ \mathcal{L}_G = -\,\mathrm{mean}\,D(G(z)) + 10 \cdot \mathrm{mean}\,(G(z^*) - x)^2 $$

# %%
fixed = draw_stages(method.reconstruction_noise(1))
rebuilt = run.decode(0 * latents[:1], start=method.num_stages - 1)  # zeros there, z* below
ours = fixed[-1][1].clamp(-1, 1)
check(ours, rebuilt, "Look at Pyramid.reconstruction_noise: z* at stage 0, zeros above")

reconstruction = torch.cat([enlarge(image) for _, image in fixed])
real = torch.cat([enlarge(real[:1]) for real in method.real])
contact_sheet({"reconstruction": reconstruction, "real, reduced": real}, scale=4)

# %% [markdown]
# All ten balloons stand where they belong, even in the first column. So z* is a key: those 25 x 34
# numbers and the weights together hold the image. Any other noise gives a new scene.
#
# ## How much noise?
#
# Finer stages should invent only what is *missing* below them. How much is that? Compare the
# enlarged reconstruction with the training image in that size. The root of the mean squared
# difference (RMSE), times 0.1, is sigma. At stage 0 it is 1.
#
# By hand, four pixels that differ by 0, 0.2, 0.4 and 0.4: the mean square is 0.36 / 4 = 0.09, its
# root 0.3, so sigma is 0.03.


# %%
def noise_amplitude(enlarged: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Sigma of a stage, from the enlarged reconstruction of the one below."""
    return 0.1 * (enlarged - real).square().mean().sqrt()


toy = noise_amplitude(torch.zeros(4), torch.tensor([0.0, 0.2, -0.4, 0.4]))
check(toy, 0.03, "Not 0.03: look at the order of square, mean and root")

ours = []
for stage in range(1, method.num_stages):
    enlarged, _ = fixed[stage]
    ours.append(noise_amplitude(enlarged, method.real[stage]))
hint = "Look at Pyramid.init_stage: whose error, of which stage?"
# The shipped weights are rounded, so two digits agree.
check(torch.stack(ours), method.noise_amplitudes[1:], hint, rtol=0.02)
print(f"0.03 by hand, {toy:.6f} by our function")
print("sigma of stages 1, 2, ... by our function:", [f"{sigma:.4f}" for sigma in ours])
print("as trained:", [f"{sigma:.4f}" for sigma in method.noise_amplitudes[1:]])

# %% tags=["nbval-ignore-output"]
levels = {}
for stage, (enlarged, image) in enumerate(fixed[1:], start=1):
    real = method.real[stage]
    levels[f"stage {stage}"] = {
        "error before G": 127.5 * (enlarged - real).square().mean().sqrt().item(),
        "error after G": 127.5 * (image - real).square().mean().sqrt().item(),
        "noise": 127.5 * method.noise_amplitudes[stage].item(),
    }
plot_bars(levels, ylabel="gray levels of 255")

# %% [markdown]
# Each G brings the reconstruction nearer to its copy. Enlarged for the next stage it is wrong
# again, since the next copy has more detail. A tenth of the first bar is the last one: **one or two
# gray levels** of noise, which nobody would see on a screen.
#
# ## Which stage decides what?
#
# `start` keeps z* (and zeros) below that stage and draws fresh noise from it on. The chart shows
# diversity as the paper measures it: each pixel's standard deviation over samples, here 32,
# averaged over pixels, divided by the standard deviation of the training image.

# %%
drawn = {}
for start in range(method.num_stages):
    drawn[f"noise from stage {start} on"] = run.sample(32, seed=1, start=start)
contact_sheet({name: samples[:5] for name, samples in drawn.items()})

# %% tags=["nbval-ignore-output"]
spread = {}
for name, samples in drawn.items():
    spread[name] = {"diversity": (samples.std(0).mean() / frames.std()).item()}
plot_bars(spread, ylabel="diversity")

# %% [markdown]
# In the shipped runs the coarsest stage decides nearly everything: from stage 1 on, five samples
# look like five copies of the training image. **Published** (Table 1): 0.5 from the coarsest scale,
# 0.35 from the next, for images four times larger, with more stages and longer trainings. So take
# from here *that* the coarse stage has the layout, not *how little* is left to the others.
#
# ## Broken on purpose: other amplitudes
#
# To change sigma we multiply the latents, which amounts to the same.


# %%
def draw_with(sigmas: list[float], n: int = 5) -> torch.Tensor:
    """The samples of seed 1 with other noise amplitudes than the trained ones."""
    parts = method.split_latents(method.sample_latents(n, seed=1), method.sizes)
    factors = torch.tensor(sigmas) / method.noise_amplitudes
    scaled = [factor * part.flatten(1) for factor, part in zip(factors, parts, strict=True)]
    return run.decode(torch.cat(scaled, dim=1))


coarsest, *finer = method.noise_amplitudes.tolist()
rows = {
    "as trained": draw_with([coarsest, *finer]),
    "finer stages: 0": draw_with([coarsest] + [0.0] * len(finer)),
    "all: 0": draw_with([0.0] * method.num_stages),
    "all: 1": draw_with([1.0] * method.num_stages),
}
contact_sheet(rows)

# %% tags=["nbval-ignore-output"]
silent = rows["all: 0"]
print(f"without any noise two samples differ by at most {(silent - silent[0]).abs().max():.0e}")

middle = silent[0, :, height // 3 : -height // 3, width // 3 : -width // 3]
print("standard deviation of its colors, in gray levels:", end=" ")
print(f"{127.5 * middle.std((1, 2)).mean():.1f} in the middle,", end=" ")
print(f"{127.5 * silent[0].std((1, 2)).mean():.1f} with the rim")

far = 127.5 * (silent[0] - frames[0]).abs().mean()
near = 127.5 * (rebuilt - frames).abs().mean()
print(f"it is {far:.0f} gray levels from the training image, the reconstruction {near:.0f}")

# %% [markdown]
# Answer to question 1: **the same samples**, as far as the eye can tell. Here the finer stages
# invent next to nothing.
#
# Answer to question 2: **neither**. Zeros are not z*. Nor is it an average: G has never seen this
# input, and draws one flat color. But look at the rim. There G *does* know something: the zeros
# around its input tell it where the image ends. Remember that.
#
# With all of them at 1, noise drowns the image. The slider sets the sigma of all finer stages. From
# which value on do *you* see it? The printed page has five positions.

# %% tags=["nbval-ignore-output"]
slider = widgets.FloatSlider(value=0.1, min=0, max=0.3, step=0.01, description="sigma")
view = Picture("Five samples with the chosen noise at the finer stages", height=None)


def show_sigma(change: dict | None = None) -> None:
    """Draw the samples for the slider's amplitude."""
    samples = draw_with([1.0] + [slider.value] * len(finer))
    caption = f"sigma {slider.value:.2f} at stages 1 and finer"
    view.value = encode(contact_sheet({caption: samples}))


slider.observe(show_sigma, "value")
show_sigma()
widgets.VBox([slider, view])

# %%
rows = {}
for sigma in (0.0, 0.01, 0.03, 0.1, 0.3):
    rows[f"sigma {sigma}"] = draw_with([1.0] + [sigma] * len(finer))
contact_sheet(rows)

# %% [markdown]
# Up to 0.03, three times the trained value, you see next to nothing. At 0.1 there is grain, more
# than G has learned to use; at 0.3 the balloons are nearly gone.
#
# ## Broken on purpose: no coarse stage
#
# What if stage 1 or a finer one starts from an image of our choice? `redraw` reduces an image and
# inserts it below stage `start`. First column: what we insert. Then `start` is 1, 2, 3.

# %%
random = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
begin = {
    "flat gray": 0 * frames,
    "noise": random.mul(0.5).clamp(-1, 1),
    "upside down": frames.flip(2),
}
rows = {}
for name, image in begin.items():
    redrawn = [redraw(run, image, start, seed=1) for start in range(1, method.num_stages)]
    rows[name] = torch.cat([image, *redrawn])
contact_sheet(rows)

# %% [markdown]
# From gray no scene comes; only the rim at stage 1 knows that sky is above. From noise, stage 1
# makes something like sky with specks in the balloons' colors, stage 3 next to nothing. And the
# scene upside down *stays* upside down: these stages see too little of it to object. Stage 1
# redraws the balloons most freely, stage 3 hardly.
#
# That is SinGAN's toolbox: what is coarser than a stage's patches is kept, what is finer is
# redrawn. The notebook `uses` edits, blends and paints like this.
#
# ## Other sizes
#
# There are only convolutions, so G works at any size: more noise, a larger image. Question 3:

# %%
runs = {Path(source).stem: run}
beach = Path(source).parent / "runs" / "beach_singan"
if beach.exists():
    runs["beach"] = open_run(beach, "cpu")

wide = (height, 2 * width)
rows = {f"{name}, twice as wide": x.sample(2, seed=1, size=wide) for name, x in runs.items()}
contact_sheet(rows)

# %%
tall = (2 * height, width)
rows = {f"{name}, twice as high": x.sample(3, seed=1, size=tall) for name, x in runs.items()}
contact_sheet(rows, scale=4)

# %% [markdown]
# The answer: **more sky**, with more balloons, about as large as before, if sometimes melted into
# one. A patch has its size in pixels, and D never asked for anything else. But the land is one
# strip at the lower edge, hardly thicker than before! At the beach likewise: an endless sea between
# sky and sand. Who told G? Inside, every place looks alike to a convolution. Only the zeros at the
# border differ: it is the rim again.
#
# ## D on a leash: WGAN-GP
#
# A stage's D wants its mean score of real patches above that of generated ones; the difference is
# the *distance*. D could double it by doubling its last layer, and learn nothing. So it is kept on
# a leash: when a pixel changes, the sum of all scores should change at a rate of 1. The *gradient
# penalty* is the mean of (rate - 1) squared, at images between real and generated ones.
#
# By hand: D = 3 red + 4 green at every pixel. Its gradient there is (3, 4, 0), of length 5, so the
# penalty is (5 - 1)^2 = 16. With (0.6, 0.8, 0) it is 0. Doubling (3, 4, 0) doubles the distance,
# but the penalty becomes 81.

# %%
real = torch.ones(1, 3, 4, 4)
fake = torch.zeros(1, 3, 4, 4)


def make_toy_D(red: float, green: float, blue: float):
    """A D whose score of a pixel is the weighted sum of its colors."""
    weight = torch.tensor([red, green, blue]).view(1, 3, 1, 1)
    return lambda images: (weight * images).sum(1, keepdim=True)


hint = "look at losses.gradient_penalty: the length is over colors, the mean over pixels"
for colors, by_hand in (((0.6, 0.8, 0.0), 0.0), ((3.0, 4.0, 0.0), 16.0), ((6.0, 8.0, 0.0), 81.0)):
    toy_D = make_toy_D(*colors)
    found = losses.gradient_penalty(toy_D, real, fake, torch.Generator().manual_seed(0))
    check(found, by_hand, f"{colors}: {hint}", atol=1e-4)
    distance = (toy_D(real) - toy_D(fake)).mean()
    print(f"distance {distance:4.1f}, penalty {by_hand:2.0f} by hand, {found:.4f} by the package")

# %% [markdown]
# Is the rate 1 then? Let D = a red; red is 1 in the real image, 0 in the generated one. The
# distance is a, the penalty (a - 1)^2. D minimizes w times the penalty minus the distance, `w (a -
# 1)^2 - a`, whose slope `2 w (a - 1) - 1` is zero at **a = 1 + 1 / (2 w)**. SinGAN's weight w is
# 0.1: an elastic leash that gives way up to a = 6.

# %%
a = torch.tensor(6.0, requires_grad=True)


def red_D(images: torch.Tensor) -> torch.Tensor:
    """a times red, at every pixel."""
    return a * images[:, :1]


distance = red_D(real).mean() - red_D(fake).mean()
penalty = losses.gradient_penalty(red_D, real, fake, torch.Generator().manual_seed(0))
(slope,) = torch.autograd.grad(0.1 * penalty - distance, a)
check(slope, 0.0, "a = 6 is not the rest point: look at the weight and the signs", atol=1e-5)
print(f"with weight 0.1 the slope at a = 6 is 0 by hand, {slope:.0e} by the package")

# %% [markdown]
# A run's log holds the penalty and the squared error of the reconstruction. Dashed lines: a new
# stage begins. (The discriminators are not shipped, since drawing needs none.)

# %%
log = run.log()
length = run.config["settings"]["iterations"]
iterations = [entry["iteration"] for entry in log]
figure, panels = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
for axes, name in zip(panels, ("penalty", "reconstruction"), strict=True):
    axes.plot(iterations, [entry[name] for entry in log], linewidth=0.8)
    axes.set(title=name, xlabel="iteration", yscale="log")
    for stage in range(1, method.num_stages):
        axes.axvline(stage * length, color="gray", linestyle="--")
plt.show()

# %% [markdown]
# With the shipped balloons the penalty rises above 10 at stage 0; 25 would be a rate of 6, as in
# our toy. It gets lower from stage to stage, but never settles near 0. The error jumps where a
# stage begins, falls, and falls again in the stage's last fifth, where the learning rate is a
# tenth.
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1.** How many stages has the pyramid of an image whose shorter side is `short`? Mind the extra
# one of the official code.


# %%
def count_stages(short: int, coarsest: int, factor: float) -> int:
    """Stages from `coarsest` to `short` pixels, each at most 1 / `factor` times the one below."""
    ...


# %%
check_count_stages(count_stages)

# %% [markdown]
# **2.** Write the gradient penalty yourself. `share` says where between the two images: 0 at the
# generated one, 1 at the real one.


# %%
def my_penalty(D, real: torch.Tensor, fake: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Mean of (length of the gradient of D's summed scores, over a pixel's colors, - 1)^2."""
    ...


# %%
check_penalty(my_penalty)

# %% [markdown]
# **3.** Draw four samples in which *only* stage `stage` has fresh noise; all others have that of
# the reconstruction. Useful: `method.reconstruction_noise(4)`, `method.split_latents(latents,
# method.sizes)` and `draw_stages`.


# %%
def vary_only(stage: int) -> torch.Tensor:
    """Four images (4, 3, H, W) in [-1, 1] with the noise of `latents` at one stage."""
    ...


# %%
check_vary_only(vary_only, run)

# %% [markdown]
# The solutions are in `solutions/02_the_patch_gan_pyramid.ipynb`.
#
# ## Quiz
#
# **1.** A balloon stands in the middle of the land. Which stage's D is most likely to object?
#
# - a) That of stage 0.
# - b) That of the finest stage.
# - c) All alike.
#
# <details><summary>Answer</summary>a) Its window shows nearly half of the height: land and balloon
# are in one patch.</details>
#
# **2.** The enlarged reconstruction of stage 1 happens to equal the training image of stage 2. What
# is sigma of stage 2?
#
# - a) 0.
# - b) 0.1.
# - c) 1.
#
# <details><summary>Answer</summary>a) Nothing is missing, so the stage gets nothing to invent
# with.</details>
#
# **3.** Why is the noise not added to the image itself?
#
# - a) It is.
# - b) It would stay there as grain.
# - c) That would be slow.
#
# <details><summary>Answer</summary>b) G sees the noise, but its residual is added to the image
# without.</details>
#
# **4.** You want other stripes on the same balloons. Where does the noise start?
#
# - a) At stage 0.
# - b) At a fine stage.
#
# <details><summary>Answer</summary>b) As the paper does with a zebra's stripes. (In our small runs,
# fine noise changes next to nothing.)</details>

# %% [markdown]
# ## Where we differ
#
# | | paper | official code | here |
# |---|---|---|---|
# | stage 0 is | the finest | the coarsest | the coarsest |
# | longer side of the image | 250 pixels | at most 250 | 64 |
# | ratio of two stages | as near to 0.75 as fits | asked for 0.75 | asked for 0.65, `paper`: 0.75 |
# | number of stages | as the ratio asks | one more | one more |
# | iterations of a stage | 2,000 | 2,000 | 500, `paper`: 2,000 |
# | coarsest z* | drawn once | drawn anew every iteration; the last is kept | drawn once |
# | coarsest noise | not specified | one map for all three colors | the same |
# | noise of D's updates | not specified | drawn once for all three | drawn for each |
# | gradient penalty | WGAN-GP | length over the colors of each pixel | the same |
# | after a stage is trained | kept fixed | fixed, learned statistics | the same |
#
# ## Next
#
# `03_from_noise_to_image` leaves the pyramid: SIV-GAN draws with one generator, from one small
# vector of noise.
