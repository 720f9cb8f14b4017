"""Quality, diversity and memorisation of samples: images (n, 3, H, W) against the frames (N, 3, h, w) they were learned
from, all in [-1, 1]; other sizes of frames are resized. Results are deterministic; bad input raises SivLiteError."""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.augment import apply_transforms, sample_transforms
from siv_lite.errors import SivLiteError
from siv_lite.features import ALEXNET_SIDE, INCEPTION_SIDE, inception_features, lpips_vectors


class Table(dict):
    """Metric name -> value, with `missing`: name -> sentence for what could not be computed. Shown as aligned text."""

    def __init__(self, values: dict[str, float], missing: dict[str, str]):
        super().__init__(values)
        self.missing = missing

    def __repr__(self) -> str:
        rows = {name: f"{value:.4g}" for name, value in self.items()} | self.missing
        return "\n".join(f"{name:<{max(map(len, rows))}}  {text}" for name, text in rows.items())


def _checked(images: Tensor, name: str, least: int = 1, side: int = 1) -> Tensor:
    shape = tuple(getattr(images, "shape", ()))
    fits = len(shape) == 4 and shape[0] >= least and shape[1] == 3 and min(shape[2:]) >= side
    if not isinstance(images, Tensor) or not images.is_floating_point() or not fits:
        wanted = f"a float tensor (n, 3, H, W), n at least {least}, of at least {side} x {side} pixels"
        raise SivLiteError(f"{name} must be {wanted}: got {type(images).__name__} {shape}")
    if not (images.abs() <= 1.001).all():  # also false for NaN
        raise SivLiteError(f"{name} hold NaN or values outside [-1, 1]: scale pixels with x / 127.5 - 1")
    return images.detach().float()


def _prepared(images: Tensor, frames: Tensor, least: int = 1, side: int = 1) -> tuple[Tensor, Tensor]:
    images, frames = _checked(images, "images", least, side), _checked(frames, "frames").to(images.device)
    if frames.shape[2:] != images.shape[2:]:
        frames = F.interpolate(frames, size=images.shape[2:], mode="bilinear", antialias=True)
    if frames.amin() == frames.amax():
        raise SivLiteError("frames are of one flat colour: there is nothing to compare samples with")
    return images, frames


def patches(images: Tensor, size: int, most: int, seed: int = 0) -> Tensor:
    """Patches (p, 3 * size * size) of all images (n, 3, H, W), in random order: all, or `most` of them."""
    windows = images.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5)  # a view, so memory stays small
    rows = torch.randperm(windows.shape[:3].numel(), generator=torch.Generator().manual_seed(seed))[:most]
    return windows[torch.unravel_index(rows.to(images.device), windows.shape[:3])].flatten(1)


def sliced_wasserstein(images: Tensor, frames: Tensor, levels: int = 3) -> list[float]:
    """Sliced Wasserstein distance of the 5 x 5 patches of a sample to those of the frames, mean over samples, on each
    level of a Laplacian pyramid from fine (high: blur or noise) to coarse, over the standard deviation of the frames'
    level. Karras et al. 2018, section 5, but 200 quantiles of at most 8,000 patches in place of sorting."""
    images, frames = _prepared(images, frames, side=5 * 2 ** (levels - 1))
    level, n, distances = torch.cat([images, frames]), len(images), []
    generator, quantiles = torch.Generator().manual_seed(0), torch.linspace(0.005, 0.995, 200, device=images.device)
    for remaining in reversed(range(levels)):
        smaller = F.avg_pool2d(level, 2)
        if remaining:
            level = level - F.interpolate(smaller, size=level.shape[2:], mode="bilinear")
        directions = F.normalize(torch.randn(75, 256, generator=generator), dim=0).to(images.device).T
        sets = (patches(x, 5, 8_000).T for x in (*level[:n].split(1), level[n:]))
        *found, wanted = (torch.quantile(directions @ x, quantiles, dim=1) for x in sets)
        distances.append(((torch.stack(found) - wanted).abs().mean() / level[n:].std()).item())
        level = smaller
    return distances


def _nearest_patch(images: Tensor, others: Tensor, seed: int) -> float:
    references = patches((others + 1) / 2, 7, 60_000, seed)
    queries = patches((images + 1) / 2, 7, 50_000_000 // len(references), seed)  # bounds the distances to 200 MB
    return torch.cdist(queries, references).amin(dim=1).square().mean().item() / queries.shape[1]


def patch_distances(images: Tensor, frames: Tensor) -> dict[str, float]:
    """Mean squared difference, on intensities in [0, 1], of 7 x 7 patches to their nearest, mean over samples: of a
    sample's to the frames' ("patch_fidelity", low: every patch looks like a training patch) and of the frames' to a
    sample's ("patch_coverage", low: nothing of the scene is lost). Above 80 x 100 pixels of random subsets."""
    images, frames = _prepared(images, frames, side=7)
    fidelity = [_nearest_patch(image, frames, seed) for seed, image in enumerate(images.split(1))]
    coverage = [_nearest_patch(frames, image, seed) for seed, image in enumerate(images.split(1))]
    return {"patch_fidelity": sum(fidelity) / len(images), "patch_coverage": sum(coverage) / len(images)}


def copy_distance(images: Tensor, frames: Tensor) -> float:
    """Smallest root mean squared difference, on 0..255, of a sample to any frame, its mirror image and their wrapped
    shifts by up to a fifth of each side in steps of a sixteenth; mean over samples. Low: memorised."""
    images, frames = _prepared(images, frames)
    originals = torch.cat([frames, frames.flip(3)]).double().flatten(1)
    steps = ((side, max(1, side // 16)) for side in images.shape[2:])
    shifts = itertools.product(*(range(-(side // 5 // step) * step, side // 5 + 1, step) for side, step in steps))
    nearest = [torch.cdist(images.roll(x, dims=(2, 3)).double().flatten(1), originals).amin(dim=1) for x in shifts]
    return (torch.stack(nearest).amin(dim=0).mean() * 127.5 / originals.shape[1] ** 0.5).item()


def pixel_diversity(images: Tensor, frames: Tensor) -> float:
    """Standard deviation over samples of each pixel's grey intensity, mean over pixels, over the standard deviation of
    the frames' grey intensity (Shaham et al. 2019, section 3, who use 100 samples). 0: all samples are the same."""
    images, frames = _prepared(images, frames, least=2)
    grey, target = (torch.einsum("nchw,c->nhw", x, x.new_tensor([0.299, 0.587, 0.114])) for x in (images, frames))
    return (grey.std(dim=0, correction=0).mean() / target.std(correction=0)).item()


def _ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    window = torch.softmax(-(torch.arange(-5.0, 6, device=a.device) ** 2) / (2 * 1.5**2), dim=0).expand(15, 1, 1, 11)
    a, b, result = (a + 1) / 2, (b + 1) / 2, 1.0
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # section 3.2, fine to coarse
    weights = [weight for scale, weight in enumerate(weights) if min(a.shape[2:]) > 10 * 2**scale]
    for scale, weight in enumerate(weights, start=1):
        moments = F.conv2d(torch.cat([a, b, a * a, b * b, a * b], dim=1), window, groups=15)
        mean_a, mean_b, square_a, square_b, product = F.conv2d(moments, window.mT, groups=15).chunk(5, dim=1)
        variances = square_a - mean_a**2 + square_b - mean_b**2
        similarity = (2 * (product - mean_a * mean_b) + 0.03**2) / (variances + 0.03**2)  # contrast and structure
        if scale == len(weights):
            similarity = similarity * (2 * mean_a * mean_b + 0.01**2) / (mean_a**2 + mean_b**2 + 0.01**2)  # luminance
        result = result * similarity.mean(dim=(2, 3)).relu() ** (weight / sum(weights))
        a, b = (F.avg_pool2d(x, 2, padding=[side % 2 for side in x.shape[2:]]) for x in (a, b))
    return result.mean(dim=1)


def ms_ssim_pairs(images: Tensor) -> float:
    """Mean multi-scale structural similarity over all pairs of images; 1: identical, low: diverse (Wang et al. 2003).
    As many of the five scales as leave the shorter side 11 pixels, three at 48 x 64: compare at one size only."""
    images = _checked(images, "images", least=2, side=11).split(1)
    return torch.cat([_ms_ssim(a, b) for a, b in itertools.combinations(images, 2)]).mean().item()


def frechet_distance(features1: Tensor, features2: Tensor) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 sqrt(C1 C2)) of two sets of features (n, c), n > 1 (Heusel et al. 2017, eq. 6)."""
    sets = [x.double() for x in (features1, features2)]
    # With C = R^T R, tr sqrt(C1 C2) is the sum of the singular values of R1 R2^T: exact also where C is singular.
    root1, root2 = (torch.linalg.qr((x - x.mean(dim=0)) / (len(x) - 1) ** 0.5, mode="r").R for x in sets)
    traces = root1.square().sum() + root2.square().sum() - 2 * torch.linalg.svdvals(root1 @ root2.T).sum()
    return ((sets[0].mean(dim=0) - sets[1].mean(dim=0)).square().sum() + traces).clamp(min=0).item()


def sifid(images: Tensor, frame: Tensor) -> dict[str, float]:
    """Frechet distance between the Inception features at all places of a sample and of one frame (1, 3, h, w), mean
    over samples and "best" of them. Shaham et al. 2019 (section 3) use 64 channels. Errors as in inception_features."""
    images, frame = _prepared(images, frame, side=INCEPTION_SIDE[64])
    if len(frame) > 1:
        raise SivLiteError(f"sifid compares with one frame: got {len(frame)}, use fid_sets for a clip")
    distances = {}
    for channels, level in inception_features(torch.cat([frame, images])).items():
        target, *samples = level.flatten(2).mT
        found = [frechet_distance(sample, target) for sample in samples]
        distances |= {f"sifid_{channels}": sum(found) / len(found), f"sifid_{channels}_best": min(found)}
    return distances


def fid_sets(images: Tensor, frames: Tensor) -> dict[str, float]:
    """Frechet distance between samples and frames, two or more of each, by the mean over places of their Inception
    features (Heusel et al. 2017). Few images raise it: compare only equal numbers. Errors as in inception_features."""
    images, frames = _prepared(images, frames, least=2, side=INCEPTION_SIDE[64])
    _checked(frames, "frames", least=2)
    levels = {c: x.mean(dim=(2, 3)) for c, x in inception_features(torch.cat([images, frames])).items()}
    return {f"fid_{c}": frechet_distance(x[: len(images)], x[len(images) :]) for c, x in levels.items()}


def lpips_pairs(images: Tensor) -> float:
    """Mean LPIPS (Zhang et al. 2018, AlexNet) over all pairs of images. High: diverse. Errors as in lpips_vectors."""
    return torch.pdist(lpips_vectors(_checked(images, "images", least=2, side=ALEXNET_SIDE))).square().mean().item()


def distance_to_train(images: Tensor, frames: Tensor) -> float:
    """LPIPS of each sample to the nearest of the frames and of 64 augmentations of them (one each if they are more),
    mean over samples (SIV-GAN, section 4, Dist. to train). Low: memorised. Errors as in lpips_vectors."""
    images, frames = _prepared(images, frames, side=ALEXNET_SIDE)
    originals = frames[torch.arange(max(64, len(frames)), device=frames.device) % len(frames)]
    generator = torch.Generator(frames.device).manual_seed(0)
    transforms = sample_transforms(len(originals), *frames.shape[2:], 0.7, generator)
    vectors = lpips_vectors(images), lpips_vectors(torch.cat([frames, apply_transforms(originals, transforms)]))
    distances = torch.cdist(*vectors, compute_mode="donot_use_mm_for_euclid_dist")  # the other mode cancels digits
    return distances.amin(dim=1).square().mean().item()


def evaluate(images: Tensor, frames: Tensor) -> Table:
    """Table of all metrics for n >= 2 samples of at least 20 x 20 pixels. sliced_wasserstein_1 (fine) to _3 (coarse),
    the patch metrics, copy_distance and ms_ssim see the first 16 samples, the others all. One frame gives sifid, a clip
    fid_sets. The table's `missing` names what cannot be computed, and why."""
    images, frames = _prepared(images, frames, least=2, side=20)
    some, least = images[:16], min(images.shape[2:])
    values = {f"sliced_wasserstein_{level}": x for level, x in enumerate(sliced_wasserstein(some, frames), start=1)}
    values |= patch_distances(some, frames) | {"copy_distance": copy_distance(some, frames)}
    values |= {"pixel_diversity": pixel_diversity(images, frames), "ms_ssim": ms_ssim_pairs(some)}
    fid, fid_metric = ("sifid", sifid) if len(frames) == 1 else ("fid", fid_sets)
    missing = {f"{fid}_{c}": f"needs {side} x {side} pixels" for c, side in INCEPTION_SIDE.items() if side > least}
    metrics = {fid: fid_metric, "lpips": lambda images, _: lpips_pairs(images), "distance_to_train": distance_to_train}
    for name, metric in metrics.items():
        try:
            found = metric(images, frames)
            values |= found if isinstance(found, dict) else {name: found}
        except SivLiteError as error:
            missing[name] = str(error)
    return Table(values, missing)
