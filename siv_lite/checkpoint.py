"""The files of a run folder, all readable without this package: `config.json` what was asked for, `frames.safetensors`
the 8-bit frames, `log.jsonl` a line per logged iteration, `samples/00001000.png` grids,
`checkpoint-00001000.safetensors` and its `.json`, and `done.json` when training has ended."""

import hashlib
import json
import warnings
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor

from siv_lite.errors import DamagedRunError, SivLiteError
from siv_lite.files import atomic_write

FORMAT = 1  # of the run folder; a folder of another format is refused


def write_json(path: Path, value: dict) -> None:
    """Write a dictionary, with the format's number, as readable JSON."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, **value}, indent=1) + "\n")


def read_json(path: Path) -> dict:
    """Read what `write_json` wrote; DamagedRunError if it is missing or damaged, SivLiteError if of another format."""
    try:
        value = json.loads(path.read_bytes())
        found = value["format"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedRunError(f"{path} is missing or damaged; restore it, or begin again in another folder") from error
    if found != FORMAT:
        raise SivLiteError(f"{path} has format {found}, not {FORMAT}; use the siv_lite that wrote it")
    return value


def save_checkpoint(folder: Path, iteration: int, state: dict[str, Tensor], seconds: float) -> None:
    """Write the state after `iteration`, reached in `seconds` of training; keep two. The JSON comes last: without it
    there is no checkpoint."""
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    path = folder / f"checkpoint-{iteration:08d}.safetensors"
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    checksum = hashlib.sha256(data).hexdigest()
    write_json(path.with_suffix(".json"), {"iteration": iteration, "seconds": seconds, "sha256": checksum})
    for old in list_checkpoints(folder)[2:]:  # the second is there in case the newest is damaged
        old.with_suffix(".safetensors").unlink(missing_ok=True)
        old.unlink(missing_ok=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints' JSON files, newest first."""
    return sorted(folder.glob("checkpoint-*.json"), reverse=True)


def load_checkpoint(folder: Path) -> tuple[dict, dict[str, Tensor]]:
    """The newest undamaged checkpoint as (what its JSON says, state); if there is none yet, of iteration 0 and without
    state. Warns of every damaged one that it passes over; SivLiteError if all are damaged."""
    paths, damaged = list_checkpoints(folder), []
    for path in paths:
        try:
            description = read_json(path)
            data = path.with_suffix(".safetensors").read_bytes()
            if hashlib.sha256(data).hexdigest() != description["sha256"]:
                raise DamagedRunError("altered")
        except (DamagedRunError, KeyError, OSError):
            damaged.append(path.stem)
            continue
        for name in damaged:
            warnings.warn(f"{name} in {folder} is damaged; going on from {path.stem}", stacklevel=2)
        return description, load(data)
    if list_checkpoints(folder) != paths:  # training goes on: what vanished was replaced by newer ones
        return load_checkpoint(folder)
    if not paths:
        return {"iteration": 0, "seconds": 0}, {}
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
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def rewind(folder: Path, iteration: int) -> None:
    """Take back what was written after the checkpoint of `iteration`, so that going on repeats it, and clean up."""
    lines = [json.dumps(entry) + "\n" for entry in read_log(folder) if entry["iteration"] <= iteration]
    with atomic_write(folder / "log.jsonl") as temporary:
        temporary.write_text("".join(lines))
    numbered = [*sorted(folder.glob("checkpoint-*")), *folder.glob("samples/*.png")]  # the JSON goes first
    later = [path for path in numbered if int(path.stem[-8:]) > iteration]
    for path in [*later, *folder.glob(".[0-9]*-*"), *folder.glob("samples/.[0-9]*-*")]:
        path.unlink(missing_ok=True)  # a temporary picture is found twice
