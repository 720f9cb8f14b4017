"""From what a caller asks for to a run folder, and from a run folder to a method."""

import json
import platform
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from siv_lite.errors import DamagedRunError, SivLiteError, check_integer
from siv_lite.files import atomic_write
from siv_lite.frames import (
    check_frames,
    from_uint8,
    pixels_checksum,
    reduced_size,
    resize_frames,
    resize_to,
    to_uint8,
)
from siv_lite.methods import Method, find_method, make_settings
from siv_lite.training.checkpoint import load_checkpoint, read_config, write_json

PRECISIONS = ("fp32", "tf32", "bf16")
MAX_SIZE = 1024  # pixels of the longest side of the frames that a run keeps
MAY_DIFFER = ("format", "preset", "settings", "versions")  # in a config, when a run is resumed


def create_or_verify(
    folder: Path,
    method: str,
    frames: Tensor,
    preset: str = "lesson",
    precision: str = "fp32",
    seed: int = 0,
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a folder the run of what is asked for, or check that it already is.

    This is the one place where frames are validated and quantized to 8 bits.

    Args:
        folder: the run folder.
        method: a row of `METHODS`.
        frames: (N, 3, H, W) in [-1, 1]; reduced where a side is longer than 1,024 pixels.
        preset: "smoke", "lesson" or "paper".
        precision: "fp32", "tf32" or "bf16".
        seed: of the training.
        settings: single settings that replace those of the preset.

    Returns:
        The config of the run, as it stands in `config.json`.

    Raises:
        SivLiteError: for anything unknown or out of range, for frames that cannot be used, and if
            the folder holds a run of something else.
    """
    frames = resize_frames(check_frames(frames), MAX_SIZE)
    pixels = to_uint8(frames)  # (N, H, W, 3)
    config = make_config(method, pixels, preset, precision, seed, settings or {})

    if not (folder / "config.json").exists():
        tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()  # (N, 3, H, W)
        with atomic_write(folder / "frames.safetensors") as temporary:
            temporary.write_bytes(save({"frames": tensor}))
        write_json(folder / "config.json", config)

    found = read_config(folder)
    wanted_values = {**config, **config["settings"]}
    found_values = {**found, **found["settings"]}
    for name, wanted in wanted_values.items():
        other = found_values.get(name)
        if name not in MAY_DIFFER and other != wanted:
            raise SivLiteError(
                f"{folder} holds a run with other settings: {name} is {other} there, {wanted} "
                "here; use the same settings to go on, or another `out`"
            )
    return found


def make_config(
    method: str,
    pixels: np.ndarray,
    preset: str,
    precision: str,
    seed: int,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Describe what is asked for, as it will stand in `config.json`.

    Args:
        method: a row of `METHODS`.
        pixels: (N, H, W, 3), 8 bits.
        preset: "smoke", "lesson" or "paper".
        precision: "fp32", "tf32" or "bf16".
        seed: of the training.
        settings: single settings that replace those of the preset.

    Returns:
        The config, as it will be read again: with lists for tuples.

    Raises:
        SivLiteError: for anything unknown or out of range.
    """
    if precision not in PRECISIONS:
        raise SivLiteError(f"Unknown precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    num_frames, height, width, _ = pixels.shape
    config = {
        "method": method,
        "preset": preset,
        "settings": asdict(make_settings(method, preset, **settings)),
        "precision": precision,
        "seed": check_integer("seed", seed, 0),
        "frames": {
            "shape": [num_frames, 3, height, width],
            "sha256": pixels_checksum(pixels),
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    return json.loads(json.dumps(config))


def load_frames(folder: Path, config: dict[str, Any]) -> Tensor:
    """Read the frames that a run keeps.

    A training always uses these, also right after they were written: the 8 bits in the folder are
    what a resumed run will see, so the first part of the training must see the same.

    Args:
        folder: a run folder.
        config: of the run.

    Returns:
        (N, 3, H, W) in [-1, 1].

    Raises:
        DamagedRunError: if the file is missing or is not what was written.
    """
    path = folder / "frames.safetensors"
    try:
        tensor = load(path.read_bytes())["frames"]  # (N, 3, H, W)
        pixels = tensor.permute(0, 2, 3, 1).contiguous().numpy()  # (N, H, W, 3)
        if pixels_checksum(pixels) != config["frames"]["sha256"]:
            raise ValueError("altered")
    except Exception as error:  # a damaged file raises nearly anything
        raise DamagedRunError(f"{path} is missing or damaged; train in another folder") from error
    return from_uint8(pixels)


def reduce_frames(kind: type[Method], settings: Any, frames: Tensor) -> tuple[Any, Tensor]:
    """Bring frames to the size that a method learns from, in one step.

    Args:
        kind: the method's class.
        settings: of the method.
        frames: (N, 3, H, W) in [-1, 1], as large as they are.

    Returns:
        The settings, completed for that size, and the frames (N, 3, h, w) in [-1, 1].
    """
    size = reduced_size(*frames.shape[2:], settings.image_size)
    settings, size = kind.fit_settings(settings, len(frames), *size)
    return settings, resize_to(frames, size)


def make_method(config: dict[str, Any], frames: Tensor, device: torch.device) -> Method:
    """Build the method of a run, with fresh weights.

    Args:
        config: of the run.
        frames: (N, 3, H, W) in [-1, 1], as `load_frames` returns them.
        device: where to train and generate.

    Returns:
        The method; it works at its setting `image_size`, to which larger frames are reduced.
    """
    kind = find_method(config["method"])
    settings = make_settings(config["method"], **config["settings"])
    settings, training_frames = reduce_frames(kind, settings, frames)
    return kind(training_frames, settings, device, config["precision"], config["seed"])


def restore(method: Method, folder: Path, seed: int) -> dict[str, Any]:
    """Load the newest good checkpoint into a method, its random generator included.

    A checkpoint marked "weights_only" is for inference: it holds what sampling needs, in half
    precision; the rest of the state stays fresh, and training cannot be resumed from it.

    Args:
        method: with fresh weights.
        folder: its run folder.
        seed: of the run.

    Returns:
        What the checkpoint's JSON says; iteration 0 if there is no checkpoint yet.
    """
    checkpoint, state = load_checkpoint(folder)
    iteration = checkpoint["iteration"]
    if iteration == 0:
        return checkpoint
    random_state = state.pop("random")
    if checkpoint.get("weights_only"):
        method.start_stage(method.stage_at(iteration))
        state = {**method.state(), **state}
    method.load_state(state)

    if random_state.shape == method.generator.get_state().shape:
        method.generator.set_state(random_state)
    else:
        # Begun on another kind of device, whose generator's state means nothing here.
        method.generator.manual_seed(seed + iteration)
    return checkpoint


def set_precision(precision: str) -> None:
    """Allow TensorFloat-32 products on CUDA, or forbid them; a global switch of PyTorch.

    Args:
        precision: of the training that begins; "fp32" forbids them.
    """
    allowed = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def choose_device(name: str) -> torch.device:
    """Find a device by name.

    Args:
        name: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:1".

    Returns:
        The device.

    Raises:
        SivLiteError: for other names, and for a device that is not there.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(name)):
        raise SivLiteError(f"Unknown device {name!r}; choose from auto, cpu, cuda and cuda:1")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SivLiteError(f"Device {name!r} is not there; use device='cpu' or 'auto'")
    return device
