"""Quality, diversity and memorisation of samples, measured against the image or clip they were learned from.
Every metric takes images (n, 3, H, W) and frames (N, 3, h, w) in [-1, 1]; frames of another size are resized to the
images' size. Results are deterministic. Bad input raises SivLiteError."""

import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.features import ALEXNET_SIDE, INCEPTION_SIDE, Folder, MissingWeights, inception_features, lpips_vectors

Augment = Callable[[Tensor], Tensor]  # (n, 3, H, W) -> (n, 3, H, W)
PROJECTED_PATCHES = 8_000  # of a level in sliced_wasserstein
REFERENCE_PATCHES = 60_000  # among which the nearest patch is sought; all of a 192 x 320 image
PATCH_PAIRS = 40_000_000  # compared for the nearest patches of one sample; all of a 48 x 64 image, 160 MB
AUGMENTATIONS = 64  # in distance_to_train, at least
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2, fine to coarse


class Table(dict):
    """Metric name -> value, with `missing`: name -> sentence for what could not be computed. Shown as aligned text."""

    def __init__(self, values: dict[str, float], missing: dict[str, str]):
        super().__init__(values)
        self.missing = missing

    def __repr__(self) -> str:
        rows = {name: f"{value:.4g}" for name, value in self.items()} | self.missing
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows.items())

    def as_dict(self) -> dict[str, dict]:
        """{"values": name -> float, "missing": name -> sentence}, ready for JSON."""
        return {"values": dict(self), "missing": self.missing}


def _checked(images: Tensor, name: str, least: int = 1, side: int = 1) -> Tensor:
    shape = tuple(getattr(images, "shape", ()))
    if not isinstance(images, Tensor) or not images.is_floating_point() or len(shape) != 4 or shape[1] != 3:
        raise SivLiteError(f"{name} must be a float tensor (n, 3, height, width): got {type(images).__name__} {shape}")
    if shape[0] < least or min(shape[2:]) < side:
        raise SivLiteError(f"{name} must be at least {least} of at least {side} x {side} pixels: got the shape {shape}")
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


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """What each halving of (n, 3, H, W) loses, fine to coarse, and last the smallest image itself."""
    pyramid = []
    for _ in range(levels - 1):
        low = F.avg_pool2d(images, 2)
        pyramid.append(images - F.interpolate(low, size=images.shape[2:], mode="bilinear"))
        images = low
    return [*pyramid, images]


def sliced_wasserstein(images: Tensor, frames: Tensor, levels: int = 3) -> list[float]:
    """Sliced Wasserstein distance between the 5 x 5 patches of one sample and of the frames, mean over samples, for
    each level of a Laplacian pyramid from fine to coarse, over the standard deviation of the frames' level.
    0: same patch statistics; a high fine level: blur or noise. After Karras et al. 2018 (section 5), with 200 quantiles
    in place of sorting; 256 directions and at most 8,000 patches of a sample and of the frames."""
    images, frames = _prepared(images, frames, side=5 * 2 ** (levels - 1))
    generator = torch.Generator().manual_seed(0)
    quantiles = torch.linspace(0.005, 0.995, 200, device=images.device)
    distances = []
    for level, target in zip(laplacian_pyramid(images, levels), laplacian_pyramid(frames, levels), strict=True):
        directions = F.normalize(torch.randn(75, 256, generator=generator), dim=0).to(images.device)
        wanted, *found = (
            torch.quantile(directions.T @ patches(one, 5, PROJECTED_PATCHES).T, quantiles, dim=1)
            for one in (target, *level.split(1))
        )
        distances.append(((torch.stack(found) - wanted).abs().mean() / target.std()).item())
    return distances


def _nearest_patch(images: Tensor, others: Tensor, seed: int) -> float:
    references = patches((others + 1) / 2, 7, REFERENCE_PATCHES, seed)
    queries = patches((images + 1) / 2, 7, PATCH_PAIRS // len(references), seed)
    return torch.cdist(queries, references).amin(dim=1).square().mean().item() / queries.shape[1]


def patch_fidelity(images: Tensor, frames: Tensor) -> float:
    """Mean squared difference, on intensities in [0, 1], of a sample's 7 x 7 patches to their nearest patch of the
    frames, mean over samples. Low: every patch looks like a training patch. Above 80 x 96 pixels a sample's nearest
    patches are sought for a random subset, 700 at 192 x 320, and above that size among a random 60,000."""
    images, frames = _prepared(images, frames, side=7)
    return sum(_nearest_patch(image, frames, seed) for seed, image in enumerate(images.split(1))) / len(images)


def patch_coverage(images: Tensor, frames: Tensor) -> float:
    """As patch_fidelity, from the frames' patches to each sample's. Low: nothing of the scene is lost."""
    images, frames = _prepared(images, frames, side=7)
    return sum(_nearest_patch(frames, image, seed) for seed, image in enumerate(images.split(1))) / len(images)


def copy_distance(images: Tensor, frames: Tensor) -> float:
    """Smallest root mean squared difference, on 0..255, of a sample to any frame, its mirror image and their wrapped
    shifts by up to a fifth of each side in steps of a sixteenth; mean over samples. Low: memorised."""
    images, frames = _prepared(images, frames)
    originals = torch.cat([frames, frames.flip(3)]).double().flatten(1)
    steps = [(side, max(1, side // 16)) for side in images.shape[2:]]
    shifts = itertools.product(*(range(-(side // 5 // step) * step, side // 5 + 1, step) for side, step in steps))
    shifted = (images.roll(shift, dims=(2, 3)).double().flatten(1) for shift in shifts)
    nearest = torch.stack([torch.cdist(x, originals).amin(dim=1) for x in shifted]).amin(dim=0)
    return (nearest.mean() * 127.5 / originals.shape[1] ** 0.5).item()


def pixel_diversity(images: Tensor, frames: Tensor) -> float:
    """Standard deviation over samples of each pixel's grey intensity, mean over pixels, over the standard deviation of
    the frames' grey intensity (Shaham et al. 2019, section 3, who use 100 samples). 0: all samples are the same."""
    images, frames = _prepared(images, frames, least=2)
    luma = images.new_tensor([0.299, 0.587, 0.114])
    grey, target = (torch.einsum("nchw,c->nhw", x, luma) for x in (images, frames))
    return (grey.std(dim=0, correction=0).mean() / target.std(correction=0)).item()


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale structural similarity (n,) of a[i] and b[i], both (n, 3, H, W); 1: identical (Wang et al. 2003).
    Window: 11 x 11, Gaussian, sigma 1.5; intensities in [0, 1]; as many of the five scales as leave the shorter side 11
    pixels, their weights divided by the sum: five from 161 pixels on, three at 48 x 64. Compare at one size only."""
    a, b = _checked(a, "a", side=11), _checked(b, "b", side=11)
    if a.shape != b.shape:
        raise SivLiteError(f"a and b must have one shape: got {tuple(a.shape)} and {tuple(b.shape)}")
    window = torch.softmax(-(torch.arange(-5.0, 6, device=a.device) ** 2) / (2 * 1.5**2), dim=0).expand(15, 1, 1, 11)
    a, b, result = (a + 1) / 2, (b + 1) / 2, 1.0
    weights = [weight for scale, weight in enumerate(MS_SSIM_WEIGHTS) if min(a.shape[2:]) > 10 * 2**scale]
    for scale, weight in enumerate(weights, start=1):
        moments = torch.cat([a, b, a * a, b * b, a * b], dim=1)
        moments = F.conv2d(F.conv2d(moments, window, groups=15), window.mT, groups=15)
        mean_a, mean_b, square_a, square_b, product = moments.chunk(5, dim=1)
        variances = square_a - mean_a**2 + square_b - mean_b**2
        similarity = (2 * (product - mean_a * mean_b) + 0.03**2) / (variances + 0.03**2)  # contrast and structure
        if scale == len(weights):
            similarity = similarity * (2 * mean_a * mean_b + 0.01**2) / (mean_a**2 + mean_b**2 + 0.01**2)  # luminance
        result = result * similarity.mean(dim=(2, 3)).relu() ** (weight / sum(weights))
        a, b = (F.avg_pool2d(x, 2, padding=[side % 2 for side in x.shape[2:]]) for x in (a, b))
    return result.mean(dim=1)


def ms_ssim_pairs(images: Tensor) -> float:
    """Mean ms_ssim over pairs of images: all pairs, or 100 evenly spaced ones. Low: diverse."""
    images = _checked(images, "images", least=2, side=11).split(1)
    pairs = list(itertools.combinations(images, 2))
    kept = torch.linspace(0, len(pairs) - 1, min(len(pairs), 100)).long()
    return torch.cat([ms_ssim(*pairs[index]) for index in kept]).mean().item()


def frechet_distance(features1: Tensor, features2: Tensor) -> float:
    """Squared Frechet distance between the Gaussians fitted to features (n, c) and (m, c), n and m at least 2:
    |m1 - m2|^2 + tr(C1 + C2 - 2 sqrt(C1 C2)) (Heusel et al. 2017, equation 6)."""
    means = [x.double().mean(dim=0) for x in (features1, features2)]
    centred = [(x - mean) / (len(x) - 1) ** 0.5 for x, mean in zip((features1, features2), means, strict=True)]
    # C = R^T R, so tr sqrt(C1 C2) is the sum of the singular values of R1 R2^T: exact also for singular matrices,
    # where a square root of the product would take roots of rounding errors around 0.
    root1, root2 = (torch.linalg.qr(x, mode="r").R for x in centred)
    shared = torch.linalg.svdvals(root1 @ root2.T).sum()
    distance = (means[0] - means[1]).square().sum() + root1.square().sum() + root2.square().sum() - 2 * shared
    return distance.clamp(min=0).item()


def sifid(images: Tensor, frames: Tensor, weights: Folder = None) -> dict[int, Tensor]:
    """Single-image FID of each sample: {channels: (n,)}, the Frechet distance between the Gaussians of the Inception
    features at all places of one sample and of the training image (Shaham et al. 2019, section 3). Takes one frame.
    64 channels is SinGAN's SIFID, the later levels see larger structures. Levels and errors as in inception_features."""
    images, frames = _prepared(images, frames, side=INCEPTION_SIDE[64])
    if len(frames) > 1:
        raise SivLiteError(f"sifid compares with one frame: got {len(frames)}, use fid_sets for a clip")
    target, *samples = (
        {channels: level[0].flatten(1).T for channels, level in inception_features(x, weights).items()}
        for x in (frames, *images.split(1))
    )
    return {c: torch.tensor([frechet_distance(sample[c], target[c]) for sample in samples]) for c in target}


def fid_sets(images: Tensor, frames: Tensor, weights: Folder = None) -> dict[int, float]:
    """FID between the set of samples and the set of frames, {channels: distance}: every image gives one vector, the
    spatial mean of its Inception features (Heusel et al. 2017). Needs two of each; few images raise the value, so only
    sets of the same sizes compare. Levels and errors as in inception_features."""
    images, frames = _prepared(images, frames, least=2, side=INCEPTION_SIDE[64])
    _checked(frames, "frames", least=2)
    each = [
        {channels: level.mean(dim=(2, 3)) for channels, level in inception_features(x, weights).items()}
        for x in (*images.split(1), *frames.split(1))
    ]
    sizes = len(images), len(frames)
    return {c: frechet_distance(*torch.cat([means[c] for means in each]).split(sizes)) for c in each[0]}


def lpips_pairs(images: Tensor, weights: Folder = None) -> float:
    """Mean LPIPS (Zhang et al. 2018, AlexNet) over all pairs of images. High: diverse. Errors as in lpips_vectors."""
    vectors = lpips_vectors(_checked(images, "images", least=2, side=ALEXNET_SIDE), weights)
    return torch.pdist(vectors).square().mean().item()


def distance_to_train(images: Tensor, frames: Tensor, augment: Augment, weights: Folder = None) -> float:
    """LPIPS of each sample to the nearest training frame, augmented as in training; mean over samples (SIV-GAN, section
    4, Dist. to train). Low: memorised. Candidates are the frames and 64 or more augmentations, equally many of each;
    augment draws from torch's global generators, seeded here and restored. Errors as in lpips_vectors."""
    images, frames = _prepared(images, frames, side=ALEXNET_SIDE)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        candidates = torch.cat([frames, *(augment(frames) for _ in range(-(-AUGMENTATIONS // len(frames))))])
    vectors = lpips_vectors(images, weights), lpips_vectors(candidates, weights)
    distances = torch.cdist(*vectors, compute_mode="donot_use_mm_for_euclid_dist")  # the other mode cancels digits
    return distances.amin(dim=1).square().mean().item()


def evaluate(images: Tensor, frames: Tensor, weights: Folder = None, augment: Augment | None = None) -> Table:
    """Table of all metrics for n >= 2 samples of at least 20 x 20 pixels.
    sliced_wasserstein_1 (fine) to _3 (coarse), patch_fidelity, patch_coverage and copy_distance see the first 16
    samples, the others all. One frame gives sifid_<channels> (mean over samples) and sifid_<channels>_best, a clip
    fid_<channels>. Metrics whose weights, size or augmentation is missing are named in the table's `missing`.
    weights: folder of the weight files, see features.weights_path; augment: see distance_to_train."""
    images, frames = _prepared(images, frames, least=2, side=20)
    some, least = images[:16], min(images.shape[2:])
    values = {f"sliced_wasserstein_{level}": x for level, x in enumerate(sliced_wasserstein(some, frames), start=1)}
    values |= {metric.__name__: metric(some, frames) for metric in (patch_fidelity, patch_coverage, copy_distance)}
    values |= {"pixel_diversity": pixel_diversity(images, frames), "ms_ssim": ms_ssim_pairs(images)}

    fid = "sifid" if len(frames) == 1 else "fid"
    sides = {f"{fid}_{channels}": side for channels, side in INCEPTION_SIDE.items()} | {"lpips": ALEXNET_SIDE}
    missing = {name: f"needs images of {side} x {side} pixels or more" for name, side in sides.items() if side > least}

