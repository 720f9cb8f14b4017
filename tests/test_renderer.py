"""`Renderer`: what it keeps from call to call changes no pixel, and a clip's frames keep their
numbers."""

import pytest
import torch

from siv_lite import SivLiteError
from siv_lite.rendering import Renderer, provenance, render
from siv_lite.rendering.render import MAX_FRAMES


@pytest.fixture
def frames() -> torch.Tensor:
    return torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_a_renderer_gives_what_the_functions_give_whatever_it_drew_before(frames, images):
    renderer = Renderer(frames)
    for size in (None, (32, 40), None):
        expected = render(images, frames, size, strength=0.4, seed=3)
        assert torch.equal(renderer.render(images, size, strength=0.4, seed=3), expected)
    _, sources = renderer.provenance(images)
    assert torch.equal(sources, provenance(images, frames)[1])


def test_patches_are_prepared_once_for_a_size_and_kept_for_one_size_only(frames, images):
    renderer = Renderer(frames)
    renderer.render(images)
    (first,) = renderer.prepared.values()
    renderer.render(images[:1], seed=5)
    (second,) = renderer.prepared.values()
    assert second is first
    renderer.render(images, size=(32, 40))
    (other,) = renderer.prepared.values()
    assert other is not first


def test_the_frames_of_a_long_clip_keep_their_numbers():
    clip = torch.zeros(3 * MAX_FRAMES, 3, 24, 24)
    brightness = torch.linspace(-1, 1, len(clip)).view(-1, 1, 1, 1)
    clip = clip + brightness  # each frame is of one gray
    _, sources = provenance(clip[-1:], clip)
    assert (sources[..., 0] == len(clip) - 1).all()


def test_a_renderer_refuses_what_the_functions_refuse(frames, images):
    with pytest.raises(SivLiteError, match="frames hold NaN"):
        Renderer(frames / 0)
    with pytest.raises(SivLiteError, match="for images"):
        Renderer(frames).provenance(images[None])
    with pytest.raises(SivLiteError, match="strength must be"):
        Renderer(frames).render(images, strength=2)
