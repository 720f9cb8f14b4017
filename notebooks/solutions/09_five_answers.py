# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 9, five answers to one question: solutions
#
# The three exercises of `../09_five_answers.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
preset: str = "smoke"  # nothing is trained here; the same in every preset
out: str = "../../runs/lesson_09"  # not written to

# %%
from math import comb

from siv_lite.exercises import check_count_iterations, check_find_best, check_seeds_needed

# %% [markdown]
# ## Exercise 1
#
# "At least as good in both and better in one": compare tuples of two comparisons. Equal points do
# not dominate each other, since neither is better in anything.


# %%
def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether a is at least as good as b in both, and better in one."""
    return a[0] <= b[0] and a[1] >= b[1] and a != b


def find_best(points: dict[str, tuple[float, float]]) -> set[str]:
    """The names that no other dominates."""
    best = set()
    for name, point in points.items():
        if not any(dominates(other, point) for other in points.values()):
            best.add(name)
    return best


# %%
check_find_best(find_best)

# %% [markdown]
# ## Exercise 2
#
# C(2, 1) = 2, C(4, 2) = 6, C(6, 3) = 20, C(8, 4) = 70, C(10, 5) = 252. The number grows about
# fourfold with each seed, so a few more seeds buy much certainty, for one pair of methods.


# %%
def seeds_needed(chance: float) -> int:
    """The smallest number n of seeds of each with 1 / C(2n, n) below `chance`."""
    n = 1
    while 1 / comb(2 * n, n) >= chance:
        n += 1
    return n


# %%
check_seeds_needed(seeds_needed)

# %% [markdown]
# ## Exercise 3
#
# One iteration of a pyramid updates every stage, so the stages' seconds are added up; rounding down
# keeps within the budget.


# %%
def count_iterations(budget: float, seconds_of_stages: list[float]) -> int:
    """Iterations, of every stage, that fit into `budget` seconds."""
    return max(1, int(budget / sum(seconds_of_stages)))


# %%
check_count_iterations(count_iterations)
