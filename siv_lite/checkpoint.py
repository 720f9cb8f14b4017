"""The files of a run folder: settings, log and checkpoints; plain JSON and safetensors, readable without this package.

`config.json` what was asked for; `frames.safetensors` the 8-bit frames; `log.jsonl` a line per logged iteration;
`samples/00001000.png` grids; `checkpoint-00001000.safetensors` and its `.json`; `done.json` when training has ended.
"""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.files import replacing

FORMAT = 1  # of the run folder; a folder of another format is refused
KEPT = 2  # checkpoints: the newest, and the one before it in case the newest is damaged


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a dictionary, with the format's number, as readable JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, **value}, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote; ValueError if it is damaged, SivLiteError if it is of another format."""
    value = json.loads(path.read_bytes())
    if not isinstance(value, dict) or "format" not in value:
        raise ValueError(f"{path} is damaged")
    if value["format"] != FORMAT:
        raise SivLiteError(
            f"{path} has format {value['format']}, but this siv_lite reads {FORMAT}; use the version that wrote it"
        )
    return value


def save_checkpoint(folder: Path, iteration: int, state: dict[str, Tensor]) -> None:
    """Write the state after `iteration`; keep the last two. The JSON comes last: without it there is no checkpoint."""
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    path = folder / f"checkpoint-{iteration:08d}.safetensors"
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    write_json(path.with_suffix(".json"), {"iteration": iteration, "sha256": hashlib.sha256(data).hexdigest()})
    for old in list_checkpoints(folder)[KEPT:]:
        old.unlink(missing_ok=True)
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints' JSON files, newest first."""
    return sorted(folder.glob("checkpoint-*.json"), reverse=True)


def load_checkpoint(folder: Path) -> tuple[int, dict[str, Tensor]] | None:
    """The newest undamaged checkpoint as (iteration, state), None if there is none yet.

    Warns of every damaged one it passes over; SivLiteError if all are damaged. Training may go on meanwhile: a file
    that vanishes between listing and reading was replaced by a newer one, so the folder is listed again.
    """
    for _ in range(10):
        paths, damaged = list_checkpoints(folder), []
        for path in paths:
            try:
                description = read_json(path)
                data = path.with_suffix(".safetensors").read_bytes()
                if hashlib.sha256(data).hexdigest() != description["sha256"]:
                    raise ValueError("altered")
            except (ValueError, KeyError, OSError):
                damaged.append(path.stem)
                continue
            for name in damaged:
                warnings.warn(f"{name} in {folder} is damaged; going on from {path.stem}", stacklevel=2)
            return description["iteration"], load(data)
        if not paths:
            return None
        if list_checkpoints(folder) == paths:
            break
    raise SivLiteError(f"Every checkpoint in {folder} is damaged; delete the folder and train again")


def append_log(folder: Path, iteration: int, losses: dict[str, float]) -> None:
    """Add one line to `log.jsonl`; SivLiteError if it cannot be written."""
    try:
        with open(folder / "log.jsonl", "a") as file:
            file.write(json.dumps({"iteration": iteration, **losses}) + "\n")
    except OSError as error:
        raise SivLiteError(f"{folder / 'log.jsonl'} cannot be written ({error.strerror}); free some space") from error


def read_log(folder: Path) -> list[dict[str, float]]:
    """The logged losses, oldest first; a last line that is still being written is left out."""
    path = folder / "log.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def rewind(folder: Path, iteration: int) -> None:
    """Take back what was written after the checkpoint of `iteration`, so that going on repeats it, and clean up."""
    lines = [json.dumps(entry) + "\n" for entry in read_log(folder) if entry["iteration"] <= iteration]
    with replacing(folder / "log.jsonl") as temporary:
        temporary.write_text("".join(lines))
    later = [p for p in [*folder.glob("samples/*.png"), *list_checkpoints(folder)] if int(p.stem[-8:]) > iteration]
    for path in [*later, *folder.glob(".[0-9]*-*"), *folder.glob("samples/.[0-9]*-*")]:
        path.unlink()
    for path in folder.glob("checkpoint-*.safetensors"):
        if not path.with_suffix(".json").exists():
            path.unlink()
