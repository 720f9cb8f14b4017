"""What one training step costs: arithmetic, operations, memory, time.

    python notebooks/measure.py lesson
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from siv_lite.errors import SivLiteError
from siv_lite.methods import find_method, make_settings
from siv_lite.run import choose_device
from siv_lite.training import fast_step

CONFIGURATIONS = {"smoke": (48, 64), "lesson": (48, 64), "paper": (192, 320)}  # preset -> (H, W) of the frame


class OperationCounter(TorchDispatchMode):
    """Counts the aten operations that make or change tensors: all but views. Allocations and copies count; an operation
    on a list of tensors (foreach, fused Adam) counts once."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not (func.is_view or func is torch.ops.aten._unsafe_view.default)
        return func(*args, **(kwargs or {}))


def count_work(work: Callable[[], object]) -> tuple[int, int]:
    """(floating-point operations, aten operations) of a call of `work`. The former are those of matrix products and
    convolutions, forward and backward, a multiplication and an addition counted as two."""
    with FlopCounterMode(display=False) as flops, OperationCounter() as operations:
        work()
    return flops.get_total_flops(), operations.count


def median_seconds(work: Callable[[], object], least: int = 3, seconds: float = 1) -> float:
    """Median wall-clock seconds of a call: of `least` calls, or of as many as fit into `seconds`. Warm up before."""
    times: list[float] = []
    while len(times) < least or sum(times) < seconds:
        begin = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return median(times)


def measure_step(method: str, preset: str, size: tuple[int, int]) -> dict[str, float]:
    """Cost of one training step of `method` in fp32 on one random frame of `size` (H, W), in this process.

    flops_per_step, operations_per_step: see `count_work`; of a whole step, optimisers included. seconds_per_step,
    sample_seconds (one image drawn), matmul_seconds (a 2048^3 product, mean of before and after the steps): medians.
    peak_memory_bytes: on a CPU the peak resident size of this process after three steps, PyTorch itself included, so
    call it in a fresh one; on CUDA that of its tensors. On CUDA also captured_seconds_per_step, of the step as one
    graph, as `train` runs it, where seconds_per_step is the eager step's.
    """
    place = choose_device("auto")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    frames = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trained = find_method(method)(frames, make_settings(method, preset), place, "fp32", 0)
    for _ in range(3):
        trained.step()
    if place.type == "cuda":
        peak = torch.cuda.max_memory_allocated(place)
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    square, latents = torch.rand(2048, 2048, device=place), trained.draw_latents(1, seed=0)
    square @ square
    before = median_seconds(lambda: square @ square)
    flops, operations = count_work(trained.step)
    result = {
        "flops_per_step": flops,
        "operations_per_step": operations,
        "peak_memory_bytes": peak,
        "seconds_per_step": median_seconds(trained.step),
        "sample_seconds": median_seconds(lambda: trained.generate(latents)),
    }
    if place.type == "cuda":
        step = fast_step(trained)
        for _ in range(5):  # warm-up and capture
            step()
        result["captured_seconds_per_step"] = median_seconds(step)
    return result | {"matmul_seconds": (before + median_seconds(lambda: square @ square)) / 2}


def measure_configuration(name: str) -> dict[str, float]:
    """`measure_step` of SIV-GAN in a fresh process, for a name of CONFIGURATIONS; SivLiteError for others."""
    if name not in CONFIGURATIONS:
        raise SivLiteError(f"Unknown configuration {name!r}; known are {', '.join(CONFIGURATIONS)}")
    child = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True)
    if child.returncode:
        raise SivLiteError(f"Measuring {name} failed (exit code {child.returncode}): {child.stderr[-500:]}")
    return json.loads(child.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", choices=CONFIGURATIONS)
    preset = parser.parse_args().preset
    print(json.dumps(measure_step("siv_gan", preset, CONFIGURATIONS[preset])))
