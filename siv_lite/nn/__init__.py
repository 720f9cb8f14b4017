"""What networks of several methods are built from: layers, gradients, the optimizer.

Each fast layer stands beside its plain form: `reference` has the latter.
"""

from siv_lite.nn.linearize import linearize
from siv_lite.nn.network import LEAKY_SLOPE, Network, assign_gradients
from siv_lite.nn.optim import adam_state, make_adam, update_ema
from siv_lite.nn.reference import as_reference, reference_parameter
from siv_lite.nn.resampling import pool_kernel, upsample_kernel
from siv_lite.nn.spectral_norm import SpectralConv2d, SpectralConv3d, SpectralNetwork

__all__ = [
    "LEAKY_SLOPE",
    "Network",
    "SpectralConv2d",
    "SpectralConv3d",
    "SpectralNetwork",
    "adam_state",
    "as_reference",
    "assign_gradients",
    "linearize",
    "make_adam",
    "pool_kernel",
    "reference_parameter",
    "update_ema",
    "upsample_kernel",
]
