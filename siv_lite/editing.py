"""What a trained pyramid can be used for besides sampling (SinGAN, section 4): its fine stages redraw a picture that is
put in above its coarse ones. All pictures are (1, 3, H, W) in [-1, 1], of the size that the run was trained at."""

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError, check_whole
from siv_lite.filters import gaussian_window
from siv_lite.frames import check_frames
from siv_lite.methods.pyramid import resize
from siv_lite.run import Run

BLUR = 0.02  # of the longer side: how softly an edit ends (release)
GRAIN = 0.15  # of a sketch, from [-1, 1]


def redraw(run: Run, image: Tensor, start: int, seed: int = 0, samples: int = 1, grain: float = 0) -> Tensor:
    """`samples` pictures (samples, 3, H, W) that stages `start` and finer make of `image`, with noise drawn from
    `seed`. The coarser `start` is, the more is changed. `grain`: standard deviation of noise on the reduced image.
    Raises SivLiteError for a run of a method without such stages, a picture of another size, a stage out of range."""
    method = run.method
    if not method.editable:
        raise SivLiteError(f"{run.folder} is a run of {run.config['method']}, which redraws no pictures; take singan's")
    check_size(run, "image", check_frames(image))
    if not 1 <= check_whole("start", start, 0) < method.stages:
        raise SivLiteError(f"start must be 1 to {method.stages - 1}, the stages of {run.folder} above 0, not {start}")
    latents = method.draw_latents(check_whole("samples", samples, 1), check_whole("seed", seed, 0))
    reduced = resize(image, method.sizes[start - 1])
    reduced = reduced + grain * torch.randn(reduced.shape, generator=torch.Generator().manual_seed(seed))
    return run.generate(latents, start=start, image=reduced)


def harmonize(run: Run, image: Tensor, mask: Tensor, start: int, seed: int = 0) -> Tensor:
    """Blend an object that was pasted into the training image inside `mask` into its style (SinGAN, section 4).
    `mask`: (1, 1 or 3, H, W), inside where it is above 0; outside, `image` stays. Errors as in `redraw`."""
    return blend(run, image, mask, redraw(run, image, start, seed), reach=0.03)


def edit(run: Run, image: Tensor, mask: Tensor, start: int, seed: int = 0) -> Tensor:
    """Make seams vanish where parts of the training image were copied to other places inside `mask`: as `harmonize`,
    but reaching farther around the mask, since a moved part has to grow together with what surrounds it."""
    return blend(run, image, mask, redraw(run, image, start, seed), reach=0.08)


def paint_to_image(run: Run, paint: Tensor, start: int, seed: int = 0, colours: int | None = None) -> Tensor:
    """Turn a clip-art of flat colours into a picture with the training image's texture. With `colours`, every pixel
    first takes the nearest of so many main colours of the training image (k-means; 5 in the release). A little grain is
    added, as the paper does not: generators that have seen only textures leave flat colours flat."""
    if colours is not None:
        centres = main_colours(run.frames[:1], check_whole("colours", colours, 2))
        pixels = check_frames(paint).permute(0, 2, 3, 1)
        paint = centres[torch.cdist(pixels.flatten(0, 2), centres).argmin(1)].view(pixels.shape).permute(0, 3, 1, 2)
    return redraw(run, paint, start, seed, grain=GRAIN)


def super_resolve(run: Run, factor: float = 4, steps: int = 6) -> Tensor:
    """The training image of a SinGAN `factor` times larger, by the finest generator applied `steps` times, each after
    enlarging by the steps-th root of `factor`. Train with reconstruction_weight=100 and scale_factor=factor ** (-1/6).
    What would not reduce to the training image again is taken back after each step, as the paper does not: unless the
    training was very long, a generator's excess of contrast would be amplified `steps` times."""
    method, image = run.method, run.frames[:1].to(run.method.count.device)
    if run.config["method"] != "singan" or len(run.frames) > 1 or not run.finished:
        raise SivLiteError(f"{run.folder} is no finished run of singan on one image, which super-resolution needs")
    if not 1 < factor <= 16:
        raise SivLiteError(f"factor must be above 1 and at most 16, not {factor!r}")
    method.rest()
    picture = image
    for step in range(1, check_whole("steps", steps, 1) + 1):
        size = tuple(round(side * factor ** (step / steps)) for side in image.shape[2:])
        with torch.no_grad():
            picture = method.refine(method.stages - 1, picture, image.new_zeros((1, 3, *size)), size)
        for _ in range(2):  # back-projection (Irani and Peleg 1991)
            picture = picture + resize(image - resize(picture, image.shape[2:]), size)
        picture = picture.clamp(-1, 1)
    return picture.cpu()


def animate(run: Run, n: int = 48, seed: int = 0, start: int = 0, alpha: float = 0.1, beta: float = 0.9) -> Tensor:
    """`n` pictures (n, 3, H, W) of a random walk around the training image, in the noise of all stages from `start`
    (SinGAN, supplementary section 5). alpha in [0, 1] pulls towards the training image, beta in [0, 1] makes the walk
    smooth: z_(t+1) = alpha z* + (1 - alpha) (z_t + d_(t+1)), d_(t+1) = beta (z_t - z_(t-1)) + (1 - beta) u_t."""
    method = run.method
    if not method.editable:
        raise SivLiteError(f"{run.folder} is a run of {run.config['method']}; animate one of singan, or use run.walk")
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0 <= value <= 1:
            raise SivLiteError(f"{name} must lie in 0 to 1, not {value!r}")
    draws = method.draw_latents(check_whole("n", n, 1) + 1, check_whole("seed", seed, 0))
    fixed = torch.cat([part.flatten(1) for part in method.fixed_noise(1)], dim=1).cpu()
    walk = [fixed, fixed + (1 - alpha) * (1 - beta) * draws[-1:]]
    for u in draws[: n - 1].split(1):
        change = beta * (walk[-1] - walk[-2]) + (1 - beta) * u
        walk.append(alpha * fixed + (1 - alpha) * (walk[-1] + change))
    return run.generate(torch.cat(walk[1:]), start=start)


def check_size(run: Run, name: str, picture: Tensor) -> None:
    """Raise SivLiteError if `picture` is not of the size of the run's frames."""
    size = tuple(run.frames.shape[2:])
    if tuple(picture.shape[2:]) != size:
        raise SivLiteError(
            f"{name} is {' x '.join(map(str, picture.shape[2:]))} pixels, the training image of {run.folder} "
            f"{size[0]} x {size[1]}; read both with the same max_size"
        )


def blend(run: Run, image: Tensor, mask: Tensor, redrawn: Tensor, reach: float) -> Tensor:
    """`redrawn` where `mask` is above 0 and up to `reach`, of the longer side, around it, else `image`."""
    check_size(run, "mask", mask)
    long = max(mask.shape[2:])
    radius, sigma = max(1, round(reach * long)), max(0.5, BLUR * long)
    border = round(3 * sigma)
    kernel = gaussian_window(2 * border + 1, sigma).view(1, 1, 1, -1)
    inside = F.max_pool2d((mask.mean(1, keepdim=True) > 0).float(), 2 * radius + 1, 1, radius)
    inside = F.pad(inside, [border] * 4, mode="replicate")
    return torch.lerp(image, redrawn, F.conv2d(F.conv2d(inside, kernel), kernel.mT))


def main_colours(image: Tensor, count: int) -> Tensor:
    """The `count` main colours (count, 3) of an image: 20 rounds of k-means, begun at quantiles of its brightness."""
    pixels = image.permute(0, 2, 3, 1).flatten(0, 2)
    order = pixels.sum(1).argsort()
    centres = pixels[order[(torch.arange(count) * 2 + 1) * len(pixels) // (2 * count)]]
    for _ in range(20):
        nearest = F.one_hot(torch.cdist(pixels, centres).argmin(1), count).float()
        members = nearest.sum(0)[:, None]
        centres = torch.where(members > 0, nearest.T @ pixels / members.clamp(min=1), centres)
    return centres
