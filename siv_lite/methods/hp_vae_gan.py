"""HP-VAE-GAN: a patch-VAE makes coarse images or videos, patch-GANs add the fine stages.

Gur, Benaim, Wolf, "Hierarchical Patch VAE-GAN: Generating Diverse Videos from a Single Sample"
(NeurIPS 2020). Sections and equations below are that paper's; "official code" is its authors'
program. One frame is learned as an image, by convolutions of two dimensions; several are learned
as a video, by convolutions of three.

The weights 0.1 of Eq. 8 and 11 stand in the ratio 1 to 10 of the official code, if norms and sums
there are means; as sums over places they would leave only the KL term.

Read in this order: `HPVAEGAN.vae_step` and `gan_step`, one training step of the lower and of the
upper stages; `refine`, what one stage does; `build`, the pyramid in space and time; then `Pyramid`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.errors import SivLiteError
from siv_lite.methods.pyramid import Pyramid, pyramid_sizes
from siv_lite.methods.settings import Bounds, ImageSize, Probability, Weight
from siv_lite.nn import (
    LEAKY_SLOPE,
    Network,
    SpectralConv2d,
    SpectralConv3d,
    SpectralNetwork,
    linearize,
    make_adam,
)

# Omega (section 3.2): every 4th frame is kept at the coarsest stages, then every 3rd, 2nd, and all.
SAMPLING_RATES = (4, 3, 2, 1)
MIN_FRAMES = 4  # of a video

# By the number of dimensions: 2 for images, 3 for videos.
CONV = {2: nn.Conv2d, 3: nn.Conv3d}
SPECTRAL_CONV = {2: SpectralConv2d, 3: SpectralConv3d}

SmallCount = Annotated[int, Bounds(1, 1000)]


@dataclass(frozen=True)
class Settings:
    """Settings of HP-VAE-GAN; the defaults are the paper's (supplementary, A.1)."""

    image_size: ImageSize = 256  # longest side of the frames, in pixels; larger ones are reduced
    iterations: Annotated[int, Bounds(1, 10**7)] = 20_000  # of every stage; official: 5,000, 50,000
    vae_steps: SmallCount = 1  # updates in one iteration of the VAE's stages, cheaper than a GAN's
    batch_size: SmallCount = 2  # official code
    learning_rate: Weight = 5e-4
    lr_stage_factor: Probability = 0.2  # of E and G_0: multiplies their rate from stage to stage
    max_grad_norm: Annotated[float, Bounds(1e-6, 1e6)] = 0.5  # official: 5, of ten times the loss

    base_channels: Annotated[int, Bounds(4, 1024)] = 64  # of all networks; z has twice as many
    clip_length: Annotated[int, Bounds(4, 1000)] = 13  # frames of a video: lcm(4, 3, 2, 1) + 1

    # Stages.
    coarsest_side: Annotated[int, Bounds(8, 256)] = 32  # shorter side of stage 0, in pixels
    scale_factor: Annotated[float, Bounds(0.2, 0.95)] = 0.75  # a stage's side over the next one's
    vae_stages: SmallCount = 3  # M (Fig. 6); the stages above are GANs
    noise_amplitude: Weight = 0.1  # of a GAN stage, times the reconstruction error below (SinGAN)

    # Losses.
    kl_weight: Weight = 0.1  # beta_vae (Eq. 8)
    adversarial_weight: Weight = 0.1  # beta_adv (Eq. 11)
    penalty_weight: Weight = 0.1  # lambda (Eq. 10; official code)


class PatchNetwork(SpectralNetwork):
    """The encoder E (three spectral convolutions and a plain one) or D (six and one).

    All convolutions are 3x3 (or 3x3x3), with leaky ReLUs between them, and keep the size.
    """

    def __init__(self, num_spectral: int, channels: int, out_channels: int, dimensions: int):
        """Build the network.

        Args:
            num_spectral: number of convolutions with spectral normalization.
            channels: of all hidden maps.
            out_channels: channels of the output.
            dimensions: 2 for images, 3 for videos.
        """
        super().__init__()
        self.blocks = nn.ModuleList()
        in_channels = 3
        for _ in range(num_spectral):
            self.blocks.append(SPECTRAL_CONV[dimensions](in_channels, channels, 3))
            in_channels = channels
        self.tail = CONV[dimensions](channels, out_channels, 3, padding=1)

    def forward(self, clips: Tensor) -> Tensor:
        """Encode or judge.

        Args:
            clips: images (n, 3, H, W) or videos (n, 3, T, H, W) in [-1, 1].

        Returns:
            (n, out_channels, [T,] H, W): of E mean and log-variance, of D scores, high for real.
        """
        assert clips.ndim in (4, 5) and clips.shape[1] == 3, clips.shape
        x = clips
        for block in self.blocks:
            x = F.leaky_relu(block(x), LEAKY_SLOPE)
        return self.tail(x)

    def linearize(self, clips: Tensor) -> Tensor:
        """Stand in for D in the gradient penalty: the same input gradient, cheaper."""
        return linearize([*self.blocks, self.tail], LEAKY_SLOPE, clips)


class Generator(Network):
    """G_n: six 3x3 convolutions, each with normalization and leaky ReLU, and a plain one.

    Each sample is normalized by itself. (The official code has batch normalization, and draws
    samples one by one in training mode; statistics kept from training wash samples out.)
    """

    def __init__(self, in_channels: int, channels: int, dimensions: int):
        """Build the network.

        Args:
            in_channels: of z, or 3 where an image comes in.
            channels: of all hidden maps.
            dimensions: 2 for images, 3 for videos.
        """
        super().__init__()
        conv = CONV[dimensions]
        layers: list[nn.Module] = []
        for _ in range(6):
            layers.append(conv(in_channels, channels, 3, padding=1))
            layers.append(nn.GroupNorm(channels, channels))
            layers.append(nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
            in_channels = channels
        self.layers = nn.Sequential(*layers, conv(channels, 3, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (n, in_channels, [T,] H, W) into (n, 3, [T,] H, W)."""
        return self.layers(x)


class HPVAEGAN(Pyramid):
    """HP-VAE-GAN: a stage of the VAE trains E, G_0 and its own G; a stage of the GANs D and its G.

    Samples begin with z ~ N(0, 1) instead of the encoder's z. "Clips" are what is learned from:
    images (n, 3, h, w), or videos (n, 3, t, h, w) of some frames in a row.
    """

    Settings = Settings  # the dataclass above
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": dict(
            image_size=48,
            iterations=3,
            base_channels=8,
            coarsest_side=16,
            scale_factor=0.5,
            vae_stages=2,
        ),
        "lesson": dict(  # of an image; for a clip give iterations=200
            image_size=64,
            iterations=600,
            vae_steps=8,
            batch_size=1,
            base_channels=32,
            coarsest_side=18,
            scale_factor=0.7,
            vae_stages=2,
        ),
        "paper": {},
    }
    state_names = ("iteration", "noise_amplitudes")  # z* is what the encoder makes of the frames

    def build(self, frames: Tensor) -> None:
        """Choose sizes and times of all stages, and start stage 0.

        Args:
            frames: (N, 3, H, W) in [-1, 1]; N = 1 for an image.

        Raises:
            SivLiteError: for two or three frames.
        """
        num_frames, _, height, width = frames.shape
        if 1 < num_frames < MIN_FRAMES:
            raise SivLiteError(
                f"hp_vae_gan learns a video of {MIN_FRAMES} frames at least, not {num_frames}; "
                "give more, or one"
            )
        settings = self.settings
        self.sizes = pyramid_sizes(height, width, settings.coarsest_side, settings.scale_factor)

        # Of longer videos, windows of `clip_length` frames are learned.
        self.frames_per_sample = min(num_frames, settings.clip_length)
        self.num_windows = num_frames - self.frames_per_sample + 1
        self.first_window = torch.zeros(1, dtype=torch.long, device=self.device)

        # The sizes of a video's stages have a third side, time.
        self.is_video = self.frames_per_sample > 1
        self.editable = not self.is_video
        if self.is_video:
            self.times = []
            for stage in range(len(self.sizes)):
                times = frame_numbers(self.frames_per_sample, stage, len(self.sizes))
                self.times.append(times.to(self.device))
                self.sizes[stage] = (len(times), *self.sizes[stage])

        self.build_pyramid(frames)

    def draw_z_star(self) -> None:
        """Draw nothing: z* is what the encoder makes of the frames."""

    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Return the shape of each stage's noise, without the batch.

        Args:
            sizes: (H, W) or (T, H, W) of the images or videos of every stage.

        Returns:
            Of z at stage 0, of an image or video above.
        """
        shapes = []
        for stage, size in enumerate(sizes):
            channels = 2 * self.settings.base_channels if stage == 0 else 3
            shapes.append((channels, *size))
        return shapes

    def add_stage(self) -> None:
        """Add a generator; with the first one the encoder, with the first of the GANs D."""
        settings = self.settings
        channels = settings.base_channels
        dimensions = 3 if self.is_video else 2
        name = f"G{self.stage}"

        in_channels = 2 * channels if self.stage == 0 else 3
        new: dict[str, Network] = {name: Generator(in_channels, channels, dimensions)}
        if self.stage == 0:  # E gives mean and log-variance of z
            new["E"] = PatchNetwork(3, channels, 2 * in_channels, dimensions)
        if self.stage == settings.vae_stages:
            new["D"] = PatchNetwork(6, channels, 1, dimensions)
        for network in new.values():
            network.init_weights(self.device, self.generator)
            network.to_channels_last()

        # A stage starts where the one below it ended.
        if self.stage > 1:
            below = self.networks[f"G{self.stage - 1}"]
            new[name].load_state_dict(below.state_dict())
        self.networks.update(new)

        # What this stage trains, each time with a new optimizer.
        if self.stage == 0:
            trained = ["E", "G0"]
        elif self.stage < settings.vae_stages:
            trained = ["E", "G0", name]
        else:
            trained = ["D", name]
        self.optimizers = {}
        for key in trained:
            self.optimizers[key] = make_adam(self.networks[key], settings.learning_rate)

    @torch.no_grad()
    def init_stage(self) -> None:
        """Find the noise amplitude of the stage in training: 1 for z, 0 at the VAE's other stages
        (Eq. 9), and at the GANs' proportional to the error of the reconstruction below."""
        self.noise_amplitudes[0] = 1
        if self.stage < self.settings.vae_stages:
            return
        noise = self.reconstruction_noise(1)
        coarser = self.refine_stages(noise, self.sizes[: self.stage])
        coarser = self.enlarge(coarser, self.sizes[self.stage])
        real = self.clips(self.stage, self.first_window)
        error = F.mse_loss(coarser, real).sqrt()
        self.noise_amplitudes[self.stage] = self.settings.noise_amplitude * error

    def clips(self, stage: int, starts: Tensor) -> Tensor:
        """Return training clips at the size of a stage.

        Args:
            stage: whose size.
            starts: (n), the numbers of their first frames.

        Returns:
            Images (n, 3, h, w), or videos (n, 3, t, h, w).
        """
        frames = self.real[stage]  # (N, 3, h, w)
        if not self.is_video:
            return frames[starts]
        numbers = starts[:, None] + self.times[stage]  # (n, t)
        return frames[numbers].transpose(1, 2)

    @torch.no_grad()
    def reconstruction_noise(self, n: int) -> list[Tensor]:
        """Return the noise that reconstructs the training clips: the mean of their posterior at the
        coarsest stage, zeros above.

        Args:
            n: number of reconstructions; the clips take turns.

        Returns:
            (n, *shape) for every stage.
        """
        starts = torch.arange(n, device=self.device) % self.num_windows
        mean, _ = self.networks["E"](self.clips(0, starts)).chunk(2, dim=1)
        noise = [mean]
        for shape in self.noise_shapes(self.sizes)[1:]:
            noise.append(torch.zeros((n, *shape), device=self.device))
        return noise

    def enlarge(self, clips: Tensor, size: tuple[int, ...]) -> Tensor:
        """Enlarge the output of a stage to the size of the next one, linearly along all sides.

        Args:
            clips: (n, 3, h, w), or (n, 3, t, h, w).
            size: (H, W), or (T, H, W).

        Returns:
            (n, 3, *size); the first and the last frame of a video stay.
        """
        mode = "trilinear" if self.is_video else "bilinear"
        return F.interpolate(clips, size, mode=mode, align_corners=True)

    def refine(self, stage: int, x: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        """Run the generator of one stage (Eq. 6; the tanh is the official code's).

        Args:
            stage: whose generator.
            x: what the stage below made, (n, 3, [t,] h, w); None at the coarsest stage.
            noise: z at the coarsest stage, (n, 3, *size) above.
            size: (H, W) or (T, H, W) of the result.

        Returns:
            (n, 3, *size) in [-1, 1].
        """
        G = self.networks[f"G{stage}"]
        if x is None:
            return torch.tanh(G(noise).float())
        coarser = self.enlarge(x, size)
        noisy = coarser + self.noise_amplitudes[stage] * noise
        return torch.tanh(coarser + G(noisy))

    def step(self) -> dict[str, Tensor]:
        """Update the patch-VAE `vae_steps` times, or in the upper stages the patch-GAN once.

        Returns:
            "reconstruction" and "KL", and "distance", what D's scores of real clips are above those
            of fake ones (0 in the stages of the VAE).
        """
        with self.autocast():
            if self.stage < self.settings.vae_stages:
                for _ in range(self.settings.vae_steps):
                    values = self.vae_step()
            else:
                values = self.gan_step()
        self.iteration += 1
        return {name: value.detach() for name, value in values.items()}

    def vae_step(self) -> dict[str, Tensor]:
        """Update E, G_0 and the stage's G (Eq. 5 at the coarsest stage, else Eq. 8); those between
        stay as they are.

        Returns:
            Losses by name.
        """
        settings = self.settings
        sizes = self.sizes[: self.stage + 1]

        # Encode clips at the coarsest stage, and draw z.
        starts = self.sample_windows()
        coarsest = self.clips(0, starts)
        z, divergence = self.encode(coarsest)

        # Decode them again, at the coarsest stage and at this one.
        decoded = self.refine(0, None, z, sizes[0])
        noise = self.sample_noise(len(z), sizes)  # with amplitude 0
        refined = self.refine_stages(noise, sizes, decoded, first_stage=1)

        error = F.mse_loss(refined, self.clips(self.stage, starts))
        loss = error
        if self.stage > 0:
            loss = loss + F.mse_loss(decoded, coarsest)
        loss = loss + settings.kl_weight * divergence

        # E and G_0 learn ever more slowly, so that the stages above still fit.
        slow = settings.learning_rate * settings.lr_stage_factor**self.stage
        rates = {"E": slow, "G0": slow}
        rates[f"G{self.stage}"] = settings.learning_rate
        self.update(loss, lr=rates, max_grad_norm=settings.max_grad_norm)
        return {
            "reconstruction": error,
            "KL": divergence,
            "distance": torch.zeros_like(error),
        }

    def gan_step(self) -> dict[str, Tensor]:
        """Update D (Eq. 10), then the stage's G (Eq. 11); all networks below are frozen.

        Returns:
            Losses by name.
        """
        settings = self.settings
        sizes = self.sizes[: self.stage + 1]
        name = f"G{self.stage}"
        D = self.networks["D"]

        # What comes from below. The first half of the batch are reconstructions, from the encoder's
        # z and without noise; the second half are samples, from noise at all stages.
        with torch.no_grad():
            starts = self.sample_windows()
            real = self.clips(self.stage, starts)
            z, divergence = self.encode(self.clips(0, starts))
            noise = []
            for x in self.sample_noise(len(z), sizes):
                noise.append(torch.cat([torch.zeros_like(x), x]))
            noise[0][: len(z)] = z
            coarser = self.refine_stages(noise, sizes[:-1])

        # The stage's own part, with gradients: both updates use it.
        refined = self.refine(self.stage, coarser, noise[-1], sizes[-1])
        reconstruction, fake = refined.chunk(2)

        # Update D: it maximizes the distance (Eq. 10).
        real_scores, fake_scores = D(torch.cat([real, fake.detach()])).chunk(2)
        distance = real_scores.mean() - fake_scores.mean()
        penalty = losses.gradient_penalty(D.linearize, real, fake, self.generator)
        loss_D = settings.penalty_weight * penalty - distance
        self.update(loss_D, lr={"D": settings.learning_rate})

        # Update G: reconstruct, and raise the scores of samples (Eq. 11).
        error = F.mse_loss(reconstruction, real)
        loss_G = error - settings.adversarial_weight * D(fake).mean()
        self.update(
            loss_G,
            lr={name: settings.learning_rate},
            max_grad_norm=settings.max_grad_norm,
        )
        return {
            "reconstruction": error,
            "KL": divergence,
            "distance": distance,
        }

    def sample_windows(self) -> Tensor:
        """Draw the first frames of a batch of training clips, (n)."""
        shape = (self.settings.batch_size,)
        return torch.randint(self.num_windows, shape, generator=self.generator, device=self.device)

    def encode(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Draw z from the posterior of clips, by the reparametrization z = mean + std * noise.

        Args:
            clips: at the size of the coarsest stage.

        Returns:
            z, (n, c, [t,] h, w), and the posterior's KL divergence from N(0, 1), a scalar.
        """
        mean, log_variance = self.networks["E"](clips).float().chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=self.generator, device=self.device)
        z = mean + (log_variance / 2).exp() * noise
        return z, losses.kl_divergence(mean, log_variance)

    def generate(
        self,
        latents: Tensor,
        *,
        size: tuple[int, int] | None = None,
        stage: int | None = None,
        start: int = 0,
        image: Tensor | None = None,
    ) -> Tensor:
        """Generate images or videos from latents.

        Args:
            latents: (n, D) from `sample_latents` for the same size.
            size: (H, W) of the finest images; by default the size trained at.
            stage: whose output is shown; by default the newest finished stage.
            start: the first stage that gets the latents' noise. What lies below it is `image`, or
                else the reconstruction of the frames.
            image: (n or 1, 3, h, w) in [-1, 1], to be redrawn from stage `start` on; only of a run
                of an image.

        Returns:
            Images (n, 3, H, W) in [-1, 1], or videos (n, T, 3, H, W).

        Raises:
            SivLiteError: for a stage that is not trained yet or does not exist.
        """
        if self.is_video and size is not None and start > 0:
            image = self.clips(-1, self.first_window)  # a whole video below `start`, not one frame
        samples = super().generate(latents, size=size, stage=stage, start=start, image=image)
        return samples.transpose(1, 2) if self.is_video else samples


def frame_numbers(num_frames: int, stage: int, num_stages: int) -> Tensor:
    """Choose which frames of a clip a stage sees (section 3.2).

    Coarse stages skip frames, by `SAMPLING_RATES`, but all of them see the first and the last one.

    Args:
        num_frames: of the clip at the finest stage.
        stage: 0 is the coarsest.
        num_stages: at least 2.

    Returns:
        (t), numbers from 0 to `num_frames` - 1.
    """
    last_stage = num_stages - 1
    last_rate = len(SAMPLING_RATES) - 1
    rate = SAMPLING_RATES[last_rate * stage // last_stage]
    num_steps = round((num_frames - 1) / rate)
    return torch.linspace(0, num_frames - 1, num_steps + 1).round().long()
