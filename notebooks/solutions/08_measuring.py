# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 8, measuring quality and diversity: solutions
#
# The three exercises of `../08_measuring.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # the training image, with runs of it
preset: str = "lesson"  # smoke (4 images in each set) or lesson (16)
out: str = "../../runs/lesson_08"  # not written to

# %%
from pathlib import Path

import torch

from siv_lite import contact_sheet, open_run
from siv_lite.exercises import check_cheat, check_honest_sentence, check_pixel_diversity
from siv_lite.frames import resize_to
from siv_lite.metrics import evaluate

# %% [markdown]
# The sets and scores of the lesson that the checks need.

# %%
count = 4 if preset == "smoke" else 16
runs = Path(source).parent / "runs"
siv_gan = open_run(runs / f"{Path(source).stem}_siv_gan", "cpu")
singan = open_run(runs / f"{Path(source).stem}_singan", "cpu")
frames = siv_gan.training_frames
samples = resize_to(singan.sample(count, seed=1), frames.shape[2:])
models = {"SIV-GAN": siv_gan.sample(count, seed=1), "SinGAN": samples}
half_mirrored = torch.cat([frames, frames.flip(3)]).repeat(count // 2, 1, 1, 1)
scores = {name: evaluate(images, frames) for name, images in models.items()}

# %%
quality = [f"sliced_wasserstein_{level}" for level in (1, 2, 3)]
quality += ["patch_fidelity", "large_patch_fidelity", "patch_coverage"]
columns = quality + ["copy_distance", "pixel_diversity", "arrangement_diversity", "ms_ssim"]
HIGH = {"copy_distance", "pixel_diversity", "arrangement_diversity"}
to_beat = {metric: scores["SIV-GAN"][metric] for metric in columns}
to_beat["copy_distance"] = scores["SinGAN"]["copy_distance"]

# %% [markdown]
# ## Exercise 1
#
# The image is pushed sideways by a quarter to three quarters of its width, and what leaves on the
# right comes back on the left: patches and layout stay, except for one seam. Copy distance tries
# such wrapped shifts only up to a fifth, so it takes these for new images; a person sees the same
# balloons in the same order, and a cut through some.


# %%
def cheat(frames: torch.Tensor, count: int) -> torch.Tensor:
    """`count` images (count, 3, H, W) made of one, frames (1, 3, H, W)."""
    width = frames.shape[3]
    shifts = torch.linspace(width / 4, 3 * width / 4, count)
    return torch.cat([frames.roll(int(shift), dims=3) for shift in shifts])


# %%
check_cheat(cheat, frames, count, to_beat, HIGH)

# %%
contact_sheet({"training": frames, "cheat": cheat(frames, count)[:4]})

# %% [markdown]
# ## Exercise 2
#
# The weights turn colors into gray, `std` over dimension 0 compares samples at one pixel, and
# `correction=0` divides by n. Dividing by the training image's deviation makes the number
# independent of contrast, and of the range.


# %%
def my_pixel_diversity(images: torch.Tensor, frames: torch.Tensor) -> float:
    """Pixel diversity of images (n, 3, H, W) against frames (1, 3, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    gray = (images * weights).sum(1)  # (n, H, W)
    target = (frames * weights).sum(1)
    return (gray.std(dim=0, correction=0).mean() / target.std(correction=0)).item()


# %%
check_pixel_diversity(my_pixel_diversity, frames, [models["SinGAN"], half_mirrored])

# %% [markdown]
# ## Exercise 3
#
# Sentence c says what was measured, on what, and both sides of it; a and b pick the columns that
# suit them. In d MS-SSIM says the opposite, and two draws of one model ("SIV-GAN" and "again" in
# the lesson) already lie almost half as far apart.


# %%
def honest_sentence() -> str:
    """The letter of the sentence."""
    return "c"


# %%
check_honest_sentence(honest_sentence)
