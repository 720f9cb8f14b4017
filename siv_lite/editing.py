"""What a trained pyramid can be used for besides sampling (SinGAN, section 4).

Its fine stages redraw an image that is put in above its coarse ones. All images are (1, 3, H, W) in
[-1, 1], of the size that the run was trained at.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError, check_integer
from siv_lite.filters import gaussian_window
from siv_lite.frames import check_frames
from siv_lite.methods.pyramid import resize
from siv_lite.training.run import Run

BLUR = 0.02  # standard deviation of a mask's soft edge, of the longer side (official code)
GRAIN = 0.15  # standard deviation of the noise on a sketch in [-1, 1]
HARMONIZE_REACH = 0.03  # how far around the mask an image may change, of the longer side
EDIT_REACH = 0.08
KMEANS_ROUNDS = 20
BACK_PROJECTIONS = 2  # after each step of super-resolution


def redraw(
    run: Run, image: Tensor, start: int, seed: int = 0, samples: int = 1, grain: float = 0
) -> Tensor:
    """Let the stages from `start` on redraw an image.

    Args:
        run: of a method whose stages can redraw: singan, consingan, or hp_vae_gan of one image.
        image: (1, 3, H, W) in [-1, 1], of the size of the run's frames.
        start: the coarsest stage that draws; the coarser it is, the more is changed.
        seed: of the noise.
        samples: how many images to draw.
        grain: standard deviation of noise on the reduced image that is put in.

    Returns:
        (samples, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: for a method without such stages, an image of another size, a stage out of
            range.
    """
    method = run.method
    if not method.editable:
        raise SivLiteError(
            f"{run.folder} is a run of {run.config['method']}, which redraws no images; "
            "take singan's"
        )
    check_size(run, "image", check_frames(image))
    check_integer("start", start, 0)
    if not 1 <= start < method.num_stages:
        raise SivLiteError(
            f"start must be 1 to {method.num_stages - 1}, the stages of {run.folder} above 0, "
            f"not {start}"
        )
    check_integer("samples", samples, 1)
    check_integer("seed", seed, 0)

    latents = method.sample_latents(samples, seed)
    generator = torch.Generator().manual_seed(seed)
    reduced = resize(image, method.sizes[start - 1])
    noise = torch.randn(reduced.shape, generator=generator)
    return run.decode(latents, start=start, image=reduced + grain * noise)


def harmonize(run: Run, image: Tensor, mask: Tensor, start: int, seed: int = 0) -> Tensor:
    """Blend a pasted object into the style of the training image (SinGAN, section 4).

    Args:
        run: as in `redraw`.
        image: (1, 3, H, W) in [-1, 1], the training image with an object pasted into it.
        mask: (1, 1 or 3, H, W), above 0 inside the object. Away from it, `image` stays.
        start: the coarsest stage that draws.
        seed: of the noise.

    Returns:
        (1, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: as in `redraw`.
    """
    redrawn = redraw(run, image, start, seed)
    return blend(run, image, mask, redrawn, HARMONIZE_REACH)


def edit(run: Run, image: Tensor, mask: Tensor, start: int, seed: int = 0) -> Tensor:
    """Hide the seams where parts of the training image were moved (SinGAN, section 4).

    As `harmonize`, but it reaches farther around the mask: a moved part has to grow together with
    what surrounds it.

    Args:
        run: as in `redraw`.
        image: (1, 3, H, W) in [-1, 1], the training image with parts copied to other places.
        mask: (1, 1 or 3, H, W), above 0 where something was changed.
        start: the coarsest stage that draws.
        seed: of the noise.

    Returns:
        (1, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: as in `redraw`.
    """
    redrawn = redraw(run, image, start, seed)
    return blend(run, image, mask, redrawn, EDIT_REACH)


def paint_to_image(
    run: Run, paint: Tensor, start: int, seed: int = 0, colors: int | None = None
) -> Tensor:
    """Turn clip art of flat colors into an image with the training image's texture.

    A little grain is added, as the paper does not: generators that have seen only textures leave
    flat colors flat.

    Args:
        run: as in `redraw`.
        paint: the clip art, (1, 3, H, W) in [-1, 1].
        start: the coarsest stage that draws.
        seed: of the noise.
        colors: if given, every pixel first takes the nearest of so many main colors of the
            training image (k-means; 5 in the official code).

    Returns:
        (1, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: as in `redraw`, or for fewer than 2 colors.
    """
    if colors is not None:
        check_integer("colors", colors, 2)
        palette = main_colors(run.training_frames[:1], colors)  # (colors, 3)
        pixels = check_frames(paint).permute(0, 2, 3, 1)  # (1, H, W, 3)
        distances = torch.cdist(pixels.flatten(0, 2), palette)  # (H W, colors)
        nearest = palette[distances.argmin(1)]  # (H W, 3)
        paint = nearest.view(pixels.shape).permute(0, 3, 1, 2)
    return redraw(run, paint, start, seed, grain=GRAIN)


def super_resolve(run: Run, factor: float = 4, steps: int = 6) -> Tensor:
    """Enlarge the training image by the finest generator of a SinGAN (SinGAN, section 4).

    Each step enlarges by the steps-th root of `factor`, then applies the generator. Train with
    reconstruction_weight=100 and scale_factor=factor ** (-1/6). What would not reduce to the
    training image again is taken back after each step, as the paper does not: unless the training
    was very long, a generator's excess of contrast would be amplified `steps` times.

    Args:
        run: a finished run of singan on one image.
        factor: how many times larger, above 1 and at most 16.
        steps: how often the generator is applied.

    Returns:
        (1, 3, factor * H, factor * W) in [-1, 1].

    Raises:
        SivLiteError: for any other run, or a number out of range.
    """
    is_singan = run.config["method"] == "singan"
    if not is_singan or len(run.training_frames) > 1 or not run.finished:
        raise SivLiteError(
            f"{run.folder} is no finished run of singan on one image, which super-resolution needs"
        )
    if not 1 < factor <= 16:
        raise SivLiteError(f"factor must be above 1 and at most 16, not {factor!r}")
    check_integer("steps", steps, 1)

    method = run.method
    method.set_eval_except()
    finest = method.num_stages - 1
    original = run.training_frames[:1].to(method.device)
    original_size = original.shape[2:]
    image = original
    for step in range(1, steps + 1):
        scale = factor ** (step / steps)
        height = round(original.shape[2] * scale)
        width = round(original.shape[3] * scale)
        size = (height, width)
        no_noise = original.new_zeros((1, 3, height, width))
        with torch.no_grad():
            image = method.refine(finest, image, no_noise, size)

        # Back-projection (Irani and Peleg 1991): correct what differs when reduced again.
        for _ in range(BACK_PROJECTIONS):
            error = original - resize(image, original_size)
            image = image + resize(error, size)
        image = image.clamp(-1, 1)
    return image.cpu()


def animate(
    run: Run, n: int = 48, seed: int = 0, start: int = 0, alpha: float = 0.1, beta: float = 0.9
) -> Tensor:
    """Draw a random walk around the training image (SinGAN, supplementary section 5).

    The walk is in the noise z of all stages from `start` on. With fresh noise u_t, and z* that
    reconstructs the training image:

        z_(t+1) = alpha z* + (1 - alpha) (z_t + d_(t+1))
        d_(t+1) = beta (z_t - z_(t-1)) + (1 - beta) u_t

    Args:
        run: as in `redraw`.
        n: how many images.
        seed: of the noise.
        start: the coarsest stage whose noise moves; below it z* stays.
        alpha: from 0 to 1, how strongly the walk is pulled towards the training image.
        beta: from 0 to 1, how smooth it is.

    Returns:
        (n, 3, H, W) in [-1, 1].

    Raises:
        SivLiteError: for a method without such stages, or a number out of range.
    """
    method = run.method
    if not method.editable:
        raise SivLiteError(
            f"{run.folder} is a run of {run.config['method']}; "
            "animate one of singan, or use run.walk"
        )
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0 <= value <= 1:
            raise SivLiteError(f"{name} must lie in 0 to 1, not {value!r}")
    check_integer("n", n, 1)
    check_integer("seed", seed, 0)

    # The walk begins at z*, with a first step of fresh noise.
    draws = method.sample_latents(n + 1, seed)
    parts = [part.flatten(1) for part in method.reconstruction_noise(1)]
    z_star = torch.cat(parts, dim=1).cpu()
    first_step = (1 - alpha) * (1 - beta) * draws[-1:]
    walk = [z_star, z_star + first_step]

    for u in draws[: n - 1].split(1):
        velocity = walk[-1] - walk[-2]
        change = beta * velocity + (1 - beta) * u
        z = alpha * z_star + (1 - alpha) * (walk[-1] + change)
        walk.append(z)
    return run.decode(torch.cat(walk[1:]), start=start)


def check_size(run: Run, name: str, image: Tensor) -> None:
    """Check that an image has the size of the run's frames.

    Args:
        run: any run.
        name: what the user calls the image, for the message.
        image: (n, c, H, W).

    Raises:
        SivLiteError: if the size is another.
    """
    size = image.shape[2:]
    run_size = run.training_frames.shape[2:]
    if size != run_size:
        found = " x ".join(map(str, size))
        expected = " x ".join(map(str, run_size))
        raise SivLiteError(
            f"{name} is {found} pixels, the training image of {run.folder} {expected}; "
            "bring it to that size with siv_lite.frames.resize_to"
        )


def blend(run: Run, image: Tensor, mask: Tensor, redrawn: Tensor, reach: float) -> Tensor:
    """Take `redrawn` where the mask is, `image` elsewhere, with a soft edge between.

    Args:
        run: whose frames have the size of all images.
        image: (1, 3, H, W).
        mask: (1, 1 or 3, H, W), inside where it is above 0.
        redrawn: (1, 3, H, W).
        reach: how far around the mask `redrawn` is taken too, of the longer side.

    Returns:
        (1, 3, H, W).

    Raises:
        SivLiteError: if the mask is of another size.
    """
    check_size(run, "mask", mask)
    longest = max(mask.shape[2:])
    radius = max(1, round(reach * longest))
    sigma = max(0.5, BLUR * longest)

    # Grow the mask by `radius` pixels.
    inside = (mask.mean(1, keepdim=True) > 0).float()  # (1, 1, H, W)
    inside = F.max_pool2d(inside, 2 * radius + 1, stride=1, padding=radius)

    # Blur it with a Gaussian, along the rows and along the columns.
    border = round(3 * sigma)
    kernel = gaussian_window(2 * border + 1, sigma).view(1, 1, 1, -1)
    inside = F.pad(inside, [border] * 4, mode="replicate")
    weight = F.conv2d(F.conv2d(inside, kernel), kernel.mT)
    return torch.lerp(image, redrawn, weight)


def main_colors(image: Tensor, count: int) -> Tensor:
    """Find the main colors of an image by k-means, begun at quantiles of its brightness.

    Args:
        image: (n, 3, H, W).
        count: how many colors.

    Returns:
        (count, 3).
    """
    pixels = image.permute(0, 2, 3, 1).flatten(0, 2)  # (n H W, 3)

    # Begin with the pixels at (k + 1/2) / count of the order of brightness.
    by_brightness = pixels.sum(1).argsort()
    ranks = (torch.arange(count) * 2 + 1) * len(pixels) // (2 * count)
    centers = pixels[by_brightness[ranks]]  # (count, 3)

    for _ in range(KMEANS_ROUNDS):
        # Give each pixel to the nearest center, then move each center to the mean of its pixels.
        nearest = torch.cdist(pixels, centers).argmin(1)
        members = F.one_hot(nearest, count).float()  # (n H W, count)
        num_members = members.sum(0)[:, None]  # (count, 1)
        means = members.T @ pixels / num_members.clamp(min=1)
        centers = torch.where(num_members > 0, means, centers)
    return centers
