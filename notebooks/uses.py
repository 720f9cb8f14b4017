# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One generator, many uses
#
# SinGAN's pyramid learns the patches of one picture at every scale. Whatever is put in at a scale comes out made of
# such patches, so a generator that was trained only to draw can also edit, blend, paint, enlarge and animate
# (Rott Shaham et al. 2019, section 4). Nothing is trained again for the first three and the last.
#
# The stage at which a picture is put in decides how much survives: low stages redraw the layout, high ones only the
# texture. So each use is shown at two of them.

# %% tags=["parameters"]
source: str = "../data_samples/beach.png"  # the picture to learn from
edited: str | None = None  # the same with parts moved by hand; None: a square of it is copied elsewhere
edited_mask: str | None = None  # white where `edited` was changed
pasted: str | None = None  # the same with a foreign object pasted in; None: a disc of flat color
pasted_mask: str | None = None  # white where the object is
paint: str | None = None  # a sketch in flat colors; None: the picture itself, reduced to five colors
method: str = "singan"  # a pyramid of siv_lite/methods
preset: str = "lesson"  # smoke (seconds), lesson (minutes on two cores) or paper (the paper's, for a GPU)
iterations: int | None = None  # of every stage; None: as many as the preset says
image_size: int | None = None  # longest side in pixels to train at; None: the preset's
starts: str = "1,2"  # the two stages at which pictures are put in, with a comma between
seed: int = 0  # of the weights and of all that is drawn in training
out: str = "../runs/uses"  # folder for both runs

# %% tags=["nbval-ignore-output"]
import math
from base64 import b64encode
from pathlib import Path

import torch
from IPython.display import HTML

from siv_lite import contact_sheet, read_frames, save_animation, train
from siv_lite.editing import animate, edit, harmonize, main_colors, paint_to_image, super_resolve
from siv_lite.frames import resize_frames
from siv_lite.training import check_run, measure_run

# %% [markdown]
# ## Training
#
# Coarse to fine, one stage after the other. Stopped, the same cell goes on; finished, it only opens the run.

# %% tags=["nbval-ignore-output"]
photograph = read_frames(source)[:1]
settings = {} if image_size is None else {"image_size": image_size}
run = train(method, photograph, Path(out, "pyramid"), preset, iterations, seed=seed, **settings)
frames = run.training_frames  # what the pyramid knows, at its own size
size = max(frames.shape[2:])
first, second = (int(start) for start in starts.split(","))
print("Stages:", ", ".join(f"{stage}: {size[0]} x {size[1]}" for stage, size in enumerate(run.method.sizes)))

# %%
contact_sheet({"training image": frames, "samples": run.sample(6, seed=1)}, scale=2)

# %% [markdown]
# ## Samples of any shape, and from a chosen stage
#
# All convolutions, no fixed size: wider noise gives a wider picture. And where the coarse stages keep the training
# image's own noise, its layout stays and only finer things vary.

# %%
wide = (frames.shape[2], 2 * frames.shape[3])
contact_sheet({"twice as wide": run.sample(3, seed=1, size=wide)}, scale=2)

# %%
rows = {f"noise from stage {start} on": run.sample(6, start=start) for start in range(run.method.num_stages)}
contact_sheet(rows, scale=2)

# %% [markdown]
# ## Editing
#
# A part of the picture is moved or copied by hand, roughly. Around the mask the fine stages redraw what they get, and
# the seams vanish. Too low a stage forgets the edit; too high a stage keeps the seams.

# %%
height, width = frames.shape[2:]
rough, mask = frames.clone(), torch.zeros(1, 1, height, width)
side, top, left = height // 4, height // 2, width // 8
to_top, to_left = height // 3, width - width // 3
rough[..., to_top : to_top + side, to_left : to_left + side] = frames[..., top : top + side, left : left + side]
mask[..., to_top : to_top + side, to_left : to_left + side] = 1
if edited:
    rough, mask = read_frames(edited, size), read_frames(edited_mask, size)

# %%
rows = {
    f"put in at stage {start}": torch.cat([edit(run, rough, mask, start, k) for k in range(3)])
    for start in (first, second)
}
contact_sheet({"training image, rough edit": torch.cat([frames, rough])} | rows, scale=2)

# %% [markdown]
# ## Harmonization
#
# A foreign object takes on the picture's texture and palette, and keeps its shape.

# %%
down, right = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
disc = ((down - height / 2) ** 2 + (right - width / 2) ** 2 < (height / 6) ** 2)[None, None]
naive, object_mask = torch.where(disc, torch.tensor([0.9, -0.2, -0.6]).view(1, 3, 1, 1), frames), disc.float()
if pasted:
    naive, object_mask = read_frames(pasted, size), read_frames(pasted_mask, size)

# %%
rows = {
    f"put in at stage {start}": torch.cat([harmonize(run, naive, object_mask, start, k) for k in range(3)])
    for start in (first, second)
}
contact_sheet({"training image, naive paste": torch.cat([frames, naive])} | rows, scale=2)

# %% [markdown]
# ## Paint to image
#
# A sketch in a few flat colors has the layout, the picture has the texture. In the last of each row the sketch's
# colors were first replaced by the nearest of the picture's five main ones.

# %%
centers = main_colors(frames, 5)
nearest = torch.cdist(frames.permute(0, 2, 3, 1).flatten(0, 2), centers).argmin(1)
sketch = centers[nearest].view(1, height, width, 3).permute(0, 3, 1, 2)
sketch = read_frames(paint, size) if paint else sketch

# %%
rows = {
    f"put in at stage {start}": torch.cat(
        [paint_to_image(run, sketch, start, k, colors) for k, colors in ((0, None), (1, None), (1, 5))]
    )
    for start in (first, second)
}
contact_sheet({"training image, sketch": torch.cat([frames, sketch])} | rows, scale=2)

# %% [markdown]
# ## Animation
#
# A random walk in the noise of all stages, always pulled back to the picture. From a higher stage less moves.

# %% tags=["nbval-ignore-output"]
moving = torch.cat([animate(run, 40, seed=2, start=start) for start in (0, 1)], dim=3)
path = Path(out, "animation.gif")
save_animation(moving.repeat_interleave(3, 2).repeat_interleave(3, 3), path)
HTML(f"<img src='data:image/gif;base64,{b64encode(path.read_bytes()).decode()}'>")

# %% [markdown]
# ## Super-resolution
#
# Small patches of a picture resemble larger ones of the same picture. A pyramid trained on the picture reduced four
# times, with steps of the sixth root of 4 and a heavy reconstruction loss, learned to add what one step of enlarging
# leaves out; its finest generator, applied six times, goes on beyond the picture it has seen. Applied only three times,
# over larger steps, it invents less.
#
# The error (RMSE, of 255) and PSNR are those of a known truth that the training never saw. Bicubic enlargement is the
# comparison; a GAN that invents texture often looks sharper and measures worse, because invented is not the same as
# right.

# %% tags=["nbval-ignore-output"]
large = resize_frames(photograph, 4 * size)
large = large[..., : large.shape[2] // 4 * 4, : large.shape[3] // 4 * 4]
small = torch.nn.functional.interpolate(large, scale_factor=0.25, mode="bicubic", antialias=True).clamp(-1, 1)
settings = {"image_size": max(small.shape[2:])}
if preset != "smoke":
    settings |= {"reconstruction_weight": 100.0, "scale_factor": 4 ** (-1 / 6)}
fine = train("singan", small, Path(out, "super_resolution"), preset, iterations, seed=seed, **settings)

# %%
bicubic = torch.nn.functional.interpolate(small, size=large.shape[2:], mode="bicubic", antialias=True).clamp(-1, 1)
results = {"bicubic": bicubic} | {f"SinGAN, {steps} steps": super_resolve(fine, 4, steps) for steps in (6, 3)}
for name, picture in results.items():
    error = (picture - large).square().mean().sqrt().item() * 127.5
    print(f"{name:<16} RMSE {error:5.2f}   PSNR {20 * math.log10(255 / error):5.2f} dB")

# %%
contact_sheet({"truth": large} | results)

# %% [markdown]
# ## Check
#
# Both runs are opened anew; their first samples are measured again and their last grid is drawn again.

# %%
for each in (run, fine):
    measure_run(each)
    print("\n".join(check_run(each)))
