"""The loop: exact resume after kills, one seed one result, Ctrl-C, and what is impossible."""

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
import warnings
from pathlib import Path

import pytest
import torch
from conftest import fingerprint
from safetensors.torch import load_file, save_file

from siv_lite import SivLiteError, open_run, train
from siv_lite.frames import resize_to
from siv_lite.methods import find_method
from siv_lite.methods.siv_gan import SIVGAN
from siv_lite.training.migrate import SETTINGS_OF_FORMAT_1, TENSORS_OF_FORMAT_1
from siv_lite.training.run import find_cells

SMALL = {
    "preset": "smoke",
    "progress": False,
    "lr_decay_fraction": 0.5,
    "latent": "projected",
    "diversity": "features",
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    frames = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(3)) * 2 - 1
    folder = tmp_path_factory.mktemp("reference") / "run"
    train("siv_gan", frames, folder, **SMALL)
    return frames, folder


@pytest.fixture
def copy(reference, tmp_path):
    return reference[0], Path(shutil.copytree(reference[1], tmp_path / "copy"))


def in_child(task):
    """Run `task` in a forked child; return its exit code (negative: the signal that killed it)."""
    child = multiprocessing.get_context("fork").Process(target=task)
    child.start()
    return child


def test_one_seed_makes_one_result_and_another_seed_another(reference, tmp_path):
    frames, folder = reference
    train("siv_gan", frames, tmp_path / "same", **SMALL)
    assert fingerprint(tmp_path / "same") == fingerprint(folder)
    train("siv_gan", frames, tmp_path / "other", seed=1, **SMALL)
    assert (tmp_path / "other" / "log.jsonl").read_bytes() != (folder / "log.jsonl").read_bytes()


def test_killed_at_random_moments_ends_bit_for_bit_the_same(reference, tmp_path):
    frames, folder = reference
    draw, kills, out = random.Random(0), 0, tmp_path / "killed"
    while kills < 20:
        child = in_child(lambda: train("siv_gan", frames, out, **SMALL))
        child.join(timeout=draw.uniform(0.05, 0.6))
        if child.is_alive():
            child.kill()
            kills += 1
        elif (out / "done.json").exists():
            shutil.rmtree(out)  # it had finished: begin again, to be killed as often as promised
        child.join()
    train("siv_gan", frames, out, **SMALL)
    assert fingerprint(out) == fingerprint(folder)


@pytest.mark.parametrize("moment", ["half written", "not renamed"])
def test_killed_inside_every_write_ends_bit_for_bit_the_same(moment, reference, tmp_path):
    frames, folder = reference
    out = tmp_path / "killed"

    def die_at(count):
        calls = []
        replace = os.replace

        def patched(source, target):
            calls.append(target)
            if len(calls) == count:
                if moment == "half written":
                    data = Path(source).read_bytes()
                    Path(source).write_bytes(data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)

        os.replace = patched
        train("siv_gan", frames, out, **SMALL)

    for count in [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15]:
        child = in_child(lambda count=count: die_at(count))
        child.join()
    train("siv_gan", frames, out, **SMALL)
    assert fingerprint(out) == fingerprint(folder)


def test_ctrl_c_saves_says_how_to_go_on_and_changes_nothing(
    reference, tmp_path, monkeypatch, capsys
):
    frames, folder = reference
    step, calls = SIVGAN.step, []

    def interrupted(self):
        calls.append(1)
        if len(calls) == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self)

    monkeypatch.setattr(SIVGAN, "step", interrupted)
    run = train("siv_gan", frames, tmp_path / "run", **SMALL)
    assert (
        run.iteration == 7 and not run.finished and "goes on from there" in capsys.readouterr().out
    )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert train("siv_gan", frames, tmp_path / "run", **SMALL).finished
    assert fingerprint(tmp_path / "run") == fingerprint(folder)


@pytest.mark.parametrize(
    "damage", ["truncated", "altered", "description lost", "description garbled"]
)
def test_damaged_newest_checkpoint_falls_back_with_a_warning(damage, copy, reference):
    frames, out = copy
    (out / "done.json").unlink()
    newest = max(out.glob("checkpoint-*.safetensors"))
    data = bytearray(newest.read_bytes())
    if damage == "truncated":
        newest.write_bytes(data[:-100])
    elif damage == "altered":
        data[len(data) // 2] ^= 1
        newest.write_bytes(data)
    elif damage == "description lost":
        newest.with_suffix(".json").unlink()
    else:
        newest.with_suffix(".json").write_text("{")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = open_run(out)
    assert run.iteration == 19
    assert any("damaged" in str(w.message) for w in caught) or damage == "description lost"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train("siv_gan", frames, out, **SMALL)
    assert fingerprint(out) == fingerprint(reference[1])


def test_all_checkpoints_damaged_is_said(copy):
    _, out = copy
    for path in out.glob("checkpoint-*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(SivLiteError, match="Every checkpoint in .* is damaged"):
        open_run(out)


def test_finished_run_is_opened_not_trained_again(copy, monkeypatch):
    frames, out = copy
    monkeypatch.setattr(SIVGAN, "step", lambda self: pytest.fail("trained again"))
    assert train("siv_gan", frames, out, **SMALL).finished


def test_sampling_works_while_training_goes_on(reference, tmp_path):
    frames, _ = reference
    child = in_child(lambda: train("siv_gan", frames, tmp_path / "run", iterations=400, **SMALL))
    deadline = time.monotonic() + 60
    seen = set()
    while len(seen) < 3 and time.monotonic() < deadline:
        try:
            run = open_run(tmp_path / "run")
        except SivLiteError as error:
            assert "no checkpoint yet" in str(error) or "not a run folder" in str(error)
            continue
        assert run.sample(2, seed=1).shape == (2, 3, 32, 40)
        seen.add(run.iteration)
    child.kill()
    child.join()
    assert len(seen) == 3


def test_samples_follow_from_the_seed_alone(reference):
    run = open_run(reference[1])
    many = run.method.sample_latents(20, seed=5)
    few = run.method.sample_latents(3, seed=5)
    assert torch.equal(many[:3], few)
    # Images agree to rounding only: kernels add in another order for another size of batch.
    torch.testing.assert_close(run.sample(20, seed=5)[:3], run.sample(3, seed=5), atol=1e-3, rtol=0)
    assert not torch.equal(run.sample(3, seed=5), run.sample(3, seed=6))
    assert run.sample(2).abs().max() <= 1
    walk = run.walk(6, seed=1)
    assert walk.shape == (6, 3, 32, 40) and not torch.equal(walk[0], walk[3])
    assert torch.allclose(walk[0], run.sample(2, seed=1)[0], atol=1e-3)


# Redrawing a region


@pytest.fixture(scope="module")
def spatial(reference, tmp_path_factory):
    settings = SMALL | {"latent": "spatial", "diversity": "normalized"}
    return train("siv_gan", reference[0], tmp_path_factory.mktemp("spatial") / "run", **settings)


@pytest.mark.parametrize(
    "region, rows, columns",
    [
        ((0, 0, 1, 1), (0, 4), (0, 7)),
        ((0, 0, 0.5, 3 / 7), (0, 2), (0, 3)),  # borders between cells
        ((0.51, 3 / 7, 0.75, 0.45), (2, 3), (3, 4)),
        ((0.49, 0.4, 0.51, 0.6), (1, 3), (2, 5)),
        ((0.3, 0.99, 0.3, 0.99), (1, 2), (6, 7)),  # a point, as of a click
        ((0.5, 2 / 7, 0.5, 2 / 7), (2, 3), (2, 3)),
        ((1, 1, 1, 1), (3, 4), (6, 7)),
        (torch.tensor([0.0, 0.0, 0.25, 1.0]), (0, 1), (0, 7)),
    ],
)
def test_a_region_touches_these_cells(region, rows, columns):
    assert find_cells(region, (4, 7)) == (slice(*rows), slice(*columns))


def test_resample_draws_a_region_anew_and_keeps_the_rest(spatial):
    rows, columns = spatial.method.latent_grid
    latents = spatial.method.sample_latents(3, seed=5)
    assert latents.shape == (3, 64, rows, columns)
    kept = latents.clone()
    changed = spatial.resample(latents, (0, 0, 1 / rows, 2 / columns), seed=5)
    assert torch.equal(latents, kept)
    differs = (changed != latents).any(1)  # (n, rows, columns)
    inside = torch.zeros(rows, columns, dtype=bool)
    inside[0, :2] = True
    assert torch.equal(differs, inside.expand(3, -1, -1))
    assert 0.8 < changed[:, :, 0, :2].std() < 1.2
    assert not torch.equal(changed[0, :, 0, 0], changed[1, :, 0, 0])
    again = spatial.resample(latents, (0, 0, 1 / rows, 2 / columns), seed=5)
    other = spatial.resample(latents, (0, 0, 1 / rows, 2 / columns), seed=6)
    assert torch.equal(again, changed) and not torch.equal(other, changed)
    before, after = spatial.decode(latents), spatial.decode(changed)
    assert after.shape == before.shape and not torch.equal(after, before)


def test_a_run_with_spatial_latents_walks_and_opens(spatial):
    reopened = open_run(spatial.folder)
    assert torch.equal(reopened.sample(3, seed=2), spatial.sample(3, seed=2))
    walk = reopened.walk(4, seed=1)
    assert torch.allclose(walk[:2], reopened.sample(2, seed=1), atol=1e-3)


def test_resample_refuses_what_it_cannot_do_in_one_sentence(spatial, reference):
    latents = spatial.method.sample_latents(1, seed=0)
    for region in [
        (0, 0, 1),
        (0, 0, 1.1, 1),
        (0.5, 0, 0.4, 1),
        (0, -0.1, 1, 1),
        "all",
        1,
        (0, 0, float("nan"), 1),
    ]:
        with pytest.raises(SivLiteError, match="region must be"):
            spatial.resample(latents, region, seed=1)
    with pytest.raises(SivLiteError, match="latents must be \\(n, 64, "):
        spatial.resample(latents[..., :1], (0, 0, 1, 1), seed=1)
    with pytest.raises(SivLiteError, match="seed must be"):
        spatial.resample(latents, (0, 0, 1, 1), seed=-1)
    flat = open_run(reference[1])
    with pytest.raises(SivLiteError, match="SIVGAN has no latents with places"):
        flat.resample(flat.method.sample_latents(1, 0), (0, 0, 1, 1), seed=1)


def test_spatial_training_stopped_half_way_ends_bit_for_bit_the_same(
    spatial, reference, tmp_path, monkeypatch
):
    step = SIVGAN.step

    def interrupted(self):
        if self.iteration == 6:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    settings = SMALL | {"latent": "spatial", "diversity": "normalized"}
    with monkeypatch.context() as patch:
        patch.setattr(SIVGAN, "step", interrupted)
        run = train("siv_gan", reference[0], tmp_path / "run", **settings)
    assert run.iteration == 7
    train("siv_gan", reference[0], tmp_path / "run", **settings)
    assert fingerprint(tmp_path / "run") == fingerprint(spatial.folder)


def test_folder_explains_itself_without_the_package(reference):
    _, out = reference
    config = json.loads((out / "config.json").read_text())
    assert (
        config["settings"]["lr_decay_fraction"] == 0.5
        and config["frames"]["shape"] == [2, 3, 32, 40]
        and config["versions"]
    )
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [entry["iteration"] for entry in log] == list(range(1, 21)) and {
        "D",
        "G",
        "diversity",
    } <= log[0].keys()
    assert len(list((out / "samples").glob("*.png"))) == 10


def test_nan_stops_at_the_last_good_checkpoint(reference, tmp_path, monkeypatch):
    frames, _ = reference
    step = SIVGAN.step

    def breaking(self):
        losses = step(self)
        return {**losses, "G": losses["G"] * float("nan")} if self.iteration > 7 else losses

    monkeypatch.setattr(SIVGAN, "step", breaking)
    with pytest.raises(SivLiteError, match="stopped being finite at iteration 8 .* iteration 7"):
        train("siv_gan", frames, tmp_path / "run", **SMALL)
    assert open_run(tmp_path / "run").iteration == 7


def test_nan_weights_are_never_saved(reference, tmp_path, monkeypatch):
    frames, _ = reference
    step = SIVGAN.step

    def breaking(self):
        losses = step(self)
        if self.iteration == 8:  # the loss is computed before the update that breaks
            next(iter(self.G.parameters())).data.fill_(float("nan"))
        return losses

    monkeypatch.setattr(SIVGAN, "step", breaking)
    with pytest.raises(SivLiteError, match="stopped being finite at iteration 8"):
        train("siv_gan", frames, tmp_path / "run", **SMALL)
    assert open_run(tmp_path / "run").iteration == 7


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"method": "gan"}, "Unknown method 'gan'; choose from siv_gan"),
        ({"preset": "huge"}, "Unknown preset 'huge' of siv_gan; choose from smoke, lesson, paper"),
        ({"precision": "fp8"}, "Unknown precision 'fp8'"),
        ({"device": "tpu"}, "Unknown device 'tpu'"),
        ({"device": "cuda:77"}, "not there"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 1.5}, "seed must be"),
        ({"iterations": -5}, "iterations"),
        ({"widht": 8}, "Unknown setting 'widht'"),
        ({"frames": torch.full((1, 3, 32, 32), float("nan"))}, "NaN"),
        ({"frames": torch.zeros(1, 3, 8, 8)}, "under 32"),
        ({"frames": torch.full((1, 3, 32, 32), 200.0)}, "leaves \\[-1, 1\\]"),
    ],
)
def test_bad_arguments_get_one_sentence_and_leave_nothing(arguments, message, reference, tmp_path):
    call = {
        "method": "siv_gan",
        "frames": reference[0],
        "out": tmp_path / "run",
        **SMALL,
        **arguments,
    }
    with pytest.raises(SivLiteError, match=message) as error:
        train(**call)
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "change, name",
    [
        ({"seed": 1}, "seed"),
        ({"base_channels": 16}, "base_channels"),
        ({"iterations": 30}, "iterations"),
        ({"precision": "bf16"}, "precision"),
    ],
)
def test_other_settings_in_the_same_folder_name_the_difference(change, name, copy):
    frames, out = copy
    before = fingerprint(out)
    with pytest.raises(SivLiteError, match=f"other settings: {name} is"):
        train("siv_gan", frames, out, **{**SMALL, **change})
    with pytest.raises(SivLiteError, match="other settings: frames"):
        train("siv_gan", -frames, out, **SMALL)
    assert fingerprint(out) == before


def test_unwritable_out_is_said(reference, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SivLiteError, match="cannot be written"):
        train("siv_gan", reference[0], tmp_path / "file" / "run", **SMALL)


def test_full_disk_is_said_and_the_run_goes_on_afterwards(reference, tmp_path, monkeypatch):
    frames, folder = reference
    replace, calls = os.replace, []

    def full(source, target):
        calls.append(target)
        if len(calls) == 14:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SivLiteError, match="No space left on device"):
        train("siv_gan", frames, tmp_path / "run", **SMALL)
    assert not [p for p in (tmp_path / "run").rglob(".*")]
    train("siv_gan", frames, tmp_path / "run", **SMALL)
    assert fingerprint(tmp_path / "run") == fingerprint(folder)


def test_folders_that_are_no_runs_or_of_another_version(copy, tmp_path):
    _, out = copy
    for path, message in (
        (tmp_path / "nothing", "not a run folder"),
        (tmp_path, "not a run folder"),
    ):
        with pytest.raises(SivLiteError, match=message):
            open_run(path)
    newest = max(out.glob("checkpoint-*.json"))
    newest.write_text(newest.read_text().replace('"format": 2', '"format": 99'))
    with pytest.raises(SivLiteError, match="has format 99"):
        open_run(out)
    config = out / "config.json"
    config.write_text(config.read_text().replace('"format": 2', '"format": 99'))
    with pytest.raises(SivLiteError, match="config.json has format 99"):
        open_run(out)
    config.write_text("{")
    with pytest.raises(SivLiteError, match="damaged"):
        open_run(out)


def test_on_log_is_called_with_what_the_log_gets(reference, tmp_path):
    seen = []

    def on_log(iteration, losses):
        seen.append({"iteration": iteration, **losses})

    run = train("siv_gan", reference[0], tmp_path / "run", on_log=on_log, **SMALL)
    assert seen == run.log()


# Frames


@pytest.mark.parametrize(
    "size, small",
    [((90, 160), (32, 56)), ((160, 90), (56, 32)), ((120, 80), (48, 32)), ((100, 100), (48, 48))],
)
def test_a_run_keeps_its_frames_whole_and_trains_at_image_size(size, small, tmp_path):
    pixels = torch.randint(0, 256, (1, 3, *size), generator=torch.Generator().manual_seed(0))
    frames = pixels / 127.5 - 1
    run = train("siv_gan", frames, tmp_path / "run", preset="smoke", iterations=2, progress=False)
    assert torch.allclose(run.frames, frames, atol=1e-6)
    assert run.config["settings"]["image_size"] == 48
    assert run.training_frames.shape[2:] == run.method.size == small
    # In one step from the whole frames, for reducing them twice would blur them.
    assert torch.equal(run.training_frames, resize_to(frames, small))
    again = open_run(tmp_path / "run")
    assert torch.equal(again.frames, run.frames)
    assert torch.equal(again.training_frames, run.training_frames)


def test_larger_frames_are_kept_at_1024_pixels(tmp_path):
    frames = torch.zeros(1, 3, 400, 1200)
    frames[..., 600:] = 1
    run = train("gpdm", frames, tmp_path / "run", preset="smoke", steps=1, progress=False)
    assert run.frames.shape == (1, 3, 341, 1024)


# Run folders of older versions


def rewrite_in_format_1(folder):
    """Give a run folder the names of format 1, and the settings that it had."""
    config = json.loads((folder / "config.json").read_text())
    new_names = SETTINGS_OF_FORMAT_1[config["method"]]
    old_names = {new: old for old, new in new_names.items()}
    del config["settings"]["image_size"]
    config["settings"] = {old_names.get(x, x): value for x, value in config["settings"].items()}
    (folder / "config.json").write_text(json.dumps({**config, "format": 1}))

    old_parts = {
        new: old for old, new in TENSORS_OF_FORMAT_1.items() if old != "reconstruction_noise"
    }
    for path in folder.glob("checkpoint-*.safetensors"):
        tensors = {}
        for name, tensor in load_file(path).items():
            parts = [old_parts.get(part, part) for part in name.split(".")]
            tensors[".".join(parts)] = tensor
        save_file(tensors, path)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        description = json.loads(path.with_suffix(".json").read_text())
        description |= {"format": 1, "sha256": checksum}
        path.with_suffix(".json").write_text(json.dumps(description))


@pytest.mark.parametrize("method", ["siv_gan", "singan"])
def test_a_run_of_format_1_is_opened_and_goes_on_to_the_same_end(
    method, reference, tmp_path, monkeypatch
):
    frames = reference[0][:1]
    settings = {"preset": "smoke", "progress": False, "image_size": 40}
    whole = train(method, frames, tmp_path / "whole", **settings)

    step = find_method(method).step
    calls = []

    def interrupted(self):
        calls.append(1)
        if len(calls) == whole.iteration - 2:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(find_method(method), "step", interrupted)
        stopped = train(method, frames, tmp_path / "old", **settings)
    rewrite_in_format_1(tmp_path / "old")

    opened = open_run(tmp_path / "old")
    assert opened.iteration == stopped.iteration < whole.iteration
    assert torch.equal(opened.sample(2), stopped.sample(2))
    resumed = train(method, frames, tmp_path / "old", **settings)
    assert torch.equal(resumed.sample(2), whole.sample(2))
