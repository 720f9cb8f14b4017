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
source: str = "../../data_samples/balloons.png"  # the training picture; a run of each method must be shipped with it
preset: str = "lesson"  # smoke (4 pictures in each set) or lesson (16)
out: str = "../../runs/lesson_08"  # not written to

# %%
from pathlib import Path

import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, evaluate, open_run, read_frames

close, count = torch.testing.assert_close, {"smoke": 4}.get(preset, 16)

# %% [markdown]
# The sets and scores of the lesson that the checks need.

# %%
frames = read_frames(source, 64)[:1]
shipped = Path(source).parent / "runs"
models = {
    name: open_run(shipped / f"{Path(source).stem}_{method}", "cpu").sample(count, seed=1)
    for name, method in {"SIV-GAN": "siv_gan", "SinGAN": "singan"}.items()
}
cheats = {"half mirrored": torch.cat([frames, frames.flip(3)]).repeat(count // 2, 1, 1, 1)}
scores = {name: evaluate(images, frames) for name, images in (models | cheats).items()}
HIGH = {"copy_distance", "pixel_diversity"}
columns = [*(f"sliced_wasserstein_{level}" for level in (1, 2, 3)), "patch_fidelity", "patch_coverage"]
columns += ["copy_distance", "pixel_diversity", "ms_ssim"]

# %% [markdown]
# ## Exercise 1
#
# The picture is pushed sideways by a quarter to three quarters of its width, and what leaves on the right comes back on
# the left: patches and layout stay, but for one seam. Copy distance tries such wrapped shifts only up to a fifth, so it
# takes these for new pictures; a person sees the same balloons in the same order, and a cut through some.


# %%
def cheat(frames: torch.Tensor, count: int) -> torch.Tensor:
    """`count` pictures (count, 3, H, W) made of one, frames (1, 3, H, W)."""
    width = frames.shape[3]
    shifts = torch.linspace(width / 4, 3 * width / 4, count)
    return torch.cat([frames.roll(int(shift), dims=3) for shift in shifts])


# %%
target = {metric: scores["SIV-GAN"][metric] for metric in columns}
target["copy_distance"] = scores["SinGAN"]["copy_distance"]
mine = cheat(frames, count)
if mine is None:
    print("not yet: cheat returns nothing; what keeps all patches and the layout, but not the places? See Tensor.roll")
else:
    found = evaluate(mine, frames)
    for metric, value in target.items():
        better = found[metric] > value if metric in HIGH else found[metric] < value
        assert better, f"{metric} is {found[metric]:.3f}, {value:.3f} is to be beaten: what does it look at?"
    print("exercise 1: right; now look at the pictures, and say what is wrong with them")

# %%
contact_sheet({"training": F.pad(frames, [1] * 4, value=1), "cheat": F.pad(mine[:4], [1] * 4, value=1)}, scale=3)

# %% [markdown]
# ## Exercise 2
#
# The weights turn colors into gray, `std` over dimension 0 compares samples at one pixel, and `correction=0` divides
# by n. Dividing by the training picture's deviation makes the number independent of contrast, and of the range.


# %%
def my_pixel_diversity(images: torch.Tensor, frames: torch.Tensor) -> float:
    """Pixel diversity of images (n, 3, H, W) against frames (1, 3, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    gray, target = (images * weights).sum(1), (frames * weights).sum(1)
    return (gray.std(dim=0, correction=0).mean() / target.std(correction=0)).item()


# %%
if my_pixel_diversity(models["SinGAN"], frames) is None:
    print("not yet: my_pixel_diversity returns nothing; first the gray pictures, then `std` over the samples")
else:
    for name in ("SinGAN", "half mirrored"):
        found = my_pixel_diversity((models | cheats)[name], frames)
        hint = f"{name}: {found:.4f} here, {scores[name]['pixel_diversity']:.4f} there; look at `correction` and `dim`"
        close(float(found), scores[name]["pixel_diversity"], rtol=1e-3, atol=0, msg=hint)
    print("exercise 2: right")

# %% [markdown]
# ## Exercise 3
#
# Sentence c says what was measured, on what, and both sides of it; a and b pick the columns that suit them. In d the
# difference is small, no second run was drawn to know what is small, and MS-SSIM says the opposite.


# %%
def honest_sentence() -> str:
    """The letter of the sentence."""
    return "c"


# %%
hints = {"a": "three columns of eight; which speak against it?", "b": "which columns speak against it?"}
hints["d"] = "what does the other diversity column say, and how large is the difference?"
if honest_sentence() is None:
    print("not yet: honest_sentence returns nothing; a letter, in quotes")
else:
    assert honest_sentence() == "c", hints.get(honest_sentence(), "a, b, c or d")
    print("exercise 3: right")
