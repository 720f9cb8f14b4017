"""Several methods, or one with several settings, on the same frames from the same seeds, in one table. Each cell, one
row's training from one seed, is a run folder and has a process of its own, in which this file is the program."""

import _thread
import csv
import os
import re
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

from siv_lite.check import measure_run
from siv_lite.checkpoint import read_json, write_json
from siv_lite.errors import SivLiteError
from siv_lite.files import atomic_write
from siv_lite.frames import check_frames
from siv_lite.methods import Method, find_method
from siv_lite.run import build, choose_device, claim_folder, make_config
from siv_lite.training import fast_step, train

COSTS = ("iterations", "seconds", "parameters", "peak_memory_bytes")
PILOT = 10  # iterations of every stage before a comparison by wall-clock; the second half of them is timed


class Comparison(list):
    """The cells, a dictionary each: `row`, `seed`, `status` ("finished" or why not) and, if finished, its metrics,
    `iterations`, `seconds` of training, `parameters` without averages of weights, `peak_memory_bytes` (`peak_memory`).
    `missing`: metric -> why it could not be computed."""

    def __init__(self, cells: list[dict[str, Any]], missing: dict[str, str]):
        super().__init__(cells)
        self.missing = missing

    def values(self, row: str, column: str) -> list[float]:
        """What the finished cells of a row hold in a column, in the order of the seeds."""
        return [cell[column] for cell in self if cell["row"] == row and cell.get(column) is not None]

    def summary(self, columns: list[str], rows: list[str], published: dict[str, dict[str, float]] | None = None) -> str:
        """A table as text: mean ± standard deviation (number of seeds) of each column, in these rows; then in rows of
        their own figures that others published, by column."""
        lines = [["", *columns], *([row, *(spread(self.values(row, name)) for name in columns)] for row in rows)]
        for row, figures in (published or {}).items():
            lines.append([f"published {row}", *(str(figures.get(name, "-")) for name in columns)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def notes(self) -> str:
        """A line for each cell that did not finish and each metric that is missing, with the reason."""
        failed = [f"{cell['row']}, seed {cell['seed']}: {cell['status']}" for cell in self]
        failed = [line for line in failed if not line.endswith(": finished")]
        return "\n".join(failed + [f"{name}: {reason}" for name, reason in self.missing.items()])

    def __repr__(self) -> str:
        columns, rows = dict.fromkeys(name for cell in self for name in cell), dict.fromkeys(x["row"] for x in self)
        return f"{self.summary([*columns][3:], [*rows])}\n{self.notes()}".rstrip()


def spread(values: list[float]) -> str:
    """Mean ± standard deviation (number) of any number of values."""
    if not values:
        return "-"
    middle = f"{mean(values):,.0f}" if mean(values) >= 1e4 else f"{mean(values):.4g}"
    return f"{middle} ± {stdev(values):.2g} ({len(values)})" if len(values) > 1 else f"{middle} (1)"


def compare(
    cells: dict[str, dict[str, Any]],
    frames: Tensor,
    out: str | Path,
    seeds: tuple[int, ...] = (0, 1, 2),
    preset: str = "lesson",
    seconds: float | None = None,
    device: str = "auto",
) -> Comparison:
    """Train and measure each row of `cells`, like {"no DR": {"method": "siv_gan", "diversity": "none"}}, on the same
    `frames` (N, 3, H, W) in [-1, 1] from each seed, in `out`/row/seed0 and so on; keep all in `out`/table.csv.

    `seconds`: of training for each cell, as so many iterations by the row's speed in a pilot, kept in `out`/row/pilot;
    without it, as many as preset or row say. Finished cells are not run again; others go on where they were stopped, by
    Ctrl-C too. A cell that fails says why in its `status`, and the others are still run; SivLiteError for bad frames.
    """
    frames, found, missing = check_frames(frames), [], {}
    bar = tqdm([(seed, row) for seed in seeds for row in cells])  # stopped early, it has something of every row
    for seed, row in bar:
        bar.set_description(f"{row}, seed {seed}")
        cell, settings = {"row": row, "seed": seed, "status": "finished"}, {"method": None, **cells[row]}
        method = settings.pop("method")
        try:
            trains = hasattr(find_method(method).Settings, "iterations")
            if not trains and seed != seeds[0]:  # it would only be measured again
                continue
            if trains and seconds is not None:
                config = make_config(method, frames, preset, "fp32", 0, settings | {"iterations": PILOT})
                speed = run_child(Path(out, row, "pilot"), config, frames, device, "speed.json")
                settings["iterations"] = max(1, int(seconds / speed["seconds_per_iteration"]))
            config = make_config(method, frames, preset, "fp32", seed, settings)
            files = ("done.json", "cost.json", "metrics.json")
            result = run_child(Path(out, row, f"seed{seed}"), config, frames, device, *files)
            cell |= result["table"]["values"] | {name: result[name] for name in COSTS}
            missing |= result["table"]["missing"]
        except SivLiteError as error:
            cell["status"] = f"failed: {error}"
        found.append(cell)
        with atomic_write(Path(out, "table.csv")) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for cell in found for name in cell)))
            writer.writeheader()
            writer.writerows(found)
    return Comparison(found, missing)


def run_child(folder: Path, config: dict[str, Any], frames: Tensor, device: str, *files: str) -> dict[str, Any]:
    """What the JSON `files` of a run's folder hold, after `main` in a process of its own unless they are all there;
    SivLiteError with its last line if that fails. On Ctrl-C, and if this process dies, it saves and ends too."""
    claim_folder(folder, config, frames)
    if not all((folder / name).exists() for name in files):
        with tempfile.TemporaryFile("w+") as output, start_child(folder, device, output) as child:
            try:
                child.wait()
            except KeyboardInterrupt:
                child.stdin.close()
                child.wait()
                raise
            output.seek(0)
            lines = [f"its process ended with code {child.returncode}", *output.read().splitlines()]
        if child.returncode:
            raise SivLiteError(lines[-1])
    return {key: value for name in files for key, value in read_json(folder / name).items()}


def start_child(folder: Path, device: str, output: IO[str] | int, *task: str) -> subprocess.Popen:
    """`main` in a process of its own, which saves and ends when its `stdin` is closed, or this process dies. It is in a
    session of its own too, or a kernel that is shut down would kill it before it has saved."""
    command = [sys.executable, "-m", "siv_lite.comparison", str(folder), device, *task]
    options = {"stdin": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True}
    return subprocess.Popen(command, stdout=output, **options)


def main(folder: Path, device: str, task: str = "measure") -> None:
    """The program of a cell's process: time a pilot, or train and (unless the task is "train") measure, as the
    `config.json` in `folder` says."""
    threading.Thread(target=lambda: os.read(0, 1) or _thread.interrupt_main(), daemon=True).start()
    config, place = read_json(folder / "config.json"), choose_device(device)
    if folder.name == "pilot":
        write_json(folder / "speed.json", {"seconds_per_iteration": time_stages(build(folder, config, place)[0])})
        return
    _, frames = build(folder, config, torch.device("cpu"))
    done, chosen = (folder / "done.json").exists(), {"device": device, "seed": config["seed"], "progress": False}
    run = train(config["method"], frames, folder, config["preset"], **chosen, **config["settings"])
    if not run.finished:
        raise SivLiteError(f"stopped at iteration {run.iteration}; the same call goes on from there")
    if task == "train":
        return
    if not (folder / "cost.json").exists():
        networks = [network for name, network in run.method.networks.items() if name != "average"]
        parameters = sum(p.numel() for network in networks for p in network.parameters())
        cost = {"parameters": parameters, "peak_memory_bytes": None if done else peak_memory(place)}
        write_json(folder / "cost.json", cost)
    measure_run(run)


def time_stages(method: Method) -> float:
    """Seconds that one iteration of every stage takes, by a method that was built for PILOT iterations of each."""
    times = []
    for iteration in range(1, method.iterations + 1):
        if method.enter(iteration) or iteration == 1:
            step = fast_step(method)
        begin = time.perf_counter()
        step()
        if method.count.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return sum(median(times[i + PILOT // 2 : i + PILOT]) for i in range(0, len(times), PILOT))


def peak_memory(device: torch.device) -> int | None:
    """The most bytes that this process has held: on CUDA those of its tensors, else all that was resident, PyTorch
    included; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")  # of Linux; getrusage also counts what the parent held at the start
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024 if status.exists() else None


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), *sys.argv[2:])
    except Exception as error:
        sentence = str(error).partition("\n")[0]
        sys.exit(sentence if isinstance(error, SivLiteError) else f"{type(error).__name__}: {sentence}")
