"""`train`: the one training loop, for every method."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm.auto import tqdm

from siv_lite.errors import SivLiteError
from siv_lite.frames import as_images, image_grid, save_image
from siv_lite.methods import Method
from siv_lite.progress import ProgressReport
from siv_lite.training.checkpoint import append_log, save_checkpoint, truncate_after, write_json
from siv_lite.training.collapse import explain_collapse, find_collapse, measure_grid
from siv_lite.training.config import (
    choose_device,
    create_or_verify,
    load_frames,
    make_method,
    restore,
    set_precision,
)
from siv_lite.training.cuda_graph import cuda_graph_step
from siv_lite.training.run import Run, open_run

# The largest number of each in a whole training.
MAX_LOG_LINES = 500  # and one for each grid
MAX_GRIDS = 10
MAX_CHECKPOINTS = 20

GRID_SEED = 0
GRID_SIZE = 16  # images

OnLog = Callable[[int, dict[str, float]], None]
OnStep = Callable[[Method, int], None]


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
    on_log: OnLog | None = None,
    on_step: OnStep | None = None,
    **settings: Any,
) -> Run:
    """Train a method in a run folder, or resume or load what is there.

    Killed at any moment, the same call goes on from the last checkpoint; on a CPU with the same
    number of threads the result is the same to the bit. Ctrl-C saves and returns the unfinished
    run.

    Args:
        method: name in `METHODS`, such as "siv_gan".
        frames: (N, 3, H, W) in [-1, 1]; N = 1 for an image. The run keeps them whole, in 8 bits and
            up to 1,024 pixels; the method works at its setting `image_size`.
        out: the run folder.
        preset: "smoke" (seconds), "lesson" (minutes on two cores) or "paper" (the paper's, for a
            GPU).
        iterations: replaces the preset's number of iterations (of every stage, where there are
            several).
        device: "auto", "cpu", "cuda" or "cuda:1".
        seed: seeds the weights and every draw of the training.
        precision: "fp32", "tf32" or "bf16".
        progress: whether to show a progress bar.
        on_log: called with the iteration and the losses by name whenever they are logged, at most
            510 times, and with "bandless_diversity" where a grid was saved; for learning curves
            or measures of your own.
        on_step: called after every iteration with the method, which it must leave as it is, and the
            number of iterations done; for pictures while training goes on.
        **settings: single settings of the method that replace the preset's.

    Returns:
        The run, finished or interrupted by Ctrl-C.

    Raises:
        SivLiteError: for input that cannot be used, and for losses that become NaN or infinite.
    """
    if iterations is not None:
        settings["iterations"] = iterations
    folder = Path(out)
    if (folder / "done.json").exists():  # it can be opened on any device
        create_or_verify(folder, method, frames, preset, precision, seed, settings)
        return open_run(folder)
    chosen_device = choose_device(device)
    config = create_or_verify(folder, method, frames, preset, precision, seed, settings)

    # Build the method on the frames as the folder keeps them, and go to the last checkpoint.
    frames = load_frames(folder, config)
    set_precision(config["precision"])
    trained = make_method(config, frames, chosen_device)
    checkpoint = restore(trained, folder, seed)
    if checkpoint.get("weights_only"):
        raise SivLiteError(
            f"{folder} holds only what drawing needs, no training can go on there; use another "
            "`out`"
        )
    start = checkpoint["iteration"]
    truncate_after(folder, start)

    # Seconds of training: those before the checkpoint count, those lost after it do not.
    begin = time.monotonic() - checkpoint["seconds"]
    end = run_loop(trained, folder, start, begin, progress, on_log, on_step)
    if end == trained.iterations:
        seconds = time.monotonic() - begin
        write_json(folder / "done.json", {"iterations": end, "seconds": seconds})
    else:
        print(
            f"Stopped and saved at iteration {end} of {trained.iterations}; the same call goes on "
            "from there."
        )
    return Run(folder, config, frames, trained, end)


def run_loop(
    method: Method,
    folder: Path,
    start: int,
    begin: float,
    progress: bool,
    on_log: OnLog | None = None,
    on_step: OnStep | None = None,
) -> int:
    """Train to the end or to Ctrl-C, writing log, grids and checkpoints.

    Says so, once, where the grids show that the generator has collapsed.

    Args:
        method: with the checkpoint of iteration `start` loaded.
        folder: the run folder.
        start: number of iterations done.
        begin: `time.monotonic()` at which a training without interruptions would have begun.
        progress: whether to show a progress bar.
        on_log: see `train`.
        on_step: see `train`.

    Returns:
        The number of iterations done.

    Raises:
        SivLiteError: if a loss or a weight is NaN or infinite.
    """
    total = method.iterations
    last_saved = start
    stage = method.stage_at(max(1, start))
    step = cuda_graph_step(method)

    bar = tqdm(total=total, initial=start, disable=not progress, mininterval=0.5, desc=folder.name)
    report = ProgressReport(folder, total)
    with bar, closing(report), defer_interrupt() as interrupts:
        for iteration in range(start + 1, total + 1):
            # A new stage changes the shapes, so a captured step has to be captured anew.
            if method.stage_at(iteration) != stage:
                stage = method.stage_at(iteration)
                method.start_stage(stage)
                step = cuda_graph_step(method)

            losses = step()

            stopping = bool(interrupts)
            log_due = is_due(iteration, total, MAX_LOG_LINES)
            grid_due = is_due(iteration, total, MAX_GRIDS)
            save_due = is_due(iteration, total, MAX_CHECKPOINTS) or stopping

            # Only now are values read: reading them waits for the device.
            if log_due or grid_due or save_due:
                values = {name: value.item() for name, value in losses.items()}
                state = method.state() if save_due else {}
                if not is_finite([*losses.values(), *state.values()]):
                    raise SivLiteError(
                        f"Training in {folder} stopped being finite at iteration {iteration} "
                        f"({values}); it stands at its last good checkpoint, iteration "
                        f"{last_saved}; try a lower learning_rate in another `out`"
                    )
                show_values(bar, values)
            if grid_due:
                values.update(save_grid(method, folder, iteration))
            if log_due or grid_due:
                record(folder, iteration, values, on_log)
            if grid_due and find_collapse(folder, total) == iteration:
                bar.write(explain_collapse(iteration))
            if save_due:
                state["random"] = method.generator.get_state()
                save_checkpoint(folder, iteration, state, time.monotonic() - begin)
                last_saved = iteration
            bar.update()
            report.update(iteration)
            if stopping:
                return iteration
            if on_step is not None:
                on_step(method, iteration)
    return total


def show_values(bar: tqdm, values: dict[str, float]) -> None:
    """Show losses behind a progress bar."""
    shown = {name: f"{value:.2f}" for name, value in values.items()}
    bar.set_postfix(shown, refresh=False)


def is_finite(tensors: list[Tensor]) -> bool:
    """Tell whether no value of any of the tensors is NaN or infinite."""
    return all(tensor.isfinite().all() for tensor in tensors)


def is_due(iteration: int, total: int, max_count: int) -> bool:
    """Tell whether something that is done now and then is done after an iteration.

    Args:
        iteration: counted from 1.
        total: number of iterations.
        max_count: how often it is done at most in the whole training.

    Returns:
        True after every so many iterations, and after the last.
    """
    period = math.ceil(total / max_count)
    return iteration % period == 0 or iteration == total


def record(folder: Path, iteration: int, values: dict[str, float], on_log: OnLog | None) -> None:
    """Add a line to the log, and tell whoever asked.

    Args:
        folder: the run folder.
        iteration: that the values are of.
        values: losses, and what was measured on the grid if one was saved.
        on_log: see `train`.
    """
    append_log(folder, iteration, values)
    if on_log is not None:
        on_log(iteration, values)


def save_grid(method: Method, folder: Path, iteration: int) -> dict[str, float]:
    """Generate the grid of a run as of an iteration, and measure how its samples are arranged.

    Args:
        method: as it stands after that iteration.
        folder: the run folder.
        iteration: the number of iterations done.

    Returns:
        What `measure_grid` measured.
    """
    samples = method.generate(preview_latents(method))
    path = folder / "samples" / f"{iteration:08d}.png"
    save_image(image_grid(as_images(samples)), path)
    return measure_grid(samples)


def preview_latents(method: Method) -> Tensor:
    """Return the latents of every grid of a run: the same, so that its images show the progress.

    Args:
        method: of the run.

    Returns:
        (n, ...), enough for 16 images.
    """
    return method.sample_latents(math.ceil(GRID_SIZE / method.frames_per_sample), GRID_SEED)


@contextmanager
def defer_interrupt() -> Iterator[list[int]]:
    """Defer Ctrl-C to the end of the current step, so that no step is cut in two.

    Outside the main thread Ctrl-C never arrives, and nothing is changed.

    Yields:
        A list that is non-empty once Ctrl-C was pressed.
    """
    interrupts: list[int] = []
    previous = signal.getsignal(signal.SIGINT)
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        yield interrupts
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, previous)
