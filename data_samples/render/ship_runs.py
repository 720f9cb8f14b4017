"""Make the small finished runs and the comparison that are shipped.

So samples can be drawn and explored before anything was trained:

    python data_samples/render/ship_runs.py train FOLDER
    python data_samples/render/ship_runs.py export RUN TARGET
    python data_samples/render/ship_runs.py compare FOLDER TARGET
    python data_samples/render/ship_runs.py sheet TARGET.png

The first trains every shipped run in full, minutes each. The second keeps what drawing needs of a
finished run. The third compares all methods on the balloons, which takes hours, and keeps the table
and a sheet of images for each. The fourth draws the README's first picture, docs/demo_grid.png:
what notebook 00 ends with at the preset `lesson`, from the shipped run.
"""

import argparse
import hashlib
import json
import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from siv_lite import (
    SivLiteError,
    compare,
    image_grid,
    open_run,
    read_frames,
    save_image,
    train,
)
from siv_lite.frames import scene_sheet
from siv_lite.methods import METHODS
from siv_lite.training.checkpoint import list_checkpoints, load_checkpoint, read_log, write_json
from siv_lite.training.verify import NUM_SAMPLES, SAMPLE_SEED

FOLDER = Path(__file__).parents[1]
SAMPLES = ("balloons", "beach", "street")
LOG_LINES = 200
NUM_SCENES = 7  # beside the training image
COMPARISON_SECONDS = 300  # of training, for each method and seed


@dataclass(frozen=True)
class Shipped:
    """A run that is shipped, under the name <sample>_<method> and perhaps something more.

    Attributes:
        sample: the image, a file of `data_samples`.
        method: name of the method.
        settings: what differs from the preset `lesson`.
        last_weights: whether G's last weights are kept beside their average.
        is_half_way: whether the training stops half-way and is kept whole, to be trained on.
    """

    sample: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    last_weights: bool = False
    is_half_way: bool = False


SHIPPED = {
    "balloons_singan": Shipped("balloons", "singan"),
    "beach_singan": Shipped("beach", "singan"),
    "street_singan": Shipped("street", "singan"),
    # Lesson 3 draws with the last weights, too.
    "balloons_siv_gan": Shipped("balloons", "siv_gan", last_weights=True),
    "beach_siv_gan": Shipped("beach", "siv_gan"),
    "street_siv_gan": Shipped("street", "siv_gan"),
    # Lesson 5 shows what becomes of a training without the diversity term.
    "balloons_siv_gan_no_diversity": Shipped("balloons", "siv_gan", {"diversity": "none"}),
    # Lesson 7 trains on from here, live.
    "balloons_siv_gan_half_way": Shipped("balloons", "siv_gan", is_half_way=True),
}

# The network of each shipped method that no sample needs; the microscope reads SIV-GAN's D.
TRAINED_ONLY = {"siv_gan": "G.", "singan": "D."}


def train_all(folder: Path) -> None:
    """Train every shipped run; finished ones are left alone, interrupted ones go on.

    Args:
        folder: the runs are made in its folders, under the names of `SHIPPED`.
    """
    for name, shipped in SHIPPED.items():
        frames = read_frames(FOLDER / f"{shipped.sample}.png")
        on_log = None
        if shipped.is_half_way:
            on_log = stop_half_way(open_run(folder / f"{shipped.sample}_siv_gan", "cpu").iteration)
        with suppress(HalfWay):
            train(
                shipped.method,
                frames,
                folder / name,
                preset="lesson",
                on_log=on_log,
                **shipped.settings,
            )


class HalfWay(Exception):
    """Ends a training, whose last checkpoint is then that of half of the iterations."""


def stop_half_way(total: int) -> Callable[[int, dict[str, float]], None]:
    """Return what ends a training just after half of its iterations, for `train`'s `on_log`."""

    def stop(iteration: int, values: dict[str, float]) -> None:
        if iteration > total // 2:
            raise HalfWay

    return stop


def reduce_state(
    state: dict[str, Tensor], trained_only: str | None, exact: tuple[str, ...]
) -> dict[str, Tensor]:
    """Keep what drawing needs of a checkpoint, its weights in half precision.

    Args:
        state: the checkpoint's tensors by name.
        trained_only: with what the names of those tensors begin that no sample needs; None: keep
            all networks.
        exact: names of tensors that stay as they are; integers do, too.

    Returns:
        The reduced tensors by name.
    """
    reduced = {}
    for name, tensor in state.items():
        if ".adam." in name:
            continue
        if trained_only is not None and name.startswith(trained_only):
            continue
        if tensor.dtype == torch.float32 and name not in exact:
            tensor = tensor.half()
        reduced[name] = tensor
    return reduced


def export(source: Path, target: Path) -> None:
    """Copy what is needed to open a finished run and to draw from it, not to train on.

    A run that is shipped half-way, as `SHIPPED` says by the target's name, can be trained on.

    Args:
        source: folder of the run.
        target: new folder.

    Raises:
        SivLiteError: for a run that is unfinished or of a method that is not shipped, and if the
            target is there already.
    """
    shipped = SHIPPED.get(target.name)
    if target.exists():
        raise SivLiteError(f"{target} is there already; delete it first, or choose another folder")
    if shipped is not None and shipped.is_half_way:
        export_half_way(source, target)
        return

    run = open_run(source, "cpu")
    method = run.config["method"]
    if not run.finished or method not in TRAINED_ONLY:
        raise SivLiteError(
            f"{source} is no finished run of {' or '.join(TRAINED_ONLY)}; choose another"
        )

    # Files that are copied as they are.
    (target / "samples").mkdir(parents=True)
    newest_grid = max((source / "samples").glob("*.png")).relative_to(source)
    for name in ("config.json", "frames.safetensors", "done.json", newest_grid):
        shutil.copyfile(source / name, target / name)

    # Every n-th line of the log, counted from the end, so that the last line stays.
    log = read_log(source)
    step = math.ceil(len(log) / LOG_LINES)
    thinned = log[::-step][::-1]
    lines = [json.dumps(entry) + "\n" for entry in thinned]
    (target / "log.jsonl").write_text("".join(lines))

    # The newest checkpoint, reduced.
    newest = list_checkpoints(source)[0]
    description, state = load_checkpoint(source)
    trained_only = TRAINED_ONLY[method]
    if shipped is not None and shipped.last_weights:
        trained_only = None
    data = save(reduce_state(state, trained_only, run.method.state_names))
    (target / newest.name).with_suffix(".safetensors").write_bytes(data)
    description["sha256"] = hashlib.sha256(data).hexdigest()
    description["weights_only"] = True
    write_json(target / newest.name, description)


def export_half_way(source: Path, target: Path) -> None:
    """Copy an unfinished run with its newest checkpoint, in full, so that it can be trained on.

    Args:
        source: folder of the run.
        target: new folder.
    """
    (target / "samples").mkdir(parents=True)
    newest = list_checkpoints(source)[0]
    iteration = int(newest.stem.split("-")[1])
    grids = sorted((source / "samples").glob("*.png"))
    copied = [path for path in grids if int(path.stem) <= iteration]
    copied += [newest, newest.with_suffix(".safetensors")]
    copied += [source / "config.json", source / "frames.safetensors"]
    for path in copied:
        shutil.copyfile(path, target / path.relative_to(source))

    # The log can be some iterations ahead of the checkpoint.
    log = [entry for entry in read_log(source) if entry["iteration"] <= iteration]
    lines = [json.dumps(entry) + "\n" for entry in log]
    (target / "log.jsonl").write_text("".join(lines))


def export_comparison(folder: Path, target: Path) -> None:
    """Copy the table of a comparison, and draw a sheet of images for each row.

    Args:
        folder: of the comparison.
        target: for the table and the sheets, which show those images of the first seed that were
            measured.
    """
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "table.csv", target / "table.csv")
    for run in sorted(folder.glob("*/seed0")):
        images = open_run(run, "cpu").sample_images(NUM_SAMPLES, SAMPLE_SEED)
        save_image(image_grid(images, 4, padding=0), target / f"{run.parent.name}.png")


def make_comparison(folder: Path, target: Path) -> None:
    """Compare all methods on the balloons, for as long each.

    Args:
        folder: for the runs.
        target: see `export_comparison`.
    """
    frames = read_frames(FOLDER / "balloons.png")
    rows = {name: {"method": name} for name in METHODS}
    compare(rows, frames, folder, seconds=COMPARISON_SECONDS, render=True)
    export_comparison(folder, target)


def draw_sheet(target: Path) -> None:
    """Draw scenes of the shipped balloons, rendered at the size of the training image.

    Args:
        target: the .png file.
    """
    run = open_run(FOLDER / "runs" / "balloons_siv_gan", "cpu")
    small = run.sample(NUM_SCENES, SAMPLE_SEED)
    scenes = run.render(small, seed=SAMPLE_SEED)
    save_image(scene_sheet(run.frames, scenes, small), target)


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train every shipped run")
    training.add_argument("folder", type=Path)
    exporting = commands.add_parser("export", help="reduce a finished run to what drawing needs")
    exporting.add_argument("run", type=Path)
    exporting.add_argument("target", type=Path)
    comparing = commands.add_parser("compare", help="compare all methods, for as long each")
    comparing.add_argument("folder", type=Path)
    comparing.add_argument("target", type=Path)

    drawing = commands.add_parser("sheet", help="draw rendered scenes of the balloons")
    drawing.add_argument("target", type=Path)

    arguments = parser.parse_args()
    try:
        if arguments.command == "train":
            train_all(arguments.folder)
        elif arguments.command == "export":
            export(arguments.run, arguments.target)
        elif arguments.command == "sheet":
            draw_sheet(arguments.target)
        else:
            make_comparison(arguments.folder, arguments.target)
    except SivLiteError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
