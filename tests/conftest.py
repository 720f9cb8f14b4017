"""One thread, no progress bars and no cached weights: every test sees the same machine.

With OMP_NUM_THREADS set to another number, the tests take so many threads.
"""

import os
import re
import tempfile
from pathlib import Path

no_weights = tempfile.TemporaryDirectory(
    prefix="torch_home_"
)  # held until the tests end, then removed
threads = os.environ.get("OMP_NUM_THREADS", "1")
os.environ |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TQDM_DISABLE": "1"}
os.environ |= {"TORCH_HOME": no_weights.name, "SIV_LITE_WEIGHTS": ""}

import pytest  # noqa: E402
import torch  # noqa: E402

from siv_lite.methods.consingan import interpolation_matrix  # noqa: E402

torch.set_num_threads(int(threads))


def fingerprint(folder: Path) -> dict[str, bytes]:
    """Every byte that a training leaves but its times: log, grids, frames, two checkpoints.

    The newest scenes are left out, for only a training that is watched has them.
    """
    names = sorted(
        str(p.relative_to(folder))
        for p in folder.rglob("*")
        if p.is_file() and p.name not in ("done.json", "scenes.png")
    )
    return {name: re.sub(rb'"seconds": [^,]+', b"", (folder / name).read_bytes()) for name in names}


@pytest.fixture
def toy_frames() -> torch.Tensor:
    """One frame (1, 3, 32, 48) in [-1, 1], the same every time.

    A sky that darkens upwards, ground, a red disc, a blue box, and smooth noise so that no region
    is flat.
    """
    rows, columns = torch.meshgrid(
        torch.linspace(0, 1, 32), torch.linspace(0, 1.5, 48), indexing="ij"
    )
    frame = torch.stack([0.2 + 0.5 * rows, 0.4 + 0.4 * rows, 0.9 - 0.2 * rows])
    shapes = [
        (rows > 0.7, (0.3, 0.5, 0.2)),
        ((rows - 0.3) ** 2 + (columns - 0.45) ** 2 < 0.04, (0.9, 0.2, 0.2)),
        ((rows - 0.6).abs().maximum((columns - 1.1).abs()) < 0.17, (0.1, 0.2, 0.7)),
    ]
    for inside, colour in shapes:
        frame[:, inside] = torch.tensor(colour)[:, None]
    noise = torch.randn(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    noise = torch.nn.functional.interpolate(noise, size=(32, 48), mode="bilinear")
    return (2 * frame[None] - 1 + 0.1 * noise).clamp(-1, 1)


@pytest.fixture
def double_precision(monkeypatch):
    """Let networks and draws have 64 bits, for tests that type a computation again.

    Two ways of computing the same then agree on every processor, also where a gradient is nearly
    0 and Adam makes a whole step of it: in 32 bits its direction there is that of rounding.
    """
    interpolation_matrix.cache_clear()  # cached matrices have the bits of their first use
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
    interpolation_matrix.cache_clear()


@pytest.fixture
def scene() -> torch.Tensor:
    """A smooth random image (1, 3, 48, 64): unlike white noise it has structure on all scales."""
    generator = torch.Generator().manual_seed(0)
    sizes = [(3, 4), (12, 16), (48, 64)]
    layers = [torch.randn(1, 3, *size, generator=generator) for size in sizes]
    image = sum(
        torch.nn.functional.interpolate(layer, size=(48, 64), mode="bilinear") for layer in layers
    )
    return image / image.abs().max()


def noisy(image: torch.Tensor, count: int = 3, strength: float = 0.1) -> torch.Tensor:
    """`count` copies of an image (1, 3, H, W) with noise, the same every time."""
    noise = torch.randn(count, *image.shape[1:], generator=torch.Generator().manual_seed(1))
    return (image + strength * noise).clamp(-1, 1)
