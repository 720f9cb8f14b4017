"""The plain form of the fast layers: PyTorch's own, for `loss.backward(); optimizer.step()`.

`SpectralConv2d` folds resampling into its kernel and normalizes once per update. Whoever wants to
see the same thing as PyTorch's documentation writes it, or doubts that it is the same, converts a
network with `as_reference`; lesson 3 does so, and a test holds outputs and gradients equal.
"""

import copy

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from siv_lite.nn.network import Network
from siv_lite.nn.spectral_norm import SpectralConv2d, SpectralConv3d


class ReferenceConv(nn.Module):
    """`SpectralConv2d` or `SpectralConv3d` written with `nn.Conv`, torch's `spectral_norm` and
    `interpolate` or `avg_pool2d`."""

    def __init__(self, layer: SpectralConv2d):
        """Copy the weights and singular vectors of a fast layer.

        Args:
            layer: the layer to be rewritten; it stays as it is.
        """
        super().__init__()
        out_channels, in_channels, kernel_size = layer.weight_orig.shape[:3]
        kind = nn.Conv3d if isinstance(layer, SpectralConv3d) else nn.Conv2d
        conv = kind(
            in_channels,
            out_channels,
            kernel_size,
            stride=layer.stride,
            padding=layer.padding,
            bias=layer.bias is not None,
            device=layer.weight_orig.device,
        )
        conv.weight.data.copy_(layer.weight_orig)
        if layer.bias is not None:
            conv.bias.data.copy_(layer.bias)

        # torch keeps v in the order (in, k, k), the fast layer in that of channels-last memory.
        self.conv = parametrizations.spectral_norm(conv).eval()
        norm = self.conv.parametrizations.weight[0]
        kernel = layer.weight_orig.shape[2:]
        v = layer.v.view(*kernel, in_channels).movedim(-1, 0)  # (in, k, k)
        norm._u.copy_(layer.u)
        norm._v.copy_(v.flatten())
        self.resample = layer.resample

    def train(self, mode: bool = True) -> "ReferenceConv":
        """Keep torch's spectral norm in eval mode, in which it runs no power iteration.

        The fast layers run one per update, torch one per pass; here u and v are the fast layer's.
        """
        super().train(mode)
        self.conv.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Upsample, convolve, average: (n, in_channels, h, w) to (n, out_channels, h', w')."""
        if self.resample == "up":
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = self.conv(x)
        if self.resample == "down":
            x = F.avg_pool2d(x, 2)
        return x


def as_reference(network: Network) -> nn.Module:
    """Copy a network with every spectral layer in its plain form.

    The copy computes the same outputs. Its parameters are ordinary ones: train it with
    `loss.backward()` and any optimizer of `torch.optim`.

    Args:
        network: a network that was initialized by `init_weights`.

    Returns:
        The copy; module names are those of `network`, with `.conv` behind each spectral layer.
    """
    reference = copy.deepcopy(network)
    for parent in list(reference.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SpectralConv2d):
                setattr(parent, name, ReferenceConv(child))
    return reference


def reference_parameter(reference: nn.Module, name: str) -> Tensor:
    """Return the parameter of a reference network that belongs to one of the fast network.

    Args:
        reference: made by `as_reference`.
        name: name of a parameter of the fast network, such as "blocks.0.first.weight_orig".

    Returns:
        The reference network's parameter (W itself, before normalization).
    """
    parent_name, _, leaf = name.rpartition(".")
    parent = reference.get_submodule(parent_name)
    if not isinstance(parent, ReferenceConv):
        return getattr(parent, leaf)
    if leaf == "bias":
        return parent.conv.bias
    return parent.conv.parametrizations.weight.original
