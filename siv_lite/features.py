"""Features of pretrained networks, for SIFID, FID and LPIPS. Weights are files that are already there: nothing is
downloaded, and torchvision and lpips are imported only when a feature is asked for."""

import functools
import hashlib
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

# Inception-v3 cut where its features are taken, by channels: before the first and second max-pooling, the auxiliary
# classifier and the last average-pooling; strides 2, 4, 16 and 32.
INCEPTION_STAGES = {
    64: ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"),
    192: ("maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3"),
    768: ("maxpool2", "Mixed_5b", "Mixed_5c", "Mixed_5d", *(f"Mixed_6{letter}" for letter in "abcde")),
    2048: ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
}
INCEPTION_SIDE = {64: 9, 192: 23, 768: 59, 2048: 107}  # pixels from which a level has at least 2 x 2 features
ALEXNET_SIDE = 31  # pixels from which AlexNet's last level has a feature
Folder = str | Path | None  # of weight files, see weights_path


class MissingWeights(SivLiteError):
    """A weight file or the package that holds its network is missing; the sentence says which and where it goes."""


def weights_path(file: str, weights: Folder = None) -> Path:
    """Path of a weight file in the folder `weights`, else in the folder that the environment variable
    SIV_LITE_WEIGHTS names, else in torch's own `checkpoints`. Raises MissingWeights if it is not there."""
    folder = Path(weights or os.environ.get("SIV_LITE_WEIGHTS") or f"{torch.hub.get_dir()}/checkpoints").expanduser()
    if not (folder / file).is_file():
        raise MissingWeights(
            f"torchvision's weights {file} are not in the folder {folder}: put that file of "
            "https://download.pytorch.org/models there, or name its folder with weights= or SIV_LITE_WEIGHTS"
        )
    return folder / file


def load_weights(path: Path) -> dict[str, Tensor]:
    """State dict of a weight file. Raises SivLiteError if its content is not what the checksum in its name says."""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    if not checksum.startswith(path.stem.rsplit("-", 1)[-1]):
        raise SivLiteError(f"{path} is damaged, its sha256 begins with {checksum[:8]}: download the file again")
    # weights_only refuses all but tensors and plain containers: even a file forged to match 8 digits can run no code.
    return torch.load(path, map_location="cpu", weights_only=True)


@functools.cache
def import_torchvision() -> ModuleType:
    """torchvision, also beside a build of torch for which its C++ operators do not load: its models need none of them,
    but the import looks up the schemas of two. Raises MissingWeights if torchvision is not installed."""
    try:
        import torchvision
    except ImportError as error:
        raise MissingWeights(f"{error.name} is not installed: SIFID, FID and LPIPS need it, pip install it") from error
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]  # half imported
        schemas = torch.library.Library("torchvision", "FRAGMENT")
        schemas.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        schemas.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import_torchvision.schemas = schemas  # they would vanish with the object
        import torchvision
    return torchvision


@functools.cache
def _inception(path: Path) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # a network starts random: the user's generator must not notice
        network = import_torchvision().models.Inception3(init_weights=False)
    network.load_state_dict(load_weights(path))
    return network.eval().requires_grad_(False)


@torch.no_grad()
def inception_features(images: Tensor, weights: Folder = None) -> dict[int, Tensor]:
    """Inception-v3 features of images (n, 3, H, W) in [-1, 1], the range that these weights were trained with:
    {64, 192, 768, 2048 channels: (n, channels, h, w)}.
    Images keep their size, because resizing changes the patch statistics that SIFID compares; a level that would have
    fewer than 2 x 2 features is left out (INCEPTION_SIDE). Raises MissingWeights if the weights or a package are
    missing, SivLiteError if the weight file is damaged."""
    network = _inception(weights_path(INCEPTION_FILE, weights)).to(images.device)
    side, levels = min(images.shape[2:]), {}
    for channels, stages in INCEPTION_STAGES.items():
        if side < INCEPTION_SIDE[channels]:
            break
        for stage in stages:
            images = getattr(network, stage)(images)
        levels[channels] = images
    return levels


@functools.cache
def _lpips(path: Path) -> nn.Module:
    import_torchvision()
    try:
        import lpips
    except ImportError as error:
        raise MissingWeights(f"{error.name} is not installed: LPIPS needs it, pip install it") from error
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # lpips calls torchvision in a deprecated way
        # A random AlexNet first: a pretrained one would be downloaded. The linear layers come with lpips.
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    trunk = load_weights(path)
    # lpips cuts AlexNet's features in five and keeps their numbers: slice2.3.weight is features.3.weight.
    names = network.net.state_dict()
    network.net.load_state_dict({name: trunk["features." + name.split(".", 1)[1]] for name in names})
    return network.eval().requires_grad_(False)


@torch.no_grad()
def lpips_vectors(images: Tensor, weights: Folder = None) -> Tensor:
    """Vectors (n, D) of images (n, 3, H, W) in [-1, 1], H and W at least ALEXNET_SIDE, whose *squared* Euclidean
    distance is LPIPS with AlexNet. Errors as in inception_features.
    LPIPS (Zhang et al. 2018, equation 1) sums over levels the mean over places of squared differences of unit features,
    weighted per channel by w >= 0. Here the root of w / places is multiplied into the features, so that every image
    goes through the network once, however many pairs it is part of."""
    network = _lpips(weights_path(ALEXNET_FILE, weights)).to(images.device)
    vectors = []
    for level, linear in zip(network.net(network.scaling_layer(images)), network.lins, strict=True):
        unit = level / (level.norm(dim=1, keepdim=True) + 1e-10)
        weight = linear.model[-1].weight / level[0, 0].numel()  # (1, channels, 1, 1)
        vectors.append((unit * weight.sqrt()).flatten(1))
    return torch.cat(vectors, dim=1)
