"""What needs networks: with random weights, which show how features are used, not a true value."""

import hashlib
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from siv_lite import metrics
from siv_lite.augment import apply_transforms, sample_transforms
from siv_lite.errors import SivLiteError
from siv_lite.metrics import pretrained

installed = all(importlib.util.find_spec(name) for name in ("torchvision", "lpips"))
with_networks = pytest.mark.skipif(not installed, reason="needs torchvision and lpips")


def save_named_by_checksum(folder: Path, name: str, state: dict) -> str:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    file = f"{name}-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
    (folder / file).write_bytes(buffer.getvalue())
    return file


@pytest.fixture(scope="module")
def random_files(tmp_path_factory):
    """torch's folder, Inception's and AlexNet's file: random, under names that fit."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "checkpoints").mkdir()
    models = pretrained.require("torchvision").models
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inception = models.Inception3(init_weights=False).state_dict()
        trunk = {
            f"features.{name}": value
            for name, value in models.AlexNet().features.state_dict().items()
        }
    states = {"inception": inception, "alex": trunk}
    return folder, *(
        save_named_by_checksum(folder / "checkpoints", name, state)
        for name, state in states.items()
    )


@pytest.fixture
def weights(random_files, monkeypatch):
    """The folder of random weights, which are loaded in place of the published ones."""
    folder, inception, alexnet = random_files
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(folder))
    monkeypatch.setattr(pretrained, "INCEPTION_FILE", inception)
    monkeypatch.setattr(pretrained, "ALEXNET_FILE", alexnet)
    yield folder / "checkpoints"
    pretrained._inception.cache_clear()
    pretrained._lpips.cache_clear()


def images(count, height=48, width=64):
    return (
        torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(count)) * 2 - 1
    )


def test_missing_weights_are_named_with_the_place_they_belong_to(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(
        SivLiteError, match=r"checkpoints.inception_v3_google-0cc3c7bd.pth is missing"
    ):
        pretrained.inception_features(images(1))
    with pytest.raises(SivLiteError, match=r"checkpoints.alexnet-owt-7be5be79.pth is missing"):
        pretrained.lpips_vectors(images(1))


def test_missing_packages_are_named():
    with pytest.raises(SivLiteError, match="no_such_package is not installed"):
        pretrained.require("no_such_package")


def test_damaged_weights_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / pretrained.ALEXNET_FILE).write_bytes(b"half a download")
    with pytest.raises(SivLiteError, match="is damaged"):
        pretrained.load_weights(pretrained.ALEXNET_FILE)


def test_importing_the_metrics_loads_no_network_library():
    code = (
        "import sys, siv_lite.metrics; "
        "print([name for name in ('torchvision', 'lpips') if name in sys.modules])"
    )
    assert run_python(code) == "[]"


def test_torchvision_is_imported_where_its_operators_do_not_load(tmp_path):
    package = tmp_path / "torchvision"
    package.mkdir()
    for operator in ("nms", "qnms"):
        (package / f"{operator}.py").write_text(
            f"import torch\ntorch.library.register_fake('torchvision::{operator}')(1)"
        )
    (package / "__init__.py").write_text("from . import nms, qnms")
    code = (
        "import torch; from siv_lite.metrics import pretrained; pretrained.require('torchvision'); "
        "print(torch.ops.torchvision.qnms)"
    )
    assert run_python(code, tmp_path) == "torchvision.qnms"


def run_python(code: str, *paths: Path) -> str:
    root = Path(pretrained.__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*paths, root)))}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


@with_networks
def test_inception_levels_begin_where_they_have_two_by_two_features(weights):
    for channels, side in pretrained.INCEPTION_SIDE.items():
        assert pretrained.inception_features(images(1, side, side))[channels].shape == (
            1,
            channels,
            2,
            2,
        )
        assert channels not in pretrained.inception_features(images(1, side - 1, side + 9))


@with_networks
def test_inception_levels_are_those_of_the_whole_network(weights):
    image = images(1, 107, 107)
    network = pretrained._inception()
    pooled = pretrained.inception_features(image)[2048].mean(dim=(2, 3))
    torch.testing.assert_close(network.fc(pooled), network(image))


@with_networks
def test_evaluate_is_deterministic_and_leaves_the_random_state_alone(weights):
    state = torch.get_rng_state()
    tables = []
    for _ in range(2):
        tables.append(metrics.evaluate(images(2), images(1)))
        assert torch.equal(torch.get_rng_state(), state)
        state = torch.manual_seed(5).get_state()
    assert tables[0] == tables[1]


@with_networks
def test_sifid_is_the_frechet_distance_of_features_over_places(weights):
    samples, frame = images(2), images(1)
    found = metrics.sifid(torch.cat([samples, frame]), frame)
    assert set(found) == {"sifid_64", "sifid_64_best", "sifid_192", "sifid_192_best"}
    target, *places = (
        pretrained.inception_features(x)[64][0].flatten(1).T for x in (frame, *samples.split(1))
    )
    expected = [metrics.frechet_distance(x, target) for x in places]
    assert found["sifid_64"] == pytest.approx(sum(expected) / 3, rel=1e-4)
    assert found["sifid_64_best"] == pytest.approx(0, abs=1e-6)
    with pytest.raises(SivLiteError, match="fid_sets"):
        metrics.sifid(samples, samples)


@with_networks
def test_fid_compares_sets_whatever_their_order(weights):
    samples, frames = images(3), images(4)
    assert metrics.fid_sets(frames.flip(0), frames)["fid_64"] == pytest.approx(0, abs=1e-6)
    vectors = [pretrained.inception_features(x)[192].mean(dim=(2, 3)) for x in (samples, frames)]
    assert metrics.fid_sets(samples, frames)["fid_192"] == pytest.approx(
        metrics.frechet_distance(*vectors), rel=1e-4
    )


@with_networks
def test_lpips_is_that_of_the_lpips_package(weights):
    samples = images(3)
    network = pretrained._lpips()
    trunk = torch.load(weights / pretrained.ALEXNET_FILE, weights_only=True)
    assert torch.equal(network.net.state_dict()["slice3.6.weight"], trunk["features.6.weight"])
    pairs = [network(samples[[i]], samples[[j]]).item() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert metrics.lpips_pairs(samples) == pytest.approx(np.mean(pairs), rel=1e-4)
    with pytest.raises(SivLiteError, match="31 x 31"):
        metrics.lpips_pairs(images(2, 24, 64))


@with_networks
def test_distance_to_train_finds_the_augmented_frame(weights):
    frames = images(3)
    drawn = sample_transforms(64, 48, 64, 0.7, torch.Generator().manual_seed(0))
    augmented = apply_transforms(frames.repeat(22, 1, 1, 1)[:64], drawn)
    copies = torch.cat([frames, augmented[[0, 31, 63]]])
    assert metrics.distance_to_train(copies, frames) == pytest.approx(0, abs=1e-9)
    sample, network = images(1), pretrained._lpips()
    nearest = min(network(sample, x).item() for x in torch.cat([frames, augmented]).split(1))
    assert metrics.distance_to_train(sample, frames) == pytest.approx(nearest, rel=1e-4)


@with_networks
def test_evaluate_with_weights_misses_only_the_levels_that_do_not_fit(weights):
    table = metrics.evaluate(images(2), images(1))
    assert {"sifid_64", "sifid_192_best", "lpips", "distance_to_train"} <= set(table)
    assert set(table.missing) == {"sifid_768", "sifid_2048"}
    clip = metrics.evaluate(images(2, 24, 24), images(3, 24, 24))
    assert {"fid_64", "fid_192"} <= set(clip)
    assert set(clip.missing) == {"fid_768", "fid_2048", "lpips", "distance_to_train"}
