"""`Method`: what every method of this package has to answer, and what it gets for free."""

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from siv_lite.errors import SivLiteError
from siv_lite.nn import Network, adam_state, assign_gradients

NORMAL_BLOCK = 16  # torch draws normal numbers on the CPU in blocks of so many


class Method(ABC):
    """One way to learn a generator from frames.

    The training loop, checkpoints, exact resume, CUDA graphs, sampling, widgets, metrics and
    comparisons work with every subclass. A subclass provides `Settings`, `PRESETS`, `build`,
    `step`, `sample_latents` and `generate`; see `gpdm.py` for the smallest one.

    `step` is a pure tensor computation: it reads no value back from the device, branches on no
    data, keeps all shapes, and draws all randomness from `self.generator`. That is why it can be
    captured as one CUDA graph, repeats to the bit, and can be resumed exactly.

    Attributes:
        settings: the settings, completed by what follows from the frames.
        device: where the networks live.
        precision: "fp32", "tf32" or "bf16".
        generator: the source of all randomness of the training, on the device.
        networks: name -> network, all that is trained or averaged.
        optimizers: network name -> its optimizer, of those that are being trained.
        iteration: number of iterations done, a tensor on the device.
        iterations: number of iterations of the whole training.
        size: (height, width) of the images that are generated.
        num_stages: stages trained one after the other ("scales" in SinGAN).
        frames_per_sample: 1 for images, T for videos.
        latent_grid: (rows, columns) of latents (n, C, rows, columns) whose every cell belongs to
            the same place of the image; None where latents have no places.
    """

    Settings: ClassVar[type]  # a frozen dataclass; its defaults are the preset "paper"
    PRESETS: ClassVar[dict[str, dict[str, Any]]]  # preset -> what differs from the defaults

    resizable: bool = False  # whether it can generate at other sizes than it was trained at
    editable: bool = False  # whether a stage can redraw an image that is put in
    state_names: tuple[str, ...] = ("iteration",)  # attributes that are tensors of the state

    num_stages: int = 1
    frames_per_sample: int = 1
    latent_grid: tuple[int, int] | None = None
    size: tuple[int, int]
    iterations: int

    def __init__(
        self, frames: Tensor, settings: Any, device: torch.device, precision: str, seed: int
    ):
        """Set up a training that has not begun.

        Args:
            frames: (N, 3, H, W) in [-1, 1], at the size to work at; N = 1 for an image.
            settings: an instance of `Settings`.
            device: where to train and generate.
            precision: "fp32", "tf32" or "bf16".
            seed: seeds the weights and every draw of the training.
        """
        self.settings = settings
        self.device = device
        self.precision = precision
        self.generator = torch.Generator(device).manual_seed(seed)
        self.networks: dict[str, Network] = {}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.iteration = torch.zeros((), device=device)
        self.build(frames)

    # What a subclass writes.

    @classmethod
    def fit_settings(
        cls, settings: Any, num_frames: int, height: int, width: int
    ) -> tuple[Any, tuple[int, int]]:
        """Complete the settings for frames of a size, and choose the size to learn from.

        Generators that double their coarsest map reach only some sizes. Frames are then brought to
        such a size in one step from the whole ones, for reducing them twice would blur them.

        Args:
            settings: an instance of `Settings`.
            num_frames: N.
            height: of the frames at the setting `image_size`, in pixels.
            width: of the same.

        Returns:
            The settings, and the (height, width) of the frames that `build` gets.
        """
        return settings, (height, width)

    @abstractmethod
    def build(self, frames: Tensor) -> None:
        """Set `size`, `iterations`, networks, optimizers and whatever else `step` needs.

        Args:
            frames: (N, 3, H, W) in [-1, 1], not yet on the device.
        """

    @abstractmethod
    def step(self) -> dict[str, Tensor]:
        """Train for one iteration.

        Returns:
            Losses by name, as one-element tensors on the device.
        """

    @abstractmethod
    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents from N(0, 1), on the CPU, so that one seed is one image on every device.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: (H, W) of the images, for a `resizable` method; by default its own.

        Returns:
            (n, ...), the same first rows for every n.
        """

    @abstractmethod
    def generate(
        self,
        latents: Tensor,
        *,
        size: tuple[int, int] | None = None,
        stage: int | None = None,
        start: int = 0,
    ) -> Tensor:
        """Turn latents into samples, with the generator that samples are drawn from.

        Args:
            latents: (n, ...) from `sample_latents` for the same size, or anything between them.
            size: (H, W) of the images, for a `resizable` method.
            stage: whose images are shown, of several stages; by default the newest finished one.
            start: the first stage that gets noise; coarser ones keep the training image's layout.

        Returns:
            Images (n, 3, H, W) in [-1, 1], or videos (n, T, 3, H, W).

        Raises:
            SivLiteError: for what the method cannot do.
        """

    def stage_at(self, iteration: int) -> int:
        """Return the stage that an iteration belongs to.

        Args:
            iteration: counted from 1.

        Returns:
            The stage, from 0 to `num_stages` - 1.
        """
        return 0

    def start_stage(self, stage: int) -> None:
        """Get ready for a stage: add its networks, which changes the shapes that `step` works with.

        Args:
            stage: to be trained from now on; stages that lie between are added too.
        """
        assert stage == 0, stage

    # What a subclass uses.

    def autocast(self) -> torch.autocast:
        """Return the context in which networks run: bfloat16 where that was asked for."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def update(
        self,
        loss: Tensor,
        lr: dict[str, float | Tensor],
        max_grad_norm: float | None = None,
    ) -> None:
        """Take one Adam step on some networks, down the gradient of one loss.

        Args:
            loss: a scalar.
            lr: network name -> learning rate; only these networks are updated.
            max_grad_norm: if given, the norm of the joint gradient is clipped to it.
        """
        networks = [self.networks[name] for name in lr]
        assign_gradients(loss, networks)
        if max_grad_norm is not None:
            parameters = [p for network in networks for p in network.parameters()]
            nn.utils.clip_grad_norm_(parameters, max_grad_norm)

        for name, rate in lr.items():
            optimizer = self.optimizers[name]
            current = optimizer.param_groups[0]["lr"]  # a tensor: a captured step cannot replace it
            if isinstance(rate, Tensor):
                current.copy_(rate)
            else:
                current.fill_(rate)
            optimizer.step()
            self.networks[name].normalize()

    def coin_levels(self) -> dict[str, float]:
        """Return the losses while the discriminator cannot tell real images from generated ones.

        Returns:
            Name of a loss, as in the log -> its value when every answer is a tossed coin; only for
            losses that have such a value.
        """
        return {}

    def check_options(self, size: tuple[int, int] | None, stage: int | None, start: int) -> None:
        """Refuse what the method cannot do.

        Args:
            size: (H, W) asked for, or None.
            stage: asked for, or None.
            start: asked for.

        Raises:
            SivLiteError: naming what is not possible.
        """
        if size is not None and not self.resizable:
            raise SivLiteError(
                f"{type(self).__name__} draws images of {self.size} only; leave `size` out"
            )
        for name, value in (("stage", stage), ("start", start)):
            if value is not None and value >= self.num_stages:
                raise SivLiteError(
                    f"{name} must be one of the stages of this {type(self).__name__}, 0 to "
                    f"{self.num_stages - 1}, not {value}"
                )

    # Checkpoints.

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, but the random generator.

        Returns:
            Name -> the method's own tensor, not a copy.
        """
        state = {name: getattr(self, name) for name in self.state_names}
        for name, network in self.networks.items():
            for key, tensor in network.state_dict().items():
                state[f"{name}.{key}"] = tensor
        for name, optimizer in self.optimizers.items():
            for key, tensor in adam_state(optimizer, self.networks[name]).items():
                state[f"{name}.{key}"] = tensor
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Copy a saved state into this method.

        Args:
            state: made by `state` of a method with the same settings and frames.

        Raises:
            SivLiteError: if names or shapes differ.
        """
        iteration = max(1, int(state.get("iteration", 0)))
        self.start_stage(self.stage_at(iteration))
        own = self.state()
        fits = own.keys() == state.keys()
        fits = fits and all(own[name].shape == state[name].shape for name in own)
        if not fits:
            raise SivLiteError(
                f"The checkpoint does not fit {type(self).__name__} so set up; use another `out`"
            )
        for name, tensor in own.items():
            tensor.copy_(state[name])
        for network in self.networks.values():
            network.normalize(power_iteration=False)


def sample_latent_rows(n: int, shape: tuple[int, ...], seed: int) -> Tensor:
    """Draw latents such that the first rows are the same however many are drawn.

    torch draws normal numbers in blocks of 16, and draws an incomplete last block anew, in another
    way: the last row of three would not be the third of twenty. So whole blocks are drawn.

    Args:
        n: number of rows.
        shape: of one row.
        seed: the only thing that the rows depend on.

    Returns:
        (n, *shape), N(0, 1), on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    num_values = n * math.prod(shape)
    num_drawn = math.ceil(num_values / NORMAL_BLOCK) * NORMAL_BLOCK
    return torch.randn(num_drawn, generator=generator)[:num_values].view(n, *shape)
