# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 4, two judges: solutions
#
# The three exercises of `../04_two_judges.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # the picture of the untrained model
preset: str = "smoke"  # nothing is trained here; the same in every preset
out: str = "../../runs/lesson_04"  # not written to

# %%
import torch
import torch.nn.functional as F

from siv_lite import losses, read_frames
from siv_lite.methods import find_method, make_settings

close = torch.testing.assert_close
frames = read_frames(source, max_size=64)[:1]
fresh = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), torch.device("cpu"), "fp32", 0)

# %% [markdown]
# What the checks need of the lesson: the two views, a branch, and an F(x). Random weights and a
# random F(x) will do: the blind spots come from the shapes, not from training.


# %%
def see_content(x: torch.Tensor) -> torch.Tensor:
    """One number per channel: (1, C, h, w) -> (1, C, 1, 1)."""
    return torch.stack([channel.sum() / channel.numel() for channel in x[0]]).view(1, -1, 1, 1)


def see_layout(x: torch.Tensor, weights: list[float]) -> torch.Tensor:
    """One number per place: (1, C, h, w) -> (1, 1, h, w)."""
    return sum(weight * channel for weight, channel in zip(weights, x[0], strict=True))[None, None]


# %%
def branch(part: str, features: torch.Tensor) -> torch.Tensor:
    """All decisions of a branch of an untrained D on F(x), in a row."""
    y, found = fresh.D.branch_input(part, features), []
    for block in fresh.D.branches[part]:
        y = block(y)
        found.append(block.decide(y).flatten())
    return torch.cat(found)


features = torch.randn(1, 1, 32, 12, 16, generator=torch.Generator().manual_seed(1))

# %% [markdown]
# ## Exercise 1
#
# The mean over places leaves one number per channel, whatever the picture's size. One channel
# leaves one number per place, and every low-level block has halved both sides.


# %%
def count_numbers(height: int, width: int, blocks: int, channels: int) -> tuple[int, int]:
    """How many numbers content and layout receive."""
    return channels, (height // 2**blocks) * (width // 2**blocks)


# %%
if count_numbers(48, 64, 2, 64) is None:
    print("not yet: count_numbers returns nothing; what is left of F(x) after a mean over places?")
else:
    for sides, blocks, channels in (((48, 64), 2, 64), ((192, 320), 3, 256)):
        blank = torch.zeros(1, channels, *(side // 2**blocks for side in sides))
        expected = see_content(blank).numel(), see_layout(blank, [0.0] * channels).numel()
        answer = count_numbers(*sides, blocks, channels)
        assert answer == expected, f"{sides}: {answer}; content keeps channels, layout keeps places"
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# With means, neither the size of a map nor the number of blocks changes what a part weighs. Only
# Eq. 3's weights do: low-level counts twice.


# %%
def generator_loss(decisions: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """Eq. 3 for G, of logits by part: "low_level", "content" and "layout"."""
    parts = {part: sum(F.softplus(-x).mean() for x in maps) / len(maps) for part, maps in decisions.items()}
    return parts["content"] + parts["layout"] + 2 * parts["low_level"]


# %%
draws = torch.Generator().manual_seed(0)
decisions = {part: [torch.randn(5, 1, n, n, generator=draws) for n in (4, 2)] for part in ("low_level", "content")}
decisions["layout"] = [torch.randn(5, 1, n, n, generator=draws) for n in (8, 4, 1)]
if generator_loss(decisions) is None:
    print("not yet: generator_loss returns nothing; begin with the mean of F.softplus(-logits) for one map")
else:
    expected = fresh.total_loss({part: losses.generator_part_loss(maps) for part, maps in decisions.items()})
    close(generator_loss(decisions), expected, msg="Not Eq. 3: means (not sums) over maps and blocks, low_level twice?")
    print("exercise 2: right")

# %% [markdown]
# ## Exercise 3
#
# A mean does not know the order of what it averages, so content's logit stays when the places are
# shuffled. Layout's blocks look at neighborhoods, which shuffling destroys. (Rounding may change
# content's logit in the last digits.)


# %%
def find_content(judges: tuple, features: torch.Tensor) -> int:
    """The number, 0 or 1, of the judge that is the content branch; `features` is one F(x)."""
    order = torch.randperm(features[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[..., order].view_as(features)
    changes = [abs(judge(shuffled) - judge(features)) for judge in judges]
    return changes.index(min(changes))


# %%
both = [lambda x, part=part: branch(part, x).mean().item() for part in ("content", "layout")]
answers = [find_content(judges, features[0]) for judges in (both, both[::-1])]
if None in answers:
    print("not yet: find_content returns nothing; change F(x) in a way to which content is blind")
else:
    assert answers == [0, 1], f"it answers {answers}, not [0, 1]; whose logit stays when the places are shuffled?"
    print("exercise 3: right")
