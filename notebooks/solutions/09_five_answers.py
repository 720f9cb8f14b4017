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
toy = {"a": (1.0, 0.2), "b": (2.0, 0.5), "c": (2.0, 0.4), "d": (3.0, 0.5), "e": (0.5, 0.1)}
if find_best(toy) is None:
    print("not yet: find_best returns nothing; for each name ask whether any other dominates it")
else:
    assert find_best(toy) == {"a", "b", "e"}, "b dominates c and d; nobody dominates a, b and e"
    equals = find_best({"a": (1.0, 0.2), "b": (1.0, 0.2)})
    assert equals == {"a", "b"}, "equals do not dominate each other"
    print("exercise 1: right")

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
if seeds_needed(0.06) is None:
    print("not yet: seeds_needed returns nothing; try n = 1, 2, 3, ...")
else:
    assert seeds_needed(0.06) == 3, "1 in 20 is below 0.06, and 1 in 6 is not"
    assert seeds_needed(0.01) == 5, "1 in 70 for four seeds is not below 0.01, 1 in 252 is"
    print("exercise 2: right")

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
if count_iterations(300, [0.09]) is None:
    print("not yet: count_iterations returns nothing; add up the stages first")
else:
    pyramid = count_iterations(300, [0.125, 0.25, 0.125])
    assert count_iterations(300, [0.09]) == 3333, "300 / 0.09, rounded down"
    assert pyramid == 600, "one iteration updates every stage: add the stages up"
    assert count_iterations(1, [2.0]) == 1, "at least one, or there is nothing to look at"
    print("exercise 3: right")
