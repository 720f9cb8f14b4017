"""Features of pretrained networks, for SIFID, FID and LPIPS. Weights are files that are already there: nothing is
downloaded, and torchvision and lpips are imported only when a feature is asked for."""

import functools
import hashlib
import importlib
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from siv_lite.errors import SivLiteError

INCEPTION_FILE = "inception_v3_google-0cc3c7bd.pth"  # its sha256 begins with the digits at the end of its name
ALEXNET_FILE = "alexnet-owt-7be5be79.pth"
# Channels of a level of features: the modules of torchvision's Inception-v3 that lead to it from the level before, to
# Conv2d_2b, Conv2d_4a, Mixed_6e and Mixed_7c, strides 2, 4, 16 and 32. Module 15 is the auxiliary classifier.
INCEPTION_STAGES = {64: slice(0, 3), 192: slice(3, 6), 768: slice(6, 15), 2048: slice(16, 19)}
INCEPTION_SIDE = {64: 9, 192: 23, 768: 59, 2048: 107}  # pixels from which a level has at least 2 x 2 features
ALEXNET_SIDE = 31  # pixels from which AlexNet's last level has a feature


def load_weights(file: str) -> dict[str, Tensor]:
    """State dict of a weight file in the folder that the environment variable SIV_LITE_WEIGHTS names, else torch's own.
    Raises SivLiteError if it is not there or its content is not what the checksum in its name says."""
    path = Path(os.environ.get("SIV_LITE_WEIGHTS") or Path(torch.hub.get_dir(), "checkpoints"), file)
    if not path.is_file():
        raise SivLiteError(f"{path} is missing: download https://download.pytorch.org/models/{file} and put it there")
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    if not checksum.startswith(path.stem.rsplit("-", 1)[-1]):
        raise SivLiteError(f"{path} is damaged, its sha256 begins with {checksum[:8]}: download the file again")
    return torch.load(path, map_location="cpu", weights_only=True)


@functools.cache
def imported(package: str) -> ModuleType:
    """The package; SivLiteError if it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise SivLiteError(f"{error.name} is not installed: SIFID, FID and LPIPS need it, pip install it") from error
    except RuntimeError:
        # Beside some builds of torch, torchvision's C++ operators do not load. Its models need none of them, but the
        # import looks up the schemas of two.
        for half_imported in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[half_imported]
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module(package)


@functools.cache
def _inception() -> nn.Module:
    weights = load_weights(INCEPTION_FILE)
    with torch.random.fork_rng(devices=[]):  # a network starts random: the user's generator must not notice
        network = imported("torchvision").models.Inception3(init_weights=False)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


@torch.no_grad()
def inception_features(images: Tensor) -> dict[int, Tensor]:
    """Inception-v3 features {channels: (n, channels, h, w)} of images (n, 3, H, W) in [-1, 1], the range it was trained
    with. Images are not resized, which would change what SIFID compares; levels of fewer than 2 x 2 features are left
    out (INCEPTION_SIDE). Raises SivLiteError if weights or their packages are missing or damaged."""
    modules, side, levels = list(_inception().to(images.device).children()), min(images.shape[2:]), {}
    for channels, stage in INCEPTION_STAGES.items():
        if side >= INCEPTION_SIDE[channels]:
            images = levels[channels] = nn.Sequential(*modules[stage])(images)
    return levels


@functools.cache
def _lpips() -> nn.Module:
    trunk, lpips = load_weights(ALEXNET_FILE), imported("lpips")
    with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices=[]):  # of a deprecated call
        # A random AlexNet first: a pretrained one would be downloaded. The linear layers come with lpips.
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    # lpips cuts AlexNet's features in five and keeps their numbers: slice2.3.weight is features.3.weight.
    network.net.load_state_dict({x: trunk["features." + x.split(".", 1)[1]] for x in network.net.state_dict()})
    return network.eval().requires_grad_(False)


def lpips_vectors(images: Tensor) -> Tensor:
    """Vectors (n, D) of images (n, 3, H, W) in [-1, 1], H and W at least ALEXNET_SIDE, whose *squared* Euclidean
    distance is LPIPS with AlexNet (Zhang et al. 2018, equation 1), differentiable. Errors as in inception_features."""
    network, vectors = _lpips().to(images.device), []
    for level, linear in zip(network.net(network.scaling_layer(images)), network.lins, strict=True):
        weight = linear.model[-1].weight / level[0, 0].numel()  # of squared differences, so the vector gets its root
        vectors.append((level / (level.norm(dim=1, keepdim=True) + 1e-10) * weight.sqrt()).flatten(1))
    return torch.cat(vectors, dim=1)
