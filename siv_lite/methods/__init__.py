"""What every method answers, their table, their settings. A new method is a new file here and a row in `METHODS`."""

import importlib
import inspect
import math
import typing
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from siv_lite.blocks import Network, adam_state, backward
from siv_lite.errors import SivLiteError

METHODS = {
    "siv_gan": ("siv_lite.methods.siv_gan", "SIVGAN"),
    "singan": ("siv_lite.methods.singan", "SinGAN"),
    "consingan": ("siv_lite.methods.consingan", "ConSinGAN"),
    "gpdm": ("siv_lite.methods.gpdm", "GPDM"),
    "fastgan": ("siv_lite.methods.fastgan", "FastGAN"),
    "hp_vae_gan": ("siv_lite.methods.hp_vae_gan", "HPVAEGAN"),
}


class Method(ABC):
    """One way to learn a generator from frames (N, 3, H, W) in [-1, 1]; built from them, its settings, a device, a
    precision ("fp32", "tf32" or "bf16") and a seed. A step is a pure tensor computation: no value is read back, nothing
    branches on data, shapes never change and all randomness comes from `generator`, so that it can be captured as one
    CUDA graph, repeats to the bit and resumes exactly."""

    Settings: ClassVar[type]  # a frozen dataclass; its defaults are the preset `paper`
    PRESETS: ClassVar[dict[str, dict[str, Any]]]  # name -> what differs from the defaults
    BOUNDS: ClassVar[dict[str, tuple[float, float]]]  # least and greatest value of a setting

    stages: int = 1  # trained one after the other, each for as many iterations
    length: int = 1  # pictures per sample: those of a video
    resizable: bool = False  # whether it draws at other sizes than it was trained at
    editable: bool = False  # whether it redraws a picture that is put in at one of its stages
    kept: tuple[str, ...] = ("count",)  # names of the attributes that are tensors of the state

    precision: str
    generator: torch.Generator
    networks: dict[str, Network]
    optimisers: dict[str, torch.optim.Adam]  # by the name of their network
    count: Tensor  # iterations done, on the device
    size: tuple[int, int]  # (H, W) of the pictures
    iterations: int  # of all stages

    @abstractmethod
    def step(self) -> dict[str, Tensor]:
        """Train for one iteration; return its losses by name, as one-element tensors on the device."""

    @abstractmethod
    def draw_latents(self, n: int, seed: int) -> Tensor:
        """Draw `n` latents (n, ...) from `seed`, on the CPU, so that one seed shows one picture on every device. All
        are N(0, 1). Methods that are `resizable` also take `size`, the (H, W) of the pictures."""

    @abstractmethod
    def generate(self, latents: Tensor) -> Tensor:
        """Turn latents into images (n, 3, H, W) in [-1, 1], videos (n, T, 3, H, W), by the generator that is used for
        samples. Those with `stages` also take `stage` and `start`, those `resizable` also `size`; see `Run.sample`."""

    def enter(self, iteration: int) -> bool:
        """Get ready for `iteration`, counted from 1; whether that began another stage, with other shapes."""
        return False

    def arithmetic(self) -> torch.autocast:
        """The context in which networks run: bfloat16 where that was asked for."""
        return torch.autocast(self.count.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def update(self, loss: Tensor, clip: float | None = None, **rates: float | Tensor) -> None:
        """One step of Adam on each of the named networks, at these learning rates, down the gradient of one loss, whose
        norm over all of them is cut to `clip`."""
        backward(loss, [self.networks[name] for name in rates])
        if clip is not None:
            nn.utils.clip_grad_norm_([p for name in rates for p in self.networks[name].parameters()], clip)
        for name, rate in rates.items():
            learning_rate = self.optimisers[name].param_groups[0]["lr"]
            learning_rate.copy_(rate) if isinstance(rate, Tensor) else learning_rate.fill_(rate)
            self.optimisers[name].step()
            self.networks[name].normalize()

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on but the random generator: the method's own tensors, by name."""
        state = {name: getattr(self, name) for name in self.kept}
        for name, network in self.networks.items():
            state |= {f"{name}.{key}": tensor for key, tensor in network.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            state |= {f"{name}.{key}": tensor for key, tensor in adam_state(optimiser, self.networks[name]).items()}
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Copy a saved `state` into this method's own; SivLiteError if names or shapes do not fit."""
        self.enter(max(1, int(state.get("count", 0))))
        own = self.state()
        if own.keys() != state.keys() or any(own[name].shape != state[name].shape for name in own):
            raise SivLiteError(f"The checkpoint does not fit {type(self).__name__} so set up; use another `out`")
        for name, tensor in own.items():
            tensor.copy_(state[name])
        for network in self.networks.values():
            network.normalize(iterate=False)


def find_method(name: str) -> type[Method]:
    """The class behind a name of `METHODS`; SivLiteError for an unknown name."""
    if name not in METHODS:
        raise SivLiteError(f"Unknown method {name!r}; known are {', '.join(METHODS)}")
    module, attribute = METHODS[name]
    return getattr(importlib.import_module(module), attribute)


def make_settings(method: str, preset: str = "paper", **overrides: Any) -> Any:
    """The settings of `method` under `preset`, with single fields replaced.
    Raises SivLiteError for an unknown method, preset or field and for a value of the wrong type or range."""
    kind = find_method(method)
    if preset not in kind.PRESETS:
        raise SivLiteError(f"Unknown preset {preset!r} of {method}; known are {', '.join(kind.PRESETS)}")
    types = typing.get_type_hints(kind.Settings)
    for name, value in overrides.items():
        if name not in types:
            raise SivLiteError(f"Unknown setting {name!r} of {method}; known are {', '.join(types)}")
        if not fits(value, types[name]):
            expected = inspect.formatannotation(types[name])
            raise SivLiteError(f"Setting {name} of {method} must be {expected}, not {value!r}")
        low, high = kind.BOUNDS.get(name, (-math.inf, math.inf))
        if isinstance(value, int | float) and not low <= value <= high:
            raise SivLiteError(f"Setting {name} of {method} must lie in {low} to {high}, not {value}")
    return kind.Settings(**(kind.PRESETS[preset] | overrides))


def fits(value: Any, expected: Any) -> bool:
    """Whether a value is of an annotated type: int, float, bool, str, Literal, tuple, None or a union of them."""
    origin, options = typing.get_origin(expected), typing.get_args(expected)
    if origin is typing.Literal:
        return value in options
    if origin is tuple:  # JSON knows only lists
        return isinstance(value, tuple | list) and len(value) == len(options) and all(map(fits, value, options))
    if options:
        return any(fits(value, option) for option in options)
    if isinstance(value, bool):
        return expected is bool
    return isinstance(value, int | float if expected is float else expected)
