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
from siv_lite.lesson_checks import check
from siv_lite.methods import find_method, make_settings

CPU = torch.device("cpu")
frames = read_frames(source, max_size=64)[:1]
fresh = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), CPU, "fp32", 0)

# %% [markdown]
# What the checks need of the lesson: the two views, a branch, and an F(x). Random weights and a
# random F(x) will do: the blind spots come from the shapes, not from training.


# %%
def see_content(x: torch.Tensor) -> torch.Tensor:
    """One number per channel: (1, C, h, w) -> (1, C, 1, 1)."""
    means = [channel.sum() / channel.numel() for channel in x[0]]
    return torch.stack(means).view(1, -1, 1, 1)


def see_layout(x: torch.Tensor, weights: list[float]) -> torch.Tensor:
    """One number per place: (1, C, h, w) -> (1, 1, h, w)."""
    mixture = sum(weight * channel for weight, channel in zip(weights, x[0], strict=True))
    return mixture[None, None]


# %%
def branch(part: str, features: torch.Tensor) -> torch.Tensor:
    """All decisions of a branch of an untrained D on F(x), in a row."""
    y = fresh.D.branch_input(part, features)
    found = []
    for block in fresh.D.branches[part]:
        y = block(y)
        found.append(block.decide(y).flatten())
    return torch.cat(found)


# An F(x) as large as D's own: every low-level block has halved the picture.
channels = fresh.D.squeeze.weight.shape[1]
height, width = [side // 2 ** len(fresh.D.low_level) for side in fresh.real[0].shape[2:]]
features = torch.randn(1, 1, channels, height, width, generator=torch.Generator().manual_seed(1))

# %% [markdown]
# ## Exercise 1
#
# The mean over places leaves one number per channel, whatever the picture's size. One channel
# leaves one number per place, and every low-level block has halved both sides.


# %%
def count_numbers(height: int, width: int, blocks: int, channels: int) -> tuple[int, int]:
    """How many numbers content and layout receive."""
    places = (height // 2**blocks) * (width // 2**blocks)
    return channels, places


# %%
if count_numbers(48, 64, 2, 64) is None:
    print("not yet: count_numbers returns nothing; what does a mean over places leave of F(x)?")
else:
    for high, wide, blocks, channels in ((48, 64, 2, 64), (192, 320, 3, 256)):
        blank = torch.zeros(1, channels, high // 2**blocks, wide // 2**blocks)
        expected = (see_content(blank).numel(), see_layout(blank, [0.0] * channels).numel())
        answer = count_numbers(high, wide, blocks, channels)
        hint = "content keeps channels, layout keeps places"
        assert answer == expected, f"{high} x {wide}: {answer}; {hint}"
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# With means, neither the size of a map nor the number of blocks changes what a part weighs. Only
# Eq. 3's weights do: low-level counts twice.


# %%
def generator_loss(decisions: dict[str, list[torch.Tensor]]) -> torch.Tensor:
    """Eq. 3 for G, of logits by part: "low_level", "content" and "layout"."""
    parts = {}
    for part, maps in decisions.items():
        of_blocks = [F.softplus(-logits).mean() for logits in maps]
        parts[part] = sum(of_blocks) / len(of_blocks)
    return parts["content"] + parts["layout"] + 2 * parts["low_level"]


# %%
generator = torch.Generator().manual_seed(0)
decisions = {}
for part, sides in {"low_level": (4, 2), "content": (4, 2), "layout": (8, 4, 1)}.items():
    decisions[part] = [torch.randn(5, 1, n, n, generator=generator) for n in sides]
if generator_loss(decisions) is None:
    print("not yet: generator_loss returns nothing; begin with F.softplus(-logits) of one map")
else:
    parts = {part: losses.generator_part_loss(maps) for part, maps in decisions.items()}
    look = "Not Eq. 3: means (not sums) over maps and blocks, low_level twice?"
    check(generator_loss(decisions), fresh.total_loss(parts), look)
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
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(features[0, 0].numel(), generator=generator)
    shuffled = features.flatten(2)[..., order].view_as(features)
    changes = [abs(judge(shuffled) - judge(features)) for judge in judges]
    return changes.index(min(changes))


# %%
def judge_content(x: torch.Tensor) -> float:
    """The content branch's mean logit."""
    return branch("content", x).mean().item()


def judge_layout(x: torch.Tensor) -> float:
    """The layout branch's mean logit."""
    return branch("layout", x).mean().item()


first = find_content((judge_content, judge_layout), features[0])
second = find_content((judge_layout, judge_content), features[0])
if first is None:
    print("not yet: find_content returns nothing; change F(x) in a way to which content is blind")
else:
    hint = "whose logit stays when the places are shuffled?"
    assert (first, second) == (0, 1), f"it answers {first} and {second}, not 0 and 1; {hint}"
    print("exercise 3: right")
