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
source: str = "../../data_samples/balloons.png"  # the image of the untrained model
preset: str = "smoke"  # nothing is trained here; the same in every preset
out: str = "../../runs/lesson_04"  # not written to

# %%
import torch
import torch.nn.functional as F

from siv_lite import read_frames
from siv_lite.exercises import check_count_numbers, check_find_content, check_generator_loss
from siv_lite.methods import find_method, make_settings

# %% [markdown]
# What the last check needs: a D and an F(x) as large as D's own. Random ones will do: the blind
# spots come from the shapes, not from training.

# %%
CPU = torch.device("cpu")
frames = read_frames(source, max_size=64)[:1]
D = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), CPU, "fp32", 0).D

channels = D.squeeze.weight.shape[1]
height, width = [side // 2 ** len(D.low_level) for side in frames.shape[2:]]
features = torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(1))

# %% [markdown]
# ## Exercise 1
#
# The mean over places leaves one number per channel, whatever the image's size. One channel leaves
# one number per place, and every low-level block has halved both sides.


# %%
def count_numbers(height: int, width: int, blocks: int, channels: int) -> tuple[int, int]:
    """How many numbers content and layout receive."""
    places = (height // 2**blocks) * (width // 2**blocks)
    return channels, places


# %%
check_count_numbers(count_numbers)

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
check_generator_loss(generator_loss)

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
check_find_content(find_content, D, features)
