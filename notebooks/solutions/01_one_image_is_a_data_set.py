# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions of 01 One image is a data set
#
# One way each; yours may differ. The checks are those of the lesson. It runs in seconds and trains
# nothing.

# %% tags=["parameters"]
source: str = "../../data_samples/beach.png"  # the image of exercise 3
preset: str = "lesson"  # the same for all; nothing is trained here
out: str = "../../runs/one_image_is_a_data_set_solutions"  # nothing is written

# %%
import torch

from siv_lite import contact_sheet, read_frames
from siv_lite.exercises import check_count_patches, check_fool_coarse, check_receptive_field

frames = read_frames(source, max_size=64)[:1]  # (1, 3, H, W)
height = frames.shape[2] // 16 * 16  # whole tiles of 16
width = frames.shape[3] // 16 * 16
frames = frames[..., :height, :width]

# %% [markdown]
# **1. Count.** How many patches of `size` x `size` does a pyramid hold in all, given the (height,
# width) of its scales? An image smaller than the patch holds none.

# %% [markdown]
# A window fits at (side - size + 1) places along a side, and at none where that is negative.
# Without `max`, two negative counts would even multiply to a positive one.


# %%
def count_patches(sizes: list[tuple[int, int]], size: int) -> int:
    """How many patches of size x size pixels all these (height, width) hold together."""
    total = 0
    for high, wide in sizes:
        places_down = max(0, high - size + 1)
        places_across = max(0, wide - size + 1)
        total += places_down * places_across
    return total


# %%
check_count_patches(count_patches)

# %% [markdown]
# **2. Receptive field.** For any chain of convolutions with these kernel sizes and strides (a
# stride of 2 keeps every second output), how many pixels does one output see? Think of how many
# input pixels one step of each layer is worth. The check asks a gradient.

# %% [markdown]
# A layer adds (kernel - 1) steps, and every stride before it has made the steps longer. For five
# layers of 3 x 3 without strides that is 1 + 5 x 2 = 11 again.


# %%
def receptive_field(kernels: list[int], strides: list[int]) -> int:
    """How many pixels, along one side, one output of such a chain sees."""
    seen = 1
    step = 1  # pixels from one output of a layer to the next
    for kernel, stride in zip(kernels, strides, strict=True):
        seen += (kernel - 1) * step
        step *= stride
    return seen


# %%
check_receptive_field(receptive_field)

# %% [markdown]
# **3. Fool the coarse scale.** Shuffling whole tiles fooled the finest scale. Do the opposite, and
# without blur: change `image` so that the finest distance is above 0.2 while the coarsest stays
# below 0.05. Hint: average pooling by 4 is all that the coarsest scale sees. What may you do to the
# pixels within a block of 4 x 4?

# %% [markdown]
# Put the 16 pixels of each block into another order, the same everywhere. Every mean stays as it
# was, to the last digit but rounding, so the coarsest distance is 0. The fine detail is scrambled.


# %%
def fool_coarse(image: torch.Tensor) -> torch.Tensor:
    """The image (1, 3, H, W), changed so that only the finest scale notices."""
    blocks = image.unfold(2, 4, 4).unfold(3, 4, 4)  # (1, 3, down, across, 4, 4)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    mixed = blocks.flatten(4)[..., order].unflatten(4, (4, 4))
    return mixed.permute(0, 1, 2, 4, 3, 5).reshape(image.shape)


# %%
check_fool_coarse(fool_coarse, frames)

# %% tags=["nbval-ignore-output"]
contact_sheet(
    {"the image; the same to the coarsest scale": torch.cat([frames, fool_coarse(frames)])}
)
