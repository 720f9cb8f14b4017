# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## New scenes from one picture
#
# Click on a small picture, drag *Walk*, point at the scene; **?** says more.

# %% tags=["parameters"]
out: str = "../runs"  # folder of runs, or of one run, to open; new ones are put there

# %% tags=["nbval-ignore-output"]
import os

from siv_lite.widgets import explore, microscope, trace, upload

# make explore RUNS=... sets the variable; otherwise runs that were shipped are shown too.
folders = [out, "../data_samples/runs"]
if "SIV_LITE_RUNS" in os.environ:
    folders = [os.environ["SIV_LITE_RUNS"]]

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
# SIV-GAN's discriminator judges with three parts. Drag the outlined balloon, or turn its hue: which
# part minds? Relative to a change of colors, the layout minds a move more than the content does.

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
