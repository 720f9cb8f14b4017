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
import torch

from siv_lite import losses
from siv_lite.lesson_checks import check
from siv_lite.methods import find_method, make_settings

frames = torch.zeros(1, 3, 48, 64)  # an empty picture

# %% [markdown]
# The untrained model of the lesson, needed for the checks; here of an empty picture.


# %%
def fresh(**settings):
    """An untrained SIV-GAN, small and always the same."""
    chosen = make_settings("siv_gan", "smoke", **settings)
    return find_method("siv_gan")(frames, chosen, torch.device("cpu"), "fp32", 0)


# %% [markdown]
# ## Exercise 1
#
# First the mean over the places of each map, then over the blocks of each part, so that a part with
# more or larger maps does not count more. The low level counts twice because two parts, content and
# layout, judge what comes after it.


# %%
def my_loss_of_G(probabilities: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """G's loss; for each part the maps of its blocks: the probability of being real."""
    parts = {}
    for part, maps in probabilities.items():
        parts[part] = torch.stack([-x.log().mean() for x in maps]).mean()
    return parts["content"] + parts["layout"] + 2 * parts["low_level"]


# %%
generator = torch.Generator().manual_seed(0)
logits = {}
for part, sides in {"content": (4, 2), "layout": (4, 2), "low_level": (8, 4)}.items():
    logits[part] = [torch.randn(3, 1, side, side, generator=generator) for side in sides]
probabilities = {part: [x.sigmoid() for x in maps] for part, maps in logits.items()}
if my_loss_of_G(probabilities) is None:
    print("not yet: my_loss_of_G returns nothing; begin with -x.log().mean() of one map")
else:
    parts = {part: losses.generator_part_loss(maps) for part, maps in logits.items()}
    hint = "Not the package's; look at the sign, at mean or sum over blocks, and at Eq. 3"
    check(my_loss_of_G(probabilities), fresh().total_loss(parts), hint)
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# The fall takes `decay * iterations`. The share that is left of the rate is the share that is left
# of the fall, so `share * decay * iterations` are still to be done.


# %%
def done_at(share: float, iterations: int, decay: float) -> float:
    """How many iterations are done when the rate has fallen to `share` of the first, below 1."""
    return iterations * (1 - share * decay)


# %%
if done_at(0.5, 4000, 0.3) is None:
    print("not yet: done_at returns nothing; at share 0 it would be `iterations`")
else:
    for share, length, decay in ((0.5, 4000, 0.3), (0.25, 4000, 0.3), (0.5, 1000, 1.0)):
        model = fresh(iterations=length, lr_decay_fraction=decay)
        model.iteration.fill_(done_at(share, length, decay))
        hint = f"{length} iterations, decay {decay}: another share of the rate"
        check(model.learning_rate() / 2e-4, share, hint, rtol=1e-3)
    print("exercise 2: right")

# %% [markdown]
# ## Exercise 3
#
# In C D's loss is a little *above* the coin level and G's a little below it: G quickly finds what
# this judge happens to like, and the judge is slow to learn better. The curves look calm and
# balanced, but nobody asks G for good pictures; in B it is D that learns and G that sleeps, and in
# A both move.

# %%
logs_of_D = {
    "A": [5.5, 5.8, 5.4, 5.5, 5.4, 5.3, 5.2, 4.6],
    "B": [4.5, 2.9, 2.1, 1.1, 0.8, 0.7, 0.6, 1.1],
    "C": [5.9, 5.9, 5.9, 5.8, 5.8, 5.7, 5.7, 5.6],
}
logs_of_G = {
    "A": [2.8, 2.9, 3.5, 3.2, 3.1, 3.5, 3.2, 3.6],
    "B": [2.8, 3.0, 4.8, 12.5, 19.4, 24.8, 29.0, 24.3],
    "C": [2.6, 2.5, 2.5, 2.6, 2.6, 2.7, 2.7, 2.7],
}


def log_of_the_sleeping_judge() -> str:
    """The letter of its log: "A", "B" or "C"."""
    return "C"


# %%
answer = log_of_the_sleeping_judge()
if answer is None:
    print("not yet: log_of_the_sleeping_judge returns nothing; compare with 5.55 and 2.77")
else:
    assert answer in logs_of_D, "the answer is one of the letters A, B and C"
    lowest = min(logs_of_D[answer])
    assert lowest > 5.5, f"In {answer} D's loss falls to {lowest}: that D has learned"
    print("exercise 3: right")
