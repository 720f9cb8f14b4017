"""A discriminator's input gradient without autograd: for the gradient penalty at half its price."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def linearize(layers: list[nn.Module], slope: float, images: Tensor) -> Tensor:
    """Replace `D` in `losses.gradient_penalty`: the same input gradient, cheaper to differentiate.

    A stack of convolutions and leaky ReLUs is linear around an image, so its input gradient is the
    chain of its transposed kernels and of the slopes 1 or `slope`. Autograd would find the same,
    but then also carry the derivative of the slopes, which is zero, back through all of D.

    Args:
        layers: convolutions of stride 1 in order, with a leaky ReLU after each but the last.
        slope: of the leaky ReLUs where their input is negative.
        images: (n, 3, H, W), or videos (n, 3, T, H, W).

    Returns:
        Values of the shape of `images`. Their sum is not that of D's scores, but has its gradient.
    """
    conv_transpose = F.conv_transpose2d if images.ndim == 4 else F.conv_transpose3d

    # Forward: note the slope of every leaky ReLU. The slopes are constants for the weights' update.
    slopes = []
    x = images.detach()
    with torch.no_grad():
        for layer in layers[:-1]:
            x = layer(x)
            x = F.leaky_relu(x, slope)
            slopes.append(torch.where(x > 0, 1.0, slope))
        scores = layers[-1](x)

    # Backward from the sum of the scores: each convolution, then the leaky ReLU before it.
    gradient = torch.ones_like(scores)
    for layer in reversed(layers):
        gradient = conv_transpose(gradient, layer.weight, padding=layer.padding)
        if slopes:
            gradient = gradient * slopes.pop()
    return gradient * images
