"""SinGAN: a pyramid of GANs, each of which learns the patches of one image at one scale.

Rott Shaham, Dekel, Michaeli, "SinGAN: Learning a Generative Model from a Single Natural Image"
(ICCV 2019). Sections and equations below are that paper's; "official code" is its authors' program.
The paper numbers its scales from fine to coarse; stages here are numbered from coarse to fine.

Read in this order: `SinGAN.step`, one training step; `Generator` (Eq. 3); then `Pyramid` in
`pyramid.py`: how stages follow one another, and how samples are drawn from all of them.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.methods.pyramid import PatchDiscriminator, Pyramid, conv_block, pyramid_sizes, resize
from siv_lite.methods.settings import Bounds, ImageSize, Weight
from siv_lite.nn import Network, make_adam

PADDING = 5  # pixels that G's five 3x3 convolutions, which do not pad, take from every side
STAGES_PER_WIDTH = 4  # after so many stages the number of channels doubles


@dataclass(frozen=True)
class Settings:
    """Settings of SinGAN; the defaults are the paper's (supplementary, sections 2 and 3)."""

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    iterations: Annotated[int, Bounds(1, 10**7)] = 2000  # of every stage
    inner_steps: Annotated[int, Bounds(1, 100)] = 3  # updates of D, then of G, in one iteration
    learning_rate: Weight = 5e-4

    # Stages.
    coarsest_side: Annotated[int, Bounds(11, 256)] = 25  # shorter side of stage 0, in pixels
    scale_factor: Annotated[float, Bounds(0.2, 0.95)] = 0.75  # a stage's side over the next one's
    noise_amplitude: Weight = 0.1  # of a stage, times the error of the reconstruction below it

    # Networks. The first four stages have `base_channels`; each further four have twice as many.
    base_channels: Annotated[int, Bounds(4, 1024)] = 32
    max_channels: Annotated[int, Bounds(4, 1024)] = 128

    # Losses.
    reconstruction_weight: Weight = 10.0  # alpha (Eq. 4); 100 for super-resolution
    penalty_weight: Weight = 0.1  # of the gradient penalty


class Generator(Network):
    """G_n: five convolutions that add the details of one scale to a coarser image (Eq. 3)."""

    def __init__(self, channels: int):
        """Build the network.

        Args:
            channels: of all hidden maps.
        """
        super().__init__()
        blocks = [conv_block(3, channels)]
        for _ in range(3):
            blocks.append(conv_block(channels, channels))
        self.layers = nn.Sequential(*blocks)
        self.tail = nn.Conv2d(channels, 3, 3)

    def forward(self, noise: Tensor, coarser: Tensor | None) -> Tensor:
        """Generate images.

        Args:
            noise: z_n, (n, 3, H, W) or gray (n, 1, H, W), times its amplitude.
            coarser: what the stage below made, resized, (n, 3, H, W); None at the coarsest stage.

        Returns:
            (n, 3, H, W).
        """
        assert noise.ndim == 4 and noise.shape[1] in (1, 3), noise.shape
        if coarser is None:
            x = noise.expand(-1, 3, -1, -1)
        else:
            x = noise + coarser

        x = F.pad(x, [PADDING] * 4)  # (n, 3, H + 10, W + 10)
        details = torch.tanh(self.tail(self.layers(x)))  # (n, 3, H, W)
        return details if coarser is None else coarser + details


class SinGAN(Pyramid):
    """SinGAN: one step is a few updates of D, then as many of G, at one stage (section 2.2).

    Every stage has a generator of its own, "G0", "G1" and so on. There is only one discriminator,
    "D": that of the stage in training, since those of finished stages are not needed any more.
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(
            image_size=48, iterations=3, base_channels=8, scale_factor=0.5, inner_steps=2
        ),
        "lesson": dict(image_size=64, iterations=500, scale_factor=0.65),
        "paper": {},
    }

    def build(self, frames: Tensor) -> None:
        """Choose the sizes of all stages, and start the coarsest one.

        Args:
            frames: (N, 3, H, W) in [-1, 1].
        """
        height, width = frames.shape[2:]
        settings = self.settings
        self.sizes = pyramid_sizes(height, width, settings.coarsest_side, settings.scale_factor)
        self.build_pyramid(frames)

    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Return the shape of each stage's noise, without the batch; the coarsest is gray (official
        code)."""
        shapes = []
        for stage, size in enumerate(sizes):
            channels = 1 if stage == 0 else 3
            shapes.append((channels, *size))
        return shapes

    def num_channels(self, stage: int) -> int:
        """Return the number of channels of a stage's G and D."""
        settings = self.settings
        doublings = stage // STAGES_PER_WIDTH
        largest = max(settings.max_channels, settings.base_channels)
        return min(settings.base_channels * 2**doublings, largest)

    def add_stage(self) -> None:
        """Add a generator for the new stage, and a discriminator where it needs another one."""
        name = f"G{self.stage}"
        channels = self.num_channels(self.stage)
        G = Generator(channels)
        G.init_weights(self.device, self.generator)

        # Where the stage below is as wide, G starts as a copy of its G, and its D is trained on.
        if self.stage > 0 and channels == self.num_channels(self.stage - 1):
            G_below = self.networks[f"G{self.stage - 1}"]
            G.load_state_dict(G_below.state_dict())
        else:
            D = PatchDiscriminator(channels)
            D.init_weights(self.device, self.generator)
            self.networks["D"] = D
        self.networks[name] = G

        # Only these two are trained now; finished stages stay as they are.
        self.optimizers = {
            name: make_adam(G, self.settings.learning_rate),
            "D": make_adam(self.networks["D"], self.settings.learning_rate),
        }

    def refine(self, stage: int, x: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        """Generate the images of one stage (Eq. 1 and 2).

        Args:
            stage: whose generator.
            x: images of the stage below, (n, 3, h', w'); None at the coarsest stage.
            noise: (n, 3 or 1, *size), N(0, 1).
            size: (h, w) of the result.

        Returns:
            (n, 3, h, w).
        """
        G = self.networks[f"G{stage}"]
        coarser = None if x is None else resize(x, size)
        return G(self.noise_amplitudes[stage] * noise, coarser)

    def step(self) -> dict[str, Tensor]:
        """Update D `inner_steps` times, then G as often, at the stage in training.

        Returns:
            "distance", D's mean score of real patches minus that of fake ones; "penalty", the
            gradient penalty; "reconstruction", the mean squared error of the reconstruction.
        """
        settings = self.settings
        G_name = f"G{self.stage}"
        G = self.networks[G_name]
        D = self.networks["D"]
        self.set_eval_except(G, D)
        lr = self.learning_rate()

        # Choose a frame, and what G has to reconstruct it from: z* and nothing else at stage 0, the
        # reconstruction of the stage below without noise at all others.
        num_frames = len(self.z_star)
        frame = torch.randint(num_frames, (1,), generator=self.generator, device=self.device)
        real = self.real[self.stage][frame]  # (1, 3, h, w)
        if self.stage == 0:
            z_reconstruction = self.z_star[frame]  # (1, 1, h, w)
            coarser_reconstruction = None
        else:
            z_reconstruction = torch.zeros_like(real)
            coarser_reconstruction = self.starting_point[frame]  # (1, 3, h, w)

        with self.autocast():
            inputs = self.sample_inputs(settings.inner_steps)

            # Update D: raise the scores of real patches, lower those of fake ones (WGAN-GP).
            for z, coarser in inputs:
                with torch.no_grad():
                    fake = G(z, coarser)  # (1, 3, h, w)
                distance = D(real).mean() - D(fake).mean()
                penalty = losses.gradient_penalty(D, real, fake, self.generator)
                loss_D = settings.penalty_weight * penalty - distance
                self.update(loss_D, lr={"D": lr})

            # Update G: reconstruct the frame, and deceive D (Eq. 4). All these updates use the last
            # of the inputs above (official code).
            z, coarser = inputs[-1]
            for _ in range(settings.inner_steps):
                reconstruction = G(z_reconstruction, coarser_reconstruction)
                error = F.mse_loss(reconstruction, real)  # Eq. 5
                score = D(G(z, coarser)).mean()
                loss_G = settings.reconstruction_weight * error - score
                self.update(loss_G, lr={G_name: lr})

        self.iteration += 1
        return {
            "distance": distance.detach(),
            "penalty": penalty.detach(),
            "reconstruction": error.detach(),
        }

    @torch.no_grad()
    def sample_inputs(self, n: int) -> list[tuple[Tensor, Tensor | None]]:
        """Sample what the generator in training turns into fake images.

        The finished stages below it generate all n coarser images at once.

        Args:
            n: number of inputs.

        Returns:
            n pairs: noise (1, 3 or 1, h, w), times its amplitude, and a coarser image (1, 3, h, w),
            or None at stage 0.
        """
        noise = self.sample_noise(n, self.sizes[: self.stage + 1])
        z = self.noise_amplitudes[self.stage] * noise[-1]  # (n, 3 or 1, h, w)
        if self.stage == 0:
            return [(each, None) for each in z.split(1)]

        below = self.refine_stages(noise, self.sizes[: self.stage])  # (n, 3, h', w')
        coarser = resize(below, self.sizes[self.stage])  # (n, 3, h, w)
        return list(zip(z.split(1), coarser.split(1), strict=True))
