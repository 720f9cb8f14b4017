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
# A network that learns from one picture is trained for a hundred thousand steps, so a step has to be cheap. This
# notebook measures one, and shows the three exact identities and the one habit that take work out of it. Exact means:
# the same function, not an approximation, so that nothing about the method changes.

# %% tags=["parameters"]
methods: str = "siv_gan"  # of siv_gan, singan, consingan, fastgan, hp_vae_gan and gpdm, with commas between
configurations: str = "lesson,paper"  # of smoke, lesson (48 x 64) and paper (SIV-GAN: 192 x 320), with commas between
out: str = "../runs/speed"  # folder for speed.json

# %% tags=["nbval-ignore-output"]
import itertools
import json
import math
import sys
from pathlib import Path
from unittest.mock import patch

import torch
import torch.nn.functional as F

import siv_lite
from siv_lite.nn import SpectralNetwork, pool_kernel, upsample_kernel
from siv_lite.files import atomic_write
from siv_lite.methods import find_method, make_settings

for folder in ("../tools", Path(siv_lite.__file__).parents[1] / "tools"):  # wherever this notebook runs
    sys.path.insert(0, str(folder))
from measure import count_work, measure_configuration, name_configuration

# %% [markdown]
# ## Measured
#
# Each configuration runs in a process of its own, so that its peak memory is its own. Seconds mean little on another
# computer; their ratio to a plain product of two 2048 x 2048 matrices, timed in the same process, travels better. The
# arithmetic (flops) and the number of operations do not depend on the computer at all. What exactly is counted stands
# in `tools/measure.py`. A method that grows in stages is measured by one step in every stage and their sum, and
# GPDM, which trains nothing, by one picture.

# %% tags=["nbval-ignore-output"]
pairs = itertools.product(methods.split(","), configurations.split(","))
names = [name_configuration(method.strip(), preset.strip()) for method, preset in pairs]
results = {name: measure_configuration(name) for name in names}
with atomic_write(Path(out, "speed.json")) as temporary:
    temporary.write_text(json.dumps(results, indent=1) + "\n")

print(f"{'':18}     GFLOP  operations  s a step  matmuls a step  MB at peak  s a sample")
for name, row in results.items():
    for label, x in [(name, row), *((f"  stage {i}", stage) for i, stage in enumerate(row.get("stages", [])))]:
        print(f"{label:<18}{x['flops_per_step'] / 1e9:10.2f}{x['operations_per_step']:12}", end="")
        print(f"{x['seconds_per_step']:10.3f}{x['seconds_per_step'] / row['matmul_seconds']:16.2f}", end="")
        whole = f"{(row['peak_memory_bytes'] or math.nan) / 1e6:12.0f}{row['sample_seconds']:12.4f}"
        print(whole if x is row else "")

# %% [markdown]
# ## Upsampling before a convolution
#
# The generator doubles its maps by repeating every pixel and then convolves them, 3 x 3. Neighbouring taps of the
# kernel then read the same repeated pixel, so they can be added up beforehand: nine products per output pixel become
# four, in one transposed convolution. The identity holds for every picture and kernel; here for random ones.

# %%
images, weight = torch.randn(2, 8, 12, 16), torch.randn(4, 8, 3, 3)


def compare(plain, folded):
    """The two agree; how much arithmetic the second saves."""
    torch.testing.assert_close(folded(), plain(), rtol=1e-4, atol=1e-4)
    return f"equal, with {count_work(plain)[0] / count_work(folded)[0]:.2f} times less arithmetic"


compare(
    lambda: F.conv2d(F.interpolate(images, scale_factor=2, mode="nearest"), weight, padding=1),
    lambda: F.conv_transpose2d(images, upsample_kernel(weight), stride=2, padding=1),
)

# %% [markdown]
# ## Averaging after a convolution
#
# The discriminator does the reverse: it convolves and then averages 2 x 2 pixels. The mean of four shifted kernels is
# one 4 x 4 kernel, used at every second pixel: 16 products for each pixel that is left, where four times nine were
# needed.

# %%
compare(
    lambda: F.avg_pool2d(F.conv2d(images, weight, padding=1), 2),
    lambda: F.conv2d(images, pool_kernel(weight), stride=2, padding=1),
)

# %% [markdown]
# ## Shortcuts
#
# A 1 x 1 convolution treats every pixel alike, so it may as well run where there are fewer of them: before the
# upsampling in the generator, after the averaging in the discriminator. A quarter of the pixels, a quarter of the
# arithmetic.

# %%
point = weight[:, :, :1, :1]
compare(
    lambda: F.conv2d(F.interpolate(images, scale_factor=2, mode="nearest"), point),
    lambda: F.interpolate(F.conv2d(images, point), scale_factor=2, mode="nearest"),
)

# %%
compare(lambda: F.avg_pool2d(F.conv2d(images, point), 2), lambda: F.conv2d(F.avg_pool2d(images, 2), point))

# %% [markdown]
# ## One power iteration per update
#
# Spectral normalization divides each weight by its largest singular value, which a power iteration tracks. The usual
# implementation iterates in every forward pass. But a step passes four times through a network (both of them, once for
# each update), while each network's weights change only once; so here each is normalized once, after its own update.

# %%
frames = torch.rand(1, 3, 48, 64) * 2 - 1
model = find_method("siv_gan")(frames, make_settings("siv_gan", "smoke"), torch.device("cpu"), "fp32", 0)
with patch.object(SpectralNetwork, "normalize", autospec=True, side_effect=SpectralNetwork.normalize) as normalize:
    model.step()
assert [call.args[0] for call in normalize.call_args_list] == [model.D, model.G]
f"{normalize.call_count} normalizations for 4 passes"

# %% [markdown]
# ## On a GPU
#
# There the arithmetic is over quickly and the waiting begins: for a small network most of a step is launching its
# operations one by one. `train` therefore records a step once as a CUDA graph and replays it with a single launch;
# measured there, `speed.json` has that time too, as `captured_seconds_per_step`.
