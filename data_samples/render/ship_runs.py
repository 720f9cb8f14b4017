"""Make the small finished runs of `runs`, so that samples can be drawn and explored before anything was trained:

    python data_samples/render/ship_runs.py train FOLDER          # every shipped run, in full, minutes each
    python data_samples/render/ship_runs.py export RUN TARGET     # what drawing needs of a finished run
    python data_samples/render/ship_runs.py compare FOLDER TARGET # every method on the balloons, hours; table and sheets of it
"""

import argparse
import hashlib
import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from siv_lite import SivLiteError, check, compare, image_grid, open_run, read_frames, save_image, train
from siv_lite.checkpoint import list_checkpoints, read_json, read_log, write_json
from siv_lite.methods import METHODS

FOLDER = Path(__file__).parents[1]
SAMPLES, MAX_SIZE = ("balloons", "beach", "street"), 64
# With the default, 16, a beach of 4,800 iterations had steps in its horizon and a street was stripes.
CHANGED = {"beach_siv_gan": {"balance": 4.0}, "street_siv_gan": {"balance": 4.0}}
LOG_LINES = 200
SECONDS = 300  # of training, for each method and seed of the comparison
TRAINED_ONLY = {"siv_gan": "G.", "singan": "D."}  # the network that no sample needs; the microscope reads SIV-GAN's D


def train_all(folder: Path) -> None:
    """Train every method on every sample picture, in `folder`/<sample>_<method>; what is finished is left alone."""
    for method in TRAINED_ONLY:
        for sample in SAMPLES:
            frames = read_frames(FOLDER / f"{sample}.png", max_size=MAX_SIZE)
            name = f"{sample}_{method}"
            train(method, frames, folder / name, preset="lesson", **CHANGED.get(name, {}))


def reduce_state(state: dict[str, Tensor], method: str, exact: tuple[str, ...]) -> dict[str, Tensor]:
    """Of a checkpoint's tensors those that drawing needs; weights in half precision, `exact` and all integers as is."""
    needed = {
        name: tensor for name, tensor in state.items()
        if ".adam." not in name and not name.startswith(TRAINED_ONLY[method])
    }
    halved = {name: x.half() for name, x in needed.items() if x.dtype == torch.float32 and name not in exact}
    return needed | halved


def export(source: Path, target: Path) -> None:
    """Copy what is needed to open the finished run `source` and to draw from it, not to train on, to a new folder
    `target`. Raises SivLiteError for a run that is unfinished or of a method that is not shipped, and if `target` is
    there already."""
    run = open_run(source, "cpu")
    method = run.config["method"]
    if not run.finished or method not in TRAINED_ONLY:
        raise SivLiteError(f"{source} is no finished run of {' or '.join(TRAINED_ONLY)}; choose another")
    if target.exists():
        raise SivLiteError(f"{target} is there already; delete it first, or choose another folder")
    (target / "samples").mkdir(parents=True)
    newest_grid = max((source / "samples").glob("*.png")).relative_to(source)
    for name in ("config.json", "frames.safetensors", "done.json", newest_grid):
        shutil.copyfile(source / name, target / name)
    log = read_log(source)
    thinned = log[:: -math.ceil(len(log) / LOG_LINES)][::-1]  # from the end, so that the last line stays
    (target / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in thinned))
    newest = list_checkpoints(source)[0]
    state = load(newest.with_suffix(".safetensors").read_bytes())
    data = save(reduce_state(state, method, run.method.kept))
    (target / newest.name).with_suffix(".safetensors").write_bytes(data)
    changed = {"sha256": hashlib.sha256(data).hexdigest(), "weights_only": True}
    write_json(target / newest.name, read_json(newest) | changed)


def export_comparison(folder: Path, target: Path) -> None:
    """Copy to `target` the table of a comparison in `folder`, and of each row a sheet of the pictures, of its first
    seed, that were measured."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "table.csv", target / "table.csv")
    for run in sorted(folder.glob("*/seed0")):
        pictures = open_run(run, "cpu").pictures(check.SAMPLES, check.SEED)
        save_image(image_grid(pictures, 4, padding=0), target / f"{run.parent.name}.png")


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train", help="train every shipped run").add_argument("folder", type=Path)
    exporting = commands.add_parser("export", help="reduce a finished run to what drawing needs")
    exporting.add_argument("run", type=Path)
    exporting.add_argument("target", type=Path)
    comparing = commands.add_parser("compare", help="compare all methods, for as long each")
    comparing.add_argument("folder", type=Path)
    comparing.add_argument("target", type=Path)
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "train":
                train_all(arguments.folder)
            case "export":
                export(arguments.run, arguments.target)
            case "compare":
                frames = read_frames(FOLDER / "balloons.png", max_size=MAX_SIZE)
                compare({name: {"method": name} for name in METHODS}, frames, arguments.folder, seconds=SECONDS)
                export_comparison(arguments.folder, arguments.target)
    except SivLiteError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
