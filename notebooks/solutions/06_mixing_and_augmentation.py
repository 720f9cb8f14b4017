# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 6: solutions
#
# The three exercises of `06_mixing_and_augmentation`, filled in, with the same checks and a word on
# each. Try them yourself first. **Time.** Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # image on which exercise 1 is shown
preset: str = "lesson"  # the same for all; nothing is trained here
out: str = "../../runs/solutions_06"  # folder for the image of exercise 1

# %%
from pathlib import Path

import torch

from siv_lite import contact_sheet, read_frames, save_image
from siv_lite.augment import apply_transforms
from siv_lite.exercises import check_make_map, check_share, check_swap

# %% [markdown]
# ## 1. The map that moves down and flips
#
# A map says where each output pixel *reads*. To bring the image down, every place must read further
# up, so the step is negative; one row of `height` is 2 / `height`. The flip is the sign of x and
# has nothing to do with rows.


# %%
def make_map(pixels: int, height: int, flipped: bool) -> torch.Tensor:
    """The map (1, 2, 3) that moves down by `pixels` and perhaps flips left and right."""
    sign = -1.0 if flipped else 1.0
    return torch.tensor([[[sign, 0, 0], [0, 1, -2 * pixels / height]]])


# %%
check_make_map(make_map)

# %% [markdown]
# On the training image, moved down by ten rows: the top shows the reflection of what was there.

# %%
frames = read_frames(source, 64)[:1]
height = frames.shape[2]
moved = apply_transforms(frames, make_map(10, height, False))
flipped = apply_transforms(frames, make_map(10, height, True))
images = torch.cat([frames, moved, flipped])
sheet = contact_sheet({"as it is; moved down; moved down and flipped": images})
save_image(sheet, Path(out, "exercise_1.png"))
sheet

# %% [markdown]
# ## 2. A swap in both directions
#
# Write to a copy, read from the original. Then the order of the assignments no longer matters. With
# an index that is a *list*, as `x[i, channels]`, PyTorch would have made a copy by itself; with
# whole numbers and slices it gives a view. One of the two is easily taken for the other, so the
# explicit `clone` is the better habit.


# %%
def swap(x: torch.Tensor, channels: list[int]) -> torch.Tensor:
    """A new tensor (n, c): samples 0 and 1, 2 and 3, ... have swapped these channels."""
    swapped = x.clone()
    for i in range(0, len(x) - 1, 2):
        swapped[i, channels] = x[i + 1, channels]
        swapped[i + 1, channels] = x[i, channels]
    return swapped


# %%
check_swap(swap)

# %% [markdown]
# The fifth sample still goes without. The package avoids pairs altogether: sample i takes from
# sample i - 1, and the first from the last, so that any number of samples will do.

# %% [markdown]
# ## 3. How often FA of content happens
#
# Neither happens with (1 - p) squared, since both are drawn on their own. At 0.4 that is 0.36, so
# 64 of 100 passes are changed in some way.


# %%
def share_of_mixed_passes(probability: float) -> float:
    """The probability that exchange, drop or both happen."""
    return 1 - (1 - probability) ** 2


# %%
check_share(share_of_mixed_passes)
