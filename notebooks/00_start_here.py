# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here
#
# One picture is enough. In a few minutes, on an ordinary computer without a GPU, a small
# network learns what a single scene is made of and draws new versions of it: things move, multiply,
# vanish, while the scene stays believable.

# %%
from siv_lite.figures import show_map

show_map()

# %% [markdown]
# That is all of it on one page. You need not understand it today: each of the eleven lessons after
# this one lights up a part. The method is SIV-GAN (Sushko et al. 2021), and all of it is in this
# repository to be read and taken apart.
#
# Run the cells from top to bottom. If you change something, give `out` another folder; a folder
# holds one training.

# %% tags=["parameters"]
source: str = "../data_samples/balloons.png"  # image, folder of images, GIF or video to learn from
preset: str = "lesson"  # smoke (seconds), lesson (minutes on two cores) or paper (for a GPU)
iterations: int | None = None  # None: as many as the preset says
image_size: int | None = None  # longest side in pixels to train at; None: the preset's
seed: int = 0  # of the weights and of all that is drawn in training
out: str = "../runs/start_here"  # folder of the run

# %% tags=["nbval-ignore-output"]
import importlib.util
import os
import platform
from base64 import b64encode
from pathlib import Path

import torch
from IPython.display import HTML

import siv_lite
from siv_lite import (
    credit,
    image_grid,
    open_run,
    read_frames,
    save_animation,
    save_image,
    train,
)
from siv_lite.figures import plot_losses, show_images
from siv_lite.frames import resize_to, scene_sheet
from siv_lite.training import check_run, measure_run

# %% [markdown]
# ## Your computer
#
# Nothing here can fail: what is missing only narrows what you can do, and each line says how.

# %% tags=["nbval-ignore-output"]
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
video = importlib.util.find_spec("cv2")
lpips = importlib.util.find_spec("lpips")
print(f"siv_lite {siv_lite.__version__}, Python {platform.python_version()}")
print(f"PyTorch {torch.__version__}, on {torch.get_num_threads()} of {os.cpu_count()} cores")
print(f"GPU: {gpu or 'none, so stay with small pictures and the preset `lesson`'}")
print(f"Videos: {'yes' if video else 'cannot be read; pip install opencv-python-headless'}")
print(f"LPIPS: {'if its weights are there' if lpips else 'pip install lpips torchvision'}")

# %% [markdown]
# ## The training image
#
# Ten balloons over four ridges, drawn by a script of this project. Remember where they are; soon
# they will not be. Frames are tensors of shape `(N, 3, height, width)` with values from -1 to 1;
# here N is 1, for a clip it is larger.

# %% tags=["nbval-ignore-output"]
finished = Path(out, "done.json").exists()
if finished and not Path(source).exists():
    frames = open_run(out).frames
else:
    frames = read_frames(source)
show_images(frames[:1], "training image", scale=384 / frames.shape[3])
if credit(source):
    print(f"Photograph: {credit(source)}")

# %% [markdown]
# ## Training
#
# Two networks play a game. The generator turns random numbers, 64 for each of a few dozen cells of
# the scene, into a picture; the discriminator tells pictures from the training image, judging
# content and layout separately so that it cannot simply learn the image by heart.
#
# The preset `lesson` takes about six minutes on two cores. Early on, in the first minute, the file
# `first_scenes.png` in `out` shows what there is by then, and the folder `samples` fills with
# grids. Stop whenever you like: the same cell continues where it stopped, and once finished it only
# opens the result.


# %% tags=["nbval-ignore-output"]
def show_first_scenes(iteration: int, losses: dict[str, float]) -> None:
    """Draw a few scenes as soon as the training has had 500 iterations."""
    path = Path(out, "first_scenes.png")
    if iteration >= 500 and not path.exists():
        early = open_run(out, "cpu").sample(6, seed=1, render=True)
        save_image(image_grid(early, columns=3), path)


if not finished:
    print(f"What there is after 500 iterations: {Path(out, 'first_scenes.png').resolve()}")
settings = {} if image_size is None else {"image_size": image_size}
run = train(
    "siv_gan", frames, out, preset, iterations, seed=seed, on_log=show_first_scenes, **settings
)

# %% [markdown]
# ## New scenes
#
# Each picture comes from other random numbers. Compare them with the training image: which balloons
# moved, which are gone, which appear twice? If all look alike the network has collapsed; if all
# look like mush it needs longer.


# %%
def enlarge(images: torch.Tensor) -> torch.Tensor:
    """Every pixel three times as high and wide."""
    return images.repeat_interleave(3, 2).repeat_interleave(3, 3)


images = run.sample(11, seed=1)
training_image = resize_to(run.frames[:1], images.shape[2:])  # as small as the scenes
shown = torch.cat([training_image, images])
save_image(image_grid(enlarge(shown)), Path(out, "grid.png"))
show_images(shown, "training image (top left) and new scenes", scale=3)

# %% [markdown]
# ## The same scenes at the picture's own size
#
# The network decides *what stands where*, in a few thousand pixels; more would take hours. The
# training image shows *what things look like*. So each scene is drawn anew with the patches of the
# training image, from coarse to fine and without any training: about half a second a picture of
# 192 x 256 pixels on one core. Is each balloon whole now? Where the small scene was unclear, the
# patches can be of the wrong thing, and a balloon half a bush.

# %%
small = images[:7]  # the first of the scenes above
scenes = run.render(small, seed=1)  # run.sample(7, seed=1, render=True) gives them in one call
sheet = scene_sheet(run.frames, scenes, small)
save_image(sheet, Path(out, "scenes.png"))
sheet

# %% [markdown]
# ## A walk
#
# The random numbers can change little by little, along a circle that ends where it began. The scene
# changes with them. A smooth walk shows that the network learned a space of scenes and not a
# handful of pictures.

# %% tags=["nbval-ignore-output"]
walk = run.walk(24, seed=2)
save_animation(enlarge(walk), Path(out, "walk.gif"))
data = b64encode(Path(out, "walk.gif").read_bytes()).decode()
HTML(f"<img alt='a walk' src='data:image/gif;base64,{data}'>")

# %% [markdown]
# ## How the game went
#
# A GAN's losses do not fall to zero; they settle. Of D and G neither should win for good.

# %%
plot_losses(run.log())

# %% [markdown]
# ## Three questions, in numbers
#
# - Is it **sharp**? `sliced_wasserstein_1` compares the finest patches with those of the training
#   image. 0: the same statistics; well above the coarser levels: blur or noise.
# - Is it **complete**? `patch_coverage` is how far the training image's patches are from the
#   nearest in a sample. Low: nothing of the scene is lost.
# - Is it **new**? `copy_distance` is the smallest difference to the training image, in gray levels
#   of 255. Near 0: memorized. `pixel_diversity` near 0: all samples are the same.
#
# None of them needs weights of other networks. No number replaces looking; together they catch what
# the eye forgives.

# %%
table = measure_run(run)
for name in ("sliced_wasserstein_1", "patch_coverage", "copy_distance", "pixel_diversity"):
    print(f"{name:<22}{table[name]:.3g}")

# %% [markdown]
# These numbers are kept with the run. The last cell opens the run again, measures a few samples
# anew and draws the last grid of the training again, and raises an error if anything disagrees: the
# result is checked, not remembered.

# %%
print("\n".join(check_run(run)))

# %% [markdown]
# ## Where to go next
#
# - `01_one_image_is_a_data_set` begins the course: eleven lessons, most under a minute of
#   computing.
# - `explore.ipynb` (or `make explore`) has sliders for this run and the shipped ones.
# - Put a photograph of your own into `source` and another folder into `out`. Scenes with several
#   separate things work best; a single face does not. `sample:coffee` is a photograph, too: it
#   comes with scikit-image, which `make` has installed.
# - `train.ipynb` has every setting, the whole table of metrics, and runs unattended into a folder
#   of its own.
# - `speed.ipynb` shows what a step costs, and the identities that make it cheap.
# - `siv_lite/methods/siv_gan.py` is the method itself, section by section as in the paper.
