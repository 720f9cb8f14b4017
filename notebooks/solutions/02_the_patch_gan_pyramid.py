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
source: str = "../../data_samples/balloons.png"  # the image whose SinGAN exercise 3 draws with
preset: str = "lesson"  # smoke or lesson; it matters only where no shipped run is found
out: str = "../../runs/lesson_02"  # folder of a SinGAN that is trained here

# %% tags=["nbval-ignore-output"]
from pathlib import Path

import torch

from siv_lite import contact_sheet, open_run, read_frames, train
from siv_lite.exercises import check_count_stages, check_penalty, check_vary_only

folder = Path(source).parent / "runs" / f"{Path(source).stem}_singan"
if not folder.exists():
    folder = train("singan", read_frames(source, 64)[:1], Path(out, "singan"), preset).folder
run = open_run(folder, "cpu")
method = run.method
latents = method.sample_latents(4, seed=1)

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
check_count_stages(count_stages)

# %% [markdown]
# ## Exercise 2
#
# The image between the two is new, so it can be asked for a gradient of its own. `create_graph` is
# not needed for the value; D's training needs it, to differentiate the penalty once more.


# %%
def my_penalty(D, real: torch.Tensor, fake: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Mean of (length of the gradient of D's summed scores, over a pixel's colors, - 1)^2."""
    between = (fake + share * (real - fake)).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    lengths = slope.square().sum(1).sqrt()  # (n, H, W), over colors
    return (lengths - 1).square().mean()


# %%
check_penalty(my_penalty)

# %% [markdown]
# ## Exercise 3
#
# `reconstruction_noise` gives the noise of the reconstruction, stage by stage, so one entry is
# exchanged. The package's own `refine_stages` does what `draw_stages` of the lesson does, and
# returns the last image.


# %%
@torch.no_grad()
def vary_only(stage: int) -> torch.Tensor:
    """Four images (4, 3, H, W) in [-1, 1] with the noise of `latents` at one stage."""
    noise = method.reconstruction_noise(4)
    noise[stage] = method.split_latents(latents, method.sizes)[stage]
    return method.refine_stages(noise, method.sizes).clamp(-1, 1)


# %%
check_vary_only(vary_only, run)

# %% tags=["nbval-ignore-output"]
rows = {}
for stage in range(method.num_stages):
    rows[f"noise at stage {stage} only"] = vary_only(stage)
contact_sheet(rows)
