# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 2, the patch-GAN pyramid: solutions
#
# The three exercises of `../02_the_patch_gan_pyramid.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # the picture whose SinGAN exercise 3 draws with
preset: str = (
    "lesson"  # smoke or lesson; it matters only where no shipped run is found, and one is trained
)
out: str = "../../runs/lesson_02"  # folder of a SinGAN that is trained here

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import torch

from siv_lite import contact_sheet, losses, open_run, read_frames, train
from siv_lite.lesson_checks import check
from siv_lite.methods.pyramid import pyramid_sizes

# %% tags=["nbval-ignore-output"]
folder = Path(source).parent / "runs" / f"{Path(source).stem}_singan"
if not folder.exists():
    folder = train("singan", read_frames(source, 64)[:1], Path(out, "singan"), preset).folder
run = open_run(folder, "cpu")
method = run.method
latents = method.draw_latents(4, seed=1)
real = torch.ones(1, 3, 4, 4)
fake = torch.zeros(1, 3, 4, 4)

# %% [markdown]
# ## Exercise 1
#
# The steps are as many as it takes to reach `short`, and one more as in the official code; the
# stages are one more than the steps, since the coarsest needs none. With a logarithm:
# `ceil(log(coarsest / short) / log(factor)) + 2`.


# %%
def count_stages(short: int, coarsest: int, factor: float) -> int:
    """Stages from `coarsest` to `short` pixels, each at most 1 / `factor` times the one below."""
    stages = 2
    side = coarsest
    while side < short:
        stages += 1
        side /= factor
    return stages


# %%
if count_stages(48, 25, 0.65) is None:
    print("not yet: count_stages returns nothing; multiply in a loop, or take a logarithm")
else:
    for case in ((48, 25, 0.65), (48, 6, 0.3), (188, 25, 0.75), (100, 25, 0.8)):
        short, coarsest, factor = case
        wanted = len(pyramid_sizes(short, 2 * short, coarsest, factor))
        hint = "k steps are k + 1 stages, and then one more"
        assert count_stages(*case) == wanted, f"{case}: {wanted} stages; {hint}"
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# The picture between the two is new, so it can be asked for a gradient of its own. `create_graph`
# is not needed for the value; D's training needs it, to differentiate the penalty once more.


# %%
def my_penalty(D, real: torch.Tensor, fake: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Mean of (length of the gradient of D's summed scores, over a pixel's colors, - 1)^2."""
    between = (fake + share * (real - fake)).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    rate = slope.square().sum(1).sqrt()
    return (rate - 1).square().mean()


# %%
def curved(images: torch.Tensor) -> torch.Tensor:
    """A critic whose gradient depends on the place."""
    return images.pow(3).sum(1, keepdim=True)


share = torch.rand((1, 1, 1, 1), generator=torch.Generator().manual_seed(1))
found = my_penalty(curved, real, fake, share)
if found is None:
    print("not yet: my_penalty returns nothing; requires_grad_(), then torch.autograd.grad")
else:
    wanted = losses.gradient_penalty(curved, real, fake, torch.Generator().manual_seed(1))
    hint = "Look at the place between the two, and at the sum over colors"
    check(found, wanted, hint, rtol=1e-4, atol=1e-5)
    print("exercise 2: right")

# %% [markdown]
# ## Exercise 3
#
# `fixed_noise` gives the noise of the reconstruction, stage by stage, so one entry is exchanged.
# The package's own `refine_all` does what `draw_stages` of the lesson does, and returns the last
# picture.


# %%
@torch.no_grad()
def vary_only(stage: int) -> torch.Tensor:
    """Four pictures (4, 3, H, W) in [-1, 1] with the noise of `latents` at one stage."""
    noise = method.fixed_noise(4)
    noise[stage] = method.split(latents, method.sizes)[stage]
    return method.refine_all(noise, method.sizes).clamp(-1, 1)


# %% [markdown]
# The lesson's `draw_with`, needed for the check.


# %%
def draw_with(sigmas: list[float], n: int = 6) -> torch.Tensor:
    """The samples of seed 1 with other noise amplitudes than the trained ones."""
    parts = method.split(method.draw_latents(n, seed=1), method.sizes)
    factors = torch.tensor(sigmas) / method.amplitudes
    scaled = [factor * part.flatten(1) for factor, part in zip(factors, parts, strict=True)]
    return run.generate(torch.cat(scaled, dim=1))


# %%
if vary_only(0) is None:
    print("not yet: vary_only returns nothing; replace one entry of what fixed_noise returns")
else:
    newest = method.stages - 1
    hint = "look at which entry you replace, and at clamp(-1, 1)"
    check(vary_only(newest), run.sample(4, seed=1, start=newest), f"stage {newest}: {hint}")
    check(vary_only(0), draw_with([1.0] + [0.0] * newest, n=4), f"stage 0: {hint}")
    print("exercise 3: right")

# %% tags=["nbval-ignore-output"]
rows = {f"noise at stage {stage} only": vary_only(stage) for stage in range(method.stages)}
contact_sheet(rows, scale=2)
