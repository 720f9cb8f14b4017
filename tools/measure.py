"""Measure what one training step costs: arithmetic, operations, memory, time.

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
from siv_lite.training.config import choose_device, set_precision
from siv_lite.training.cuda_graph import cuda_graph_step

# (H, W) of the frame; for `paper` about what each official code takes.
SMALL_SIZE = (48, 64)
PAPER_SIZES = {
    "siv_gan": (192, 320),
    "singan": (186, 248),
    "consingan": (186, 248),
    "fastgan": (256, 256),
}
OTHER_PAPER_SIZE = (192, 256)

WARM_UP_STEPS = 3
CAPTURE_STEPS = 5  # after which a step is surely replayed from its CUDA graph
MATRIX_SIDE = 2048


class WorkCounter(TorchDispatchMode):
    """Count the floating-point operations and the aten operations that run while it is active.

    Of the aten operations those count that make or change tensors: all but views. Allocations and
    copies count; an operation on a list of tensors (foreach, fused Adam) counts once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)

        is_view = func.is_view or func is torch.ops.aten._unsafe_view.default
        if not is_view:
            self.operations += 1
        if func.overloadpacket in flop_registry:
            count_flops = flop_registry[func.overloadpacket]
            self.flops += count_flops(*args, **kwargs, out_val=result)
        return result


def count_work(work: Callable[[], object]) -> tuple[int, int]:
    """Count the work of a call, forward and backward.

    Args:
        work: what to call, once.

    Returns:
        The floating-point operations of its matrix products and convolutions, a multiplication and
        an addition counted as two, and its aten operations (see `WorkCounter`).
    """
    with WorkCounter() as counter:
        work()
    return counter.flops, counter.operations


def median_seconds(
    work: Callable[[], object], min_calls: int = 3, min_seconds: float = 1.0
) -> float:
    """Time a call, as often as both minima ask for; warm up before.

    Args:
        work: what to call.
        min_calls: number of calls at least.
        min_seconds: seconds that all calls together take at least.

    Returns:
        The median of their wall-clock seconds.
    """
    times: list[float] = []
    while len(times) < min_calls or sum(times) < min_seconds:
        begin = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return median(times)


def matmul_seconds(device: torch.device) -> float:
    """Time a product of two 2048 x 2048 matrices, a yardstick for the speed of a machine.

    Args:
        device: where to multiply.

    Returns:
        Median seconds.
    """
    square = torch.rand(MATRIX_SIDE, MATRIX_SIDE, device=device)
    square @ square  # warm-up
    return median_seconds(lambda: square @ square)


def measure_step(method: str, preset: str, size: tuple[int, int]) -> dict[str, Any]:
    """Measure one training step in fp32 on one random frame, in this process.

    A method with stages is measured by one step in every stage. The peak of memory is that after
    three steps of the last stage, so call this in a fresh process. GPDM trains nothing: its step
    draws one image.

    Args:
        method: name of the method.
        preset: "smoke", "lesson" or "paper".
        size: (H, W) of the frame in pixels.

    Returns:
        flops_per_step, operations_per_step: of a whole step, optimizers included (`count_work`);
            summed over the stages.
        seconds_per_step: median, summed over the stages.
        captured_seconds_per_step: on CUDA, of the step as one graph, as `train` runs it;
            seconds_per_step is then the eager step's.
        sample_seconds: median for one image drawn.
        matmul_seconds: see there; mean of before and after the steps of the last stage.
        peak_memory_bytes: see `siv_lite.comparison.peak_memory`.
        stages: where there are several, a dictionary of the first four for each.
    """
    device = choose_device("auto")
    set_precision("fp32")
    frames = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    settings = make_settings(method, preset)
    trained = find_method(method)(frames, settings, device, "fp32", 0)

    stages = []
    for stage in range(trained.num_stages):
        # Go to the first iteration of the stage.
        begin = stage * trained.iterations // trained.num_stages
        trained.iteration.fill_(begin)
        trained.start_stage(trained.stage_at(1 + begin))
        for _ in range(WARM_UP_STEPS):
            trained.step()

        # Memory is what a training has needed by now, before anything else is measured.
        is_last = stage == trained.num_stages - 1
        if is_last:
            peak = peak_memory(device)
            matmul_before = matmul_seconds(device)
        stages.append(measure_stage(trained))
    matmul_after = matmul_seconds(device)

    result: dict[str, Any] = {"peak_memory_bytes": peak}
    for name in stages[0]:
        result[name] = sum(stage[name] for stage in stages)
    result["matmul_seconds"] = (matmul_before + matmul_after) / 2

    trained.iteration.fill_(trained.iterations)
    latents = trained.sample_latents(1, seed=0)
    result["sample_seconds"] = median_seconds(lambda: trained.generate(latents))
    if len(stages) > 1:
        result["stages"] = stages
    return result


def measure_stage(trained: Method) -> dict[str, float]:
    """Measure a step of the stage in training, after its warm-up.

    Args:
        trained: a method in that stage.

    Returns:
        flops_per_step, operations_per_step, seconds_per_step and, on CUDA,
        captured_seconds_per_step, as in `measure_step`.
    """
    flops, operations = count_work(trained.step)
    result = {
        "flops_per_step": flops,
        "operations_per_step": operations,
        "seconds_per_step": median_seconds(trained.step),
    }
    if trained.device.type == "cuda" and trained.networks:
        step = cuda_graph_step(trained)
        for _ in range(CAPTURE_STEPS):
            step()
        result["captured_seconds_per_step"] = median_seconds(step)
    return result


def name_configuration(method: str, preset: str) -> str:
    """Name what can be measured.

    Args:
        method: name of the method.
        preset: name of the preset.

    Returns:
        The preset for SIV-GAN, like "lesson"; method and preset for others, like "singan_lesson".
    """
    return preset if method == "siv_gan" else f"{method}_{preset}"


def list_configurations() -> dict[str, tuple[str, str, tuple[int, int]]]:
    """List what can be measured.

    Returns:
        Name -> method, preset and (H, W) of the frame.
    """
    configurations = {}
    for method in METHODS:
        paper_size = PAPER_SIZES.get(method, OTHER_PAPER_SIZE)
        sizes = {"smoke": SMALL_SIZE, "lesson": SMALL_SIZE, "paper": paper_size}
        for preset, size in sizes.items():
            configurations[name_configuration(method, preset)] = (method, preset, size)
    return configurations


CONFIGURATIONS = list_configurations()


def measure_configuration(name: str) -> dict[str, Any]:
    """Run `measure_step` in a fresh process.

    Args:
        name: a name in CONFIGURATIONS.

    Returns:
        See `measure_step`.

    Raises:
        SivLiteError: for another name, and if the process fails.
    """
    if name not in CONFIGURATIONS:
        raise SivLiteError(
            f"Unknown configuration {name!r}; choose from {', '.join(CONFIGURATIONS)}"
        )
    command = [sys.executable, __file__, name]
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode != 0:
        raise SivLiteError(
            f"Measuring {name} failed (exit code {child.returncode}): {child.stderr[-500:]}"
        )
    return json.loads(child.stdout)


def main() -> None:
    """Read the command line and print what was measured, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configuration", choices=CONFIGURATIONS)
    name = parser.parse_args().configuration
    print(json.dumps(measure_step(*CONFIGURATIONS[name])))


if __name__ == "__main__":
    main()
