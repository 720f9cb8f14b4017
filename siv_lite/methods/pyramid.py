"""What SinGAN, ConSinGAN and HP-VAE-GAN share: stages from coarse to fine (SinGAN says "scales"),
each trained on top of those that are finished."""

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite.errors import SivLiteError
from siv_lite.methods.base import Method, sample_latent_rows
from siv_lite.nn import LEAKY_SLOPE, Network

ROUNDING = 1e-9  # keeps math.ceil from rounding 25.000000000000004 up to 26
SAMPLING_SEED_OFFSET = 2**31  # or a sample with the training's own seed would draw its z* again


class Pyramid(Method):
    """A method whose stages turn a coarser image and noise into a finer image.

    A subclass sets `sizes`, then calls `build_pyramid`, and says how a stage begins (`add_stage`),
    what noise it takes (`noise_shapes`) and how it refines an image (`refine`).

    Attributes:
        stage: the stage in training.
        sizes: (H, W) of every stage's images, (T, H, W) of videos.
        real: the frames at the size of every stage, (N, 3, h, w) each.
        noise_amplitudes: standard deviation of every stage's noise.
        z_star: the fixed noise from which the frames are reconstructed (z*, SinGAN section 2.2).
    """

    resizable = True
    editable = True
    state_names = ("iteration", "noise_amplitudes", "z_star")

    stage: int
    sizes: list[tuple[int, ...]]
    real: list[Tensor]
    noise_amplitudes: Tensor
    z_star: Tensor
    starting_point: Tensor | None  # the frames' reconstruction below the stage, upsampled to it

    def build_pyramid(self, frames: Tensor) -> None:
        """Set up everything that follows from `self.sizes`, and start stage 0.

        Args:
            frames: (N, 3, H, W) in [-1, 1].
        """
        self.stage = -1
        self.num_stages = len(self.sizes)
        self.size = self.sizes[-1][-2:]
        self.iterations = self.num_stages * self.settings.iterations
        self.noise_amplitudes = torch.zeros(self.num_stages, device=self.device)
        frames = frames.to(self.device)
        self.real = [resize(frames, size[-2:]) for size in self.sizes]
        self.draw_z_star()
        self.start_stage(0)

    # What a subclass writes.

    @abstractmethod
    def add_stage(self) -> None:
        """Add the networks and optimizers of stage `self.stage`."""

    @abstractmethod
    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Return the shape of each stage's noise, without the batch.

        Args:
            sizes: (H, W) or (T, H, W) of the images of every stage.

        Returns:
            One shape for each size.
        """

    @abstractmethod
    def refine(self, stage: int, x: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        """Run the generator of one stage.

        Args:
            stage: whose generator.
            x: what the stage below made, (n, c, h', w'); None at the coarsest stage.
            noise: (n, *shape) with the shape from `noise_shapes`, N(0, 1).
            size: (H, W) or (T, H, W) of the result.

        Returns:
            (n, c, *size): images, videos, or features of ConSinGAN.
        """

    def draw_z_star(self) -> None:
        """Draw z*: for every frame one map of noise at the coarsest stage."""
        shape = (len(self.real[0]), *self.noise_shapes(self.sizes)[0])
        self.z_star = torch.randn(shape, generator=self.generator, device=self.device)

    # Stages.

    def stage_at(self, iteration: int) -> int:
        """Return the stage of an iteration; all stages have equally many.

        Args:
            iteration: counted from 1.

        Returns:
            The stage, from 0 to `num_stages` - 1.
        """
        return min((iteration - 1) // self.settings.iterations, self.num_stages - 1)

    def start_stage(self, stage: int) -> None:
        """Add the networks of all stages up to this one, and get ready to train it.

        Args:
            stage: to be trained from now on.
        """
        if stage <= self.stage:
            return
        while self.stage < stage:
            self.stage += 1
            self.add_stage()
        self.init_stage()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Copy a saved state into this method, and get ready for its stage.

        Args:
            state: made by `state` of a method with the same settings and frames.
        """
        super().load_state(state)
        self.init_stage()

    @torch.no_grad()
    def init_stage(self) -> None:
        """Find what the stage in training starts from: the frames' reconstruction below it, and its
        noise amplitude, proportional to the error of that reconstruction (SinGAN, section 2.2)."""
        self.starting_point = None
        self.noise_amplitudes[0] = 1
        if self.stage == 0:
            return
        self.set_eval_except()
        noise = self.reconstruction_noise(len(self.z_star))
        coarser = self.refine_stages(noise, self.sizes[: self.stage])
        self.starting_point = resize(coarser, self.sizes[self.stage])
        error = F.mse_loss(self.starting_point, self.real[self.stage]).sqrt()
        self.noise_amplitudes[self.stage] = self.settings.noise_amplitude * error

    def set_eval_except(self, *trained: Network) -> None:
        """Put all networks into eval mode, except those in training.

        In eval mode batch normalization uses the statistics that it has learned.

        Args:
            *trained: networks that go into training mode.
        """
        for network in self.networks.values():
            in_training = any(network is other for other in trained)
            network.train(in_training)

    def learning_rate(self) -> Tensor:
        """Return the learning rate: a tenth of the setting in the last fifth of every stage."""
        iterations = self.settings.iterations
        remaining = (self.stage + 1) * iterations - self.iteration
        factor = torch.where(5 * remaining > iterations, 1.0, 0.1)
        return self.settings.learning_rate * factor

    # Noise and latents.

    def sample_noise(self, n: int, sizes: list[tuple[int, ...]]) -> list[Tensor]:
        """Draw noise for training.

        Args:
            n: number of samples.
            sizes: those of the stages that need noise, from the coarsest on.

        Returns:
            (n, *shape) for each of these stages, N(0, 1).
        """
        noise = []
        for shape in self.noise_shapes(sizes):
            noise.append(torch.randn((n, *shape), generator=self.generator, device=self.device))
        return noise

    def reconstruction_noise(self, n: int) -> list[Tensor]:
        """Return the noise that reconstructs the frames: z* at the coarsest stage, zeros above.

        Args:
            n: number of reconstructions; the frames take turns.

        Returns:
            (n, *shape) for every stage.
        """
        frame = torch.arange(n, device=self.device) % len(self.z_star)
        noise = [self.z_star[frame]]
        for shape in self.noise_shapes(self.sizes)[1:]:
            noise.append(torch.zeros((n, *shape), device=self.device))
        return noise

    def scaled_sizes(self, size: tuple[int, int] | None) -> list[tuple[int, ...]]:
        """Return the sizes of all stages for images of another size.

        Args:
            size: (H, W) of the finest images; None for the size trained at.

        Returns:
            (h, w) or (T, h, w) of every stage, in proportion.
        """
        height, width = self.size if size is None else size
        scale_y = height / self.size[0]
        scale_x = width / self.size[1]
        scaled = []
        for *time, h, w in self.sizes:
            scaled.append((*time, scaled_side(h, scale_y), scaled_side(w, scale_x)))
        return scaled

    def sample_latents(self, n: int, seed: int, size: tuple[int, int] | None = None) -> Tensor:
        """Draw latents: the noise of all stages, flattened into one row per sample.

        Args:
            n: number of samples.
            seed: the only thing that they depend on.
            size: (H, W) of the images; by default the size trained at.

        Returns:
            (n, D), on the CPU.
        """
        shapes = self.noise_shapes(self.scaled_sizes(size))
        num_values = sum(math.prod(shape) for shape in shapes)
        return sample_latent_rows(n, (num_values,), seed + SAMPLING_SEED_OFFSET)

    def split_latents(self, latents: Tensor, sizes: list[tuple[int, ...]]) -> list[Tensor]:
        """Split latents into the noise of every stage.

        Args:
            latents: (n, D) from `sample_latents`.
            sizes: those of all stages.

        Returns:
            (n, *shape) for every stage, on the device.
        """
        shapes = self.noise_shapes(sizes)
        lengths = [math.prod(shape) for shape in shapes]
        parts = latents.to(self.device).split(lengths, dim=1)
        return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]

    # Generation.

    def refine_stages(
        self,
        noise: list[Tensor],
        sizes: list[tuple[int, ...]],
        image: Tensor | None = None,
        first_stage: int = 0,
    ) -> Tensor:
        """Run the generators of several stages, one after the other.

        Args:
            noise: for every stage; those below `first_stage` are not used.
            sizes: of the stages from 0 to the last one to run.
            image: (n, 3, h, w), what comes in at `first_stage`; None to begin with noise alone.
            first_stage: the first to run.

        Returns:
            What the last stage makes, (n, 3, *sizes[-1]).
        """
        x = image
        for stage in range(first_stage, len(sizes)):
            x = self.refine(stage, x, noise[stage], sizes[stage])
        return x

    @torch.no_grad()
    def generate(
        self,
        latents: Tensor,
        *,
        size: tuple[int, int] | None = None,
        stage: int | None = None,
        start: int = 0,
        image: Tensor | None = None,
    ) -> Tensor:
        """Generate images from latents, or redraw an image with them.

        Args:
            latents: (n, D) from `sample_latents` for the same size.
            size: (H, W) of the finest images; by default the size trained at.
            stage: whose images are shown; by default the newest finished stage.
            start: the first stage that gets the latents' noise. What lies below it is `image`, or
                else the reconstruction of the frames.
            image: (n or 1, 3, h, w) in [-1, 1], to be redrawn from stage `start` on.

        Returns:
            (n, 3, *size of the stage) in [-1, 1].

        Raises:
            SivLiteError: for a stage that is not trained yet or does not exist.
        """
        self.check_options(size, stage, start)
        num_finished = max(1, int(self.iteration) // self.settings.iterations)
        last_stage = num_finished - 1 if stage is None else stage
        if last_stage >= num_finished:
            raise SivLiteError(
                f"Stage {stage} is not trained yet; take one from 0 to {num_finished - 1}, or wait"
            )

        self.set_eval_except()
        n = len(latents)
        all_sizes = self.scaled_sizes(size)
        sizes = all_sizes[: last_stage + 1]
        noise = self.split_latents(latents, all_sizes)

        # The training image's layout at its own size: z* instead of noise below `start`.
        if image is None and size is None:
            noise[:start] = self.reconstruction_noise(n)[:start]
        if start == 0 or (image is None and size is None):
            return self.refine_stages(noise, sizes).clamp(-1, 1)

        # Otherwise an image comes in below `start`: the given one, or the first frame.
        if start > last_stage:
            raise SivLiteError(
                f"start must be at most the stage that is shown, {last_stage}, not {start}"
            )
        image = self.real[-1][:1] if image is None else image.to(self.device)
        image = resize(image, sizes[start - 1])
        image = image.expand(n, *[-1] * (image.ndim - 1))
        return self.refine_stages(noise, sizes, image, first_stage=start).clamp(-1, 1)


def resize(images: Tensor, size: tuple[int, ...]) -> Tensor:
    """Resize images or videos.

    Args:
        images: (n, c, H, W) images, or (n, c, T, H, W) videos.
        size: the wanted (H, W), or (T, H, W).

    Returns:
        Images: bicubic, antialiased where they shrink (SinGAN's official code). Videos: trilinear,
        so that the first and the last frame stay (HP-VAE-GAN).
    """
    size = tuple(size)
    if tuple(images.shape[2:]) == size:
        return images
    if images.ndim == 5:
        return F.interpolate(images, size, mode="trilinear", align_corners=True)
    return F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False)


def scaled_side(side: int, factor: float) -> int:
    """Return a side times a factor, rounded up."""
    return math.ceil(side * factor - ROUNDING)


def pyramid_sizes(
    height: int, width: int, coarsest_side: int, scale_factor: float
) -> list[tuple[int, int]]:
    """Compute the size of every stage (SinGAN, section 3; as many stages as its official code,
    one more than are needed).

    The shorter side grows from `coarsest_side` by about 1 / `scale_factor` each time: by a little
    less, so that the last size is the frames' own.

    Args:
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        coarsest_side: shorter side of the first stage, in pixels.
        scale_factor: about this is one stage's side over the next one's, in (0, 1).

    Returns:
        (H, W) of every stage, coarse to fine.
    """
    short = min(height, width)
    smallest_scale = min(coarsest_side, short) / short
    num_steps = math.ceil(math.log(smallest_scale, scale_factor)) + 1
    sizes = []
    for i in range(num_steps + 1):
        scale = smallest_scale ** ((num_steps - i) / num_steps)
        sizes.append((scaled_side(height, scale), scaled_side(width, scale)))
    return sizes


def conv_block(
    in_channels: int, out_channels: int, norm: bool = True, slope: float = LEAKY_SLOPE
) -> nn.Sequential:
    """Make a 3x3 convolution without padding, batch normalization and a leaky ReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        norm: whether to normalize; in training the "batch" is one image.
        slope: of the leaky ReLU.

    Returns:
        The block: (n, in_channels, h, w) -> (n, out_channels, h - 2, w - 2).
    """
    layers: list[nn.Module] = [nn.Conv2d(in_channels, out_channels, 3)]
    if norm:
        layers.append(nn.BatchNorm2d(out_channels))
    layers.append(nn.LeakyReLU(slope, inplace=True))
    return nn.Sequential(*layers)


class PatchDiscriminator(Network):
    """Five 3x3 convolutions without padding: every value judges a patch of 11 x 11 pixels."""

    def __init__(self, channels: int, norm: bool = True, slope: float = LEAKY_SLOPE):
        """Build the network.

        Args:
            channels: of all hidden maps.
            norm: whether there is batch normalization.
            slope: of the leaky ReLUs.
        """
        super().__init__()
        blocks = [conv_block(3, channels, norm, slope)]
        for _ in range(3):
            blocks.append(conv_block(channels, channels, norm, slope))
        self.layers = nn.Sequential(*blocks, nn.Conv2d(channels, 1, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Judge patches.

        Args:
            images: (n, 3, H, W) in [-1, 1].

        Returns:
            (n, 1, H - 10, W - 10), the scores: high for patches of real images.
        """
        assert images.ndim == 4 and images.shape[1] == 3, images.shape
        return self.layers(images)
