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
source: str = "../../data_samples/balloons.png"  # the training picture, with runs of it
preset: str = "lesson"  # smoke (4 pictures in each set) or lesson (16)
out: str = "../../runs/lesson_08"  # not written to

# %%
from pathlib import Path

import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, metrics, open_run
from siv_lite.frames import resize_to
from siv_lite.lesson_checks import check
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
mirrored = torch.cat([frames, frames.flip(3)]).repeat(count // 2, 1, 1, 1)
cheats = {"half mirrored": mirrored}
scores = {name: evaluate(images, frames) for name, images in models.items()}

# %%
quality = [f"sliced_wasserstein_{level}" for level in (1, 2, 3)]
quality += ["patch_fidelity", "large_patch_fidelity", "patch_coverage"]
columns = quality + ["copy_distance", "pixel_diversity", "arrangement_diversity", "ms_ssim"]
HIGH = {"copy_distance", "pixel_diversity", "arrangement_diversity"}

# %% [markdown]
# ## Exercise 1
#
# The picture is pushed sideways by a quarter to three quarters of its width, and what leaves on the
# right comes back on the left: patches and layout stay, except for one seam. Copy distance tries
# such wrapped shifts only up to a fifth, so it takes these for new pictures; a person sees the same
# balloons in the same order, and a cut through some.


# %%
def cheat(frames: torch.Tensor, count: int) -> torch.Tensor:
    """`count` images (count, 3, H, W) made of one, frames (1, 3, H, W)."""
    width = frames.shape[3]
    shifts = torch.linspace(width / 4, 3 * width / 4, count)
    return torch.cat([frames.roll(int(shift), dims=3) for shift in shifts])


# %%
target = {metric: scores["SIV-GAN"][metric] for metric in columns}
target["copy_distance"] = scores["SinGAN"]["copy_distance"]
mine = cheat(frames, count)
if mine is None:
    print("not yet: cheat returns nothing; what keeps patches and layout, not places? Tensor.roll")
else:
    found = evaluate(mine, frames)
    for metric, value in target.items():
        better = found[metric] > value if metric in HIGH else found[metric] < value
        hint = f"{metric} is {found[metric]:.3f}, {value:.3f} is to be beaten"
        assert better, f"{hint}: what does it look at?"
    print("exercise 1: right; now look at the pictures, and say what is wrong with them")

# %%
rows = {"training": frames, "cheat": mine[:4]}
contact_sheet({name: F.pad(images, [1] * 4, value=1) for name, images in rows.items()}, scale=3)

# %% [markdown]
# ## Exercise 2
#
# The weights turn colors into gray, `std` over dimension 0 compares samples at one pixel, and
# `correction=0` divides by n. Dividing by the training picture's deviation makes the number
# independent of contrast, and of the range.


# %%
def my_pixel_diversity(images: torch.Tensor, frames: torch.Tensor) -> float:
    """Pixel diversity of images (n, 3, H, W) against frames (1, 3, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    gray = (images * weights).sum(1)  # (n, H, W)
    target = (frames * weights).sum(1)
    return (gray.std(dim=0, correction=0).mean() / target.std(correction=0)).item()


# %%
if my_pixel_diversity(models["SinGAN"], frames) is None:
    print("not yet: my_pixel_diversity returns nothing; first gray images, then `std` over samples")
else:
    for name, images in {"SinGAN": models["SinGAN"], "half": cheats["half mirrored"]}.items():
        hint = f"{name}: look at `correction` and `dim`"
        expected = metrics.pixel_diversity(images, frames)
        check(float(my_pixel_diversity(images, frames)), expected, hint, rtol=1e-3)
    print("exercise 2: right")

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
hints = {
    "a": "three columns of ten; which speak against it?",
    "b": "which columns speak against it?",
    "d": "what does MS-SSIM say, and how far do two draws of one model lie apart?",
}
answer = honest_sentence()
if answer is None:
    print("not yet: honest_sentence returns nothing; a letter, in quotes")
else:
    assert answer == "c", hints.get(answer, "a, b, c or d")
    print("exercise 3: right")
