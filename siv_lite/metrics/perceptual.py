"""Metrics based on LPIPS, a distance of images in AlexNet's features (Zhang et al. 2018).

They need pretrained weights: see siv_lite.metrics.pretrained.
"""

import torch
from torch import Tensor

from siv_lite.augment import apply_transforms, sample_transforms
from siv_lite.metrics.inputs import check_images, prepare_inputs
from siv_lite.metrics.pretrained import ALEXNET_SIDE, lpips_vectors
from siv_lite.metrics.registry import register_metric

AUGMENTATIONS = 64
AUGMENTATION_PROBABILITY = 0.7


@register_metric("lpips", frames="none")
def lpips_pairs(images: Tensor) -> float:
    """Average LPIPS over all pairs of images.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], n at least 2, H and W at least 31.

    Returns:
        The mean over pairs. 0: all samples are identical; high: diverse.

    Raises:
        SivLiteError: If `check_images` refuses the images, or `lpips_vectors` fails.
    """
    images = check_images(images, "images", min_count=2, min_side=ALEXNET_SIDE)
    distances = torch.pdist(lpips_vectors(images))  # (n * (n - 1) / 2,), square roots of LPIPS
    return distances.square().mean().item()


@register_metric("distance_to_train")
def distance_to_train(images: Tensor, frames: Tensor) -> float:
    """Compute LPIPS between samples and the nearest augmented training frame.

    "Dist. to train" (SIV-GAN, section 4). The nearest is searched among the frames and 64
    augmentations of them, or one augmentation per frame if there are more than 64 frames.

    Args:
        images: samples (n, 3, H, W) in [-1, 1], H and W at least 31.
        frames: training frames (N, 3, h, w) in [-1, 1].

    Returns:
        The distance to the nearest, averaged over samples. Low: memorized.

    Raises:
        SivLiteError: If `prepare_inputs` refuses the images or the frames, or `lpips_vectors`
            fails.
    """
    images, frames = prepare_inputs(images, frames, min_side=ALEXNET_SIDE)
    height, width = frames.shape[2:]
    count = max(AUGMENTATIONS, len(frames))

    # Augment the frames in turn, until there are enough.
    index = torch.arange(count, device=frames.device) % len(frames)
    originals = frames[index]
    generator = torch.Generator(frames.device).manual_seed(0)
    transforms = sample_transforms(count, height, width, AUGMENTATION_PROBABILITY, generator)
    augmented = apply_transforms(originals, transforms)  # (count, 3, H, W)
    references = torch.cat([frames, augmented])

    # The faster mode, with matrix products, would lose digits by cancellation.
    distances = torch.cdist(
        lpips_vectors(images),
        lpips_vectors(references),
        compute_mode="donot_use_mm_for_euclid_dist",
    )
    return distances.amin(dim=1).square().mean().item()
