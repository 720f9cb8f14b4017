# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 7, training SIV-GAN, live: solutions
#
# The three exercises of `../07_training_live.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
preset: str = "smoke"  # nothing is trained here; the same in every preset
out: str = "../../runs/lesson_07"  # not written to

# %%
import math

import torch

from siv_lite import losses
from siv_lite.methods import find_method, make_settings

close = torch.testing.assert_close


# %% [markdown]
# The untrained model of the lesson, needed for the checks; here of an empty picture.


# %%
def fresh(**settings):
    """An untrained SIV-GAN, small and always the same."""
    chosen = make_settings("siv_gan", "smoke", **settings)
    return find_method("siv_gan")(torch.zeros(1, 3, 48, 64), chosen, torch.device("cpu"), "fp32", 0)


# %% [markdown]
# ## Exercise 1
#
# First the mean over the places of each map, then over the blocks of each part, so that a part with more or larger maps
# does not count more. The low level counts twice because two parts, content and layout, judge what comes after it.


# %%
def my_loss_of_G(probabilities: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """G's loss; for each part the maps of its blocks, with the probability of being real at each place."""
    parts = {part: torch.stack([-x.log().mean() for x in maps]).mean() for part, maps in probabilities.items()}
    return parts["content"] + parts["layout"] + 2 * parts["low_level"]


# %%
draw = torch.Generator().manual_seed(0)
logits = {part: [torch.randn(3, 1, side, side, generator=draw) for side in (4, 2)] for part in ("content", "layout")}
logits["low_level"] = [torch.randn(3, 1, side, side, generator=draw) for side in (8, 4)]
given = {part: [x.sigmoid() for x in maps] for part, maps in logits.items()}
expected = fresh().total({part: losses.generator_part_loss(maps) for part, maps in logits.items()})
if my_loss_of_G(given) is None:
    print("not yet: my_loss_of_G returns nothing; begin with -x.log().mean() of one map")
else:
    hint = "It differs from the package's; look at the sign, the mean, not the sum, over blocks, and Eq. 3's weights"
    close(my_loss_of_G(given), expected, msg=hint)
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# The fall takes `decay * iterations`. The share that is left of the rate is the share that is left of the fall, so
# `share * decay * iterations` are still to be done.


# %%
def done_at(share: float, iterations: int, decay: float) -> float:
    """How many iterations are done when the rate has fallen to `share` of the first, 0 < share < 1."""
    return iterations * (1 - share * decay)


# %%
if done_at(0.5, 4800, 0.3) is None:
    print("not yet: done_at returns nothing; at share 0 it would be `iterations`, at share 1 the start of the fall")
else:
    for share, length, decay in ((0.5, 4800, 0.3), (0.25, 4800, 0.3), (0.5, 1000, 1.0)):
        model = fresh(iterations=length, decay=decay)
        model.iteration.fill_(done_at(share, length, decay))
        rate = model.learning_rate().item() / 2e-4
        assert math.isclose(rate, share, rel_tol=1e-3), f"{length} iterations, decay {decay}: {rate:.2f}, not {share}"
    print("exercise 2: right")

# %% [markdown]
# ## Exercise 3
#
# In C D's loss is a little *above* the coin level and G's a little below it: G quickly finds what this judge happens to
# like, and the judge is slow to learn better. The curves look calm and balanced, but nobody asks G for good pictures;
# in B it is D that learns and G that sleeps, and in A both move.

# %%
logs = {
    "A": {"D": [5.5, 5.8, 5.4, 5.5, 5.4, 5.3, 5.2, 4.6], "G": [2.8, 2.9, 3.5, 3.2, 3.1, 3.5, 3.2, 3.6]},
    "B": {"D": [4.5, 2.9, 2.1, 1.1, 0.8, 0.7, 0.6, 1.1], "G": [2.8, 3.0, 4.8, 12.5, 19.4, 24.8, 29.0, 24.3]},
    "C": {"D": [5.9, 5.9, 5.9, 5.8, 5.8, 5.7, 5.7, 5.6], "G": [2.6, 2.5, 2.5, 2.6, 2.6, 2.7, 2.7, 2.7]},
}


def log_of_the_sleeping_judge() -> str:
    """"A", "B" or "C"."""
    return "C"


# %%
answer = log_of_the_sleeping_judge()
if answer is None:
    print("not yet: log_of_the_sleeping_judge returns nothing; compare each log with 5.55 and 2.77")
else:
    assert answer in logs, "the answer is one of the letters A, B and C"
    least = min(logs[answer]["D"])
    assert least > 5.5, f"In {answer} D's loss comes down to {least}, below the coin level: that D has learned"
    print("exercise 3: right")
