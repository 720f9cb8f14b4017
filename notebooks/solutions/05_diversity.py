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
from siv_lite.lesson_checks import check
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
if best_spread(0.5, 1.0) is None:
    print("not yet: best_spread returns nothing; set the derivative in a to zero")
else:
    for weight, judge in ((0.5, 1.0), (0.5, 2.0), (0.3, 4.0)):
        reached = train_toy(weight, judge)[-1]
        hint = f"trained, lambda {weight}, k {judge} gives another a"
        check(best_spread(weight, judge), reached, hint, atol=1e-2)
    print("exercise 1: right")

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
values = torch.rand(4, 2, 3, 5, generator=torch.Generator().manual_seed(0))
if my_pair_distance(values) is None:
    print("not yet: my_pair_distance returns nothing; try values[:, None] - values[None]")
else:
    hint = "Not losses.pair_distance; three quarters of it mean that samples met themselves"
    check(my_pair_distance(values), losses.pair_distance(values), hint)
    print("exercise 2: right")

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
answer = literal_settings()
if answer is None:
    print("not yet: literal_settings returns nothing; three settings differ from the default")
else:
    assert answer.diversity == "images", "DR is not in image space: look at `diversity`"
    assert answer.diversity_weight == 0.5, "Table 5's last row has another lambda"
    assert answer.diversity_scale == 1, "That is not Eq. 5 to the letter: look at `diversity_scale`"
    print("exercise 3: right")
