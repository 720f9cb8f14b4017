# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 5, diversity regularization: solutions
#
# The three exercises of `../05_diversity.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
preset: str = "smoke"  # nothing is trained here but the toy; the same in every preset
out: str = "../../runs/lesson_05"  # not written to

# %%
import torch

from siv_lite import losses
from siv_lite.exercises import check_best_spread, check_literal_settings, check_pair_distance
from siv_lite.methods import make_settings

# %% [markdown]
# The toy of the lesson, needed for the first check.


# %%
def train_toy(weight: float, judge: float = 1.0) -> list[float]:
    """Gradient descent on a toy generator a z + b; the spread a after each step."""
    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    z = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
    spreads = []
    for _ in range(400):
        samples = a * z + b
        penalty = judge * (samples - 3).square().mean()
        loss = penalty - weight * losses.pair_distance(samples)
        slope_a, slope_b = torch.autograd.grad(loss, (a, b))
        with torch.no_grad():
            a -= 0.02 * slope_a
            b -= 0.02 * slope_b
        spreads.append(a.item())
    return spreads


# %% [markdown]
# ## Exercise 1
#
# The derivative of `k (a^2 + (b - 3)^2) - 2 lambda a` in a is `2 k a - 2 lambda`, which is zero at
# a = lambda / k. Only the ratio of the two weights counts: that is why lambda means nothing before
# one says against what (`diversity_scale`).


# %%
def best_spread(weight: float, judge: float) -> float:
    """The a at which the toy settles, for lambda = `weight` and k = `judge`."""
    return weight / judge


# %%
check_best_spread(best_spread, train_toy)

# %% [markdown]
# ## Exercise 2
#
# All n x n differences hold every pair twice and every sample with itself. So the sum over all is
# divided by n (n - 1), the number of ordered pairs of different samples, not by n^2.


# %%
def my_pair_distance(values: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference over elements and pairs of different samples (n, c, h, w)."""
    table = (values[:, None] - values[None]).abs().mean((2, 3, 4))  # (n, n)
    n = len(values)
    return table.sum() / (n * (n - 1))


# %%
check_pair_distance(my_pair_distance)

# %% [markdown]
# ## Exercise 3
#
# Three settings differ from the default. Everything else stays, the other losses included.


# %%
def literal_settings():
    """SIV-GAN's settings for the colleague."""
    literal = {"diversity": "images", "diversity_weight": 0.5, "diversity_scale": 1.0}
    return make_settings("siv_gan", "smoke", **literal)


# %%
check_literal_settings(literal_settings)
