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
from siv_lite.lesson_checks import check
from siv_lite.rendering import provenance
from siv_lite.rendering.patches import PatchTable

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
query = torch.tensor([1.5])
counts = torch.tensor([1, 3, 1])
if denoise_with_counts(query, values, counts, 0.5, 0.5) is None:
    print("not yet: denoise_with_counts returns nothing; the logarithm of a product is a sum")
else:
    for a, s in ((0.5, 0.5), (0.9, 0.1), (0.1, 0.9)):
        found = denoise_with_counts(query, values, counts, a, s)
        repeated = values.repeat_interleave(counts, dim=0)
        expected = denoise_by_hand(query, repeated, a, s)
        check(found, expected, f"a = {a}, s = {s}: is the logarithm of the count in the logits?")
    print("exercise 1: right")

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
if count_table(48, 64, 15) is None:
    print("not yet: count_table returns nothing; how many positions, how many numbers at each?")
else:
    for high, wide, side in ((48, 64, 15), (20, 30, 3), (32, 32, 32)):
        blank = PatchTable(torch.zeros(1, 3, 1, high, wide), (1, side, side))
        hint = f"{high} x {wide}, P = {side}: a patch needs room to the right and below"
        assert count_table(high, wide, side) == blank.patches.numel(), hint
    times = count_table(192, 256, 15) / (3 * 192 * 256)
    print(f"exercise 2: right; at 192 x 256 the table is {times:.0f} times the image")

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
flat = torch.arange(4)[:, None].expand(4, 6)
copied = torch.stack([torch.zeros(4, 6).long(), flat, torch.arange(6).expand(4, 6)], dim=2)
broken = copied.clone()
broken[:, 3:, 1] += 1  # from the middle on one row lower: of five pairs one is torn
if share_together(copied) is None:
    print("not yet: share_together returns nothing; compare sources[:, 1:] with sources[:, :-1]")
else:
    check(float(share_together(copied)), 1.0, "a copy has 1: is the step (0, 0, 1)?")
    check(float(share_together(copied.flip(1))), 0.0, "mirrored neighbors are on the other side")
    check(float(share_together(broken)), 0.8, "do frame and row count, too?", atol=1e-6)
    print(f"exercise 3: right; of the rendered sample {share_together(sources[0]):.2f}")
