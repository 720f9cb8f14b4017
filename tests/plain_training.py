"""Networks and optimizers of a method as plain PyTorch, for tests that re-type a whole step."""

import torch
import torch.nn.functional as F

from siv_lite.nn import as_reference, reference_parameter
from siv_lite.nn.reference import ReferenceConv


def copy_generator(method):
    """A random generator that will draw what the method's own will draw."""
    generator = torch.Generator()
    generator.set_state(method.generator.get_state())
    return generator


def copy_networks(method, *names):
    """The networks with plain layers, in the order of `names`."""
    return [as_reference(method.networks[name]) for name in names]


def copy_adam(method, name, network, lr):
    """A plain Adam for a copied network, with the state that the method's own has."""
    named = list(method.networks[name].named_parameters())
    parameters = [reference_parameter(network, key) for key, _ in named]
    optimizer = torch.optim.Adam(parameters, lr, (0.5, 0.999))
    for copied, (_, parameter) in zip(parameters, named, strict=True):
        state = method.optimizers[name].state[parameter]
        optimizer.state[copied] = {key: tensor.clone() for key, tensor in state.items()}
    return optimizer


def descend(loss, *optimizers):
    """The textbook's step."""
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()


@torch.no_grad()
def refresh_spectral_norm(network):
    """One power iteration at the new weights, as the fast layers do it after every update."""
    for layer in network.modules():
        if isinstance(layer, ReferenceConv):
            parametrization = layer.conv.parametrizations.weight
            matrix = parametrization.original.flatten(1)
            v = F.normalize(matrix.T @ parametrization[0]._u, dim=0)
            u = F.normalize(matrix @ v, dim=0)
            parametrization[0]._v.copy_(v)
            parametrization[0]._u.copy_(u)


@torch.no_grad()
def move_average(average, network, decay, iteration):
    """Move a plain average of a plain network's weights on, and copy what are no weights."""
    decay = min(decay, (1 + iteration) / (10 + iteration))
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.copy_(decay * old + (1 - decay) * new)
    for old, new in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(new)


def compare_updates(before, network, plain, prefix):
    """Hold the change of every weight and statistic since `before` to that of a plain network.

    Both have 64 bits. Where no loss depends on a parameter, as on a bias before a normalization,
    its gradient is rounding alone, so small that Adam's epsilon stops it: hence the absolute term.
    """
    pairs = []
    for name, parameter in network.named_parameters():
        pairs.append((name, parameter, reference_parameter(plain, name)))
    for name, buffer in network.named_buffers():
        if "running" in name:  # mean and variance of batch normalization
            pairs.append((name, buffer, plain.get_buffer(name)))
        elif name.endswith(".u"):  # a singular vector of spectral normalization
            layer = plain.get_submodule(name.removesuffix(".u"))
            pairs.append((name, buffer, layer.conv.parametrizations.weight[0]._u))

    for name, found, wanted in pairs:
        change = (wanted - before[f"{prefix}.{name}"]).norm()
        if found.dim() > 1 and found.numel() > 1:
            assert change > 1e-6, f"{prefix}.{name} does not change"
        error = (found - wanted).norm()
        assert error < 1e-5 * change + 1e-7, f"the change of {prefix}.{name} is {error} off"
