"""The one training loop, for every method."""

import itertools
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from siv_lite.checkpoint import append_log, rewind, save_checkpoint, write_json
from siv_lite.errors import SivLiteError
from siv_lite.frames import check_frames, image_grid, save_image
from siv_lite.methods import Method
from siv_lite.progress import ProgressReport
from siv_lite.run import Run, build, choose_device, claim_folder, make_config, open_run, restore

COUNTS = {"log": 500, "grid": 10, "save": 20}  # of lines, pictures and checkpoints at most, in a whole training
GRID_SEED, GRID_SIZE = 0, 16


def train(
    method: str,
    frames: Tensor,
    out: str | Path,
    preset: str = "lesson",
    iterations: int | None = None,
    device: str = "auto",
    seed: int = 0,
    precision: str = "fp32",
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Train `method` on `frames` (N, 3, H, W) in [-1, 1] in the folder `out`; go on if it was begun, open it if ended.

    `preset`: "smoke" (seconds), "lesson" (minutes on two cores) or "paper" (the paper's, for a GPU). `iterations` and
    `settings` replace single values of it. `precision`: "fp32", "tf32" or "bf16". Killed at any moment, the same call
    goes on from the last checkpoint; on a CPU with as many threads the end is the same to the bit. Ctrl-C saves and
    returns the unfinished run. Raises SivLiteError for input that cannot be used, and for losses that become NaN.
    """
    frames = check_frames(frames)
    if iterations is not None:
        settings["iterations"] = iterations
    folder, config = Path(out), make_config(method, frames, preset, precision, seed, settings)
    if (folder / "done.json").exists():
        claim_folder(folder, config, frames)
        return open_run(folder)  # wherever it was trained
    place, config = choose_device(device), claim_folder(folder, config, frames)
    trained, frames = build(folder, config, place)
    checkpoint = restore(trained, folder, seed)
    if checkpoint.get("weights_only"):
        raise SivLiteError(f"{folder} holds only what drawing needs, no training can go on there; use another `out`")
    start = checkpoint["iteration"]
    begin = time.monotonic() - checkpoint["seconds"]  # what was done before counts, what was lost does not
    rewind(folder, start)
    end = run_loop(trained, folder, start, begin, progress)
    if end == trained.iterations:
        write_json(folder / "done.json", {"iterations": end, "seconds": time.monotonic() - begin})
    else:
        print(f"Stopped and saved at iteration {end} of {trained.iterations}; the same call goes on from there.")
    return Run(folder, config, frames, trained, end)


def run_loop(method: Method, folder: Path, start: int, begin: float, progress: bool) -> int:
    """Train from iteration `start` to the end or to Ctrl-C, writing log, grids, checkpoints; return where it ended. By
    the monotonic clock, a training without interruptions would have begun at `begin`."""
    every = {name: math.ceil(method.iterations / count) for name, count in COUNTS.items()}
    step, latents, saved = fast_step(method), grid_latents(method), start
    bar = tqdm(total=method.iterations, initial=start, disable=not progress, mininterval=0.5, desc=folder.name)
    report = ProgressReport(folder, method.iterations)
    with bar, closing(report), interruptible() as interrupted:
        for iteration in range(start + 1, method.iterations + 1):
            if method.enter(iteration):
                step = fast_step(method)
            losses = step()
            last, stop = iteration == method.iterations, bool(interrupted)
            due = {name for name, period in every.items() if last or iteration % period == 0}
            if stop:
                due.add("save")
            if due:
                values = {name: value.item() for name, value in losses.items()}
                tensors = [*losses.values(), *(method.state().values() if "save" in due else ())]
                if not all(tensor.isfinite().all() for tensor in tensors):
                    raise SivLiteError(
                        f"Training in {folder} stopped being finite at iteration {iteration} ({values}); it stands at "
                        f"its last good checkpoint, iteration {saved}; try a lower learning_rate in another `out`"
                    )
            if "log" in due:
                append_log(folder, iteration, values)
                bar.set_postfix({name: f"{value:.2f}" for name, value in values.items()}, refresh=False)
            if "grid" in due:
                grid = image_grid(method.generate(latents).flatten(0, -4))
                save_image(grid, folder / "samples" / f"{iteration:08d}.png")
            if "save" in due:
                state = {**method.state(), "random": method.generator.get_state()}
                save_checkpoint(folder, iteration, state, time.monotonic() - begin)
                saved = iteration
            bar.update()
            report.update(iteration)
            if stop:
                return iteration
    return method.iterations


def grid_latents(method: Method) -> Tensor:
    """The latents of every grid of a run, so that its pictures show how the training comes along."""
    return method.draw_latents(math.ceil(GRID_SIZE / method.length), GRID_SEED)


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """A list that Ctrl-C fills, so that a step is never cut in two; outside the main thread it cannot be caught."""
    signals, previous = [], signal.getsignal(signal.SIGINT)
    with suppress(ValueError):
        signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))
    try:
        yield signals
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, previous)


def fast_step(method: Method) -> Callable[[], dict[str, Tensor]]:
    """The method's step; on CUDA, after three as warm-up, captured as one graph and replayed: one launch then does the
    work of a thousand, which is what a small network's step waits for."""
    if method.generator.device.type != "cuda":
        return method.step
    side, graph, losses, calls = torch.cuda.Stream(), torch.cuda.CUDAGraph(), {}, itertools.count()
    graph.register_generator_state(method.generator)

    def step() -> dict[str, Tensor]:
        if next(calls) < 3:  # libraries choose their algorithms and workspaces outside the graph
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                warm = method.step()
            torch.cuda.current_stream().wait_stream(side)
            return warm
        if not losses:
            with torch.cuda.graph(graph):
                losses.update(method.step())
        graph.replay()
        return losses

    return step
