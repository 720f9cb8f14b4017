# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore what was learned from one picture
#
# This page is a notebook too: `make explore` shows it without its code, and in JupyterLab its cells
# run as any others. It looks at runs, which are folders that trainings leave, and reads nothing
# else.

# %% tags=["parameters"]
out: str = "../runs"  # folder of runs, or of one run, to open; new ones are put there

# %% tags=["nbval-ignore-output"]
import os

from siv_lite.widgets import explore, microscope, trace, upload

# make explore RUNS=... sets the variable; otherwise runs that were shipped are shown too.
folders = [out, "../data_samples/runs"]
if "SIV_LITE_RUNS" in os.environ:
    folders = [os.environ["SIV_LITE_RUNS"]]

# %% [markdown]
# ## New pictures
#
# Every seed stands for one picture. *Walk* goes from the picture of the first seed to that of the
# second, *Temperature* makes the random numbers smaller or larger: at 0 all seeds show the same.
# Pyramids also show their coarse *stages*; *Start* is the first stage that is left to chance, below
# it stands the training picture.
#
# What the method drew is small and shown at once. A moment later it is *rendered*: drawn anew with
# the photograph's patches, at the photograph's own size when it is saved.

# %% tags=["nbval-ignore-output"]
explore(*folders)

# %% [markdown]
# ## Where its pixels come from
#
# Move the pointer over the rendered picture on the right, or choose a place with *Row* and
# *Column*: a frame in the photograph shows the patch that it was drawn with.

# %% tags=["nbval-ignore-output"]
trace(*folders)

# %% [markdown]
# ## What the discriminator sees
#
# SIV-GAN's discriminator judges with three parts. Choose a rectangle around a thing and move it, or
# change its hue: which part minds? Relative to a change of colors, the layout minds a move more
# than the content does.

# %% tags=["nbval-ignore-output"]
microscope(*folders)

# %% [markdown]
# ## A picture of your own
#
# Files up to about 10 MB. `lesson` takes minutes; training goes on while you look around above
# (*List again* finds the new run). Stopped, or with its server ended, it is saved; the same file
# with the same settings goes on from there.

# %% tags=["nbval-ignore-output"]
upload(folders[0])
