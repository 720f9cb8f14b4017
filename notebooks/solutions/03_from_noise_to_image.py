# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 3, from noise to image: solutions
#
# The three exercises of `../03_from_noise_to_image.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # the picture whose finished run is opened
preset: str = "smoke"  # nothing is trained here where such a run is there
out: str = "../../runs/solutions_03"  # folder of a run, if none of this picture is shipped

# %% tags=["nbval-ignore-output"]
import math
from pathlib import Path

import torch
import torch.nn.functional as F

from siv_lite import contact_sheet, nn, open_run, read_frames, train
from siv_lite.lesson_checks import check

# %% [markdown]
# What exercise 2 takes from the lesson.

# %% tags=["nbval-ignore-output"]
folder = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
if not folder.exists():
    folder = train("siv_gan", read_frames(source)[:1], out, preset).folder
run = open_run(folder, "cpu")
G = run.method.G_ema
L = len(G.blocks)
height, width = run.method.size
latents = run.method.sample_latents(12, seed=1)
features = [maps.detach() for maps in G.features(latents)]
images = run.decode(latents)


@torch.no_grad()
def finish(maps: torch.Tensor, after: int) -> torch.Tensor:
    """The images that the blocks behind block `after` make of its maps."""
    for block in G.blocks[after:]:
        maps = block(maps)
    return torch.tanh(G.blocks[-1].to_rgb(maps))


# %% [markdown]
# ## Exercise 1
#
# A mean of two neighbors reads four cells. The outer ones are read once, by a and by c; the inner
# ones by both neighbors, as b and a, or as c and b. Half of each sum, for the mean.


# %%
def fold_mean(a: float, b: float, c: float) -> list[float]:
    """The four numbers that equal the kernel a, b, c and then the mean of two."""
    return [a / 2, (a + b) / 2, (b + c) / 2, c / 2]


# %%
if fold_mean(1.0, 10.0, 100.0) is None:
    print("not yet: fold_mean returns nothing; which neighbor reads the leftmost cell?")
else:
    four = torch.tensor(fold_mean(1.0, 10.0, 100.0))
    three = torch.tensor([1.0, 10, 100])
    row = torch.tensor([[[1.0, 2, 5, 3, 4, 9]]])
    plain = F.avg_pool1d(F.conv1d(row, three.view(1, 1, 3), padding=1), 2)
    folded = F.conv1d(row, four.view(1, 1, 4), stride=2, padding=1)
    check(folded, plain, "another result: did you halve the sums?")

    package = nn.pool_kernel(three.outer(three)[None, None])[0, 0]
    check(four.outer(four), package, "another kernel than nn.pool_kernel's")
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# Convolutions do the same everywhere, so a moved map becomes a moved picture, by 8 pixels for one
# cell of the shipped run. Only near the border it does not, since there the zeros around the map
# come into play.


# %%
def move_right() -> torch.Tensor:
    """Sample 0 (1, 3, h, w), moved by a cell of the map after block 2."""
    maps = features[1][:1]
    return finish(maps.roll(1, 3), after=2)


# %%
cell = 2 ** (L - 2)
reach = 2 ** (L - 1) - 1
moved = move_right()
if moved is None:
    print("not yet: move_right returns nothing; Tensor.roll moves along a dimension, 3 is columns")
else:
    expected = images[:1, ..., reach : width - reach - cell]
    hint = f"not the same scene {cell} pixels further right: look at the direction and the block"
    check(moved[..., reach + cell : width - reach], expected, hint, atol=1e-4)
    print("exercise 2: right")

# %%
contact_sheet({"sample 0, and moved": torch.cat([images[:1], moved])}, scale=4)

# %% [markdown]
# ## Exercise 3
#
# 1 + n = decay (10 + n) gives n = (10 decay - 1) / (1 - decay). For the paper's 0.9999 that is
# about 90,000 of 100,000 iterations, and the preset `lesson` with its 4,000 never reaches 0.999:
# the warm-up is the rule, not the exception.


# %%
def warm_up(decay: float) -> int:
    """The first n with (1 + n) / (10 + n) >= decay."""
    return math.ceil((10 * decay - 1) / (1 - decay) - 1e-6)


# %%
if warm_up(0.9) is None:
    print("not yet: warm_up returns nothing; multiply by 10 + n first")
else:
    for decay in (0.9, 0.99, 0.999):
        counted = next(n for n in range(10**5) if (1 + n) / (10 + n) >= decay - 1e-12)
        found = warm_up(decay)
        assert abs(found - counted) <= 1, f"for {decay} it is {counted}, not {found}"
    long = round(warm_up(0.9999), -3)
    print("exercise 3: right; of the paper's 100,000 iterations, 0.9999 warms up over", long)
