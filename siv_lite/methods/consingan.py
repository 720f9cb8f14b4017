"""ConSinGAN: one generator that grows, and whose newest stages train together.

Hinz, Fisher, Wang, Wermter, "Improved Techniques for Training Single-Image GANs" (WACV 2021);
"official code" is its authors' program. Two things differ from SinGAN: stages hand on feature maps,
not images, and a finished stage is not frozen at once, but trains on, more slowly, while newer ones
are added.

The generator is a chain of networks:

    noise -> "head" -> "B0" -> "B1" -> ... -> newest block -> "tail" -> image

Read in this order: `ConSinGAN.step`, one training step; `refine`, one block of the chain;
`add_stage`, how the chain grows.
"""

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.augment import recolor_rectangle, shuffle_rectangles
from siv_lite.methods.pyramid import PatchDiscriminator, Pyramid, resize, scaled_side
from siv_lite.methods.settings import Bounds, ImageSize, Probability, Weight
from siv_lite.nn import Network, linearize, make_adam

LEAKY_SLOPE = 0.05  # of every leaky ReLU; the other methods have 0.2
CONVS_PER_BLOCK = 3
BLOCK_MARGIN = CONVS_PER_BLOCK  # pixels that a block takes from every side if nothing is padded


@dataclass(frozen=True)
class Settings:
    """Settings of ConSinGAN; the defaults are those of the paper and of the official code."""

    # What stage 0 learns from: noise, or the training image, altered as if something had been
    # pasted into it (harmonization) or moved (editing).
    mode: Literal["generation", "harmonization", "editing"] = "generation"

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    iterations: Annotated[int, Bounds(1, 10**7)] = 2000  # of every stage
    inner_steps: Annotated[int, Bounds(1, 100)] = 3  # updates of D and of G in one iteration
    learning_rate: Weight = 5e-4

    # Stages.
    num_stages: Annotated[int, Bounds(3, 20)] = 6
    concurrent_stages: Annotated[int, Bounds(1, 20)] = 3  # newest stages that train together
    lr_stage_factor: Probability = 0.1  # delta: a stage's learning rate over the next finer one's
    coarsest_side: Annotated[int, Bounds(12, 256)] = 25  # shorter side of stage 0, in pixels
    noise_amplitude: Weight = 0.1  # of a stage, times the error of its reconstruction without noise

    base_channels: Annotated[int, Bounds(4, 1024)] = 64  # of all networks

    # Losses.
    reconstruction_weight: Weight = 10.0  # alpha
    penalty_weight: Weight = 0.1  # of the gradient penalty


def stage_sizes(
    height: int, width: int, coarsest_side: int, num_stages: int
) -> list[tuple[int, int]]:
    """Compute the size of every stage: close to one another at first, then farther apart.

    The paper's formula is x_n = x_N r^((N - 1) / log(N) * log(N - n) + 1), in which N is one less
    than the number of stages (official code).

    Args:
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        coarsest_side: shorter side of the first stage, in pixels.
        num_stages: at least 3.

    Returns:
        (H, W) of every stage, coarse to fine; the last is the frames' own.
    """
    short = min(height, width)
    N = num_stages - 1
    r = (min(coarsest_side, short) / short) ** (1 / N)
    sizes = []
    for n in range(N):
        exponent = (N - 1) / math.log(N) * math.log(N - n) + 1
        sizes.append((scaled_side(height, r**exponent), scaled_side(width, r**exponent)))
    sizes.append((height, width))
    return sizes


@functools.cache
def interpolation_matrix(old_size: int, new_size: int, device: torch.device) -> Tensor:
    """Return bicubic interpolation along one side, end points on end points, as a matrix.

    Args:
        old_size: number of values.
        new_size: number of values wanted.
        device: where the matrix is needed.

    Returns:
        (new_size, old_size); times the values it gives the interpolated ones.
    """
    basis = torch.eye(old_size, device=device)
    basis = basis.view(1, old_size, old_size, 1)  # one channel for every value
    columns = F.interpolate(basis, (new_size, 1), mode="bicubic", align_corners=True)
    return columns[0, :, :, 0].T.contiguous()


def upsample(features: Tensor, size: tuple[int, int], margin: int = 0) -> Tensor:
    """Enlarge feature maps: bicubic, corners on corners (official code).

    This is `F.interpolate(..., align_corners=True)`, written as two products with matrices: faster
    on channels-last maps, above all backwards.

    Args:
        features: (n, c, h, w).
        size: (H, W) of the result without its margin.
        margin: added to every side, in pixels.

    Returns:
        (n, c, H + 2 margin, W + 2 margin).
    """
    height, width = features.shape[2:]
    new_height = size[0] + 2 * margin
    new_width = size[1] + 2 * margin
    matrix_y = interpolation_matrix(height, new_height, features.device)
    matrix_x = interpolation_matrix(width, new_width, features.device)

    x = features.permute(0, 2, 3, 1)  # (n, h, w, c)
    x = matrix_x @ x  # (n, h, new_width, c)
    x = matrix_y @ x.flatten(2)  # (n, new_height, new_width * c)
    x = x.unflatten(2, (new_width, -1))  # (n, new_height, new_width, c)
    return x.permute(0, 3, 1, 2)


# Mode -> how the training image is altered before stage 0 sees it.
ALTERATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "harmonization": recolor_rectangle,
    "editing": shuffle_rectangles,
}


class ConvStack(Network):
    """3x3 convolutions with a leaky ReLU after each, or tanh after one that makes an image.

    Head, blocks and tail of the generator are such stacks. Only the first convolution pads.
    """

    def __init__(self, channels: list[int], padding: int):
        """Build the network.

        Args:
            channels: of the input and of every convolution's output; 3 is an image.
            padding: zeros around the input of the first convolution, in pixels.
        """
        super().__init__()
        self.layers = nn.ModuleList()
        for in_channels, out_channels in itertools.pairwise(channels):
            self.layers.append(nn.Conv2d(in_channels, out_channels, 3, padding=padding))
            padding = 0

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, channels[0], h, w) to (n, channels[-1], h', w')."""
        for layer in self.layers:
            x = layer(x)
            if layer.out_channels == 3:
                x = torch.tanh(x)
            else:
                x = F.leaky_relu_(x, LEAKY_SLOPE)
        return x


class ConSinGAN(Pyramid):
    """ConSinGAN: one step is a few updates of D, then as many of the newest stages of G.

    The noise of stage 0 has the shape of an image, and the training image itself is its z*; the
    noise of all others has the shape of features. There is one tail for all stages; since it trains
    on with later stages, the images of earlier ones still change a little (official code).
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(image_size=48, iterations=3, num_stages=4, base_channels=16, inner_steps=2),
        "lesson": dict(image_size=64, iterations=400, num_stages=5),
        "paper": {},
    }

    trained_stages: range  # those that train together, up to the newest

    def build(self, frames: Tensor) -> None:
        """Choose the sizes of all stages, start the coarsest one, and draw z*.

        Args:
            frames: (N, 3, H, W) in [-1, 1].
        """
        height, width = frames.shape[2:]
        settings = self.settings
        self.sizes = stage_sizes(height, width, settings.coarsest_side, settings.num_stages)
        self.alter = ALTERATIONS.get(settings.mode)  # None for generation
        self.build_pyramid(frames)

        noise = self.sample_noise(1, self.sizes)
        self.z_star = torch.cat([z.flatten(1) for z in noise], dim=1)  # (1, D), as latents

    def draw_z_star(self) -> None:
        """Draw nothing yet: `build` draws z* behind the weights of stage 0."""

    def margin(self, stage: int) -> int:
        """Return by how many pixels features are upsampled beyond the image before a stage's block.

        A block takes 3 pixels from every side; the margin and padding with zeros make up for them.
        For generation, margins give more variety at the image's edges (official code); the other
        modes only pad.

        Args:
            stage: of the block.

        Returns:
            0 to 3 pixels, on every side.
        """
        if self.settings.mode != "generation":
            return 0
        return 1 if stage == 0 else BLOCK_MARGIN

    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Return the shape of each stage's noise, without the batch: an image, then features."""
        shapes = [(3, *sizes[0])]
        for stage in range(1, len(sizes)):
            height, width = sizes[stage]
            extra = 2 * self.margin(stage)
            shapes.append((self.settings.base_channels, height + extra, width + extra))
        return shapes

    def add_stage(self) -> None:
        """Add a block, with the first one also head, tail and D, and choose what trains now."""
        channels = self.settings.base_channels
        stage = self.stage
        new: dict[str, Network] = {}
        if stage == 0:
            new["head"] = ConvStack([3, channels], padding=1)
            new["tail"] = ConvStack([channels, 3], padding=1)
            new["D"] = PatchDiscriminator(channels, norm=False, slope=LEAKY_SLOPE)
        block_channels = [channels] * (CONVS_PER_BLOCK + 1)
        padding = BLOCK_MARGIN - self.margin(stage)
        new[f"B{stage}"] = ConvStack(block_channels, padding)
        for network in new.values():
            network.init_weights(self.device, self.generator)
            network.to_channels_last()
        self.networks.update(new)

        # A block starts as a copy of the one below.
        if stage > 0:
            block_below = self.networks[f"B{stage - 1}"]
            self.networks[f"B{stage}"].load_state_dict(block_below.state_dict())

        # The newest blocks train together. The head belongs to block 0.
        first_trained = max(0, stage + 1 - self.settings.concurrent_stages)
        self.trained_stages = range(first_trained, stage + 1)
        trained = ["D", "tail"]
        if first_trained == 0:
            trained.append("head")
        for i in self.trained_stages:
            trained.append(f"B{i}")
        self.optimizers = {}
        for name in trained:
            optimizer = make_adam(self.networks[name], self.settings.learning_rate)
            self.optimizers[name] = optimizer

    @torch.no_grad()
    def init_stage(self) -> None:
        """Find the noise amplitude of a stage when it begins.

        Later, and in a checkpoint, it stays as it was found; the error would be another one, since
        the tail and the stages below train on.
        """
        self.noise_amplitudes[0] = 1
        if self.noise_amplitudes[self.stage] == 0:
            noise = self.reconstruction_noise(len(self.real[0]))
            found = self.refine_stages(noise, self.sizes[: self.stage + 1])
            error = F.mse_loss(found, self.real[self.stage]).sqrt()
            self.noise_amplitudes[self.stage] = self.settings.noise_amplitude * error

    def reconstruction_noise(self, n: int) -> list[Tensor]:
        """Return the noise that reconstructs the frames.

        Args:
            n: number of reconstructions.

        Returns:
            For stage 0 (n, 3, h, w), the frames in turn; for the others (n, c, h, w), z*, the same
            for all n.
        """
        frame = torch.arange(n, device=self.device) % len(self.real[0])
        noise = [self.real[0][frame]]
        for z in self.split_latents(self.z_star, self.sizes)[1:]:
            noise.append(z.expand(n, -1, -1, -1))
        return noise

    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents: the noise of all stages, flattened into one row per sample.

        For harmonization and editing what stage 0 gets is no noise, but the altered training image.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: (H, W) of the images; by default the size trained at.

        Returns:
            (n, D), on the CPU.
        """
        latents = super().sample_latents(n, seed, size)
        if self.alter is not None:
            frames = self.reconstruction_noise(n)[0]
            frames = resize(frames, self.scaled_sizes(size)[0]).cpu()  # (n, 3, h, w) of stage 0
            altered = self.alter(frames, torch.Generator().manual_seed(seed)).flatten(1)
            latents[:, : altered.shape[1]] = altered
        return latents

    def refine(self, stage: int, x: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        """Run one block of the generator, at stage 0 behind the head.

        Args:
            stage: whose block.
            x: features of the stage below, (n, c, h', w'); None at stage 0.
            noise: at stage 0 (n, 3, h, w); above it that of features with a margin, N(0, 1).
            size: (h, w) of the result.

        Returns:
            Features (n, c, h, w).
        """
        block = self.networks[f"B{stage}"]
        margin = self.margin(stage)
        if stage == 0:
            features = self.networks["head"](noise)  # (n, c, *noise's size)
            return block(upsample(features, size, margin))

        # A residual block, with noise at its input.
        shortcut = upsample(x, size)
        enlarged = shortcut if margin == 0 else upsample(x, size, margin)
        return block(enlarged + self.noise_amplitudes[stage] * noise) + shortcut

    def refine_stages(
        self,
        noise: list[Tensor],
        sizes: list[tuple[int, ...]],
        image: Tensor | None = None,
        first_stage: int = 0,
    ) -> Tensor:
        """Run head, blocks and tail.

        Args:
            noise: for every stage.
            sizes: of the stages from 0 to the last one to run.
            image: (n, 3, h, w), put in at stage 0 in place of its noise: stages above hand on
                features, so that no image can enter there.
            first_stage: with an image, the first stage that gets `noise`; those below it get z*.

        Returns:
            Images (n, 3, *sizes[-1]).
        """
        if image is not None:
            below = noise
            if sizes[0] == self.sizes[0]:  # at other sizes z* does not fit
                below = self.reconstruction_noise(len(image))
            noise = [resize(image, sizes[0]), *below[1:first_stage], *noise[first_stage:]]
        features = super().refine_stages(noise, sizes)
        return self.networks["tail"](features)

    def linearized_D(self, images: Tensor) -> Tensor:
        """Return values whose sum has the gradient of the sum of D's scores, but is cheaper."""
        *blocks, last = self.networks["D"].layers
        convolutions = [block[0] for block in blocks]
        return linearize([*convolutions, last], LEAKY_SLOPE, images)

    def step(self) -> dict[str, Tensor]:
        """Update D `inner_steps` times, then the newest stages of G as often.

        Returns:
            "distance", D's mean score of real patches minus that of fake ones; "D", its loss;
            "reconstruction", the mean squared error of the reconstruction.
        """
        settings = self.settings
        D = self.networks["D"]
        sizes = self.sizes[: self.stage + 1]
        lr = self.learning_rate()

        # Choose a frame, and the noise from which G has to reconstruct it.
        num_frames = len(self.real[0])
        frame = torch.randint(num_frames, (1,), generator=self.generator, device=self.device)
        real = self.real[self.stage][frame]  # (1, 3, h, w)
        fixed_noise = self.reconstruction_noise(1)
        fixed_noise[0] = self.real[0][frame]

        # Draw the noise of a fake image; the modes other than generation alter the frame instead.
        fresh_noise = self.sample_noise(1, sizes)
        if self.alter is not None:
            fresh_noise[0] = self.alter(fixed_noise[0], self.generator)

        with self.autocast():
            # Generate both as one batch. Of G, only the newest stages get gradients.
            features = None
            for stage, size in enumerate(sizes):
                noise = torch.cat([fresh_noise[stage], fixed_noise[stage]])  # (2, ...)
                with torch.set_grad_enabled(stage in self.trained_stages):
                    features = self.refine(stage, features, noise, size)  # (2, c, h', w')
            images = self.networks["tail"](features)  # (2, 3, h, w)
            fake, reconstruction = images.split(1)

            # Update D (WGAN-GP), each time with the same fake image (official code).
            for _ in range(settings.inner_steps):
                scores = D(torch.cat([fake.detach(), real]))  # (2, 1, h - 10, w - 10)
                distance = scores[1].mean() - scores[0].mean()
                penalty = losses.gradient_penalty(self.linearized_D, real, fake, self.generator)
                loss_D = settings.penalty_weight * penalty - distance
                self.update(loss_D, lr={"D": lr})

            # Update G: reconstruct the frame, and deceive D.
            error = F.mse_loss(reconstruction, real)
            loss_G = settings.reconstruction_weight * error - D(fake).mean()
            lr_G = self.generator_learning_rates(lr)
            self.update(loss_G, lr=lr_G)

        # Take the other steps of Adam along the same gradient (official code).
        for _ in range(settings.inner_steps - 1):
            for name in lr_G:
                self.optimizers[name].step()

        self.iteration += 1
        return {
            "distance": distance.detach(),
            "D": loss_D.detach(),
            "reconstruction": error.detach(),
        }

    def generator_learning_rates(self, lr: Tensor) -> dict[str, Tensor]:
        """Return the learning rates of G's networks: the older a stage, the lower.

        Args:
            lr: of the newest stage.

        Returns:
            Network name -> learning rate, of all that are trained.
        """
        rates = {}
        for stage in self.trained_stages:
            age = self.stage - stage
            rates[f"B{stage}"] = lr * self.settings.lr_stage_factor**age
        rates["tail"] = lr
        if 0 in self.trained_stages:
            rates["head"] = rates["B0"]
        return rates
