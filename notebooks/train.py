# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train, measure, and check again
#
# This notebook trains one method on one image or clip. Run it here, or into a folder of its own:
#
#     python tools/execute.py notebooks/train.ipynb runs/street \
#         -p source data_samples/street.png -p preset paper
#
# The folder then holds the run (settings, log, grids, checkpoints, metrics) and this notebook,
# executed. Stopped at any moment, the same command goes on from the last checkpoint. Once the run
# has finished, it is only opened, so that executing the notebook again is a check, on any machine
# and without a GPU, that takes less than a minute:
#
#     cd runs/street && pytest --nbval --nbval-cell-timeout=300 train.ipynb

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # image, folder of images, GIF or video to learn from
method: str = "siv_gan"  # a file in siv_lite/methods
preset: str = "lesson"  # smoke (seconds), lesson (minutes on two cores) or paper (for a GPU)
iterations: int | None = None  # None: as many as the preset says
image_size: int | None = None  # longest side in pixels to train at; None: the preset's
seed: int = 0  # of the weights and of all that is drawn in training
device: str = "auto"  # auto (CUDA where there is one), cpu, cuda or cuda:1
precision: str = "fp32"  # fp32, tf32 or bf16; the last two are for CUDA
settings: dict = {}  # single settings of the method, for ablations: {"diversity": "none"}
out: str = "../runs/balloons"  # folder of the run

# %% tags=["nbval-ignore-output"]
from pathlib import Path

from siv_lite import credit, open_run, read_frames, save_image, train
from siv_lite.figures import plot_losses, show_images
from siv_lite.frames import scene_sheet
from siv_lite.training import check_run, measure_run

# %% [markdown]
# ## The run
#
# A finished run needs neither its source nor the device it was trained on: its frames lie in its
# folder. What it does need is that these parameters are still the ones it was trained with; `train`
# compares them and refuses any others. Meanwhile the folder `samples` fills with grids of new
# pictures.

# %% tags=["nbval-ignore-output"]
source_is_gone = Path(out, "done.json").exists() and not Path(source).exists()
if source_is_gone:
    frames = open_run(out).frames
else:
    frames = read_frames(source)
if credit(source):
    print(f"Photograph: {credit(source)}")

if image_size is not None:
    settings["image_size"] = image_size
run = train(method, frames, out, preset, iterations, device, seed, precision, **settings)
run

# %% [markdown]
# ## What it learned from, and what it draws
#
# Above the training frame (of a clip, the first eight), below new pictures. Look for objects that
# moved, multiplied or vanished while the scene stays believable: that is what the method is for. A
# grid of copies, or of mush, is a failure.

# %%
show_images(run.training_frames[:8], "training")
show_images(run.sample(16, seed=1), "new")

# %% [markdown]
# ## At the picture's own size
#
# The method decides what stands where; here the patches of the training frames draw it, at the
# frames' own size and without any training. Of a method that makes videos, these are single frames.
# From 480 x 640 pixels on a picture takes some seconds, so there are seven.

# %%
small = run.sample_images(7, seed=1)
scenes = run.render(small, seed=1)
sheet = scene_sheet(run.frames, scenes, small)
save_image(sheet, Path(out, "scenes.png"))
sheet

# %% [markdown]
# ## Losses
#
# A GAN's losses do not fall to zero. They should settle: the discriminator (D) above zero, the
# generator (G) not running away from it, and the diversity of G's features away from zero. Thin: as
# logged; thick: running mean.

# %%
plot_losses(run.log())

# %% [markdown]
# ## Metrics
#
# Sixteen samples against what they were learned from. The first execution stores this table in
# `metrics.json`, and every later one prints what is stored.

# %%
table = measure_run(run)
print(table)

# %% [markdown]
# ## Check
#
# The run is opened anew. Its first four samples are drawn and measured again and must agree to 2 %,
# because devices round differently; so must the last grid of the training. A damaged checkpoint,
# another value or a grid that looks different raises an error here that names it.

# %%
print("\n".join(check_run(run)))
