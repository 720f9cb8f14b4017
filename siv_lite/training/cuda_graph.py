"""A training step as one CUDA graph: one launch in place of a thousand."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from siv_lite.methods import Method

NUM_WARMUP = 3  # eager steps, in which libraries choose algorithms and workspaces


def cuda_graph_step(method: Method) -> Callable[[], dict[str, Tensor]]:
    """Return the step of a method in the fastest form that the device has.

    Small networks on a GPU wait for the launch of every single operation. After three eager steps
    the fourth one is captured as a CUDA graph, and from then on replayed by one launch. That is
    possible since a step is a pure tensor computation with fixed shapes (see `Method`).

    Args:
        method: whose stage has been started.

    Returns:
        A function that trains for one iteration; on a CPU it is `method.step` itself.
    """
    if method.device.type != "cuda":
        return method.step

    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(method.generator)  # a replay must go on drawing, not repeat
    warmup_stream = torch.cuda.Stream()
    calls = itertools.count()
    losses: dict[str, Tensor] = {}  # the captured ones; every replay writes into them

    def step() -> dict[str, Tensor]:
        if next(calls) < NUM_WARMUP:
            warmup_stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(warmup_stream):
                warmup_losses = method.step()
            torch.cuda.current_stream().wait_stream(warmup_stream)
            return warmup_losses
        if not losses:
            with torch.cuda.graph(graph):
                losses.update(method.step())
        graph.replay()
        return losses

    return step
