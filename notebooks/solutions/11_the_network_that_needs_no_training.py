# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 11, the network that needs no training: solutions
#
# The three exercises of `../11_the_network_that_needs_no_training.ipynb`, solved, with the same
# checks. Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # the image that is rendered from its mirror image
out: str = "../../runs/lesson_11"  # not written to

# %%
import torch

from siv_lite import read_frames
from siv_lite.exercises import check_count_table, check_denoise_with_counts, check_share_together
from siv_lite.rendering import provenance

# %% [markdown]
# What the checks need of the lesson: its signal, its denoiser, and the sources of a rendered image;
# here of the mirror image, drawn with the patches of the image.


# %%
def denoise_by_hand(query: torch.Tensor, patches: torch.Tensor, a: float, s: float) -> torch.Tensor:
    """E[p | q] of one query (d) if it comes from one of the patches (m, d)."""
    logits = []
    for patch in patches:
        distance = (query - a * patch).square().sum()
        logits.append(-distance / (2 * s * s))
    weights = torch.stack(logits).softmax(0)  # (m)
    return weights @ patches


values = torch.tensor([[0.0], [2.0], [4.0]])  # three patches of one number
frames = read_frames(source, max_size=64)[:1]
rendered, sources = provenance(frames.flip(3), frames, seed=1)

# %% [markdown]
# ## Exercise 1
#
# A weight is the exponential of its logit, and a factor in front of it is a term in the exponent:
# k exp(x) = exp(x + log k). The prior on heights enters the same way.


# %%
def denoise_with_counts(
    query: torch.Tensor, patches: torch.Tensor, counts: torch.Tensor, a: float, s: float
) -> torch.Tensor:
    """E[p | q] of one query (d); patch i of patches (m, d) occurs counts[i] times."""
    distances = (query - a * patches).square().sum(1)  # (m)
    logits = counts.log() - distances / (2 * s * s)
    return logits.softmax(0) @ patches


# %%
check_denoise_with_counts(denoise_with_counts, denoise_by_hand)

# %% [markdown]
# ## Exercise 2
#
# A patch of side P fits at H - P + 1 heights and W - P + 1 widths, and holds three colors of P x P
# pixels. A GAN keeps its weights, however large the image.


# %%
def count_table(height: int, width: int, side: int) -> int:
    """How many numbers the table of all patches holds."""
    positions = (height - side + 1) * (width - side + 1)
    return positions * 3 * side * side


# %%
check_count_table(count_table)

# %% [markdown]
# ## Exercise 3
#
# The step from each pixel's source to that of its right neighbor has three numbers: frame, row and
# column. Neighbors stay together where it is (0, 0, 1).


# %%
def share_together(sources: torch.Tensor) -> float:
    """The share of neighbors (left, right) that were neighbors in the training image."""
    steps = sources[:, 1:] - sources[:, :-1]  # (H, W - 1, 3)
    together = (steps == torch.tensor([0, 0, 1])).all(2)
    return together.float().mean().item()


# %%
check_share_together(share_together, sources[0])
