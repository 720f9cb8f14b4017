# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # SIV-GAN with parts removed
#
# What each part of SIV-GAN is there for, found out by taking it away: Tables 3 to 6 of the paper,
# on a picture or clip of your own. Every row is one setting of the method, trained from several
# seeds; every cell (row and seed) is a run of its own in `out/<row>/seed0`. Stopped at any moment,
# the same call goes on; finished cells are only opened; a row whose settings do not fit the picture
# says so, and the others go on. At `lesson` a cell takes 3 to 5 minutes on two cores: Table 3 with
# three seeds well over an hour, all four tables a night. Run it here, or into a folder of its own:
#
#     python tools/execute.py notebooks/ablations.ipynb runs/ablations -p tables 3,5 -p seeds 1
#
# Executing it again, on any machine, trains nothing and checks what is stored:
#
#     cd runs/ablations && pytest --nbval --nbval-cell-timeout=300 ablations.ipynb

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # image, folder of images, GIF or video to learn from
tables: str = "3"  # of 3 (parts), 4 (diversity losses), 5 (lambda) and 6 (low-level blocks): "3,5"
preset: str = "lesson"  # smoke (seconds), lesson (minutes on two cores) or paper (for a GPU)
iterations: int | None = None  # None: as many as the preset says
seconds: float | None = None  # of training per cell, in place of iterations: the same for all
seeds: int = 3  # how many, from 0
image_size: int | None = None  # longest side in pixels to train at; None: the preset's
device: str = "auto"  # auto (CUDA where there is one), cpu, cuda or cuda:1
out: str = "../runs/ablations"  # folder of all runs, and of table.csv

# %% tags=["nbval-ignore-output"]
from pathlib import Path

from siv_lite import SivLiteError, compare, contact_sheet, open_run, read_frames, save_image
from siv_lite.training import check_run

# %% [markdown]
# ## The rows
#
# Each is what differs from the full model. Rows that stand in two tables are trained once: without
# diversity regularization (DR), lambda is 0, and 0.15 is the full model's. When the paper moves the
# branching point it keeps the discriminator's whole depth; so does `low_level_blocks`, as far as
# the picture's size lets it.

# %%
without = {
    "full": {},
    "no layout": {"layout_branch": False},
    "no content": {"content_branch": False},
    "no branches": {"layout_branch": False, "content_branch": False},
    "no DR": {"diversity": "none"},
    "no FA": {"feature_mixing": 0.0},
    "no low-level loss": {"low_level_loss": False},
}
losses = {
    "zCR": {"diversity": "zCR"},
    "DS": {"diversity": "DS"},
    "DR in images": {"diversity": "images"},
}
weights = {
    "lambda 0.05": {"diversity_weight": 0.05},
    "lambda 0.5": {"diversity_weight": 0.5},
}
blocks = {f"{n} low-level": {"low_level_blocks": n} for n in range(1, 7)}

# %%
settings = {**without, **losses, **weights, **blocks}
rows = {
    "3": list(without),
    "4": ["no DR", *losses, "full"],
    "5": ["no DR", "lambda 0.05", "full", "lambda 0.5"],
    "6": list(blocks),
}

# %% [markdown]
# ## Training and measuring

# %%
chosen_tables = [table.strip() for table in tables.split(",")]
for table in chosen_tables:
    if table not in rows:
        raise SivLiteError(f"tables holds {table!r}; choose from {', '.join(rows)}")

fixed = {"method": "siv_gan"}  # the same for all rows
if iterations is not None:
    fixed["iterations"] = iterations
if image_size is not None:
    fixed["image_size"] = image_size

compared = {}
for table in chosen_tables:
    for row in rows[table]:
        compared[row] = {**fixed, **settings[row]}

# %% tags=["nbval-ignore-output"]
done = sorted(Path(out).glob("*/seed*/done.json"))
if done and not Path(source).exists():
    frames = open_run(done[0].parent).frames  # finished runs hold them and need no source
else:
    frames = read_frames(source)
result = compare(compared, frames, out, tuple(range(seeds)), preset, seconds, device)

# %% [markdown]
# ## What the paper reports
#
# Its figures are means over the frames (an image) or the clips (a video) of 15 videos of DAVIS and
# YFCC100M: other pictures at other sizes, so compare the order of the rows and the size of the
# gaps. SIFID "at H x W / 4" is our `sifid_64` (for a clip `fid_64`); which layer the one "at H x W
# / 16" reads is not said, so it has its own column.

# %%
fid = "sifid_64" if len(frames) == 1 else "fid_64"
columns = {
    "3": [fid, "SIFID HxW/16", "lpips", "pixel_diversity", "distance_to_train"],
    "4": [fid, "lpips", "pixel_diversity", "distance_to_train"],
    "5": [fid, "lpips", "pixel_diversity", "distance_to_train"],
    "6": [fid, "lpips"],
}
of_images = {
    "3": [
        (0.08, 16.30, 0.33, 0.66, 0.37),
        (0.14, 20.29, 0.35, 0.67, 0.40),
        (0.08, 23.25, 0.34, 0.64, 0.36),
        (0.03, 7.73, 0.13, 0.43, 0.12),
        (0.05, 11.99, 0.04, 0.33, 0.06),
        (0.08, 14.81, 0.27, 0.58, 0.33),
        (0.08, 15.92, 0.27, 0.56, 0.29),
    ]
}

# %%
no_diversity = (0.05, 0.04, 0.33, 0.06)
full = (0.08, 0.33, 0.66, 0.37)
of_images["4"] = [
    no_diversity,
    (0.05, 0.06, 0.37, 0.09),
    (0.06, 0.14, 0.45, 0.14),
    (0.07, 0.21, 0.52, 0.25),
    full,
]
of_images["5"] = [no_diversity, (0.07, 0.19, 0.50, 0.23), full, (0.13, 0.39, 0.69, 0.46)]
of_images["6"] = [
    (0.59, 0.42),
    (0.13, 0.40),
    (0.08, 0.33),
    (0.06, 0.24),
    (0.03, 0.15),
    (0.03, 0.13),
]

# %%
of_clips = {
    "3": [
        (0.55, 5.14, 0.43, "-", 0.34),
        (0.71, 11.70, 0.42, "-", 0.38),
        (0.73, 10.43, 0.41, "-", 0.33),
        (0.42, 3.73, 0.37, "-", 0.18),
        (0.40, 9.81, 0.30, "-", 0.32),
        (0.51, 4.85, 0.41, "-", 0.32),
        (0.58, 5.32, 0.40, "-", 0.31),
    ],
    "6": [(2.75, 0.46), (1.12, 0.45), (0.55, 0.43), (0.36, 0.38), (0.40, 0.37), (0.35, 0.36)],
}

# %% [markdown]
# ## The tables
#
# Mean ± standard deviation over seeds (their number); rows named `published` are the paper's. Below
# each, metrics that need nobody's weights: low is near the training picture in `sliced_wasserstein`
# (1: fine, 3: coarse); a low `copy_distance` is memorization; a high `pixel_diversity` or
# `arrangement_diversity`, which contrast cannot buy, and a low `ms_ssim` are diversity.

# %%
own_columns = [
    "sliced_wasserstein_1",
    "sliced_wasserstein_3",
    "copy_distance",
    "pixel_diversity",
    "arrangement_diversity",
    "ms_ssim",
]
figures_of_tables = of_images if len(frames) == 1 else of_clips


def list_published(table: str) -> dict[str, dict[str, float]]:
    """The paper's figures for each row of a table, by column; none where it has no such table."""
    if table not in figures_of_tables:
        return {}
    published = {}
    for row, figures in zip(rows[table], figures_of_tables[table], strict=True):
        published[f"{row} (Table {table})"] = dict(zip(columns[table], figures, strict=True))
    return published


# %%
for table in chosen_tables:
    print(f"Table {table}")
    print(result.summary(columns[table], rows[table], list_published(table)))
    print()
    print(result.summary(own_columns, rows[table]))
    print()
print(result.notes())

# %% [markdown]
# ## What it takes

# %%
cost_columns = ["iterations", "seconds", "parameters", "peak_memory_bytes"]
print(result.summary(cost_columns, list(compared)))

# %% [markdown]
# ## What they draw
#
# The first samples of each row from the first seed. In the paper (Fig. 7 and 8), without branches
# or DR the training picture comes back; without the layout branch the objects stand anywhere;
# without the content branch they lose shape.

# %%
shown = {}
for row in compared:
    folder = Path(out, row, "seed0")
    if (folder / "done.json").exists():
        run = open_run(folder)
        shown["training"] = run.training_frames[:8]
        shown[row] = run.sample_images(16, seed=1)[:8]
sheet = contact_sheet(shown)
save_image(sheet, Path(out, "samples.png"))
sheet

# %% [markdown]
# ## Check
#
# The first finished run is opened anew: its first samples are measured and its last grid is drawn
# again, and both must agree with what is stored.

# %%
finished = [cell for cell in result if cell["status"] == "finished"]
for cell in finished[:1]:
    folder = Path(out, cell["row"], f"seed{cell['seed']}")
    print("\n".join(check_run(open_run(folder))))
