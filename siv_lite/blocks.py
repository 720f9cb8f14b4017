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
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the dimensions of a kernel


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
    `padding`: (k - 1) / 2 by default, rounded down.
    """

    dimensions = 2

    def __init__(
        self, inputs: int, outputs: int, kernel: int, bias: bool = True, resample: str | None = None, stride: int = 1,
        padding: int | None = None,
    ):
        super().__init__()
        self.resample, self.stride, self.padding = resample, stride, (kernel - 1) // 2 if padding is None else padding
        self.raw = nn.Parameter(torch.empty(outputs, inputs, *[kernel] * self.dimensions))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("left", torch.empty(outputs))  # u, the left singular vector
        self.register_buffer("right", torch.empty(inputs * kernel**self.dimensions))  # v
        self.register_buffer("weight", torch.empty_like(self.raw), persistent=False)

    def matrix(self, tensor: Tensor) -> Tensor:
        """`tensor` of the weight's shape as a matrix (out, k * k * in): a view of channels-last memory."""
        return tensor.movedim(1, -1).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        if self.resample == "up":
            return F.conv_transpose2d(x, upsample_kernel(self.weight), self.bias, stride=2, padding=1)
        if self.resample == "down":
            return F.conv2d(x, pool_kernel(self.weight), self.bias, stride=2, padding=1)
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class SpectralConv3d(SpectralConv2d):
    """The same for videos (n, c, T, H, W), without resampling."""

    dimensions = 3

    def forward(self, x: Tensor) -> Tensor:
        return F.conv3d(x, self.weight, self.bias, padding=self.padding)


class Network(nn.Module):
    """Base of all networks: how weights begin, and how the gradients of a loss reach them."""

    def prepare(self, device: torch.device, generator: torch.Generator) -> None:
        """Move to `device` and draw weights: kernels from N(0, 0.02), the factors of normalisations from N(1, 0.02)."""
        if device.type == "cpu":
            keep_freed_memory()
        self.to(device)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith("bias"):
                    parameter.zero_()
                else:
                    parameter.normal_(0 if parameter.dim() > 1 else 1, 0.02, generator=generator)

    def put_channels_last(self) -> None:
        """Lay kernels out channels-last, which convolutions on a CPU and on tensor cores prefer."""
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dim() in CHANNELS_LAST:
                tensor.data = tensor.data.to(memory_format=CHANNELS_LAST[tensor.dim()])

    def leaves(self) -> list[Tensor]:
        """The tensors with respect to which gradients are taken, in the order of `parameters`."""
        return list(self.parameters())

    def receive(self, gradients: list[Tensor]) -> None:
        """Set `.grad` of the parameters from gradients at the leaves."""
        for parameter, gradient in zip(self.parameters(), gradients, strict=True):
            alike = gradient.stride() == parameter.stride()  # fused Adam reads both in the order of memory
            parameter.grad = gradient if alike else torch.empty_like(parameter).copy_(gradient)

    def normalize(self, iterate: bool = True) -> None:
        """What has to follow every change of the weights; nothing by default."""


def backward(loss: Tensor, networks: list[Network]) -> None:
    """Set `.grad` of the parameters of these networks, and of nothing else, to the gradients of `loss`."""
    leaves = [network.leaves() for network in networks]
    gradients = torch.autograd.grad(loss, sum(leaves, []), allow_unused=True, materialize_grads=True)
    for network, own in zip(networks, leaves, strict=True):
        network.receive(list(gradients[: len(own)]))
        gradients = gradients[len(own) :]


class SpectralNetwork(Network):
    """Base of networks built from `SpectralConv2d`: normalises all weights and pulls all gradients back at once."""

    def prepare(self, device: torch.device, generator: torch.Generator) -> None:
        """Move to `device` and draw weights from N(0, 0.02), singular vectors from the unit sphere."""
        super().prepare(device, generator)
        self.put_channels_last()
        self.layers = [module for module in self.modules() if isinstance(module, SpectralConv2d)]
        with torch.no_grad():
            for layer in self.layers:
                if layer.raw.numel() == 1:  # over its norm it is +1 or -1 for good: a branch's blocks must not differ
                    layer.raw.abs_()
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

    def leaves(self) -> list[Tensor]:
        weights = {layer.raw: layer.weight for layer in self.layers}
        return [weights.get(parameter, parameter) for parameter in self.parameters()]

    @torch.no_grad()
    def receive(self, gradients: list[Tensor]) -> None:
        """A gradient g at W / sigma is (g - <g, W / sigma> u v^T) / sigma at W (Miyato et al. 2018, Eq. 10)."""
        formats = [CHANNELS_LAST.get(g.dim(), torch.contiguous_format) for g in gradients]
        super().receive([g.contiguous(memory_format=x) for g, x in zip(gradients, formats, strict=True)])
        slopes = [layer.matrix(layer.raw.grad) for layer in self.layers]
        radial = [torch.sum(g * layer.matrix(layer.weight)) for layer, g in zip(self.layers, slopes, strict=True)]
        lefts = torch._foreach_mul([layer.left for layer in self.layers], radial)
        for slope, left, layer in zip(slopes, lefts, self.layers, strict=True):
            slope.addr_(left, layer.right, alpha=-1)
        torch._foreach_div_(slopes, self.sigmas)


@torch.no_grad()
def average_weights(average: Network, network: Network, decay: float, count: Tensor) -> None:
    """Exponential moving average after `count` updates: move `average` towards `network` by 1 - `decay`, and by more at
    first, or the average of a short training would be that of the first weights. Buffers are copied: u and v, averaged,
    would belong to no weight and give a wrong norm."""
    weight = 1 - ((1 + count) / (10 + count)).clamp(max=decay)
    own, others = average.state_dict(), network.state_dict()
    names = [name for name, _ in network.named_parameters()]
    torch._foreach_lerp_([own.pop(name) for name in names], [others[name] for name in names], [weight] * len(names))
    if own:
        torch._foreach_copy_(list(own.values()), [others[name] for name in own])


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
