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
source: str = "../../data_samples/balloons.png"  # the image whose finished run is opened
preset: str = "smoke"  # nothing is trained here where such a run is there
out: str = "../../runs/solutions_03"  # folder of a run, if none of this image is shipped

# %% tags=["nbval-ignore-output"]
import math
from pathlib import Path

import torch

from siv_lite import contact_sheet, open_run, read_frames, train
from siv_lite.exercises import check_fold_mean, check_move_right, check_warm_up

# %% [markdown]
# What exercise 2 takes from the lesson.

# %% tags=["nbval-ignore-output"]
folder = Path(source).parent / "runs" / f"{Path(source).stem}_siv_gan"
if not folder.exists():
    folder = train("siv_gan", read_frames(source)[:1], out, preset).folder
run = open_run(folder, "cpu")
G = run.method.G_ema
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
check_fold_mean(fold_mean)

# %% [markdown]
# ## Exercise 2
#
# Convolutions do the same everywhere, so a moved map becomes a moved image, by 8 pixels for one
# cell of the shipped run. Only near the border it does not, since there the zeros around the map
# come into play.


# %%
def move_right() -> torch.Tensor:
    """Sample 0 (1, 3, h, w), moved by a cell of the map after block 2."""
    maps = features[1][:1]
    return finish(maps.roll(1, 3), after=2)


# %%
check_move_right(move_right, run)

# %%
contact_sheet({"sample 0, and moved": torch.cat([images[:1], move_right()])})

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
check_warm_up(warm_up)
