"""A run: one training in its folder, from which samples are drawn, while it still trains or long after."""

import dataclasses
import json
import math
import platform
import re
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors.torch import load, save
from torch import Tensor

from siv_lite.checkpoint import load_checkpoint, read_json, read_log, write_json
from siv_lite.errors import DamagedRunError, SivLiteError, check_integer
from siv_lite.files import atomic_write
from siv_lite.frames import check_frames, frames_checksum, to_uint8
from siv_lite.methods import Method, find_method, make_settings

BATCH = 16  # pictures drawn at once, so that many samples need no more memory than few


class Run:
    """A training's `folder` as of its newest checkpoint when it was opened, that of `iteration`; with its `config`
    (what was asked for), `frames` (N, 3, H, W) in [-1, 1] and `method` (the networks)."""

    def __init__(self, folder: Path, config: dict, frames: Tensor, method: Method, iteration: int):
        self.folder, self.config, self.frames, self.method, self.iteration = folder, config, frames, method, iteration

    @property
    def finished(self) -> bool:  # by now
        return (self.folder / "done.json").exists()

    def log(self) -> list[dict[str, float]]:
        """The logged losses so far, oldest first: dictionaries with `iteration` and one number per loss."""
        return read_log(self.folder)

    def sample(
        self, n: int, seed: int = 0, size: tuple[int, int] | None = None, start: int = 0, stage: int | None = None
    ) -> Tensor:
        """Draw `n` new images (n, 3, H, W) in [-1, 1], on the CPU, or videos (n, T, 3, H, W) if the method makes them.
        One seed always gives the same latents. `size`: (H, W) other than trained at, where the method can. Of pyramids:
        `stage`, the finished stage whose pictures are shown, by default the newest; `start`, the first stage that draws
        noise, below which the training image's layout is kept. Raises SivLiteError for what the method cannot do."""
        method, options = self.method, {"start": start} if start else {}
        options |= {} if stage is None else {"stage": stage}
        sized = {} if size is None else {"size": check_size(method, size)}
        for name, value in options.items():
            if check_integer(name, value, 0) >= method.stages:
                stages = f"the stages of this {type(method).__name__}, 0 to {method.stages - 1}"
                raise SivLiteError(f"{name} must be one of {stages}, not {value}")
        latents = method.draw_latents(check_integer("n", n, 1), check_integer("seed", seed, 0), **sized)
        return self.generate(latents, **sized, **options)

    def pictures(self, n: int, seed: int = 0) -> Tensor:
        """`n` single pictures (n, 3, H, W): samples, or those of as few sampled videos as have so many."""
        return self.sample(math.ceil(n / self.method.length), seed).flatten(0, -4)[:n]

    def generate(self, latents: Tensor, **options: Any) -> Tensor:
        """Images or videos, on the CPU, of latents of `method.draw_latents` or anything in between."""
        parts = latents.split(max(1, BATCH // self.method.length))
        return torch.cat([self.method.generate(part, **options).float().cpu() for part in parts])

    def walk(self, n: int = 48, seed: int = 0) -> Tensor:
        """`n` samples along a circle through latent space, cos t z1 + sin t z2, each as likely as a draw."""
        first, second = self.method.draw_latents(2, check_integer("seed", seed, 0)).split(1)
        angles = (torch.arange(check_integer("n", n, 1)) * 2 * math.pi / n).view(-1, *[1] * (first.ndim - 1))
        return self.generate(angles.cos() * first + angles.sin() * second)

    def __repr__(self) -> str:
        state = "finished" if self.finished else "unfinished"
        return f"Run({self.config['method']}, {self.iteration} iterations, {state}, {self.folder})"


def check_size(method: Method, size: tuple[int, int]) -> tuple[int, int]:
    """The (H, W) to draw at; SivLiteError if `method` draws at one size only, or for sides that are no pictures'."""
    if not method.resizable:
        raise SivLiteError(f"{type(method).__name__} draws pictures of {method.size} only; leave `size` out")
    sides = size if isinstance(size, tuple | list) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 16 <= side <= 4096 for side in sides):
        raise SivLiteError(f"size must be (height, width) in whole pixels from 16 to 4096, not {size!r}")
    return tuple(size)


def open_run(folder: str | Path, device: str = "auto") -> Run:
    """Open a training's folder at its newest good checkpoint; it may still be training.
    Raises SivLiteError if `folder` is no run, of another version, damaged at its end, or has no checkpoint yet."""
    folder = Path(folder)
    if not (folder / "config.json").exists():
        raise SivLiteError(f"{folder} is not a run folder: it has no config.json; give the folder that `train` wrote")
    config = read_json(folder / "config.json")
    method, frames = build(folder, config, choose_device(device))
    iteration = restore(method, folder, config["seed"])["iteration"]
    if not iteration:
        raise SivLiteError(f"{folder} has no checkpoint yet; wait for the first, or call train again to go on")
    if (folder / "done.json").exists() and iteration != method.iterations:
        damage = f"The last checkpoint of {folder} is damaged; the newest good one is of iteration {iteration}"
        raise SivLiteError(f"{damage}: delete done.json, and metrics.json if there, and train on from it")
    return Run(folder, config, frames, method, iteration)


def make_config(
    method: str, frames: Tensor, preset: str, precision: str, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """What is asked for, as it stands in `config.json`; SivLiteError for anything unknown or out of range."""
    if precision not in ("fp32", "tf32", "bf16"):
        raise SivLiteError(f"Unknown precision {precision!r}; known are fp32, tf32 and bf16")
    completed = dataclasses.asdict(make_settings(method, preset, **settings))
    config = {"method": method, "preset": preset, "settings": completed, "precision": precision}
    source = {"shape": frames.shape, "sha256": frames_checksum(frames)}
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__}
    config |= {"seed": check_integer("seed", seed, 0), "frames": source, "versions": versions}
    return json.loads(json.dumps(config))  # as it will be read again: tuples are lists there


def claim_folder(folder: Path, config: dict[str, Any], frames: Tensor) -> dict[str, Any]:
    """Make `folder` the run of `config`, or check that it is; return its config. SivLiteError names a difference."""
    if not (folder / "config.json").exists():
        pixels = torch.from_numpy(to_uint8(frames)).permute(0, 3, 1, 2).contiguous()
        with atomic_write(folder / "frames.safetensors") as temporary:
            temporary.write_bytes(save({"frames": pixels}))
        write_json(folder / "config.json", config)
    found = read_json(folder / "config.json")
    for name, value in (config | config["settings"]).items():
        other = (found | found["settings"]).get(name)
        if other != value and name not in ("preset", "settings", "versions"):
            difference = f"{folder} holds a run with other settings: {name} is {other} there, {value} here"
            raise SivLiteError(f"{difference}; use the same settings to go on, or another `out`")
    return found


def build(folder: Path, config: dict[str, Any], device: torch.device) -> tuple[Method, Tensor]:
    """The method of a run with fresh weights, and its frames; SivLiteError if the frames are damaged."""
    path = folder / "frames.safetensors"
    try:
        frames = check_frames(load(path.read_bytes())["frames"].float() / 127.5 - 1)
        if frames_checksum(frames) != config["frames"]["sha256"]:
            raise ValueError("altered")
    except Exception as error:  # a damaged file raises nearly anything
        raise DamagedRunError(f"{path} is missing or damaged; train in another folder") from error
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = config["precision"] != "fp32"
    settings = make_settings(config["method"], **config["settings"])
    return find_method(config["method"])(frames, settings, device, config["precision"], config["seed"]), frames


def restore(method: Method, folder: Path, seed: int) -> dict[str, Any]:
    """Load the newest good checkpoint into `method`, its random generator included; return what its JSON says. One with
    `weights_only` holds, in half precision, what drawing needs: the rest stays fresh, and training cannot go on."""
    checkpoint, state = load_checkpoint(folder)
    iteration = checkpoint["iteration"]
    if not iteration:
        return checkpoint
    random = state.pop("random")
    if checkpoint.get("weights_only"):
        method.enter(iteration)
        state = method.state() | state
    method.load_state(state)
    if random.shape == method.generator.get_state().shape:
        method.generator.set_state(random)
    else:  # begun on another kind of device, whose generator's state means nothing here
        method.generator.manual_seed(seed + iteration)
    return checkpoint


def choose_device(name: str) -> torch.device:
    """ "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:1"; SivLiteError for others and absent ones."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(name)):
        raise SivLiteError(f"Unknown device {name!r}; known are auto, cpu, cuda and cuda:1")
    device = torch.device(name.replace("auto", "cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SivLiteError(f"Device {name!r} is not there; use device='cpu' or 'auto'")
    return device
