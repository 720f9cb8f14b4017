"""Quality, diversity and memorisation of samples, measured against the image or clip they were learned from.
Every metric takes images (n, 3, H, W) and frames (N, 3, h, w) in [-1, 1]; frames of another size are resized to the
images' size. Results are deterministic. Bad input raises SivLiteError."""

import html
import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite.errors import SivLiteError
from siv_lite.features import ALEXNET_SIDE, INCEPTION_SIDE, Folder, MissingWeights, inception_features, lpips_vectors

Augment = Callable[[Tensor], Tensor]  # (n, 3, H, W) -> (n, 3, H, W)
PROJECTED_PATCHES = 8_000  # of a level in sliced_wasserstein
QUERY_PATCHES = 2_500  # whose nearest patch is sought, per sample; all of a 48 x 64 image
REFERENCE_PATCHES = 60_000  # among which it is sought; all of a 192 x 320 image
AUGMENTATIONS = 64  # in distance_to_train, at least
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2, fine to coarse


class Table(dict):
    """Metric name -> value, with `missing`: name -> sentence for what could not be computed. Prints as aligned text."""

    def __init__(self, values: dict[str, float], missing: dict[str, str]):
        super().__init__(values)
        self.missing = missing

    def _rows(self) -> list[tuple[str, str]]:
        return [(name, f"{value:.4g}") for name, value in self.items()] + list(self.missing.items())

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self._rows())
        return "\n".join(f"{name:<{width}}  {text}" for name, text in self._rows())

    def _repr_html_(self) -> str:
        rows = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in self._rows())
        return f"<table>{''.join(rows)}</table>"

    def as_dict(self) -> dict[str, dict]:
        """{"values": name -> float, "missing": name -> sentence}, ready for JSON."""
        return {"values": dict(self), "missing": dict(self.missing)}


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


def patches(images: Tensor, size: int, most: int) -> Tensor:
    """Patches (p, 3 * size * size) of all images (n, 3, H, W): all of them, or above `most` a fixed random subset."""
    windows = images.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5)  # a view, so memory stays small
    rows = torch.randperm(windows.shape[:3].numel(), generator=torch.Generator().manual_seed(1))[:most]
    return windows[torch.unravel_index(rows.to(images.device), windows.shape[:3])].flatten(1)


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """What each halving of (n, 3, H, W) loses, fine to coarse, and last the smallest image itself."""
    pyramid = []
    for _ in range(levels - 1):
        low = F.avg_pool2d(images, 2)
        pyramid.append(images - F.interpolate(low, size=images.shape[2:], mode="bilinear", align_corners=False))
        images = low
    return [*pyramid, images]


def sliced_wasserstein(images: Tensor, frames: Tensor, levels: int = 3) -> list[float]:
    """Sliced Wasserstein distance between the 5 x 5 patches of one sample and of the frames, mean over samples, for
    each level of a Laplacian pyramid from fine to coarse, over the standard deviation of the frames' level.
    0: same patch statistics; a high fine level: blur or noise.
    256 fixed random directions, 200 quantiles from 0.005 to 0.995, at most 8,000 patches of a sample and of the frames.
    After Karras et al. 2018 (section 5), with quantiles in place of sorting."""
    images, frames = _prepared(images, frames, side=5 * 2 ** (levels - 1))
    generator = torch.Generator().manual_seed(0)
    quantiles = torch.linspace(0.005, 0.995, 200, device=images.device)
    distances = []
    for level, target in zip(laplacian_pyramid(images, levels), laplacian_pyramid(frames, levels), strict=True):
        directions = F.normalize(torch.randn(75, 256, generator=generator), dim=0).to(images.device)
        wanted, *found = (
            torch.quantile(patches(one, 5, PROJECTED_PATCHES) @ directions, quantiles, dim=0)
            for one in (target, *level.split(1))
        )
        distances.append(((torch.stack(found) - wanted).abs().mean() / target.std()).item())
    return distances


def _nearest_patch(images: Tensor, others: Tensor) -> float:
    queries = patches((images + 1) / 2, 7, QUERY_PATCHES)
    references = patches((others + 1) / 2, 7, REFERENCE_PATCHES)
    chunks = queries.split(max(1, 2**24 // len(references)))  # bounds the distance matrix to 64 MiB
    nearest = torch.cat([torch.cdist(chunk, references).amin(dim=1) for chunk in chunks])
    return (nearest.square().mean() / queries.shape[1]).item()


def patch_fidelity(images: Tensor, frames: Tensor) -> float:
    """Mean squared difference, on intensities in [0, 1], of a sample's 7 x 7 patches to their nearest patch of the
    frames, mean over samples. Low: every patch looks like a training patch.
    Of more than 2,500 patches a sample, or 60,000 of all frames, a fixed random subset of that many is used."""
    images, frames = _prepared(images, frames, side=7)
    return sum(_nearest_patch(image, frames) for image in images.split(1)) / len(images)


def patch_coverage(images: Tensor, frames: Tensor) -> float:
    """As patch_fidelity, from the frames' patches to each sample's. Low: nothing of the scene is lost."""
    images, frames = _prepared(images, frames, side=7)
    return sum(_nearest_patch(frames, image) for image in images.split(1)) / len(images)


def copy_distance(images: Tensor, frames: Tensor) -> float:
    """Smallest root mean squared difference, on 0..255, of a sample to any frame, its mirror image and their wrapped
    shifts by up to a fifth of each side in steps of a sixteenth; mean over samples. Low: memorised."""
    images, frames = _prepared(images, frames)
    originals = torch.cat([frames, frames.flip(3)]).double().flatten(1)
    best = originals.new_full((len(images),), torch.inf)
    steps = [(side, max(1, side // 16)) for side in images.shape[2:]]
    shifts = (range(-(side // 5 // step) * step, side // 5 + 1, step) for side, step in steps)
    for shift in itertools.product(*shifts):
        shifted = images.roll(shift, dims=(2, 3)).double().flatten(1)
        best = torch.minimum(best, torch.cdist(shifted, originals).amin(dim=1))
    return (best.mean() * 127.5 / originals.shape[1] ** 0.5).item()


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
    offsets = torch.arange(11, device=a.device) - 5.0
    window = torch.softmax(-(offsets**2) / (2 * 1.5**2), dim=0).expand(15, 1, 1, 11)
    a, b, result = (a + 1) / 2, (b + 1) / 2, 1.0
    scales = sum(-(-min(a.shape[2:]) // 2**scale) >= 11 for scale in range(5))
    for scale, weight in enumerate(MS_SSIM_WEIGHTS[:scales]):
        moments = torch.cat([a, b, a * a, b * b, a * b], dim=1)
        moments = F.conv2d(F.conv2d(moments, window, groups=15), window.mT, groups=15)
        mean_a, mean_b, square_a, square_b, product = moments.chunk(5, dim=1)
        variances = square_a - mean_a**2 + square_b - mean_b**2
        similarity = (2 * (product - mean_a * mean_b) + 0.03**2) / (variances + 0.03**2)  # contrast and structure
        if scale == scales - 1:
            similarity = similarity * (2 * mean_a * mean_b + 0.01**2) / (mean_a**2 + mean_b**2 + 0.01**2)  # luminance
        result = result * similarity.mean(dim=(2, 3)).relu() ** (weight / sum(MS_SSIM_WEIGHTS[:scales]))
        padding = [side % 2 for side in a.shape[2:]]
        a, b = F.avg_pool2d(a, 2, padding=padding), F.avg_pool2d(b, 2, padding=padding)
    return result.mean(dim=1)


def ms_ssim_pairs(images: Tensor) -> float:
    """Mean ms_ssim over pairs of images: all pairs, or 100 evenly spaced ones. Low: diverse."""
    images = _checked(images, "images", least=2, side=11).split(1)
    pairs = list(itertools.combinations(images, 2))
    kept = torch.linspace(0, len(pairs) - 1, min(len(pairs), 100)).long()
    return torch.cat([ms_ssim(*pairs[index]) for index in kept]).mean().item()


def _root(covariance: Tensor) -> Tensor:
    """A with A^T A = covariance (c, c), which may be of any rank."""
    values, vectors = torch.linalg.eigh(covariance)
    return values.clamp(min=0).sqrt()[:, None] * vectors.T


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (c,) and root of the covariance of features (n, c); with few features the centred ones are the root."""
    mean = features.double().mean(dim=0)
    centred = (features - mean) / (len(features) - 1) ** 0.5
    return mean, centred if len(centred) <= len(mean) else _root(centred.T @ centred)


def _frechet(mean1: Tensor, root1: Tensor, mean2: Tensor, root2: Tensor) -> float:
    # tr sqrt(C1 C2) is the sum of the singular values of A1 A2^T, where C = A^T A: exact also for singular matrices,
    # where a square root of the product would take roots of rounding errors around 0.
    shared = torch.linalg.svdvals(root1 @ root2.T).sum()
    distance = (mean1 - mean2).square().sum() + root1.square().sum() + root2.square().sum() - 2 * shared
    return distance.clamp(min=0).item()


def frechet_distance(mean1: Tensor, covariance1: Tensor, mean2: Tensor, covariance2: Tensor) -> float:
    """Squared Frechet distance between two Gaussians, |m1 - m2|^2 + tr(C1 + C2 - 2 sqrt(C1 C2)) (Heusel et al. 2017,
    equation 6), of means (c,) and covariances (c, c) of any rank, in float64."""
    return _frechet(mean1.double(), _root(covariance1.double()), mean2.double(), _root(covariance2.double()))


def sifid(images: Tensor, frames: Tensor, weights: Folder = None) -> dict[int, Tensor]:
    """Single-image FID of each sample: {channels: (n,)}, the Frechet distance between the Gaussians of the Inception
    features at all places of one sample and of the training image (Shaham et al. 2019, section 3). Takes one frame.
    64 channels is SinGAN's SIFID, the later levels see larger structures; levels that the image is too small for are
    left out (features.INCEPTION_SIDE). Raises MissingWeights without the Inception weights in the folder `weights`."""
    images, frames = _prepared(images, frames, side=INCEPTION_SIDE[64])
    if len(frames) > 1:
        raise SivLiteError(f"sifid compares with one frame: got {len(frames)}, use fid_sets for a clip")
    target, *samples = (
        {channels: _gaussian(features[0].flatten(1).T) for channels, features in inception_features(x, weights).items()}
        for x in (frames, *images.split(1))
    )
    return {c: torch.tensor([_frechet(*sample[c], *target[c]) for sample in samples]) for c in target}


def fid_sets(images: Tensor, frames: Tensor, weights: Folder = None) -> dict[int, float]:
    """FID between the set of samples and the set of frames, {channels: distance}: every image gives one vector, the
    spatial mean of its Inception features (Heusel et al. 2017). Needs two of each; few images raise the value, so only
    sets of the same sizes compare. Levels and errors as in sifid."""
    images, frames = _prepared(images, frames, least=2, side=INCEPTION_SIDE[64])
    _checked(frames, "frames", least=2)
    each = [
        {channels: features.mean(dim=(2, 3)) for channels, features in inception_features(x, weights).items()}
        for x in (*images.split(1), *frames.split(1))
    ]
    levels = {channels: torch.cat([vectors[channels] for vectors in each]) for channels in each[0]}
    return {c: _frechet(*_gaussian(x[: len(images)]), *_gaussian(x[len(images) :])) for c, x in levels.items()}


def lpips_pairs(images: Tensor, weights: Folder = None) -> float:
    """Mean LPIPS (Zhang et al. 2018, AlexNet) over all pairs of images. High: diverse. Raises MissingWeights without
    the AlexNet weights in the folder `weights`."""
    vectors = lpips_vectors(_checked(images, "images", least=2, side=ALEXNET_SIDE), weights)
    return torch.pdist(vectors).square().mean().item()


def distance_to_train(images: Tensor, frames: Tensor, augment: Augment, weights: Folder = None) -> float:
    """LPIPS of each sample to the nearest training frame, augmented as in training; mean over samples (SIV-GAN, section
    4, Dist. to train). Low: memorised. Candidates are the frames and 64 or more augmentations, equally many of each;
    augment draws from torch's global generators, seeded here and restored. Raises MissingWeights as lpips_pairs."""
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
    some = images[:16]
    values = {f"sliced_wasserstein_{level}": x for level, x in enumerate(sliced_wasserstein(some, frames), start=1)}
    values |= {metric.__name__: metric(some, frames) for metric in (patch_fidelity, patch_coverage, copy_distance)}
    values |= {"pixel_diversity": pixel_diversity(images, frames), "ms_ssim": ms_ssim_pairs(images)}

    fid = "sifid" if len(frames) == 1 else "fid"
    sides = {f"{fid}_{channels}": side for channels, side in INCEPTION_SIDE.items()}
    sides |= {"lpips": ALEXNET_SIDE, "distance_to_train": ALEXNET_SIDE}
    least = min(images.shape[2:])
    missing = {name: f"needs images of {side} x {side} pixels or more" for name, side in sides.items() if side > least}
    try:
        if fid == "fid":
            values |= {f"fid_{channels}": x for channels, x in fid_sets(images, frames, weights).items()}
        else:
            for channels, distances in sifid(images, frames, weights).items():
                values[f"sifid_{channels}"] = distances.mean().item()
                values[f"sifid_{channels}_best"] = distances.min().item()
    except MissingWeights as error:
        missing[fid] = str(error)
    if augment is None:
        missing["distance_to_train"] = "needs augment=, the augmentation of the training"
    try:
        if "lpips" not in missing:
            values["lpips"] = lpips_pairs(images, weights)
        if "distance_to_train" not in missing:
            values["distance_to_train"] = distance_to_train(images, frames, augment, weights=weights)
    except MissingWeights as error:
        missing |= {"lpips": str(error), "distance_to_train": str(error)}
    return Table(values, missing)
