"""Features of pretrained networks, for SIFID, FID, SVFID and LPIPS.

Nothing is downloaded: the weight files must be there already. The packages torchvision and lpips
are imported only when features are first computed.
"""

import functools
import hashlib
import importlib
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siv_lite.errors import SivLiteError

# Each name ends with the first digits of the file's SHA-256.
INCEPTION_FILE = "inception_v3_google-0cc3c7bd.pth"
ALEXNET_FILE = "alexnet-owt-7be5be79.pth"
R3D_FILE = "r3d_18-b3b3357e.pth"  # trained on Kinetics-400

# Number of channels of a feature level -> the modules of torchvision's Inception-v3 that compute it
# from the level before. The levels end with Conv2d_2b, Conv2d_4a, Mixed_6e and Mixed_7c and have
# strides 2, 4, 16 and 32. Module 15 is the auxiliary classifier.
INCEPTION_STAGES = {64: slice(0, 3), 192: slice(3, 6), 768: slice(6, 15), 2048: slice(16, 19)}

# Number of channels -> minimum side of an image, in pixels, for at least 2 x 2 features.
INCEPTION_SIDE = {64: 9, 192: 23, 768: 59, 2048: 107}
ALEXNET_SIDE = 31  # minimum side for AlexNet's last level to have a feature

R3D_INPUT = (16, 112, 112)  # frames, height, width
R3D_MEAN = (0.43216, 0.394666, 0.37645)  # of red, green and blue in [0, 1]
R3D_STD = (0.22803, 0.22145, 0.216989)


def load_weights(file: str) -> dict[str, Tensor]:
    """Load a published weight file and check its checksum.

    The folder is the environment variable SIV_LITE_WEIGHTS or, if it is not set, torch's own.

    Args:
        file: file name, which ends with the first digits of the file's SHA-256.

    Returns:
        The state dict.

    Raises:
        SivLiteError: If the file is missing or its checksum is wrong.
    """
    torch_folder = Path(torch.hub.get_dir(), "checkpoints")
    path = Path(os.environ.get("SIV_LITE_WEIGHTS") or torch_folder, file)
    if not path.is_file():
        raise SivLiteError(
            f"{path} is missing: download https://download.pytorch.org/models/{file} "
            "and put it there"
        )

    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = path.stem.rsplit("-", 1)[-1]
    if not checksum.startswith(expected):
        raise SivLiteError(
            f"{path} is damaged, its sha256 begins with {checksum[:8]}: download the file again"
        )
    return torch.load(path, map_location="cpu", weights_only=True)


@functools.cache
def require(package: str) -> ModuleType:
    """Import an optional package.

    Args:
        package: package name.

    Returns:
        The module.

    Raises:
        SivLiteError: If the package, or one that it imports, is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise SivLiteError(
            f"{error.name} is not installed, but SIFID, FID, SVFID and LPIPS need it: "
            f"pip install {error.name}"
        ) from error
    except RuntimeError:
        # With some builds of torch, torchvision's C++ operators do not load. Its models need none
        # of them, but its import looks up the schemas of two: define these, and import it again.
        for name in list(sys.modules):
            if name.split(".")[0] == "torchvision":
                del sys.modules[name]
        schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", schema)
        return importlib.import_module(package)


@functools.cache
def _inception() -> nn.Module:
    """Load Inception-v3 with its published weights."""
    weights = load_weights(INCEPTION_FILE)
    # Random initialization must not change the state of the global generator.
    with torch.random.fork_rng(devices=[]):
        network = require("torchvision").models.Inception3(init_weights=False)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


@torch.no_grad()
def inception_features(images: Tensor) -> dict[int, Tensor]:
    """Compute the features of Inception-v3 on up to four levels.

    Images are not resized, because that would change what SIFID compares.

    Args:
        images: images (n, 3, H, W) in [-1, 1], the range that the network was trained with.

    Returns:
        Number of channels c -> features (n, c, h, w). Levels with fewer than 2 x 2 features are
        left out.

    Raises:
        SivLiteError: If the weights or torchvision are missing, or the weights are damaged.
    """
    modules = list(_inception().to(images.device).children())
    side = min(images.shape[2:])

    features = {}
    x = images
    for channels, stage in INCEPTION_STAGES.items():
        if side >= INCEPTION_SIDE[channels]:
            x = nn.Sequential(*modules[stage])(x)  # (n, channels, h, w)
            features[channels] = x
    return features


@functools.cache
def _lpips() -> nn.Module:
    """Load LPIPS with AlexNet's published weights. Its linear layers come with the package."""
    trunk = load_weights(ALEXNET_FILE)
    lpips = require("lpips")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
        # Start from a random AlexNet: a pretrained one would be downloaded. The call warns that it
        # is deprecated.
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)

    # lpips cuts AlexNet's features into five slices but keeps the numbers of the layers:
    # slice2.3.weight is features.3.weight.
    weights = {}
    for name in network.net.state_dict():
        layer = name.split(".", 1)[1]
        weights[name] = trunk[f"features.{layer}"]
    network.net.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def lpips_vectors(images: Tensor) -> Tensor:
    """Compute vectors whose squared Euclidean distance is LPIPS (Zhang et al. 2018, Eq. 1).

    Gradients flow back to the images.

    Args:
        images: images (n, 3, H, W) in [-1, 1], H and W at least 31.

    Returns:
        One vector per image, (n, d).

    Raises:
        SivLiteError: If the weights, torchvision or lpips are missing, or the weights are damaged.
    """
    network = _lpips().to(images.device)
    levels = network.net(network.scaling_layer(images))

    vectors = []
    for level, linear in zip(levels, network.lins, strict=True):
        # LPIPS weights squared differences of unit features and averages them over positions, so
        # the vectors are scaled by the square root of both factors.
        unit = level / (level.norm(dim=1, keepdim=True) + 1e-10)  # (n, c, h, w)
        weight = linear.model[-1].weight / level[0, 0].numel()  # (1, c, 1, 1)
        vectors.append((unit * weight.sqrt()).flatten(1))
    return torch.cat(vectors, dim=1)


@functools.cache
def _r3d18() -> nn.Module:
    """Load the convolutional part of R3D-18, a three-dimensional ResNet."""
    weights = load_weights(R3D_FILE)
    # Random initialization must not change the state of the global generator.
    with torch.random.fork_rng(devices=[]):
        network = require("torchvision").models.video.r3d_18()
    network.load_state_dict(weights)
    layers = list(network.children())[:-2]  # without pooling and classifier
    trunk = nn.Sequential(*layers)
    return trunk.eval().requires_grad_(False)


@torch.no_grad()
def r3d18_features(video: Tensor) -> Tensor:
    """Compute the features of R3D-18 (Tran et al. 2018), on the CPU.

    Args:
        video: one video (T, 3, H, W) in [-1, 1]; it is resized to 16 frames of 112 x 112 pixels.

    Returns:
        The features (512, 2, 7, 7).

    Raises:
        SivLiteError: If the weights or torchvision are missing, or the weights are damaged.
    """
    trunk = _r3d18()
    x = video[None].cpu().transpose(1, 2)  # (1, 3, T, H, W)
    x = F.interpolate(x, R3D_INPUT, mode="trilinear")

    mean = torch.tensor(R3D_MEAN).view(3, 1, 1, 1)
    std = torch.tensor(R3D_STD).view(3, 1, 1, 1)
    return trunk(((x + 1) / 2 - mean) / std)[0]
