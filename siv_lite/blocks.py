"""Layers that several methods share: convolutions folded with resampling, spectral normalisation, weight averaging.

Exact identities make residual blocks cheap: nearest upsampling before a 3x3 convolution is one transposed 4x4 one of
stride 2, average pooling behind a 3x3 is one 4x4 of stride 2, and a 1x1 commutes with both.
"""

import contextlib
import ctypes
import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of every leaky ReLU


# How the four taps of a folded kernel are made of the three of a 3x3 one, along each side.
UPSAMPLE_TAPS = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))
POOL_TAPS = ((0.5, 0, 0), (0.5, 0.5, 0), (0, 0.5, 0.5), (0, 0, 0.5))


def upsample_kernel(weight: Tensor) -> Tensor:
    """Kernel (in, out, 4, 4) of the transposed convolution (stride 2, padding 1) that equals nearest x2 upsampling and
    then `weight` (out, in, 3, 3). Four of nine products are left: neighbouring taps read the same, repeated pixel."""
    return fold_taps(weight.transpose(0, 1), UPSAMPLE_TAPS)


def pool_kernel(weight: Tensor) -> Tensor:
    """Kernel (out, in, 4, 4) of the convolution (stride 2, padding 1) that equals `weight` (out, in, 3, 3) and then 2x2
    average pooling: the mean of the 3x3 kernel at four shifted places."""
    return fold_taps(weight, POOL_TAPS)


def fold_taps(weight: Tensor, taps: tuple[tuple[float, ...], ...]) -> Tensor:
    """Kernel (a, b, 4, 4), channels-last: its taps along each side are these sums of those of `weight` (a, b, 3, 3)."""
    first, second = weight.shape[:2]
    folded = tap_matrix(taps, weight.dtype, weight.device) @ weight.permute(0, 2, 3, 1).reshape(first, 9, second)
    return folded.view(first, 4, 4, second).permute(0, 3, 1, 2)


@functools.cache
def tap_matrix(taps: tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The taps along both sides at once, as a matrix (16, 9)."""
    side = torch.tensor(taps, dtype=dtype, device=device)
    return torch.kron(side, side)


def keep_freed_memory() -> None:
    """Keep the memory that tensors free for the next ones, where the C library is Linux's: by default it returns every
    large block to the system, which clears each page again at its next use, a third of a large step's time."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(-4, 0)  # M_MMAP_MAX: no block outside the heap
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: the heap's free end stays


class SpectralConv2d(nn.Module):
    """A convolution whose weight has spectral norm one (Miyato et al. 2018), with resampling folded in.

    `raw` (out, in, k, k) is learned; used is `weight` = raw / sigma, a leaf that `SpectralNetwork.normalize` fills once
    per update, for all passes until the next. `resample`: "up" (nearest x2 before) or "down" (2x2 average after).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True, resample: str | None = None):
        super().__init__()
        self.padding, self.resample = kernel // 2, resample
        self.raw = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("left", torch.empty(outputs))  # u, the left singular vector
        self.register_buffer("right", torch.empty(inputs * kernel * kernel))  # v
        self.register_buffer("weight", torch.empty_like(self.raw), persistent=False)

    def matrix(self, tensor: Tensor) -> Tensor:
        """`tensor` of the weight's shape as a matrix (out, k * k * in): a view of channels-last memory."""
        return tensor.permute(0, 2, 3, 1).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        if self.resample == "up":
            return F.conv_transpose2d(x, upsample_kernel(self.weight), self.bias, stride=2, padding=1)
        if self.resample == "down":
            return F.conv2d(x, pool_kernel(self.weight), self.bias, stride=2, padding=1)
        return F.conv2d(x, self.weight, self.bias, padding=self.padding)


class SpectralNetwork(nn.Module):
    """Base of networks built from `SpectralConv2d`: normalises all weights and takes all gradients at once."""

    def prepare(self, device: torch.device, generator: torch.Generator) -> None:
        """Move to `device` and draw weights from N(0, 0.02), singular vectors from the unit sphere."""
        if device.type == "cpu":
            keep_freed_memory()
        self.to(device, memory_format=torch.channels_last)
        self.layers = [module for module in self.modules() if isinstance(module, SpectralConv2d)]
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.dim() > 1:
                    parameter.normal_(0, 0.02, generator=generator)
                if parameter.numel() == 1:  # over its norm it is +1 or -1 for good: a branch's blocks must not differ
                    parameter.abs_()
            for layer in self.layers:
                layer.left.copy_(F.normalize(torch.randn(layer.left.shape, generator=generator, device=device), dim=0))
                layer.weight.requires_grad_()
        self.normalize()

    @torch.no_grad()
    def normalize(self, iterate: bool = True) -> None:
        """Set every `weight` to raw / sigma; sigma comes from one power iteration, or without `iterate` from v as is:
        to the bit as when v was found, so that a training can go on exactly."""
        matrices = [layer.matrix(layer.raw) for layer in self.layers]
        rights = [layer.right for layer in self.layers]
        if iterate:
            products = [matrix.T @ layer.left for matrix, layer in zip(matrices, self.layers, strict=True)]
            torch._foreach_copy_(rights, torch._foreach_div(products, torch._foreach_norm(products)))
        products = [matrix @ right for matrix, right in zip(matrices, rights, strict=True)]
        self.sigmas = torch._foreach_norm(products)  # sigma = |W v| = u W v
        torch._foreach_copy_([layer.left for layer in self.layers], torch._foreach_div(products, self.sigmas))
        weights = torch._foreach_div([layer.raw for layer in self.layers], self.sigmas)
        torch._foreach_copy_([layer.weight for layer in self.layers], weights)

    def backward(self, loss: Tensor) -> None:
        """Set `.grad` of this network's parameters, and of nothing else, to the gradients of `loss`.

        A gradient g at W / sigma is (g - <g, W / sigma> u v^T) / sigma at W (Miyato et al. 2018, Eq. 10).
        """
        leaves = {layer.raw: layer.weight for layer in self.layers}
        parameters = list(self.parameters())
        inputs = [leaves.get(p, p) for p in parameters]
        gradients = torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            is_map = gradient.dim() == 4
            parameter.grad = gradient.contiguous(memory_format=torch.channels_last) if is_map else gradient
        with torch.no_grad():
            slopes = [layer.matrix(layer.raw.grad) for layer in self.layers]
            radial = [torch.sum(g * layer.matrix(layer.weight)) for layer, g in zip(self.layers, slopes, strict=True)]
            lefts = torch._foreach_mul([layer.left for layer in self.layers], radial)
            for slope, left, layer in zip(slopes, lefts, self.layers, strict=True):
                slope.addr_(left, layer.right, alpha=-1)
            torch._foreach_div_(slopes, self.sigmas)


@torch.no_grad()
def average_weights(average: SpectralNetwork, network: SpectralNetwork, weight: Tensor) -> None:
    """Exponential moving average: move `average` towards `network` by `weight`, a one-element tensor in [0, 1].
    u and v are copied: averaged, they would belong to no weight and give a wrong norm."""
    targets = list(network.parameters())
    torch._foreach_lerp_(list(average.parameters()), targets, [weight] * len(targets))
    vectors = [[v for layer in net.layers for v in (layer.left, layer.right)] for net in (average, network)]
    torch._foreach_copy_(*vectors)


def adam(network: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """Adam (0.5, 0.999) as one operation; state and learning rate are tensors for a captured step."""
    parameters = list(network.parameters())
    device = parameters[0].device
    rate = torch.tensor(learning_rate, device=device)
    optimiser = torch.optim.Adam(parameters, rate, (0.5, 0.999), fused=True, capturable=device.type == "cuda")
    for p in parameters:
        first, second = torch.zeros_like(p), torch.zeros_like(p)
        optimiser.state[p] = {"step": torch.zeros((), device=device), "exp_avg": first, "exp_avg_sq": second}
    return optimiser


def adam_state(optimiser: torch.optim.Adam, network: nn.Module) -> dict[str, Tensor]:
    """The optimiser's own tensors, named after the parameters."""
    return {f"adam.{name}.{key}": v for name, p in network.named_parameters() for key, v in optimiser.state[p].items()}
