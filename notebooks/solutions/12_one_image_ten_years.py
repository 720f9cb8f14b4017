# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 12, one image, ten years: solutions
#
# The three exercises of `../12_one_image_ten_years.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
preset: str = "smoke"  # nothing is trained here; the same in every preset
out: str = "../../runs/lesson_12"  # not written to

# %%
from itertools import permutations

from siv_lite.exercises import (
    check_chance_of_a_story,
    check_count_orders,
    check_find_best_of_three,
)

# %% [markdown]
# What the checks need of the lesson: |rho| of every order of seven methods.

# %%
squares = 7 * (7**2 - 1) / 6
by_luck = []
for order in permutations(range(7)):
    total = sum((i - j) ** 2 for i, j in enumerate(order))
    by_luck.append(abs(1 - total / squares))

# %% [markdown]
# ## Exercise 1
#
# As in lesson 9, with a third number. Turn the one that shall be high around, and "as good" is "at
# most" in all three.


# %%
def find_best(points: dict[str, tuple[float, float, float]]) -> set[str]:
    """The names that no other dominates."""
    low = {}
    for name, (distance, arrangement, cost) in points.items():
        low[name] = (distance, -arrangement, cost)

    best = set()
    for name, point in low.items():
        is_dominated = False
        for other in low.values():
            as_good = all(a <= b for a, b in zip(other, point, strict=True))
            is_dominated = is_dominated or (as_good and other != point)
        if not is_dominated:
            best.add(name)
    return best


# %%
check_find_best_of_three(find_best)

# %% [markdown]
# ## Exercise 2
#
# Rounding: 0.7 is no rho of seven methods, but 1 - 6 * 16 / 336 and its like are no neat binary
# fractions, hence the small tolerance.


# %%
def count_orders(limit: float) -> int:
    """The number of orders of seven methods whose rho is at least `limit` away from 0."""
    return sum(value >= limit - 1e-9 for value in by_luck)


# %%
check_count_orders(count_orders)

# %% [markdown]
# ## Exercise 3
#
# None of the columns shows a trend with a chance of (1 - level) to the power of `columns`. This
# needs independent columns; real ones are not, so it is only a first guess.


# %%
def chance_of_a_story(columns: int, level: float) -> float:
    """The chance that at least one of the columns shows a trend by luck."""
    return 1 - (1 - level) ** columns


# %%
check_chance_of_a_story(chance_of_a_story)
