"""Comparisons: several methods, or one with several settings, on the same frames and seeds.

A cell of a comparison is the training of one row from one seed. Each is a run folder and has a
process of its own, in which this file is the program (`main`).
"""

import _thread
import csv
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import mean, median, stdev
from typing import IO, Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from siv_lite import rendering
from siv_lite.errors import SivLiteError
from siv_lite.files import atomic_write
from siv_lite.frames import check_frames, resize_frames
from siv_lite.methods import Method, find_method
from siv_lite.metrics import evaluate
from siv_lite.training import Run, measure_run, open_run, train
from siv_lite.training.checkpoint import read_config, read_json, write_json
from siv_lite.training.config import (
    choose_device,
    create_or_verify,
    load_frames,
    make_method,
    set_precision,
)
from siv_lite.training.cuda_graph import cuda_graph_step
from siv_lite.training.preview import Preview
from siv_lite.training.verify import NUM_SAMPLES, SAMPLE_SEED

COSTS = ("iterations", "seconds", "parameters", "peak_memory_bytes")
RESULT_FILES = ("done.json", "cost.json", "metrics.json")  # of a cell that is finished
RENDERED_FILE = "rendered.json"  # of a cell that is measured as rendered, too
RENDERED = " rendered"  # behind the name of a row: its samples, rendered
RENDERED_SIZE = 256  # longest side in pixels of rendered samples that are measured
SPEED_FILE = "speed.json"  # of a pilot or an estimate
ESTIMATE_SECONDS = 4.0  # after which an estimate begins no further iteration of a stage
PILOT_ITERATIONS = 10  # of every stage; the second half of them is timed


class Comparison(list):
    """The cells of a comparison, one dictionary each.

    A cell has "row", "seed" and "status": "finished", or why not. A finished one also has all its
    metrics, the "iterations" and "seconds" of its training, its "parameters" (moving averages of
    weights left out) and "peak_memory_bytes" (see `peak_memory`). The cell of a row "... rendered"
    has the metrics of the same samples, rendered, and the "seconds" of rendering them all.

    Attributes:
        missing: metric -> why it could not be computed.
    """

    def __init__(self, cells: list[dict[str, Any]], missing: dict[str, str]):
        """Wrap cells.

        Args:
            cells: as described above.
            missing: metric -> why it could not be computed.
        """
        super().__init__(cells)
        self.missing = missing

    def values(self, row: str, column: str) -> list[float]:
        """Return what the finished cells of a row hold in one column.

        Args:
            row: name of the row.
            column: a metric or a cost.

        Returns:
            One value per finished cell, in the order of the seeds.
        """
        found = []
        for cell in self:
            if cell["row"] == row and cell.get(column) is not None:
                found.append(cell[column])
        return found

    def summary(
        self,
        columns: list[str],
        rows: list[str],
        published: dict[str, dict[str, float]] | None = None,
    ) -> str:
        """Write a table: mean ± standard deviation (number of seeds) for each row and column.

        Args:
            columns: metrics and costs to show.
            rows: names of the rows to show.
            published: row -> column -> figure that others published, shown in rows of their own.

        Returns:
            Lines of text, aligned.
        """
        lines = [["", *columns]]
        for row in rows:
            line = [row]
            for column in columns:
                line.append(spread(self.values(row, column)))
            lines.append(line)
        for row, figures in (published or {}).items():
            line = [f"published {row}"]
            for column in columns:
                line.append(str(figures.get(column, "-")))
            lines.append(line)

        widths = [max(len(entry) for entry in column) for column in zip(*lines, strict=True)]
        aligned = []
        for line in lines:
            entries = [entry.ljust(width) for entry, width in zip(line, widths, strict=True)]
            aligned.append("  ".join(entries).rstrip())
        return "\n".join(aligned)

    def notes(self) -> str:
        """Explain what the table lacks.

        Returns:
            A line for each cell that did not finish and each metric that is missing, with the
            reason.
        """
        lines = []
        for cell in self:
            if cell["status"] != "finished":
                lines.append(f"{cell['row']}, seed {cell['seed']}: {cell['status']}")
        for name, reason in self.missing.items():
            lines.append(f"{name}: {reason}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        rows = list(dict.fromkeys(cell["row"] for cell in self))
        measured = []
        for name in column_names(self):
            if name not in ("row", "seed", "status"):
                measured.append(name)
        return f"{self.summary(measured, rows)}\n{self.notes()}".rstrip()


def column_names(cells: list[dict[str, Any]]) -> list[str]:
    """Return the columns of a table of cells.

    Args:
        cells: dictionaries, not all with the same keys.

    Returns:
        Every key that any of them has, in the order in which they first appear.
    """
    names = []
    for cell in cells:
        for name in cell:
            if name not in names:
                names.append(name)
    return names


def spread(values: list[float]) -> str:
    """Write mean ± standard deviation (number) of some values.

    Args:
        values: any number of them; one has no deviation, none give "-".

    Returns:
        A text such as "3 ± 2.6 (3)".
    """
    if not values:
        return "-"
    average = mean(values)
    text = f"{average:,.0f}" if average >= 1e4 else f"{average:.4g}"
    if len(values) > 1:
        text += f" ± {stdev(values):.2g}"
    return f"{text} ({len(values)})"


def compare(
    rows: dict[str, dict[str, Any]],
    frames: Tensor,
    out: str | Path,
    seeds: tuple[int, ...] = (0, 1, 2),
    preset: str = "lesson",
    seconds: float | None = None,
    device: str = "auto",
    render: bool = False,
) -> Comparison:
    """Train and measure several methods, or one with several settings, from several seeds.

    Finished cells are not run again, and others go on where they were stopped, by Ctrl-C too. A
    cell that fails says why in its "status", and the others are still run.

    Args:
        rows: name of the row -> "method" and whatever settings differ from the preset, such as
            {"no DR": {"method": "siv_gan", "diversity": "none"}}.
        frames: (N, 3, H, W) in [-1, 1], the same for all cells.
        out: folder of the comparison: out/ROW/seed0 and so on are run folders, out/ROW/pilot is
            where its speed was measured, and out/table.csv holds everything that is returned.
        seeds: each row is trained from each of these.
        preset: "smoke", "lesson" or "paper".
        seconds: of training for each cell, as so many iterations as fit by the row's speed in a
            pilot; by default the iterations are the preset's or the row's.
        device: "auto", "cpu", "cuda" or "cuda:1".
        render: whether every row gets a second one, "<row> rendered": the same samples drawn anew
            with the patches of the frames, at most 256 pixels large, and measured at that size.

    Returns:
        The cells with their metrics and costs.

    Raises:
        SivLiteError: for frames that cannot be used.
    """
    frames = check_frames(frames)
    out = Path(out)
    cells = []
    missing = {}

    # Seed by seed: a comparison that is stopped early has something of every row.
    bar = tqdm([(seed, row) for seed in seeds for row in rows])
    for seed, row in bar:
        bar.set_description(f"{row}, seed {seed}")
        cell = {"row": row, "seed": seed, "status": "finished"}
        settings = dict(rows[row])
        method = settings.pop("method", None)
        try:
            # What trains nothing is the same from every seed.
            is_trained = hasattr(find_method(method).Settings, "iterations")
            if not is_trained and seed != seeds[0]:
                continue

            # A pilot says how many iterations fit into the given time.
            if is_trained and seconds is not None:
                folder = out / row / "pilot"
                pilot_settings = {**settings, "iterations": PILOT_ITERATIONS}
                create_or_verify(folder, method, frames, preset, settings=pilot_settings)
                speed = run_child(folder, device, "pilot", (SPEED_FILE,))
                num_iterations = int(seconds / speed["seconds_per_iteration"])
                settings["iterations"] = max(1, num_iterations)

            folder = out / row / f"seed{seed}"
            create_or_verify(folder, method, frames, preset, seed=seed, settings=settings)
            result = run_child(folder, device, "measure", RESULT_FILES)
            cell.update(result["table"]["values"])
            for name in COSTS:
                cell[name] = result[name]
            missing.update(result["table"]["missing"])
        except SivLiteError as error:
            cell["status"] = f"failed: {error}"
        cells.append(cell)
        if render and cell["status"] == "finished":
            cells.append(compare_rendered(folder, row, seed, device))
        write_table(out / "table.csv", cells)
    return Comparison(cells, missing)


def compare_rendered(folder: Path, row: str, seed: int, device: str) -> dict[str, Any]:
    """Measure the samples of a finished cell, rendered; what was measured before is only read.

    Args:
        folder: of the cell's run.
        row: name of the cell's row.
        seed: of its training.
        device: "auto", "cpu", "cuda" or "cuda:1".

    Returns:
        A cell of its own, of the row "<row> rendered".
    """
    cell = {"row": row + RENDERED, "seed": seed, "status": "finished"}
    try:
        result = run_child(folder, device, "render", (RENDERED_FILE,))
        cell.update(result["values"])
        cell["seconds"] = result["seconds"]
    except SivLiteError as error:
        cell["status"] = f"failed: {error}"
    return cell


def write_table(path: Path, cells: list[dict[str, Any]]) -> None:
    """Write cells as a table.

    Args:
        path: of the .csv file, written whole or not at all.
        cells: one line each; what a cell lacks stays empty.
    """
    with atomic_write(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, column_names(cells))
        writer.writeheader()
        writer.writerows(cells)


def read_table(path: str | Path) -> Comparison:
    """Read a table that `compare` has written.

    Args:
        path: of the .csv file.

    Returns:
        Its cells, numbers as numbers; what a cell lacks, such as a metric of one that failed, is
        left out.

    Raises:
        SivLiteError: if the file is not there, or is no such table.
    """
    path = Path(path)
    cells = []
    try:
        with open(path, newline="") as file:
            reader = csv.DictReader(file)
            if "row" not in (reader.fieldnames or ()):
                raise ValueError("other columns")
            for line in reader:
                cell: dict[str, Any] = {"row": line["row"], "status": line["status"]}
                for column, text in line.items():
                    if text and column not in cell:
                        cell[column] = float(text)
                cells.append(cell)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SivLiteError(
            f"{path} is no table of a comparison; give the table.csv that `compare` wrote"
        ) from error
    return Comparison(cells, {})


def run_child(folder: Path, device: str, task: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Have a task done in a process of its own, and read what it wrote.

    On Ctrl-C, and if this process dies, that process saves and ends too.

    Args:
        folder: a run folder.
        device: "auto", "cpu", "cuda" or "cuda:1".
        task: see `main`.
        names: files that the task writes into the folder; if all are there, it is done already.

    Returns:
        All that these files hold.

    Raises:
        SivLiteError: with the last line that the process wrote, if it fails.
    """
    paths = [folder / name for name in names]
    if not all(path.exists() for path in paths):
        with tempfile.TemporaryFile("w+") as output:
            with start_child(folder, device, task, output) as child:
                try:
                    child.wait()
                except KeyboardInterrupt:
                    child.stdin.close()
                    child.wait()
                    raise
            output.seek(0)
            lines = output.read().splitlines()
        if child.returncode != 0:
            ended = f"its process ended with code {child.returncode}"
            raise SivLiteError(lines[-1] if lines else ended)

    result = {}
    for path in paths:
        result.update(read_json(path))
    return result


def start_child(folder: Path, device: str, task: str, output: IO[str] | int) -> subprocess.Popen:
    """Start `main` in a process of its own.

    Args:
        folder: a run folder.
        device: "auto", "cpu", "cuda" or "cuda:1".
        task: see `main`.
        output: where the process writes, as `subprocess.Popen` takes it.

    Returns:
        The process; it saves and ends when its `stdin` is closed, or when this process dies.
    """
    command = [sys.executable, "-m", "siv_lite.comparison", str(folder), device, task]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # or a kernel that is shut down would kill it before it has saved
    )


def main(folder: Path, device: str, task: str) -> None:
    """Do one task, as the program of a process of its own.

    Args:
        folder: a run folder that `create_or_verify` made.
        device: "auto", "cpu", "cuda" or "cuda:1".
        task: "train", to train and draw the newest scenes now and then; "measure", to train and
            measure; "render", to render the samples of a finished training and measure these;
            "pilot", to time every stage; "estimate", to do so in some seconds of each.

    Raises:
        SivLiteError: for whatever keeps it from the end, such as being interrupted.
    """
    # A server that was started in the background hands down an ignored Ctrl-C; here it must work.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt_at_end_of_input, daemon=True).start()
    config = read_config(folder)
    frames = load_frames(folder, config)
    chosen_device = choose_device(device)

    if task in ("pilot", "estimate"):
        set_precision(config["precision"])
        method = make_method(config, frames, chosen_device)
        max_seconds = ESTIMATE_SECONDS if task == "estimate" else math.inf
        seconds = time_stages(method, max_seconds)
        write_json(folder / SPEED_FILE, {"seconds_per_iteration": seconds})
        return

    if task == "render":
        write_json(folder / RENDERED_FILE, measure_rendered(open_run(folder, device)))
        return

    on_step = None
    if task == "train":
        preview = Preview(folder, frames)
        on_step = preview.update
    was_done = (folder / "done.json").exists()
    run = train(
        config["method"],
        frames,
        folder,
        config["preset"],
        device=device,
        seed=config["seed"],
        precision=config["precision"],
        progress=False,
        on_step=on_step,
        **config["settings"],
    )
    if task == "train":
        preview.save(run.method, run.iteration)
    if not run.finished:
        raise SivLiteError(
            f"stopped at iteration {run.iteration}; the same call goes on from there"
        )
    if task == "train":
        return

    if not (folder / "cost.json").exists():
        num_parameters = 0
        for name, network in run.method.networks.items():
            if name != "G_ema":
                num_parameters += sum(p.numel() for p in network.parameters())
        # Of a training that another process did, the memory is not known.
        peak = None if was_done else peak_memory(chosen_device)
        cost = {"parameters": num_parameters, "peak_memory_bytes": peak}
        write_json(folder / "cost.json", cost)
    measure_run(run)


def render_samples(run: Run, n: int) -> tuple[Tensor, Tensor]:
    """Render the samples of a run that are measured, as single images.

    Args:
        run: finished.
        n: number of images.

    Returns:
        The rendered images (n, 3, H, W), and the frames that they were drawn with: those of the
        run, reduced to at most 256 pixels, (N, 3, H, W).
    """
    images = run.sample_images(NUM_SAMPLES, SAMPLE_SEED)[:n]
    frames = resize_frames(run.frames, RENDERED_SIZE)
    rendered = rendering.render(images.to(run.method.device), frames, seed=SAMPLE_SEED)
    return rendered.cpu(), frames


def measure_rendered(run: Run) -> dict[str, Any]:
    """Measure the samples of a finished run, rendered.

    Args:
        run: finished.

    Returns:
        "values", the metrics that could be computed, and the "seconds" of drawing and rendering.
    """
    begin = time.perf_counter()
    images, frames = render_samples(run, NUM_SAMPLES)
    seconds = time.perf_counter() - begin
    return {"values": evaluate(images, frames), "seconds": seconds}


def interrupt_at_end_of_input() -> None:
    """Wait until standard input is closed, by or with the parent process; then press Ctrl-C."""
    if os.read(0, 1) == b"":
        _thread.interrupt_main()


def time_stages(method: Method, max_seconds: float = math.inf) -> float:
    """Measure how long one iteration of every stage takes.

    Args:
        method: built for a few iterations of each stage, such as `PILOT_ITERATIONS`.
        max_seconds: after so long no further iteration of a stage is begun.

    Returns:
        The sum over the stages, in seconds; the first half of each stage's iterations is warm-up.
    """
    stage = method.stage_at(1)
    step = cuda_graph_step(method)
    times = {stage: []}
    for iteration in range(1, method.iterations + 1):
        if method.stage_at(iteration) != stage:
            stage = method.stage_at(iteration)
            method.start_stage(stage)
            step = cuda_graph_step(method)
            times[stage] = []
        if sum(times[stage]) > max_seconds:
            continue
        begin = time.perf_counter()
        step()
        if method.device.type == "cuda":
            torch.cuda.synchronize()
        times[stage].append(time.perf_counter() - begin)

    total = 0
    for of_stage in times.values():
        total += median(of_stage[len(of_stage) // 2 :])
    return total


def peak_memory(device: torch.device) -> int | None:
    """Return the most memory that this process has held.

    Args:
        device: where it has trained.

    Returns:
        Bytes: on CUDA those of its tensors, else all that was resident, PyTorch included; None
        where the system does not tell.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")  # Linux; getrusage would count what the parent held, too
    if not status.exists():
        return None
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]
    return int(kilobytes) * 1024


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    except Exception as error:
        sentence = str(error).partition("\n")[0]
        if not isinstance(error, SivLiteError):
            sentence = f"{type(error).__name__}: {sentence}"
        sys.exit(sentence)
