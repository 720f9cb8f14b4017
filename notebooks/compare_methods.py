# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Methods side by side
#
# Several methods learn from the same picture or clip, from the same seeds, and are measured alike:
# Tables 1 and 2 of the SIV-GAN paper on a source of your own, and for a clip its Fig. 5. Every cell
# (a method and a seed) is a run of its own, in `out/<method>/seed0`, trained by a process of its
# own. Stopped at any moment, the same call goes on; finished cells are only opened; a cell that
# fails says why, and the others go on. At `lesson` a cell takes 3 to 5 minutes on two cores, so all
# methods with three seeds take over an hour. Run it here, or into a folder of its own:
#
#     python tools/execute.py notebooks/compare_methods.ipynb runs/beach \
#         -p source data_samples/beach.png -p seeds 1
#
# Executing it again, on any machine, trains nothing and checks what is stored:
#
#     cd runs/beach && pytest --nbval --nbval-cell-timeout=300 compare_methods.ipynb

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # image, folder of images, GIF or video to learn from
methods: str = "siv_gan,singan,consingan,fastgan,hp_vae_gan,gpdm,patch_diffusion"  # commas between
preset: str = "lesson"  # smoke (seconds), lesson (minutes on two cores) or paper (for a GPU)
seconds: float | None = None  # of training per cell, the same for all; None: as the preset says
seeds: int = 3  # how many, from 0
image_size: int | None = None  # longest side in pixels to train at; None: the preset's
skip_frames: str = "1,2,5,10"  # Fig. 5, for a clip: learn from every so many frames; empty: none
render: bool = True  # measure and show every row as rendered, too
device: str = "auto"  # auto (CUDA where there is one), cpu, cuda or cuda:1
out: str = "../runs/compare_methods"  # folder of all runs, and of table.csv

# %% tags=["nbval-ignore-output"]
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt
import torch

from siv_lite import compare, contact_sheet, open_run, read_frames, save_image
from siv_lite.comparison import Comparison, render_samples
from siv_lite.training import check_run

# %% [markdown]
# ## The comparison
#
# Equal iterations are not equal work: a step of one method costs many times that of another. With
# `seconds`, each method is timed for a moment and gets as many iterations as fit. GPDM and patch
# diffusion train nothing and always stay as they are: their work comes with every sample.

# %% tags=["nbval-ignore-output"]
names = [name.strip() for name in methods.split(",")]


def load_frames(folder: Path, **chosen) -> torch.Tensor:
    """The chosen frames of the source or, where that is gone, those of a finished run."""
    finished = sorted(folder.glob("*/seed*/done.json"))
    if finished and not Path(source).exists():
        return open_run(finished[0].parent).frames
    return read_frames(source, **chosen)


def run_all(folder: Path, frames: torch.Tensor, render: bool = False) -> Comparison:
    """Train and measure every method from every seed, each in a folder of its own."""
    rows = {}
    for name in names:
        rows[name] = {"method": name}
        if image_size is not None:
            rows[name]["image_size"] = image_size
    return compare(rows, frames, folder, tuple(range(seeds)), preset, seconds, device, render)


# %% tags=["nbval-ignore-output"]
frames = load_frames(Path(out))
result = run_all(Path(out), frames, render)

# %% [markdown]
# ## As in the paper
#
# Mean ± standard deviation over seeds (their number). Below, in rows of their own, what the SIV-GAN
# paper reports: in Table 1 for 50 photographs of Places and for frames of 15 videos, in Table 2 for
# the videos. These are other pictures at other sizes, so compare the order of the methods and the
# size of the gaps, not the numbers. `sifid_64` is SIFID "at H x W / 4"; of the paper's other SIFID,
# "at H x W / 16, before the final classification layer", the layer is not said, so it has a column
# of its own and our deeper ones (`sifid_192` and on) stand in `table.csv`. For a clip, FID between
# the two sets takes SIFID's place. The paper has no figures for HP-VAE-GAN,
# GPDM and patch diffusion.

# %%
image_columns = [
    "sifid_64_best",
    "sifid_64",
    "SIFID HxW/16",
    "lpips",
    "pixel_diversity",
    "distance_to_train",
]
clip_columns = ["fid_64", "SIFID HxW/16", "lpips", "distance_to_train"]

# %%
tables_of_images = {
    "Table 1, Places": {
        "singan": (0.09, 0.15, 25.33, 0.22, 0.52, 0.24),
        "consingan": (0.06, 0.08, 23.45, 0.24, 0.50, 0.25),
        "fastgan": (0.11, 0.14, 16.52, 0.15, 0.48, 0.08),
        "siv_gan": (0.05, 0.06, 12.12, 0.28, 0.57, 0.31),
    },
    "Table 1, DAVIS-YFCC100M": {
        "singan": (0.10, 0.13, 34.52, 0.26, 0.54, 0.30),
        "consingan": (0.08, 0.09, 27.33, 0.29, 0.59, 0.31),
        "fastgan": (0.10, 0.13, 19.48, 0.18, 0.49, 0.11),
        "siv_gan": (0.07, 0.08, 16.30, 0.33, 0.66, 0.37),
    },
}

# %%
tables_of_clips = {
    "Table 2": {
        "singan": (2.47, 96.35, 0.32, 0.51),
        "consingan": (2.74, 74.50, 0.34, 0.53),
        "fastgan": (0.79, 9.24, 0.43, 0.13),
        "siv_gan": (0.55, 5.14, 0.43, 0.34),
    }
}

# %%
columns = image_columns
reported = tables_of_images
if len(frames) > 1:
    columns = clip_columns
    reported = tables_of_clips

published = {}
for table, figures in reported.items():
    for name in names:
        row = f"{name} ({table})"
        published[row] = {}
        if name in figures:
            published[row] = dict(zip(columns, figures[name], strict=True))
print(result.summary(columns, names, published))

# %% [markdown]
# ## Without anyone's weights
#
# SIFID, FID and LPIPS need networks that others trained; without their files, the columns above are
# empty and the notes below say what is missing. These metrics need none. Low is near the training
# picture in `sliced_wasserstein` (1: fine, 3: coarse) and `patch_fidelity`; a low `copy_distance`
# is memorization; a low `ms_ssim` is diversity, and so is a high `arrangement_diversity`, which
# pale and glaring versions of one scene do not have.
#
# `patch_fidelity` favors methods that copy patches: patch diffusion, and whatever is rendered.
# `large_patch_fidelity` stands beside it, which compares larger patches than those. For a clip, the
# distance to frames that were kept from the training would be another such score.
#
# The rows named "rendered" hold the same samples, drawn anew with the patches of the training
# picture. They are measured at its own size, up to 256 pixels, the other rows at the size that the
# methods work at. So compare rows of one kind with each other: a fine patch is another thing in
# each. Their `seconds` are those of drawing and rendering all sixteen.

# %%
rows = []
for name in names:
    rows.append(name)
    if render:
        rows.append(f"{name} rendered")

patch_columns = [
    "sliced_wasserstein_1",
    "sliced_wasserstein_3",
    "patch_fidelity",
    "large_patch_fidelity",
    "patch_coverage",
]
diversity_columns = ["copy_distance", "pixel_diversity", "arrangement_diversity", "ms_ssim"]
cost_columns = ["iterations", "seconds", "parameters", "peak_memory_bytes"]
for group in (patch_columns, diversity_columns, cost_columns):
    print(result.summary(group, rows))
    print()
print(result.notes())

# %% [markdown]
# ## What they draw
#
# The numbers are of sixteen samples, these are the first eight of them, from the first seed.
# Numbers rank, eyes judge: look for shuffled patches (sky under the ground), copies of the training
# picture, and mush.

# %%
sheets = {}
for name in names:
    folder = Path(out, name, "seed0")
    if (folder / "done.json").exists():
        run = open_run(folder)
        sheets["training"] = run.training_frames[:8]
        sheets[name] = run.sample_images(16, seed=1)[:8]
sheet = contact_sheet(sheets)
save_image(sheet, Path(out, "samples.png"))
sheet

# %% [markdown]
# The same samples, the first four of each row, rendered. Where a sample is unclear, the patches are
# sharp and wrong. Where it is a copy of the training picture, so is what is rendered.

# %%
sheets = {}
for name in names:
    folder = Path(out, name, "seed0")
    if render and (folder / "done.json").exists():
        images, drawn_with = render_samples(open_run(folder), 4)
        sheets["training"] = drawn_with[:4]
        sheets[f"{name} rendered"] = images

if sheets:
    sheet = contact_sheet(sheets)
    save_image(sheet, Path(out, "rendered.png"))
else:
    sheet = "Nothing was rendered."
sheet

# %% [markdown]
# ## Similar frames (Fig. 5)
#
# The more alike the frames of a clip are, the easier they are learned by heart. Here every method
# learns again from equally many frames that lie 1, 2, 5, 10 apart. In the paper, FastGAN's distance
# to the training frames falls steeply where they lie close together, and SIV-GAN's stays high.
# Where LPIPS is missing, `copy_distance` says it in pixels.

# %% tags=["nbval-ignore-output"]
skips = []
if len(frames) > 1:
    skips = [int(skip) for skip in skip_frames.split(",") if skip.strip()]

results = {}  # skip -> Comparison
for skip in skips:
    num_frames = len(frames) // max(skips)  # the same for all
    folder = Path(out, f"skip {skip}")
    chosen = load_frames(folder, stride=skip, stop=skip * num_frames)
    results[skip] = run_all(folder, chosen)

# %%
shown = []  # those of these metrics that could be computed
for metric in ("distance_to_train", "copy_distance", "fid_64", "sliced_wasserstein_3"):
    if any(x.values(name, metric) for x in results.values() for name in names):
        shown.append(metric)

for skip, x in results.items():
    print(f"one frame in {skip}, {num_frames} in all")
    print(x.summary(shown, names))
    print()

notes = []
for x in results.values():
    notes += x.notes().splitlines()
print("\n".join(dict.fromkeys(notes)))  # each once
if not results:
    print("An image, or no skip_frames: no curve.")


# %%
def plot_curve(axes: plt.Axes, name: str, metric: str) -> None:
    """A method's mean over seeds against the skip-frame factor, and the range around it."""
    values = {skip: x.values(name, metric) for skip, x in results.items()}
    finished = [skip for skip in skips if values[skip]]
    means = [mean(values[skip]) for skip in finished]
    lows = [min(values[skip]) for skip in finished]
    highs = [max(values[skip]) for skip in finished]
    (line,) = axes.plot(finished, means, marker="o", label=name)
    axes.fill_between(finished, lows, highs, alpha=0.2, color=line.get_color())


for metric in shown:
    figure, axes = plt.subplots(figsize=(5, 2.8), layout="constrained")
    for name in names:
        plot_curve(axes, name, metric)
    axes.set(xlabel="skip-frame factor", ylabel=metric, xticks=skips)
    axes.set_title("mean and range over seeds")
    axes.legend()
    plt.show()

# %% [markdown]
# ## Check
#
# The first finished run is opened anew: its first samples are measured and its last grid is drawn
# again, and both must agree with what is stored.

# %%
finished = [cell for cell in result if cell["status"] == "finished" and cell["row"] in names]
for cell in finished[:1]:
    folder = Path(out, cell["row"], f"seed{cell['seed']}")
    print("\n".join(check_run(open_run(folder))))
