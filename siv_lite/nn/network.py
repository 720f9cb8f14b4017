"""The base class of all networks: how weights are initialized, and how gradients reach them."""

import contextlib
import ctypes

import torch
from torch import Tensor, nn

LEAKY_SLOPE = 0.2  # of the leaky ReLUs of SIV-GAN, SinGAN, FastGAN and HP-VAE-GAN
INIT_STD = 0.02
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the kernel's dimensions


class Network(nn.Module):
    """Base class of all networks: weight initialization and gradient assignment."""

    def init_weights(self, device: torch.device, generator: torch.Generator) -> None:
        """Move to `device` and draw the weights.

        Kernels come from a normal distribution of mean 0 and standard deviation 0.02, the scales of
        normalization layers from one of mean 1 and standard deviation 0.02; biases are zero.

        Args:
            device: where the network will live.
            generator: the source of all randomness, on the same device.
        """
        if device.type == "cpu":
            keep_freed_memory()
        self.to(device)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith("bias"):
                    parameter.zero_()
                else:
                    mean = 0 if parameter.dim() > 1 else 1
                    parameter.normal_(mean, INIT_STD, generator=generator)

    def to_channels_last(self) -> None:
        """Store kernels channels-last, which convolutions prefer on CPUs and on tensor cores."""
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dim() in CHANNELS_LAST:
                tensor.data = tensor.data.to(memory_format=CHANNELS_LAST[tensor.dim()])

    def grad_inputs(self) -> list[Tensor]:
        """Return the tensors that gradients are taken at, in the order of `parameters()`.

        Here they are the parameters themselves. A `SpectralNetwork` takes gradients at its
        normalized weights and turns them into gradients of the parameters in `set_grads`.
        """
        return list(self.parameters())

    def set_grads(self, gradients: list[Tensor]) -> None:
        """Set `.grad` of every parameter.

        Args:
            gradients: one gradient for each tensor of `grad_inputs()`, in that order.
        """
        for parameter, gradient in zip(self.parameters(), gradients, strict=True):
            # Fused Adam reads a parameter and its gradient in the order of memory: make them agree.
            if gradient.stride() != parameter.stride():
                gradient = torch.empty_like(parameter).copy_(gradient)
            parameter.grad = gradient

    def normalize(self, power_iteration: bool = True) -> None:
        """Do what has to follow every update of the weights; nothing by default.

        Args:
            power_iteration: see `SpectralNetwork.normalize`.
        """


def assign_gradients(loss: Tensor, networks: list[Network]) -> None:
    """Set `.grad` of the parameters of some networks to the gradient of a loss.

    This is `loss.backward()`, restricted to these networks: G's update leaves nothing behind in D,
    and no gradient has to be zeroed. It also gives `SpectralNetwork` its chance to pull all of its
    gradients back through the spectral normalization at once.

    Args:
        loss: a scalar that depends on the networks' weights.
        networks: the networks to be updated; a weight that the loss does not reach gets zeros.
    """
    inputs_of_each = [network.grad_inputs() for network in networks]
    all_inputs = [tensor for inputs in inputs_of_each for tensor in inputs]
    gradients = torch.autograd.grad(loss, all_inputs, allow_unused=True, materialize_grads=True)

    # Hand every network its own part of the list.
    start = 0
    for network, inputs in zip(networks, inputs_of_each, strict=True):
        end = start + len(inputs)
        network.set_grads(list(gradients[start:end]))
        start = end


def keep_freed_memory() -> None:
    """Stop glibc's malloc from returning freed tensor memory to the system (process-wide).

    By default every large block goes back and each of its pages is cleared again at its next use,
    which costs a third of the time of a large training step. Elsewhere than on Linux with glibc
    this does nothing.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(-4, 0)  # M_MMAP_MAX: no block outside the heap
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: the free end of the heap stays
