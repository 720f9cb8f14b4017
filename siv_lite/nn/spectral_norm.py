"""Spectral normalization (Miyato et al. 2018), done once per update instead of once per pass.

A layer learns `weight_orig`, W, and uses `weight`, W / sigma, where sigma is W's largest singular
value. PyTorch's own `spectral_norm` divides anew in every forward pass and sends every backward
pass through the division. In a training step of SIV-GAN D runs three times between two updates, so
here the division is done once per update, for all layers in a few operations:

1. `SpectralNetwork.normalize` fills every layer's `weight` with W / sigma.
2. All passes use `weight`, and gradients are taken at it: `grad_inputs` returns it in W's place.
3. `SpectralNetwork.set_grads` turns the gradient g at W / sigma into the gradient at W:

       dL/dW = (g - <g, W / sigma> u v^T) / sigma

   (Miyato et al. 2018, Eq. 10). In words: scaling W does not change W / sigma, so the part of g
   that would only change sigma is taken out.

`siv_lite.nn.reference` has the plain form, with PyTorch's layers and `loss.backward()`; a test
holds both equal.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite.nn.network import CHANNELS_LAST, Network
from siv_lite.nn.resampling import pool_kernel, upsample_kernel


class SpectralConv2d(nn.Module):
    """A convolution whose weight has spectral norm one, with resampling folded in."""

    dimensions = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        bias: bool = True,
        resample: str | None = None,
        stride: int = 1,
        padding: int | None = None,
    ):
        """Build the layer; `SpectralNetwork.init_weights` draws its weights.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            kernel_size: side of the square (or cubic) kernel.
            bias: whether a bias is added.
            resample: "up" (nearest x2 before), "down" (2x2 average after) or None.
            stride: stride of the convolution where nothing is resampled.
            padding: zeros around the input; by default (kernel_size - 1) // 2.
        """
        super().__init__()
        self.resample = resample
        self.stride = stride
        self.padding = (kernel_size - 1) // 2 if padding is None else padding

        kernel = [kernel_size] * self.dimensions
        self.weight_orig = nn.Parameter(torch.empty(out_channels, in_channels, *kernel))  # W
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

        # The singular vectors of W as a matrix, and W / sigma, which follows from them.
        self.register_buffer("u", torch.empty(out_channels))
        self.register_buffer("v", torch.empty(in_channels * kernel_size**self.dimensions))
        self.register_buffer("weight", torch.empty_like(self.weight_orig), persistent=False)

    def as_matrix(self, tensor: Tensor) -> Tensor:
        """View a tensor of the weight's shape as a matrix (out, k * k * in)."""
        return tensor.movedim(1, -1).flatten(1)  # a view of channels-last memory

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (n, in_channels, h, w).

        Returns:
            (n, out_channels, h', w'), twice the size for "up", half for "down".
        """
        if self.resample == "up":
            kernel = upsample_kernel(self.weight)
            return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)
        if self.resample == "down":
            kernel = pool_kernel(self.weight)
            return F.conv2d(x, kernel, self.bias, stride=2, padding=1)
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class SpectralConv3d(SpectralConv2d):
    """The same for videos (n, c, T, H, W), without resampling."""

    dimensions = 3

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, in_channels, T, H, W) to (n, out_channels, T', H', W')."""
        return F.conv3d(x, self.weight, self.bias, padding=self.padding)


class SpectralNetwork(Network):
    """Base class of networks built from `SpectralConv2d`: normalizes all of them at once."""

    def init_weights(self, device: torch.device, generator: torch.Generator) -> None:
        """Draw weights as `Network` does, and singular vectors u from the unit sphere.

        Args:
            device: where the network will live.
            generator: the source of all randomness, on the same device.
        """
        super().init_weights(device, generator)
        self.to_channels_last()
        self.layers = [module for module in self.modules() if isinstance(module, SpectralConv2d)]
        with torch.no_grad():
            for layer in self.layers:
                # One single weight over its norm is +1 or -1 for good: let it be +1 everywhere,
                # or the one-channel blocks of a branch would differ by a sign forever.
                if layer.weight_orig.numel() == 1:
                    layer.weight_orig.abs_()
                direction = torch.randn(layer.u.shape, generator=generator, device=device)
                layer.u.copy_(F.normalize(direction, dim=0))
                layer.weight.requires_grad_()

        # Memory that stays: a captured step reads the norms that the step before has written.
        self.sigmas = [torch.zeros((), device=device) for _ in self.layers]
        self.normalize()

    @torch.no_grad()
    def normalize(self, power_iteration: bool = True) -> None:
        """Set every layer's `weight` to W / sigma; call it after each update of the weights.

        Args:
            power_iteration: whether to refine u and v by one power iteration first. Without, v
                stays as it is, which reproduces the weights bit for bit after a checkpoint was
                loaded, so that a resumed training is exact.
        """
        matrices = [layer.as_matrix(layer.weight_orig) for layer in self.layers]
        all_v = [layer.v for layer in self.layers]
        if power_iteration:  # v = W^T u / |W^T u|
            products = []
            for matrix, layer in zip(matrices, self.layers, strict=True):
                products.append(matrix.T @ layer.u)
            norms = torch._foreach_norm(products)
            torch._foreach_copy_(all_v, torch._foreach_div(products, norms))

        # sigma = |W v|, u = W v / sigma; with these, sigma = u^T W v.
        products = [matrix @ v for matrix, v in zip(matrices, all_v, strict=True)]
        torch._foreach_copy_(self.sigmas, torch._foreach_norm(products))
        all_u = [layer.u for layer in self.layers]
        torch._foreach_copy_(all_u, torch._foreach_div(products, self.sigmas))

        weights = torch._foreach_div([layer.weight_orig for layer in self.layers], self.sigmas)
        torch._foreach_copy_([layer.weight for layer in self.layers], weights)

    def grad_inputs(self) -> list[Tensor]:
        """Return the parameters, with each W replaced by W / sigma, which the passes use."""
        normalized = {layer.weight_orig: layer.weight for layer in self.layers}
        return [normalized.get(parameter, parameter) for parameter in self.parameters()]

    @torch.no_grad()
    def set_grads(self, gradients: list[Tensor]) -> None:
        """Set `.grad` of the parameters: (g - <g, W / sigma> u v^T) / sigma for each W.

        Args:
            gradients: one gradient for each tensor of `grad_inputs()`, in that order.
        """
        in_format = []
        for gradient in gradients:
            memory_format = CHANNELS_LAST.get(gradient.dim(), torch.contiguous_format)
            in_format.append(gradient.contiguous(memory_format=memory_format))
        super().set_grads(in_format)  # of each W: g, for now

        matrices = [layer.as_matrix(layer.weight_orig.grad) for layer in self.layers]  # views of g
        radial = []  # <g, W / sigma>
        for matrix, layer in zip(matrices, self.layers, strict=True):
            radial.append(torch.sum(matrix * layer.as_matrix(layer.weight)))
        scaled_u = torch._foreach_mul([layer.u for layer in self.layers], radial)
        for matrix, u, layer in zip(matrices, scaled_u, self.layers, strict=True):
            matrix.addr_(u, layer.v, alpha=-1)  # minus the outer product
        torch._foreach_div_(matrices, self.sigmas)
