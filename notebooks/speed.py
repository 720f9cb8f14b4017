# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What a training step costs
#
# A network that learns from one picture is trained for a hundred thousand steps, so a step has to
# be cheap. This notebook measures one, and shows the three exact identities and the one habit that
# take work out of it. Exact means: the same function, not an approximation, so that nothing about
# the method changes.

# %% tags=["parameters"]
methods: str = "siv_gan"  # or any other method of siv_lite, with commas between
configurations: str = "lesson,paper"  # also smoke; lesson is 48 x 64, SIV-GAN's paper 192 x 320
render_sizes: str = "96x128,192x256,480x640"  # height x width of rendered images, ascending
out: str = "../runs/speed"  # folder for speed.json

# %% tags=["nbval-ignore-output"]
import json
import math
import sys
import time
from pathlib import Path
from unittest.mock import patch

import torch
import torch.nn.functional as F

import siv_lite
from siv_lite import render
from siv_lite.figures import plot_lines
from siv_lite.files import atomic_write
from siv_lite.methods import find_method, make_settings
from siv_lite.nn import SpectralNetwork, pool_kernel, upsample_kernel

# %% tags=["nbval-ignore-output"]
# The tools lie beside the package, or beside this notebook's folder.
sys.path.insert(0, str(Path(siv_lite.__file__).parents[1] / "tools"))
sys.path.insert(0, "../tools")
from measure import count_work, measure_configuration, name_configuration

# %% [markdown]
# ## Measured
#
# Each configuration runs in a process of its own, so that its peak memory is its own. Seconds mean
# little on another computer; their ratio to a plain product of two 2048 x 2048 matrices, timed in
# the same process, travels better. The arithmetic (flops) and the number of operations do not
# depend on the computer at all. What exactly is counted stands in `tools/measure.py`. A method that
# grows in stages is measured by one step in every stage and their sum, and GPDM, which trains
# nothing, by one picture.

# %% tags=["nbval-ignore-output"]
results = {}
for method in methods.split(","):
    for preset in configurations.split(","):
        name = name_configuration(method.strip(), preset.strip())
        results[name] = measure_configuration(name)

with atomic_write(Path(out, "speed.json")) as temporary:
    temporary.write_text(json.dumps(results, indent=1) + "\n")


# %%
def format_step(label: str, step: dict, matmul_seconds: float) -> str:
    """What one step costs, of a whole method or of one of its stages."""
    gflop = step["flops_per_step"] / 1e9
    operations = step["operations_per_step"]
    seconds = step["seconds_per_step"]
    matmuls = seconds / matmul_seconds
    return f"{label:<18}{gflop:10.2f}{operations:12}{seconds:10.3f}{matmuls:16.2f}"


# %% tags=["nbval-ignore-output"]
print(f"{'':18}     GFLOP  operations  s a step  matmuls a step  MB at peak  s a sample")
for name, row in results.items():
    peak = (row["peak_memory_bytes"] or math.nan) / 1e6
    step = format_step(name, row, row["matmul_seconds"])
    print(f"{step}{peak:12.0f}{row['sample_seconds']:12.4f}")
    for number, stage in enumerate(row.get("stages", [])):
        print(format_step(f"  stage {number}", stage, row["matmul_seconds"]))

# %% [markdown]
# ## Upsampling before a convolution
#
# The generator doubles its maps by repeating every pixel and then convolves them, 3 x 3.
# Neighboring taps of the kernel then read the same repeated pixel, so they can be added up
# beforehand: nine products per output pixel become four, in one transposed convolution. The
# identity holds for every picture and kernel; here for random ones.

# %%
images = torch.randn(2, 8, 12, 16)
weight = torch.randn(4, 8, 3, 3)


def compare(plain, folded) -> str:
    """Check that two functions agree; tell how much arithmetic the second saves."""
    torch.testing.assert_close(folded(), plain(), rtol=1e-4, atol=1e-4)
    flops_plain, *_ = count_work(plain)
    flops_folded, *_ = count_work(folded)
    return f"equal, with {flops_plain / flops_folded:.2f} times less arithmetic"


def double(images: torch.Tensor) -> torch.Tensor:
    """Repeat every pixel twice, along both sides."""
    return F.interpolate(images, scale_factor=2, mode="nearest")


# %%
compare(
    lambda: F.conv2d(double(images), weight, padding=1),
    lambda: F.conv_transpose2d(images, upsample_kernel(weight), stride=2, padding=1),
)

# %% [markdown]
# ## Averaging after a convolution
#
# The discriminator does the reverse: it convolves and then averages 2 x 2 pixels. The mean of four
# shifted kernels is one 4 x 4 kernel, used at every second pixel: 16 products for each pixel that
# is left, where four times nine were needed.

# %%
compare(
    lambda: F.avg_pool2d(F.conv2d(images, weight, padding=1), 2),
    lambda: F.conv2d(images, pool_kernel(weight), stride=2, padding=1),
)

# %% [markdown]
# ## Shortcuts
#
# A 1 x 1 convolution treats every pixel alike, so it may as well run where there are fewer of them:
# before the upsampling in the generator, after the averaging in the discriminator. A quarter of the
# pixels, a quarter of the arithmetic.

# %%
point = weight[:, :, :1, :1]
compare(
    lambda: F.conv2d(double(images), point),
    lambda: double(F.conv2d(images, point)),
)

# %%
compare(
    lambda: F.avg_pool2d(F.conv2d(images, point), 2),
    lambda: F.conv2d(F.avg_pool2d(images, 2), point),
)

# %% [markdown]
# ## One power iteration per update
#
# Spectral normalization divides each weight by its largest singular value, which a power iteration
# tracks. The usual implementation iterates in every forward pass. But a step passes four times
# through a network (both of them, once for each update), while each network's weights change only
# once; so here each is normalized once, after its own update.

# %%
frames = torch.rand(1, 3, 48, 64) * 2 - 1
settings = make_settings("siv_gan", "smoke")
model = find_method("siv_gan")(frames, settings, torch.device("cpu"), "fp32", seed=0)

original = SpectralNetwork.normalize
with patch.object(SpectralNetwork, "normalize", autospec=True, side_effect=original) as normalize:
    model.step()
normalized = [call.args[0] for call in normalize.call_args_list]
assert normalized == [model.D, model.G]
f"{len(normalized)} normalizations for 4 passes"

# %% [markdown]
# ## Rendering
#
# Samples are small because a step on many pixels is dear. `render` draws them at the photograph's
# size, without training. Below, samples of 48 x 64 pixels are rendered with images of growing size
# (soft noise: what they show hardly matters), two at once; everything is per picture.
#
# At small sizes each patch is compared with all patches of the image: twice the pixels would be
# four times the work. From a certain size on it is only looked for around the places where its
# neighbors were found at the coarser size. Then work grows as the pixels do, or slower, since the
# coarse sizes cost the same for all.


# %%
def measure_rendering(height: int, width: int) -> dict[str, float]:
    """What it costs to render one sample at a size, with an image of that size."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    soft = F.interpolate(coarse, (height, width), mode="bicubic")
    grain = torch.rand(1, 3, height, width, generator=generator)
    image = (1.4 * soft + 0.4 * grain - 0.9).clamp(-1, 1)
    samples = F.interpolate(image, (48, 64), mode="area").repeat(2, 1, 1, 1)

    flops, operations = count_work(lambda: render(samples, image))
    begin = time.process_time()  # CPU seconds, so that other programs hardly matter
    render(samples, image)
    seconds = time.process_time() - begin
    return {
        "pixels": height * width,
        "seconds": seconds / len(samples),
        "flops": flops / len(samples),
        "operations": operations,
    }


# %% tags=["nbval-ignore-output"]
rendering = {}
for size in render_sizes.split(","):
    height, width = (int(side) for side in size.split("x"))
    rendering[size.strip()] = measure_rendering(height, width)

with atomic_write(Path(out, "rendering.json")) as temporary:
    temporary.write_text(json.dumps(rendering, indent=1) + "\n")

# %% tags=["nbval-ignore-output"]
print(f"{'':12}  pixels  CPU s a picture  us a pixel   GFLOP  x pixels  x seconds")
before = None
for size, row in rendering.items():
    pixels, seconds = row["pixels"], row["seconds"]
    line = f"{size:12}{pixels:8}{seconds:17.3f}{1e6 * seconds / pixels:12.1f}"
    line += f"{row['flops'] / 1e9:8.2f}"
    if before is not None:
        line += f"{pixels / before['pixels']:10.1f}{seconds / before['seconds']:11.1f}"
    print(line)
    before = row

# %% [markdown]
# The last two columns are ratios to the line above. Where the second is at most the first, the
# curve is no worse than linear; from 192 x 256 on it should be. In the figure, a straight line
# through the first point shows what linear would be.

# %%
pixels = [row["pixels"] for row in rendering.values()]
seconds = [row["seconds"] for row in rendering.values()]
linear = [seconds[0] * count / pixels[0] for count in pixels]
lines = {"rendering": seconds, "linear from the first": linear}
plot_lines(lines, pixels, xscale="log", yscale="log", xlabel="pixels", ylabel="CPU s a picture")

# %% [markdown]
# ## On a GPU
#
# There the arithmetic is over quickly and the waiting begins: for a small network most of a step is
# launching its operations one by one. `train` therefore records a step once as a CUDA graph and
# replays it with a single launch; measured there, `speed.json` has that time too, as
# `captured_seconds_per_step`.
