"""HP-VAE-GAN: Gur, Benaim, Wolf, "Hierarchical Patch VAE-GAN: Generating Diverse Videos from a Single Sample" (NeurIPS
2020), whose sections and equations are named below; "release" is its authors' program. One frame is learned as an
image, by convolutions of two dimensions, several as a video, by three. The weights 0.1 of Eq. 8 and 11 are the
release's 1 to 10 if norms and sums there are means; taken as sums over places they would leave only the KL term."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite import losses
from siv_lite.blocks import SLOPE, Network, SpectralConv2d, SpectralConv3d, SpectralNetwork, adam
from siv_lite.errors import SivLiteError
from siv_lite.methods.pyramid import Pyramid, pyramid_sizes
from siv_lite.nn import linearize

SAMPLING_RATES = (4, 3, 2, 1)  # Omega (section 3.2): of so many frames one is kept, coarse to fine
CONVOLUTIONS = {2: (nn.Conv2d, SpectralConv2d), 3: (nn.Conv3d, SpectralConv3d)}  # by their dimensions


@dataclass(frozen=True)
class Settings:
    """What a training is made of; the defaults are the paper's (supplementary, A.1)."""

    iterations: int = 20_000  # of every stage; release: 5,000 for an image, 50,000 for a video
    vae_steps: int = 1  # updates in an iteration of the VAE's stages, which are cheaper than the GAN's
    batch: int = 2  # release
    width: int = 64  # channels of all networks; z has twice as many
    clip_length: int = 13  # frames of a video, the least common multiple of the sampling rates and one
    coarsest: int = 32  # pixels of the shorter side in the first stage
    scale_factor: float = 0.75
    vae_stages: int = 3  # Fig. 6; the stages above are GANs
    kl_weight: float = 0.1  # beta_vae (Eq. 8)
    adversarial_weight: float = 0.1  # beta_adv (Eq. 11)
    penalty_weight: float = 0.1  # lambda (Eq. 10; release)
    noise: float = 0.1  # amplitude of a GAN's noise, of the error of the reconstruction below it (SinGAN)
    learning_rate: float = 5e-4
    decay: float = 0.2  # of the learning rate of E and G_0, per stage
    clip: float = 0.5  # of the gradient's norm; release: 5, of ten times the loss


class PatchNetwork(SpectralNetwork):
    """E, of three convolutions of spectral norm one and a plain one, or D, of six and one."""

    def __init__(self, spectral: int, width: int, outputs: int, dimensions: int):
        super().__init__()
        plain, normalised = CONVOLUTIONS[dimensions]
        self.blocks = nn.ModuleList([normalised(3 if i == 0 else width, width, 3) for i in range(spectral)])
        self.tail = plain(width, outputs, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps (n, outputs, ...) of pictures (n, 3, H, W) or videos (n, 3, T, H, W), of the same size."""
        for block in self.blocks:
            pictures = F.leaky_relu(block(pictures), SLOPE)
        return self.tail(pictures)

    def linearised(self, pictures: Tensor) -> Tensor:
        """As D, for the gradient penalty."""
        return linearize([*self.blocks, self.tail], SLOPE, pictures)


class Generator(Network):
    """G_n: seven convolutions, six of them with normalisation, of each sample by itself, and leaky ReLU. (The release
    samples one by one with batch normalisation as in training; statistics kept from there wash samples out.)"""

    def __init__(self, inputs: int, width: int, dimensions: int):
        super().__init__()
        plain, layers = CONVOLUTIONS[dimensions][0], []
        for channels in (inputs, *[width] * 5):
            layers += [plain(channels, width, 3, padding=1), nn.GroupNorm(width, width), nn.LeakyReLU(SLOPE, True)]
        self.layers = nn.Sequential(*layers, plain(width, 3, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, ...) of z or pictures (n, c, H, W), or of those of videos (n, c, T, H, W)."""
        return self.layers(x)


class HPVAEGAN(Pyramid):
    """HP-VAE-GAN's training state: one step updates E, G_0 and the stage's G, or in the upper stages D and that G."""

    Settings = Settings
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {  # lesson: of an image; for a clip give iterations=200
        "smoke": dict(iterations=3, width=8, coarsest=16, scale_factor=0.5, vae_stages=2),
        "lesson": dict(iterations=600, vae_steps=8, batch=1, width=32, coarsest=18, scale_factor=0.7, vae_stages=2),
        "paper": {},
    }
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {
        **dict.fromkeys(("kl_weight", "adversarial_weight", "penalty_weight", "noise", "learning_rate"), (0, 1e6)),
        **dict.fromkeys(("vae_steps", "vae_stages", "batch"), (1, 1000)),
        **{"iterations": (1, 10**7), "width": (4, 1024), "coarsest": (8, 256), "scale_factor": (0.2, 0.95)},
        **{"clip_length": (4, 1000), "decay": (0, 1), "clip": (1e-6, 1e6)},
    }
    kept = ("count", "amplitudes")  # z* is what the encoder makes of the frames

    def __init__(self, frames: Tensor, settings: Settings, device: torch.device, precision: str, seed: int):
        if 1 < len(frames) < 4:
            raise SivLiteError(f"hp_vae_gan learns a video of 4 frames at least, not {len(frames)}; give more, or one")
        self.sizes = pyramid_sizes(*frames.shape[2:], settings.coarsest, settings.scale_factor)
        self.length = min(len(frames), settings.clip_length)
        self.windows, self.first = len(frames) - self.length + 1, torch.zeros(1, dtype=torch.long, device=device)
        self.video, self.editable = self.length > 1, self.length == 1
        if self.video:
            rates = [SAMPLING_RATES[3 * stage // (len(self.sizes) - 1)] for stage in range(len(self.sizes))]
            counts = [round((self.length - 1) / rate) + 1 for rate in rates]
            self.times = [torch.linspace(0, self.length - 1, n).round().long().to(device) for n in counts]
            self.sizes = [(n, *size) for n, size in zip(counts, self.sizes, strict=True)]
        super().__init__(frames, settings, device, precision, seed)

    def clips(self, stage: int, starts: Tensor) -> Tensor:
        """Images (n, 3, h, w) of `stage`, or its videos (n, 3, t, h, w) of the frames from `starts` (n) on."""
        if not self.video:
            return self.real[stage][starts]
        return self.real[stage][starts[:, None] + self.times[stage]].transpose(1, 2)

    def noise_shapes(self, sizes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return [(3 if stage else 2 * self.settings.width, *size) for stage, size in enumerate(sizes)]

    def grow(self) -> None:
        """Add a generator; with the first the encoder, with the first of the GANs D."""
        settings, width, dimensions, name = self.settings, self.settings.width, 2 + self.video, f"G{self.stage}"
        new = {name: Generator(3 if self.stage else 2 * width, width, dimensions)}
        if self.stage == 0:
            new["E"] = PatchNetwork(3, width, 4 * width, dimensions)
        if self.stage == settings.vae_stages:
            new["D"] = PatchNetwork(6, width, 1, dimensions)
        for network in new.values():
            network.prepare(self.count.device, self.generator)
            network.put_channels_last()
        if self.stage > 1:  # a stage starts where the one below it ended
            new[name].load_state_dict(self.networks[f"G{self.stage - 1}"].state_dict())
        self.networks |= new
        names = {"E", "G0", name} if self.stage < settings.vae_stages else {"D", name}
        self.optimisers = {name: adam(self.networks[name], settings.learning_rate) for name in sorted(names)}

    @torch.no_grad()
    def settle(self) -> None:
        """Find the noise amplitude of the stage in training: 1 for z, nothing in the VAE's others (Eq. 9)."""
        self.amplitudes[0] = 1
        if self.stage >= self.settings.vae_stages:
            up = self.enlarge(self.refine_all(self.fixed_noise(1), self.sizes[: self.stage]), self.sizes[self.stage])
            self.amplitudes[self.stage] = self.settings.noise * F.mse_loss(up, self.clips(self.stage, self.first))**0.5

    @torch.no_grad()
    def fixed_noise(self, n: int) -> list[Tensor]:
        """What the training clips are reconstructed from, in turn: the mean of their posterior, and zeros above."""
        starts = torch.arange(n, device=self.count.device) % self.windows
        self.fixed = self.networks["E"](self.clips(0, starts)).chunk(2, dim=1)[0]
        return super().fixed_noise(n)

    def enlarge(self, pictures: Tensor, size: tuple[int, ...]) -> Tensor:
        """Pictures at the size of the next stage, linear along all sides; a video's first and last frame stay."""
        return F.interpolate(pictures, size, mode="trilinear" if self.video else "bilinear", align_corners=True)

    def refine(self, stage: int, picture: Tensor | None, noise: Tensor, size: tuple[int, ...]) -> Tensor:
        G = self.networks[f"G{stage}"]
        if picture is None:
            return torch.tanh(G(noise).float())
        coarser = self.enlarge(picture, size)
        return torch.tanh(coarser + G(coarser + self.amplitudes[stage] * noise))  # Eq. 6; tanh: release

    def generate(self, latents: Tensor, size: tuple[int, int] | None = None, **options: Any) -> Tensor:
        if self.video and size is not None and options.get("start"):
            options["image"] = self.clips(-1, self.first)
        pictures = super().generate(latents, size, **options)
        return pictures.transpose(1, 2) if self.video else pictures

    def step(self) -> dict[str, Tensor]:
        """`vae_steps` updates of the patch-VAE, or in the later stages one of the patch-GAN."""
        vae = self.stage < self.settings.vae_stages
        with self.arithmetic():
            for _ in range(self.settings.vae_steps if vae else 1):
                values = self.vae_step() if vae else self.gan_step()
        self.count += 1
        return {name: value.detach() for name, value in values.items()}

    def encode(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Training clips of this stage and the coarsest; z, drawn from the posterior of the latter, its divergence."""
        starts = torch.randint(self.windows, (self.settings.batch,), generator=self.generator, device=self.first.device)
        real, coarsest = self.clips(self.stage, starts), self.clips(0, starts)
        mean, log_variance = self.networks["E"](coarsest).float().chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=self.generator, device=mean.device)
        return real, coarsest, mean + (log_variance / 2).exp() * noise, losses.kl_divergence(mean, log_variance)

    def vae_step(self) -> dict[str, Tensor]:
        """Down Eq. 5 at the coarsest stage, else Eq. 8, with E, G_0 and the stage's G; those between stay."""
        settings, sizes = self.settings, self.sizes[: self.stage + 1]
        real, coarsest, z, divergence = self.encode()
        decoded = self.refine(0, None, z, sizes[0])
        picture = self.refine_all(self.noise(len(z), sizes), sizes, decoded, begin=1)
        error, first = F.mse_loss(picture, real), F.mse_loss(decoded, coarsest) if self.stage else 0
        rates = dict.fromkeys(("E", "G0"), settings.learning_rate * settings.decay**self.stage)
        rates[f"G{self.stage}"] = settings.learning_rate
        self.update(error + first + settings.kl_weight * divergence, settings.clip, **rates)
        return {"reconstruction": error, "KL": divergence, "distance": torch.zeros_like(error)}

    def gan_step(self) -> dict[str, Tensor]:
        """Up Eq. 10 with D, then down Eq. 11 with the stage's G; all below stay."""
        settings, sizes, G, D = self.settings, self.sizes[: self.stage + 1], f"G{self.stage}", self.networks["D"]
        with torch.no_grad():  # the first half of the batch: reconstructions, without noise
            real, _, z, divergence = self.encode()
            noise = [torch.cat([torch.zeros_like(x), x]) for x in self.noise(len(z), sizes)]
            noise[0][: len(z)] = z
            coarser = self.refine_all(noise, sizes[:-1])
        reconstruction, fake = self.refine(self.stage, coarser, noise[-1], sizes[-1]).chunk(2)
        scores, others = D(torch.cat([real, fake.detach()])).chunk(2)
        distance = scores.mean() - others.mean()
        penalty = losses.gradient_penalty(D.linearised, real, fake, self.generator)
        self.update(settings.penalty_weight * penalty - distance, D=settings.learning_rate)
        error = F.mse_loss(reconstruction, real)
        self.update(error - settings.adversarial_weight * D(fake).mean(), settings.clip, **{G: settings.learning_rate})
        return {"reconstruction": error, "KL": divergence, "distance": distance}
