"""Adam as all methods use it, and the moving average of weights that samples come from."""

import torch
from torch import Tensor, nn

from siv_lite.nn.network import Network

BETAS = (0.5, 0.999)  # of Adam, in every GAN of this package


def make_adam(network: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """Make Adam with betas 0.5 and 0.999, as one fused operation.

    State and learning rate are tensors that exist from the start: a captured CUDA graph replays its
    operations on fixed memory, and a checkpoint holds the same names at every iteration.

    Args:
        network: whose parameters are optimized.
        learning_rate: the initial one; `Method.update` sets it before every step.

    Returns:
        The optimizer.
    """
    parameters = list(network.parameters())
    device = parameters[0].device
    lr = torch.tensor(learning_rate, device=device)
    on_cuda = device.type == "cuda"
    optimizer = torch.optim.Adam(parameters, lr, BETAS, fused=True, capturable=on_cuda)
    for parameter in parameters:
        optimizer.state[parameter] = {
            "step": torch.zeros((), device=device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimizer


def adam_state(optimizer: torch.optim.Adam, network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of an optimizer under the names of the parameters.

    Args:
        optimizer: made by `make_adam`.
        network: the network that it optimizes.

    Returns:
        "adam.<parameter>.<step, exp_avg or exp_avg_sq>" -> the tensor itself, not a copy.
    """
    named = {}
    for name, parameter in network.named_parameters():
        for key, tensor in optimizer.state[parameter].items():
            named[f"adam.{name}.{key}"] = tensor
    return named


@torch.no_grad()
def update_ema(ema: Network, network: Network, decay: float, iteration: Tensor) -> None:
    """Move the exponential moving average of a network's weights one update on.

    The average moves towards the weights by 1 - `decay`, and by more during the first iterations,
    or the average of a short training would be that of its first weights: the decay is at most
    (1 + i) / (10 + i). Buffers are copied: averaged singular vectors u and v would belong to no
    weight and give a wrong norm.

    Args:
        ema: the averaged copy; changed in place.
        network: the network that was just updated.
        decay: in [0, 1]; 0.999 averages over about 1,000 updates.
        iteration: number of updates so far, a tensor on the device, so that nothing is read back.
    """
    warmup = (1 + iteration) / (10 + iteration)
    step = 1 - warmup.clamp(max=decay)  # how far the average moves

    averaged = ema.state_dict()
    current = network.state_dict()
    names = [name for name, _ in network.named_parameters()]
    averages = [averaged.pop(name) for name in names]
    weights = [current[name] for name in names]
    torch._foreach_lerp_(averages, weights, [step] * len(names))

    buffers = list(averaged)  # what is left when the parameters are taken out
    if buffers:
        torch._foreach_copy_(
            [averaged[name] for name in buffers], [current[name] for name in buffers]
        )
