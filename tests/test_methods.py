"""What every method promises: the contract of `Method`, held by all rows of the table alike."""

import signal

import pytest
import torch
from conftest import fingerprint

from siv_lite import SivLiteError, open_run, train
from siv_lite.methods import METHODS, find_method

SMALL = {"preset": "smoke", "progress": False}
PYRAMIDS = [name for name in METHODS if find_method(name).editable]


@pytest.fixture(scope="module")
def frames():
    return torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.fixture(scope="module", params=list(METHODS))
def reference(request, frames, tmp_path_factory):
    return train(request.param, frames, tmp_path_factory.mktemp(request.param) / "run", **SMALL)


def stop_at(moment, monkeypatch, kind):
    """Let Ctrl-C arrive in the step number `moment` from now."""
    step, calls = kind.step, []

    def interrupted(self):
        calls.append(1)
        if len(calls) == moment:
            signal.raise_signal(signal.SIGINT)
        return step(self)

    monkeypatch.setattr(kind, "step", interrupted)


def test_one_seed_makes_one_result(reference, frames, tmp_path):
    again = train(reference.config["method"], frames, tmp_path / "same", **SMALL)
    assert fingerprint(again.folder) == fingerprint(reference.folder)
    assert torch.equal(again.sample(2, seed=5), reference.sample(2, seed=5))
    assert not torch.equal(reference.sample(2, seed=5), reference.sample(2, seed=6))


def test_stopped_in_every_stage_and_between_them_it_ends_the_same(
    reference, frames, tmp_path, monkeypatch
):
    method, total, stages = (
        reference.config["method"],
        reference.method.iterations,
        reference.method.num_stages,
    )
    moments = sorted(
        {1, total - 1}
        | {total * stage // stages + more for stage in range(1, stages) for more in (0, 1)}
    )
    for moment in {m for m in moments if 0 < m < total}:
        out = tmp_path / f"stopped_at_{moment}"
        with monkeypatch.context() as patch:
            stop_at(moment, patch, find_method(method))
            assert train(method, frames, out, **SMALL).iteration == moment
        opened = open_run(out)
        assert opened.sample(2).abs().max() <= 2  # the finished stages draw while training goes on
        assert train(method, frames, out, **SMALL).finished
        assert fingerprint(out) == fingerprint(reference.folder)


def test_samples_have_the_promised_size_and_range(reference):
    method, images = reference.method, reference.sample(3, seed=1)
    video = (method.frames_per_sample,) if method.frames_per_sample > 1 else ()
    assert images.shape == (3, *video, 3, *method.size) and images.isfinite().all()
    assert reference.sample_images(3).shape == (3, 3, *method.size)
    one_by_one = torch.cat([reference.decode(z) for z in method.sample_latents(3, 1).split(1)])
    torch.testing.assert_close(
        one_by_one, images, atol=1e-3, rtol=0
    )  # a sample does not depend on its batch


def test_the_first_latents_are_the_same_however_many_are_drawn(reference):
    many = reference.method.sample_latents(7, seed=2)
    for n in (1, 3):
        assert torch.equal(reference.method.sample_latents(n, seed=2), many[:n])


def test_other_sizes_are_drawn_or_refused(reference):
    if reference.method.resizable:
        assert reference.sample(1, size=(44, 100)).shape[-2:] == (44, 100)
        for size in [(0, 40), (40,), (40.5, 40), "40"]:
            with pytest.raises(SivLiteError, match="size must be"):
                reference.sample(1, size=size)
    else:
        with pytest.raises(SivLiteError, match="leave `size` out"):
            reference.sample(1, size=(44, 100))


def test_a_clip_is_learned_by_every_method(reference, tmp_path):
    clip = torch.rand(5, 3, 32, 40, generator=torch.Generator().manual_seed(4)) * 2 - 1
    run = train(reference.config["method"], clip, tmp_path / "clip", **SMALL)
    assert run.finished and run.sample_images(2).isfinite().all()


def test_stages_out_of_range_are_refused(reference):
    for option in ("stage", "start"):
        with pytest.raises(SivLiteError, match=f"{option} must be one of the stages"):
            reference.sample(1, **{option: reference.method.num_stages + 1})
        with pytest.raises(SivLiteError, match=f"{option} must be a whole number"):
            reference.sample(1, **{option: -1})


@pytest.mark.parametrize("method", PYRAMIDS)
def test_every_finished_stage_can_be_seen_and_an_unfinished_one_not(
    method, frames, tmp_path, monkeypatch
):
    kind = find_method(method)
    with monkeypatch.context() as patch:
        stop_at(4, patch, kind)
        run = train(method, frames, tmp_path / "run", **(SMALL | {"iterations": 3}))
    assert run.method.num_stages > 2 and run.iteration == 4
    assert run.sample(1).shape[-2:] == tuple(run.method.sizes[0][-2:])
    with pytest.raises(SivLiteError, match="not trained yet"):
        run.sample(1, stage=1)
    run = train(method, frames, tmp_path / "run", **(SMALL | {"iterations": 3}))
    for stage, size in enumerate(run.method.sizes):
        assert run.sample(1, stage=stage).shape[-2:] == tuple(size[-2:])


@pytest.mark.parametrize("method", PYRAMIDS)
def test_a_later_start_changes_less_of_the_image(method, frames, tmp_path):
    run = train(method, frames, tmp_path / "run", **SMALL)
    spread = [run.sample(4, start=start).var(0).mean() for start in range(run.method.num_stages)]
    assert spread[0] > spread[-1] > 0
