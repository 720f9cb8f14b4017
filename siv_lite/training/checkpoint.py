"""The files of a run folder, all of them readable without this package.

config.json                       what was asked for
frames.safetensors                the frames, whole, in 8 bits
log.jsonl                         one line per logged iteration, and per grid
samples/00001000.png              a grid of samples
scenes.png                        the newest scenes, rendered; only where somebody watched
checkpoint-00001000.safetensors   the state after that iteration
checkpoint-00001000.json          its description; without it there is no checkpoint
done.json                         written when training has ended
"""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from siv_lite.errors import DamagedRunError, SivLiteError
from siv_lite.files import atomic_write
from siv_lite.training.migrate import FORMAT, OLDEST_FORMAT, migrate_config, migrate_state

NUM_KEPT = 2  # checkpoints; the second is there in case the newest is damaged


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a dictionary as readable JSON, with the number of the format.

    Args:
        path: file to write, whole or not at all.
        value: anything that JSON can hold.
    """
    text = json.dumps({**value, "format": FORMAT}, indent=1) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text)


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Args:
        path: file to read.

    Returns:
        The dictionary, with its "format".

    Raises:
        DamagedRunError: if the file is missing or damaged.
        SivLiteError: if it has a format that this version does not know.
    """
    try:
        value = json.loads(path.read_bytes())
        found = value["format"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedRunError(
            f"{path} is missing or damaged; restore it, or begin again in another folder"
        ) from error
    if found not in range(OLDEST_FORMAT, FORMAT + 1):
        raise SivLiteError(
            f"{path} has format {found}, not {FORMAT}; use the siv_lite that wrote it"
        )
    return value


def read_config(folder: Path) -> dict[str, Any]:
    """Read what was asked for in a run folder, under today's names.

    Args:
        folder: a run folder.

    Returns:
        "method", "preset", "settings", "precision", "seed", "frames" and "versions".
    """
    return migrate_config(read_json(folder / "config.json"))


def save_checkpoint(folder: Path, iteration: int, state: dict[str, Tensor], seconds: float) -> None:
    """Write a checkpoint and delete all but the newest two.

    Args:
        folder: a run folder.
        iteration: number of iterations done.
        state: all tensors that the next step depends on, the random generator's too.
        seconds: of training so far.
    """
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    path = folder / f"checkpoint-{iteration:08d}.safetensors"
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)

    # The description comes last: a kill between the two leaves no checkpoint, not half of one.
    checksum = hashlib.sha256(data).hexdigest()
    description = {"iteration": iteration, "seconds": seconds, "sha256": checksum}
    write_json(path.with_suffix(".json"), description)

    for old in list_checkpoints(folder)[NUM_KEPT:]:
        old.with_suffix(".safetensors").unlink(missing_ok=True)
        old.unlink(missing_ok=True)


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the descriptions of all checkpoints, newest first.

    Args:
        folder: a run folder.

    Returns:
        Paths of JSON files.
    """
    return sorted(folder.glob("checkpoint-*.json"), reverse=True)


def load_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Load the newest good checkpoint, and warn of every damaged one that is passed over.

    Args:
        folder: a run folder.

    Returns:
        What its JSON says, and the state under today's names; iteration 0 and an empty state if
        there is no checkpoint yet.

    Raises:
        SivLiteError: if all checkpoints are damaged.
    """
    paths = list_checkpoints(folder)
    damaged = []
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
        return description, migrate_state(load(data), description["format"])

    # Nothing could be read. If the run is being trained, newer files may have replaced the old
    # ones.
    if list_checkpoints(folder) != paths:
        return load_checkpoint(folder)
    if not paths:
        return {"iteration": 0, "seconds": 0}, {}
    raise SivLiteError(
        f"Every checkpoint in {folder} is damaged; delete the folder and train again"
    )


def append_log(folder: Path, iteration: int, losses: dict[str, float]) -> None:
    """Add one line to the log.

    Args:
        folder: a run folder.
        iteration: that the losses are of.
        losses: name -> value, and what was measured besides.

    Raises:
        SivLiteError: if the line cannot be written.
    """
    path = folder / "log.jsonl"
    line = json.dumps({"iteration": iteration, **losses}) + "\n"
    try:
        with open(path, "a") as file:
            file.write(line)
    except OSError as error:
        raise SivLiteError(
            f"{path} cannot be written ({error.strerror}); free some space"
        ) from error


def read_log(folder: Path) -> list[dict[str, float]]:
    """Read the log; a last line that is still being written is left out.

    Args:
        folder: a run folder.

    Returns:
        Dictionaries with "iteration" and one value per loss, oldest first.
    """
    path = folder / "log.jsonl"
    if not path.exists():
        return []
    complete_lines = path.read_text().split("\n")[:-1]
    return [json.loads(line) for line in complete_lines]


def truncate_after(folder: Path, iteration: int) -> None:
    """Delete what was written after a checkpoint, so that resuming there writes it again.

    Also deletes temporary files that a kill left behind.

    Args:
        folder: a run folder.
        iteration: of the checkpoint.
    """
    entries = [entry for entry in read_log(folder) if entry["iteration"] <= iteration]
    lines = [json.dumps(entry) + "\n" for entry in entries]
    with atomic_write(folder / "log.jsonl") as temporary:
        temporary.write_text("".join(lines))

    checkpoints = sorted(folder.glob("checkpoint-*"))  # a description goes before its tensors
    grids = folder.glob("samples/*.png")
    for path in [*checkpoints, *grids]:
        if int(path.stem[-8:]) > iteration:
            path.unlink(missing_ok=True)
    for path in [*folder.glob(".[0-9]*-*"), *folder.glob("samples/.[0-9]*-*")]:
        path.unlink(missing_ok=True)
