"""The losses, as pure functions of tensors; the discriminator's outputs are lists of decision maps, one per block."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def discriminator_part_loss(decisions: list[Tensor], num_real: int) -> Tensor:
    """Eq. 1 and 2 for one part D_*: the mean over its blocks l of -E[log D_l(x)] - E[log(1 - D_l(G(z)))].
    `decisions` are logits (n, 1, h_l, w_l); the first `real` samples are real, the others generated."""
    losses = [F.softplus(-logits[:num_real]).mean() + F.softplus(logits[num_real:]).mean() for logits in decisions]
    return torch.stack(losses).mean()


def generator_part_loss(decisions: list[Tensor]) -> Tensor:
    """The non-saturating form of Eq. 1 and 2 for G: the mean over blocks of -E[log D_l(G(z))]."""
    return torch.stack([F.softplus(-logits).mean() for logits in decisions]).mean()


def pair_distance(values: Tensor) -> Tensor:
    """Mean absolute difference over elements and over all pairs of samples in a batch (n, c, h, w), n >= 2."""
    rows = values.permute(0, 2, 3, 1).flatten(1).float()  # a view of channels-last maps
    return F.pdist(rows, p=1).mean() / rows.shape[1]


def diversity_in_features(features: list[Tensor]) -> Tensor:
    """DR, Eq. 4: the mean over generator blocks l of E[mean |tanh G^l(z1) - tanh G^l(z2)|]; G maximises it."""
    return torch.stack([pair_distance(torch.tanh(feature)) for feature in features]).mean()


def diversity_sensitive(images: Tensor, latents: Tensor, bound: float = 1.0) -> Tensor:
    """DS (Yang et al. 2019, Eq. 2): E[min(|G(z1) - G(z2)| / |z1 - z2|, bound)], over neighbours in the batch, of means
    over the elements of images (n, 3, h, w) in [-1, 1] and latents (n, d). G maximises it."""
    image_distance = (images - images.roll(1, 0)).abs().flatten(1).mean(1)
    latent_distance = (latents - latents.roll(1, 0)).abs().flatten(1).mean(1)
    return (image_distance / (latent_distance + 1e-5)).clamp(max=bound).mean()


def latent_consistency(images: Tensor, nearby: Tensor) -> Tensor:
    """zCR for G (Zhao et al. 2021): E |G(z) - G(z + dz)|^2, dz small; G maximises it."""
    return F.mse_loss(images, nearby)


def gradient_penalty(D: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """WGAN-GP (Gulrajani et al. 2017, Eq. 3): E[(|grad D(x)| - 1)^2], x between pairs of real and generated images or
    videos (n, 3, ...). The gradient is of the sum of the map of scores, its norm over the channels of each pixel, and
    the mean over pixels (SinGAN's release); a norm over the whole picture would grow with its size."""
    share = torch.rand((len(real), *[1] * (real.ndim - 1)), generator=generator, device=real.device)
    between = torch.lerp(fake.detach(), real, share).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return ((slope.square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def linearised(layers: list[nn.Module], slope: float, images: Tensor) -> Tensor:
    """What `gradient_penalty` may take for a D of plain convolutions with leaky ReLUs of `slope` between: values whose
    sum has the gradient of the sum of D's scores. D is linear around a picture, so that its gradient is the chain of
    its transposed kernels; autograd would also carry the derivative of the slopes, which is zero, through all of D."""
    transposed = F.conv_transpose2d if images.ndim == 4 else F.conv_transpose3d
    slopes, x = [], images.detach()
    with torch.no_grad():
        for layer in layers[:-1]:
            x = F.leaky_relu(layer(x), slope)
            slopes.append(torch.where(x > 0, 1.0, slope))
        gradient = torch.ones_like(layers[-1](x))
    for layer in reversed(layers):
        gradient = transposed(gradient, layer.weight, padding=layer.padding)
        if slopes:
            gradient = gradient * slopes.pop()
    return gradient * images


def hinge(scores: Tensor, generator: torch.Generator) -> Tensor:
    """D's hinge loss of real pictures' scores, or of generated ones' with the sign turned: E[max(0, m - score)], each
    margin m drawn from 0.8 to 1 (FastGAN's release)."""
    margins = 0.8 + 0.2 * torch.rand(scores.shape, generator=generator, device=scores.device)
    return F.relu(margins - scores).mean()


def multi_scale_l1(images: Tensor, others: Tensor) -> Tensor:
    """(n): the mean absolute difference of images (n, 3, h, w), sides 8 at least, mean over them and three halvings."""
    differences = [images - others]
    while len(differences) < 4:
        differences.append(F.avg_pool2d(differences[-1], 2))
    return torch.stack([x.abs().mean((1, 2, 3)) for x in differences]).mean(0)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of N(mean, variance) from N(0, 1), mean over all elements (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).mean()
