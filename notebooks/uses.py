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
# SinGAN's pyramid learns the patches of one picture at every scale. Whatever is put in at a scale
# comes out made of such patches, so a generator that was trained only to draw can also edit, blend,
# paint, enlarge and animate (Rott Shaham et al. 2019, section 4). Nothing is trained again for the
# first three and the last.
#
# The stage at which a picture is put in decides how much survives: low stages redraw the layout,
# high ones only the texture. So each use is shown at two of them.
#
# The second half shows what the picture's patches can do without any network: rendering, beside
# SinGAN on the same inputs where both can do it.

# %% tags=["parameters"]
source: str = "../data_samples/beach.png"  # the picture to learn from
edited: str | None = None  # the same with parts moved by hand; None: a square of it is copied
edited_mask: str | None = None  # white where `edited` was changed
pasted: str | None = None  # the same with a foreign object in it; None: a disc of flat color
pasted_mask: str | None = None  # white where the object is
paint: str | None = None  # a sketch in flat colors; None: the picture, reduced to five colors
hole: str | None = None  # white where the picture is to be filled; None: a rectangle
layout: str | None = None  # another picture, for its arrangement; None: balloons.png beside source
method: str = "singan"  # a pyramid of siv_lite/methods
preset: str = "lesson"  # smoke (seconds), lesson (minutes on two cores) or paper (for a GPU)
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
import torch.nn.functional as F
from IPython.display import HTML

from siv_lite import contact_sheet, read_frames, rendering, save_animation, train
from siv_lite.editing import animate, edit, harmonize, main_colors, paint_to_image, super_resolve
from siv_lite.frames import resize_frames, resize_to
from siv_lite.training import check_run, measure_run

# %% [markdown]
# ## Training
#
# Coarse to fine, one stage after the other. Stopped, the same cell goes on; finished, it only opens
# the run.

# %% tags=["nbval-ignore-output"]
photograph = read_frames(source)[:1]
settings = {}
if image_size is not None:
    settings["image_size"] = image_size
run = train(method, photograph, Path(out, "pyramid"), preset, iterations, seed=seed, **settings)

frames = run.training_frames  # (1, 3, H, W): what the pyramid knows, at its own size
height, width = frames.shape[2:]
chosen_stages = [int(start) for start in starts.split(",")]
for stage, (high, wide) in enumerate(run.method.sizes):
    print(f"stage {stage}: {high} x {wide} pixels")

# %%
contact_sheet({"training image": frames, "samples": run.sample(6, seed=1)}, scale=2)

# %% [markdown]
# ## Samples of any shape, and from a chosen stage
#
# All convolutions, no fixed size: wider noise gives a wider picture. And where the coarse stages
# keep the training image's own noise, its layout stays and only finer things vary.

# %%
twice_as_wide = run.sample(3, seed=1, size=(height, 2 * width))
contact_sheet({"twice as wide": twice_as_wide}, scale=2)

# %%
rows = {}
for start in range(run.method.num_stages):
    rows[f"noise from stage {start} on"] = run.sample(6, start=start)
contact_sheet(rows, scale=2)

# %% [markdown]
# ## Editing
#
# A part of the picture is moved or copied by hand, roughly. Around the mask the fine stages redraw
# what they get, and the seams vanish. Too low a stage forgets the edit; too high a stage keeps the
# seams.

# %%
# A square of the picture is copied to another place.
side = min(height, width) // 4
top = height // 2
left = width // 8
square = frames[..., top : top + side, left : left + side]

new_rows = slice(height // 3, height // 3 + side)
new_columns = slice(width - width // 3, width - width // 3 + side)
rough = frames.clone()
rough[..., new_rows, new_columns] = square
mask = torch.zeros(1, 1, height, width)
mask[..., new_rows, new_columns] = 1

# %%
if edited is not None:
    rough = resize_to(read_frames(edited)[:1], (height, width))
    mask = resize_to(read_frames(edited_mask)[:1], (height, width))

rows = {"training image, rough edit": torch.cat([frames, rough])}
for start in chosen_stages:
    results = [edit(run, rough, mask, start, variant) for variant in range(3)]
    rows[f"put in at stage {start}"] = torch.cat(results)
contact_sheet(rows, scale=2)

# %% [markdown]
# ## Harmonization
#
# A foreign object takes on the picture's texture and palette, and keeps its shape.

# %%
# A disc of one color in the middle.
down = torch.arange(height).view(1, 1, height, 1)
right = torch.arange(width).view(1, 1, 1, width)
distance_squared = (down - height / 2) ** 2 + (right - width / 2) ** 2  # (1, 1, H, W)
disc = distance_squared < (min(height, width) / 6) ** 2
orange = torch.tensor([0.9, -0.2, -0.6]).view(1, 3, 1, 1)
naive = torch.where(disc, orange, frames)
object_mask = disc.float()

# %%
if pasted is not None:
    naive = resize_to(read_frames(pasted)[:1], (height, width))
    object_mask = resize_to(read_frames(pasted_mask)[:1], (height, width))

rows = {"training image, naive paste": torch.cat([frames, naive])}
for start in chosen_stages:
    results = [harmonize(run, naive, object_mask, start, variant) for variant in range(3)]
    rows[f"put in at stage {start}"] = torch.cat(results)
contact_sheet(rows, scale=2)

# %% [markdown]
# ## Paint to image
#
# A sketch in a few flat colors has the layout, the picture has the texture. In the last of each row
# the sketch's colors were first replaced by the nearest of the picture's five main ones.

# %%
centers = main_colors(frames, 5)  # (5, 3)
pixels = frames.permute(0, 2, 3, 1).flatten(0, 2)  # (H * W, 3)
nearest = torch.cdist(pixels, centers).argmin(1)
sketch = centers[nearest].view(1, height, width, 3).permute(0, 3, 1, 2)

# %%
if paint is not None:
    sketch = resize_to(read_frames(paint)[:1], (height, width))

rows = {"training image, sketch": torch.cat([frames, sketch])}
for start in chosen_stages:
    results = [
        paint_to_image(run, sketch, start, seed=0),
        paint_to_image(run, sketch, start, seed=1),
        paint_to_image(run, sketch, start, seed=1, colors=5),
    ]
    rows[f"put in at stage {start}"] = torch.cat(results)
contact_sheet(rows, scale=2)

# %% [markdown]
# ## Animation
#
# A random walk in the noise of all stages, always pulled back to the picture. From a higher stage
# less moves.

# %% tags=["nbval-ignore-output"]
from_coarsest = animate(run, 40, seed=2, start=0)
from_next = animate(run, 40, seed=2, start=1)
side_by_side = torch.cat([from_coarsest, from_next], dim=3)
enlarged = side_by_side.repeat_interleave(3, 2).repeat_interleave(3, 3)

path = Path(out, "animation.gif")
save_animation(enlarged, path)
encoded = b64encode(path.read_bytes()).decode()
HTML(f"<img src='data:image/gif;base64,{encoded}'>")

# %% [markdown]
# ## Super-resolution
#
# Small patches of a picture resemble larger ones of the same picture. A pyramid trained on the
# picture reduced four times, with steps of the sixth root of 4 and a heavy reconstruction loss,
# learned to add what one step of enlarging leaves out; its finest generator, applied six times,
# goes on beyond the picture it has seen. Applied only three times, over larger steps, it invents
# less.
#
# The error (RMSE, of 255) and PSNR are those of a known truth that the training never saw. Bicubic
# enlargement is the comparison; a GAN that invents texture often looks sharper and measures worse,
# because invented is not the same as right.

# %%
# The truth is four times as large as what is trained on, or as large as the photograph is.
truth = resize_frames(photograph, 4 * max(height, width))
shortest = min(truth.shape[2:])
if shortest < 4 * 32:
    # A quarter of it would be under 32 pixels, too small to learn from: enlarge the photograph.
    scale = 4 * 32 / shortest
    truth = resize_to(truth, (round(truth.shape[2] * scale), round(truth.shape[3] * scale)))
    print("The photograph is small and was enlarged first; expect every result to look soft.")

small_height = truth.shape[2] // 4
small_width = truth.shape[3] // 4
truth = truth[..., : 4 * small_height, : 4 * small_width]


# %%
def resize_bicubic(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Images (n, 3, H, W) at another size (height, width)."""
    resized = F.interpolate(images, size, mode="bicubic", antialias=True)
    return resized.clamp(-1, 1)


small = resize_bicubic(truth, (small_height, small_width))

# %% tags=["nbval-ignore-output"]
settings = {"image_size": max(small_height, small_width)}
if preset != "smoke":
    settings["reconstruction_weight"] = 100.0
    settings["scale_factor"] = 4 ** (-1 / 6)
folder = Path(out, "super_resolution")
fine = train("singan", small, folder, preset, iterations, seed=seed, **settings)

# %%
results = {
    "bicubic": resize_bicubic(small, truth.shape[2:]),
    "SinGAN, 6 steps": super_resolve(fine, 4, steps=6),
    "SinGAN, 3 steps": super_resolve(fine, 4, steps=3),
}
for name, image in results.items():
    rmse = (image - truth).square().mean().sqrt().item() * 127.5
    psnr = 20 * math.log10(255 / rmse)
    print(f"{name:<16} RMSE {rmse:5.2f}   PSNR {psnr:5.2f} dB")

# %%
contact_sheet({"truth": truth, **results})

# %% [markdown]
# ## The same without a network
#
# Rendering knows the picture's patches as the pyramid does, and was not trained. What it is given
# is drawn anew with these patches, at the picture's own size. Here are the three tasks from above
# with the same inputs: what was put in, what SinGAN made of it, and what is rendered. `strength`
# takes the place of the stage: 0 leaves everything as it is, 1 draws everything anew. Only SinGAN
# is told by a mask where something was changed; rendering redraws the whole picture.


# %%
def enlarge(images: torch.Tensor) -> torch.Tensor:
    """Small images, every pixel a block, at the photograph's size."""
    return F.interpolate(images, photograph.shape[2:])


stage = chosen_stages[0]
trios = {
    "copied by hand, SinGAN, rendered": [
        enlarge(rough),
        enlarge(edit(run, rough, mask, stage, seed=0)),
        rendering.harmonize(rough, photograph),
    ],
    "pasted, SinGAN, rendered": [
        enlarge(naive),
        enlarge(harmonize(run, naive, object_mask, stage, seed=0)),
        rendering.harmonize(naive, photograph),
    ],
    "sketch, SinGAN, rendered": [
        enlarge(sketch),
        enlarge(paint_to_image(run, sketch, stage, seed=0)),
        rendering.harmonize(sketch, photograph, strength=0.6),
    ],
}
contact_sheet({caption: torch.cat(images) for caption, images in trios.items()})

# %% [markdown]
# Rendering is sharp, as large as the picture, and knows no new things. On the beach the orange disc
# becomes a sand bank in the sea, since sand is what comes nearest to orange; SinGAN keeps a disc,
# in the picture's red. The copied square stays in the sea as a piece of the shore. From the sketch
# rendering makes a whole beach; this small SinGAN, from so low a stage, does not.
#
# ## Another shape
#
# Twice as wide, or half: things keep their size and their number changes. The noise of SinGAN makes
# a new scene; rendering starts from the picture itself, squeezed or stretched at a small size. The
# less room there is, the more goes wrong: look for pieces of sky in the sea.

# %%
full_height, full_width = photograph.shape[2:]
wide = rendering.retarget(photograph, (full_height, 2 * full_width))
narrow = rendering.retarget(photograph, (full_height, full_width // 2), samples=2)
rows = {
    "the picture": photograph,
    "SinGAN, twice as wide": twice_as_wide[:1],
    "rendered, twice as wide": wide,
    "rendered, half as wide": narrow,
}
contact_sheet(rows)

# %% [markdown]
# ## Filling a region
#
# Whatever stands in a region is removed, and the patches of the rest fill it. Outside of it no
# pixel changes. This is not one of SinGAN's uses. The larger the region, the more has to be
# invented, and patches invent nothing: a half-covered thing is continued or cut off.

# %%
region = torch.zeros(1, 1, full_height, full_width)
region_rows = slice(full_height * 4 // 7, full_height * 24 // 25)
region_columns = slice(full_width // 11, full_width * 2 // 7)
region[..., region_rows, region_columns] = 1
if hole is not None:
    region = resize_to(read_frames(hole)[:1], (full_height, full_width))[:, :1].gt(0).float()

kept = photograph * (1 - region)
filled = rendering.inpaint(photograph, region, samples=2)
assert torch.equal(filled * (1 - region), kept.expand_as(filled)), "pixels changed outside"
rows = {"the picture, what is left, two ways to fill it": torch.cat([photograph, kept, filled])}
contact_sheet(rows)

# %% [markdown]
# ## The arrangement of one picture, the patches of another
#
# A *structural analogy*: what stands where comes from one picture, what it looks like from another.
# First the colors of the one get the distribution of the other's; then the result is drawn with the
# other's patches. So what is dark in the sky of the one becomes what is dark in the other: balloons
# become sea. The larger the strength, the more the second picture decides.

# %%
path = Path(layout or Path(source).with_name("balloons.png"))
other = read_frames(path)[:1] if path.exists() else photograph.flip(3)
drawn = [rendering.analogy(other, photograph, strength) for strength in (0.5, 0.7, 0.85)]
rows = {"the arrangement": other, "with the picture's patches: 0.5, 0.7, 0.85": torch.cat(drawn)}
contact_sheet(rows)

# %% [markdown]
# ## Seamless tiles
#
# A texture for a wall or a game has to continue at its opposite borders. Here a piece of the
# picture's bottom is the texture. Laid twice in each direction, it shows its seams; the tile that
# is drawn with its patches has none, though one sees what repeats.

# %%
texture_height = max(16, full_height // 3)
texture = photograph[..., -texture_height:, : full_width // 2]
tile = rendering.tile(texture)
rows = {"texture, repeated": texture.repeat(1, 1, 2, 2), "tile, repeated": tile.repeat(1, 1, 2, 2)}
contact_sheet(rows)

# %% [markdown]
# ## Check
#
# Both runs are opened anew; their first samples are measured again and their last grid is drawn
# again.

# %%
for each in (run, fine):
    measure_run(each)
    print("\n".join(check_run(each)))
