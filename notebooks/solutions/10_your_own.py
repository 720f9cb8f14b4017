# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 10, your own image or clip: solutions
#
# The three exercises of `../10_your_own.ipynb`, solved, with the same checks. Seconds.

# %% tags=["parameters"]
source: str = "../../data_samples/balloons.png"  # clip and run lie beside it
preset: str = "smoke"  # nothing is trained here; the same in every preset
out: str = "../../runs/lesson_10"  # folder of what the checks write

# %%
from pathlib import Path

import numpy as np
from PIL import Image

from siv_lite import contact_sheet, open_run, read_frames, save_image

scenes = Path(source).parent
files = Path(out, "files")
files.mkdir(parents=True, exist_ok=True)
album = Path(out, "album")
album.mkdir(parents=True, exist_ok=True)
run = open_run(scenes / "runs" / "balloons_singan", "cpu")

# %% [markdown]
# ## Exercise 1
#
# Between 13 frames there are 12 gaps, and from the first frame to the last there are `count - 1`
# steps, so the widest stride is `(count - 1) // 12`. The slice ends just behind the last frame
# wanted, so that no fourteenth slips in.


# %%
def choose_frames(count: int, wanted: int) -> tuple[int, int]:
    """(stride, stop) that keep `wanted` of `count` frames."""
    stride = (count - 1) // (wanted - 1)
    return stride, stride * (wanted - 1) + 1


# %%
if choose_frames(60, 13) is None:
    print("not yet: choose_frames returns nothing; 13 frames have 12 gaps between them")
else:
    for count in (60, 72):
        stride, stop = choose_frames(count, 13)
        kept = range(count)[0:stop:stride]
        wider = f"of {count} frames a stride of {stride + 1} would also fit"
        assert len(kept) == 13, f"of {count} frames {len(kept)} are kept: where does `stop` cut?"
        assert 12 * (stride + 1) >= count, wider
    found = len(read_frames(scenes / "bus", 64, stride=stride, stop=stop))
    assert found == 13, f"read_frames kept {found}"
    print("exercise 1: right")

# %% [markdown]
# ## Exercise 2
#
# Both sides get the same factor, which is never above 1: nothing is enlarged. Each is rounded on
# its own, so a side may miss the exact ratio by half a pixel.


# %%
def size_after(height: int, width: int, max_size: int) -> tuple[int, int]:
    """The size at which read_frames gives a picture."""
    factor = min(1, max_size / max(height, width))
    return round(height * factor), round(width * factor)


# %%
if size_after(60, 100, 64) is None:
    print("not yet: size_after returns nothing; begin with max_size / max(height, width)")
else:
    for height, width, limit in ((60, 100, 64), (100, 60, 64), (40, 50, 64), (192, 320, 128)):
        Image.new("RGB", (width, height)).save(files / "blank.png")
        expected = tuple(read_frames(files / "blank.png", limit).shape[2:])
        found = size_after(height, width, limit)
        assert found == expected, f"{height} x {width} at {limit} becomes {expected}, not {found}"
    print("exercise 2: right")

# %% [markdown]
# ## Exercise 3
#
# A dictionary's keys become the captions, in their order, so the origin stands on top of the page.
# `scale` enlarges by whole pixels, and `save_image` writes the file whole or not at all.


# %%
def save_page(run, caption: str, path: Path) -> None:
    """A contact sheet of a run, with the picture's origin as its first line."""
    rows = {caption: run.training_frames[:4], "seed 7": run.sample_images(4, seed=7)}
    save_image(contact_sheet(rows, scale=2), path)


# %%
page = album / "page.png"
caption = "balloons.png: siv_lite, MIT license"
page.unlink(missing_ok=True)
save_page(run, caption, page)
if not page.exists():
    print("not yet: there is no page.png; give `path` to save_image")
else:
    rows = {caption: run.training_frames[:4], "seed 7": run.sample_images(4, seed=7)}
    expected = contact_sheet(rows, scale=2)
    found = Image.open(page)
    sizes = f"the page is {found.size}, not {expected.size}"
    assert found.size == expected.size, f"{sizes}: look at scale and rows"
    assert np.array_equal(found, expected), "the content differs: look at captions and seed"
    print("exercise 3: right")
