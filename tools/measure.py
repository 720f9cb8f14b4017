"""What one training step costs: arithmetic, operations, memory, time.

    python tools/measure.py lesson         # of SIV-GAN
    python tools/measure.py singan_lesson
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from siv_lite.comparison import peak_memory
from siv_lite.errors import SivLiteError
from siv_lite.methods import METHODS, Method, find_method, make_settings
from siv_lite.run import choose_device
from siv_lite.training import fast_step

SMALL = (48, 64)
PAPER_SIZES = {"siv_gan": (192, 320), "singan": (186, 248), "consingan": (186, 248), "fastgan": (256, 256)}


class WorkCounter(TorchDispatchMode):
    """Counts floating-point operations, and the aten operations that make or change tensors: all but views. Allocations
    and copies count; an operation on a list of tensors (foreach, fused Adam) counts once."""

    flops = operations = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.operations += not (func.is_view or func is torch.ops.aten._unsafe_view.default)
        if func.overloadpacket in flop_registry:
            self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


def count_work(work: Callable[[], object]) -> tuple[int, int]:
    """(floating-point operations, aten operations) of a call of `work`. The former are those of matrix products and
    convolutions, forward and backward, a multiplication and an addition counted as two."""
    with WorkCounter() as counter:
        work()
    return counter.flops, counter.operations


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


def matmul_seconds(place: torch.device) -> float:
    """Median seconds of a product of two 2048 x 2048 matrices."""
    square = torch.rand(2048, 2048, device=place)
    square @ square
    return median_seconds(lambda: square @ square)


def measure_step(method: str, preset: str, size: tuple[int, int]) -> dict[str, Any]:
    """Cost of one training step of `method` in fp32 on one random frame of `size` (H, W), in this process; of methods
    with stages of one step in every stage, summed, and in `stages` of each.

    flops_per_step, operations_per_step: see `count_work`; of a whole step, optimisers included. seconds_per_step,
    sample_seconds (one image drawn), matmul_seconds (a 2048^3 product, mean of before and after the last steps):
    medians. peak_memory_bytes: see `peak_memory`; after three steps of the last stage, so call this in a fresh process.
    On CUDA also captured_seconds_per_step, of the step as one graph, as `train` runs it, where seconds_per_step is the
    eager step's. GPDM trains nothing: its step draws one picture.
    """
    place, stages = choose_device("auto"), []
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    frames = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trained = find_method(method)(frames, make_settings(method, preset), place, "fp32", 0)
    for stage in range(trained.stages):
        begin = stage * trained.iterations // trained.stages
        trained.count.fill_(begin)
        trained.enter(1 + begin)
        for _ in range(3):
            trained.step()
        if stage == trained.stages - 1:
            peak, before = peak_memory(place), matmul_seconds(place)
        stages.append(measure_stage(trained))
    result = {"peak_memory_bytes": peak} | {name: sum(x[name] for x in stages) for name in stages[0]}
    result["matmul_seconds"] = (before + matmul_seconds(place)) / 2
    trained.count.fill_(trained.iterations)
    latents = trained.draw_latents(1, seed=0)
    result["sample_seconds"] = median_seconds(lambda: trained.generate(latents))
    return result | ({"stages": stages} if len(stages) > 1 else {})


def measure_stage(trained: Method) -> dict[str, float]:
    """What a step of the stage in training costs, whose first steps are over; see `measure_step`."""
    flops, operations = count_work(trained.step)
    result = {"flops_per_step": flops, "operations_per_step": operations}
    result["seconds_per_step"] = median_seconds(trained.step)
    if trained.count.is_cuda and trained.networks:
        step = fast_step(trained)
        for _ in range(5):  # warm-up and capture
            step()
        result["captured_seconds_per_step"] = median_seconds(step)
    return result


def name_configuration(method: str, preset: str) -> str:
    """SIV-GAN's configurations are called by their preset, the others' by method and preset."""
    return preset if method == "siv_gan" else f"{method}_{preset}"


CONFIGURATIONS = {  # name -> method, preset and (H, W) of the frame: for `paper` about what each release takes
    name_configuration(method, preset): (method, preset, size)
    for method in METHODS
    for preset, size in {"smoke": SMALL, "lesson": SMALL, "paper": PAPER_SIZES.get(method, (192, 256))}.items()
}


def measure_configuration(name: str) -> dict[str, Any]:
    """`measure_step` in a fresh process, for a name of CONFIGURATIONS; SivLiteError for others."""
    if name not in CONFIGURATIONS:
        raise SivLiteError(f"Unknown configuration {name!r}; known are {', '.join(CONFIGURATIONS)}")
    child = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True)
    if child.returncode:
        raise SivLiteError(f"Measuring {name} failed (exit code {child.returncode}): {child.stderr[-500:]}")
    return json.loads(child.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configuration", choices=CONFIGURATIONS)
    print(json.dumps(measure_step(*CONFIGURATIONS[parser.parse_args().configuration])))
