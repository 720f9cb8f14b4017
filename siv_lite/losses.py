"""The losses: equations as pure functions of tensors.

A discriminator's `logits` are a list of maps (n, 1, h_l, w_l), one for each of its blocks l.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_part_loss(logits: list[Tensor], num_real: int) -> Tensor:
    """Compute D's binary cross-entropy for one part D_* (SIV-GAN, Eq. 1 and 2).

    The mean over blocks l of -E[log D_l(x)] - E[log(1 - D_l(G(z)))], where D_l = sigmoid(logits).

    Args:
        logits: one map (n, 1, h_l, w_l) per block.
        num_real: how many samples are real; these come first, all others are generated.

    Returns:
        The loss, a scalar.
    """
    losses = []
    for block_logits in logits:
        real = block_logits[:num_real]
        fake = block_logits[num_real:]
        loss_real = F.softplus(-real).mean()  # -log sigmoid(x) = softplus(-x)
        loss_fake = F.softplus(fake).mean()  # -log(1 - sigmoid(x)) = softplus(x)
        losses.append(loss_real + loss_fake)
    return torch.stack(losses).mean()


def generator_part_loss(logits: list[Tensor]) -> Tensor:
    """Compute G's loss for one part D_*, in the non-saturating form of Eq. 1 and 2 (SIV-GAN).

    The mean over blocks l of -E[log D_l(G(z))].

    Args:
        logits: one map (n, 1, h_l, w_l) of generated samples per block.

    Returns:
        The loss, a scalar.
    """
    losses = []
    for block_logits in logits:
        loss = F.softplus(-block_logits).mean()  # -log sigmoid(x) = softplus(-x)
        losses.append(loss)
    return torch.stack(losses).mean()


def pair_distance(values: Tensor) -> Tensor:
    """Compute the mean absolute difference between samples, over elements and all pairs of samples.

    Args:
        values: (n, c, h, w), n at least 2.

    Returns:
        The distance, a scalar.
    """
    rows = values.permute(0, 2, 3, 1).flatten(1)  # (n, h w c); a view if channels-last
    distances = F.pdist(rows.float(), p=1)  # (n (n - 1) / 2), sums over elements
    return distances.mean() / rows.shape[1]


def diversity_in_features(features: list[Tensor]) -> Tensor:
    """Compute the diversity regularization DR in feature space (SIV-GAN, Eq. 4); G maximizes it.

    The mean over G's blocks l of E[mean |tanh G^l(z1) - tanh G^l(z2)|].

    Args:
        features: one map (n, c_l, h_l, w_l) per block, n at least 2.

    Returns:
        The diversity, a scalar.
    """
    distances = []
    for block_features in features:
        distance = pair_distance(torch.tanh(block_features))
        distances.append(distance)
    return torch.stack(distances).mean()


def diversity_in_normalized_features(features: list[Tensor]) -> Tensor:
    """Compute Eq. 4 of SIV-GAN on features whose contrast is taken out first; G maximizes it.

    By Eq. 4 itself, pale and glaring versions of one arrangement are far apart: the cheapest way to
    be different. So from tanh G^l(z) each channel's mean over places is subtracted, and each sample
    is divided by its root mean square over channels and places. What is left to differ in is where
    things are.

    Args:
        features: one map (n, c_l, h_l, w_l) per block, n at least 2.

    Returns:
        The diversity, a scalar.
    """
    distances = []
    for block_features in features:
        x = torch.tanh(block_features)
        x = x - x.mean((2, 3), keepdim=True)
        mean_square = x.square().mean((1, 2, 3), keepdim=True)  # (n, 1, 1, 1)
        x = x * (mean_square + 1e-6).rsqrt()  # not 1 / 0 for flat features
        distances.append(pair_distance(x))
    return torch.stack(distances).mean()


def diversity_sensitive(images: Tensor, latents: Tensor, bound: float = 1.0) -> Tensor:
    """Compute the diversity-sensitive loss DS (Yang et al. 2019, Eq. 2); G maximizes it.

    E[min(|G(z1) - G(z2)| / |z1 - z2|, bound)], over neighbors in the batch, where |.| is the mean
    absolute value of the elements.

    Args:
        images: G(z), (n, 3, h, w) in [-1, 1].
        latents: z, (n, d), or maps (n, d, h, w).
        bound: the ratio above which a pair gives no more gradient (tau).

    Returns:
        The loss, a scalar.
    """
    image_difference = images - images.roll(1, 0)
    latent_difference = latents - latents.roll(1, 0)
    image_distance = image_difference.abs().flatten(1).mean(1)  # (n)
    latent_distance = latent_difference.abs().flatten(1).mean(1)  # (n)
    ratio = image_distance / (latent_distance + 1e-5)
    return ratio.clamp(max=bound).mean()


def latent_consistency(images: Tensor, nearby: Tensor) -> Tensor:
    """Compute G's part of zCR, E |G(z) - G(z + dz)|^2 (Zhao et al. 2021); G maximizes it.

    Args:
        images: G(z), (n, 3, h, w).
        nearby: G(z + dz) with a small dz, (n, 3, h, w).

    Returns:
        The mean square, a scalar.
    """
    return F.mse_loss(images, nearby)


def gradient_penalty(
    D: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """Compute the gradient penalty of WGAN-GP (Gulrajani et al. 2017, Eq. 3).

    E[(|grad D(x)| - 1)^2], where x lies at a random place between a real and a generated sample.
    As in SinGAN's official code, the gradient is that of the sum of the map of scores, its norm is
    taken over the channels of each pixel, and the mean over pixels; a norm over a whole image
    would grow with its size.

    Args:
        D: maps samples to scores of any shape; `nn.linearize` makes a cheaper equivalent.
        real: (n, 3, H, W), or videos (n, 3, T, H, W).
        fake: generated samples of the same shape; they get no gradient.
        generator: source of the random places, on the device of `real`.

    Returns:
        The penalty, a scalar.
    """
    # One random weight per sample: 1 gives the real one, 0 the generated one.
    shape = (len(real),) + (1,) * (real.ndim - 1)  # (n, 1, 1, 1)
    weight = torch.rand(shape, generator=generator, device=real.device)
    x = torch.lerp(fake.detach(), real, weight)
    x.requires_grad_()

    scores = D(x)
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    square = gradient.square().sum(1)  # (n, H, W)
    norm = (square + 1e-12).sqrt()  # not sqrt(0), whose derivative is infinite
    return (norm - 1).square().mean()


def hinge(scores: Tensor, generator: torch.Generator) -> Tensor:
    """Compute D's hinge loss with random margins, E[max(0, m - score)] (FastGAN's official code).

    Args:
        scores: D(x) of real samples, or -D(G(z)) of generated ones, of any shape.
        generator: source of the margins m, uniform in [0.8, 1], on the device of `scores`.

    Returns:
        The loss, a scalar.
    """
    draw = torch.rand(scores.shape, generator=generator, device=scores.device)
    margins = 0.8 + 0.2 * draw
    return F.relu(margins - scores).mean()


def multi_scale_l1(images: Tensor, others: Tensor) -> Tensor:
    """Compute the mean absolute difference of each sample, averaged over 1, 1/2, 1/4 and 1/8 size.

    Args:
        images: (n, 3, h, w), h and w at least 8.
        others: what to compare with, of the same shape.

    Returns:
        (n), one value per sample.
    """
    difference = images - others
    distances = []
    for scale in range(4):
        if scale > 0:
            difference = F.avg_pool2d(difference, 2)
        distance = difference.abs().mean((1, 2, 3))  # (n)
        distances.append(distance)
    return torch.stack(distances).mean(0)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute KL(N(mean, exp(log_variance)) || N(0, 1)), averaged over all elements.

    Kingma and Welling 2014, appendix B.

    Args:
        mean: of the posterior, of any shape.
        log_variance: of the posterior, of the same shape.

    Returns:
        The divergence, a scalar.
    """
    variance = log_variance.exp()
    divergence = mean.square() + variance - log_variance - 1
    return 0.5 * divergence.mean()
