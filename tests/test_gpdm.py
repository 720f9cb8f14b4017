"""GPDM: its distance, and images that are found without training."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from siv_lite import SivLiteError, open_run, train
from siv_lite.methods import make_settings
from siv_lite.methods.gpdm import GPDM, patch_wasserstein

CPU = torch.device("cpu")
SMALL = {"preset": "smoke", "progress": False}


def build(frames, **settings):
    return GPDM(frames, make_settings("gpdm", "smoke", **settings), CPU, "fp32", 0)


def fresh_directions():
    """Others than those of the optimization."""
    drawn = torch.randn((50, 3, 7, 7), generator=torch.Generator().manual_seed(5))
    return drawn / drawn.flatten(1).norm(dim=1).view(50, 1, 1, 1)


def patches(image, size):
    """All patches of an image (3, H, W), one row each."""
    rows = []
    for y in range(image.shape[1] - size + 1):
        for x in range(image.shape[2] - size + 1):
            rows.append(image[:, y : y + size, x : x + size].ravel())
    return np.array(rows)


def naive_distance(image, frame, directions):
    """Of one image to one frame of the same size, patch by patch."""
    total, size = 0.0, directions.shape[-1]
    for direction in directions.numpy().astype(float):
        found = np.sort(patches(image.numpy(), size) @ direction.ravel())
        wanted = np.sort(patches(frame.numpy(), size) @ direction.ravel())
        total += np.abs(found - wanted).mean()
    return total / len(directions)


def test_distance_is_that_of_sorted_projections_and_its_gradient_lowers_it():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((2, 3, 9, 10), generator=generator)
    frame = torch.randn((1, 3, 9, 10), generator=generator)
    directions = torch.randn((4, 3, 3, 3), generator=generator)
    found = patch_wasserstein(images.requires_grad_(), frame, directions)
    naive = [naive_distance(image, frame[0], directions) for image in images.detach()]
    assert found.tolist() == pytest.approx(naive, rel=1e-5)
    (slope,) = torch.autograd.grad(found.sum(), images)
    assert (patch_wasserstein(images - slope, frame, directions) < found).all()


def test_distance_ignores_where_patches_are_and_how_many():
    frame = torch.randn((1, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    directions = torch.randn((8, 3, 1, 1), generator=torch.Generator().manual_seed(1))
    shuffled = frame.flatten(2)[..., torch.randperm(64)].view_as(frame)
    assert patch_wasserstein(shuffled, frame, directions).item() < 1e-6
    twice = torch.cat([frame, shuffled], dim=3)
    near, far = (patch_wasserstein(x, frame, directions).item() for x in (twice, twice + 0.5))
    assert near < 0.05 < far


def naive_gradient(image, frame, directions):
    """The gradient of `naive_distance` with respect to the pixels: a sign for each projection."""
    size = directions.shape[-1]
    num_directions = len(directions)
    own = patches(image, size)
    others = patches(frame, size)
    gradient_of_patches = np.zeros_like(own)
    for direction in directions.reshape(num_directions, -1):
        projections = own @ direction
        order = np.argsort(projections)
        signs = np.sign(projections[order] - np.sort(others @ direction))
        gradient_of_patches[order] += signs[:, None] * direction / len(own) / num_directions

    gradient = np.zeros_like(image)
    width = image.shape[2] - size + 1
    for i, row in enumerate(gradient_of_patches):
        y, x = divmod(i, width)
        gradient[:, y : y + size, x : x + size] += row.reshape(3, size, size)
    return gradient


def test_a_whole_sample_is_noise_moved_by_adam_against_that_gradient(toy_frames, double_precision):
    """Two levels, both of the frame's size, so that nothing is resized; two steps on each."""
    settings = dict(steps=2, projections=3, patch_size=3, coarsest_side=32, learning_rate=0.02)
    frames = toy_frames.double()
    method = build(frames, noise_amplitude=0.7, **settings)
    assert method.sizes == [(32, 48), (32, 48)]
    latents = method.sample_latents(1, seed=4)
    found, distances = method.match(latents)

    image = 0.7 * latents[0].view(3, 32, 48).numpy()
    frame = frames[0].numpy()
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        image = np.clip(image, -1, 1)
        m = np.zeros_like(image)
        v = np.zeros_like(image)
        for step in (1, 2):
            directions = torch.randn((3, 3, 3, 3), generator=generator).numpy()
            directions /= np.sqrt((directions**2).sum((1, 2, 3), keepdims=True))
            distance = naive_distance(torch.tensor(image), frames[0], torch.tensor(directions))
            gradient = naive_gradient(image, frame, directions)
            m = 0.9 * m + 0.1 * gradient
            v = 0.999 * v + 0.001 * gradient**2
            m_hat = m / (1 - 0.9**step)
            v_hat = v / (1 - 0.999**step)
            image = image - 0.02 * m_hat / (np.sqrt(v_hat) + 1e-8)
    image = np.clip(image, -1, 1)

    assert distances[0].item() == pytest.approx(distance, rel=1e-9)
    np.testing.assert_allclose(found[0].numpy(), image, atol=1e-6)


def test_images_come_near_to_the_frame_and_differ(toy_frames):
    method = build(toy_frames, steps=40, learning_rate=0.03)
    latents = method.sample_latents(3, seed=0)
    images = method.generate(latents)
    assert images.shape == (3, 3, 32, 48) and images.abs().max() <= 1 and not images.requires_grad
    directions = fresh_directions()
    start = 0.1 * latents.unflatten(1, (3, *method.sizes[0]))
    start = F.interpolate(start, size=(32, 48))
    before, after = (patch_wasserstein(x, toy_frames, directions) for x in (start, images))
    assert (after < before / 4).all()
    assert (images[0] - images[1]).abs().mean() > 0.05


def test_images_follow_from_their_latents_alone(toy_frames):
    method = build(toy_frames)
    latents = method.sample_latents(4, seed=2)
    assert torch.equal(latents[:2], method.sample_latents(2, seed=2))
    first = method.generate(latents)
    method.step()
    with torch.no_grad():  # as drawn from a notebook
        assert torch.equal(method.generate(latents), first)
    assert torch.allclose(method.generate(latents[1:2]), first[1:2], atol=1e-3)


@pytest.mark.parametrize("size", [(16, 16), (20, 90), (64, 48), (33, 49)])
def test_other_sizes_and_aspects_work(size, toy_frames):
    method = build(toy_frames, steps=2)
    latents = method.sample_latents(1, 0, size)
    assert method.generate(latents, size=size).shape == (1, 3, *size)


def test_samples_of_a_clip_follow_its_frames_equally_often(toy_frames):
    method = build(torch.cat([toy_frames, -toy_frames]), steps=40, learning_rate=0.03)
    images = method.generate(method.sample_latents(16, seed=0))
    directions = fresh_directions()
    frames = method.real[-1]
    first = patch_wasserstein(images, frames[:1], directions)
    second = patch_wasserstein(images, frames[1:], directions)
    assert 4 <= (first < second).sum() <= 12
    assert (torch.minimum(first, second) < torch.maximum(first, second) / 2).all()


def test_levels_grow_to_the_frames_from_21_pixels():
    sizes = GPDM(torch.zeros(1, 3, 192, 320), make_settings("gpdm"), CPU, "fp32", 0).sizes
    assert sizes[0] == (21, 35) and sizes[-1] == (192, 320)
    assert all(0.83 < low[0] / high[0] < 0.92 for low, high in zip(sizes, sizes[1:], strict=False))


def test_training_counts_one_iteration_and_is_repeated_to_the_bit(toy_frames, tmp_path):
    for name in ("a", "b"):
        run = train("gpdm", toy_frames, tmp_path / name, **SMALL)
    assert run.iteration == 1 and run.finished and 0 < run.log()[0]["distance"] < 1
    again = open_run(tmp_path / "a")
    assert torch.equal(again.sample(2, seed=3), run.sample(2, seed=3))
    assert again.sample(1, size=(40, 40)).shape == (1, 3, 40, 40)
    for pattern in ("samples/*.png", "checkpoint-*.safetensors"):
        (first,), (second,) = ([*(tmp_path / name).glob(pattern)] for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


def test_the_distance_of_the_log_is_that_of_a_sample(toy_frames):
    short = build(toy_frames, steps=1, learning_rate=0.03).step()["distance"]
    long = build(toy_frames, steps=40, learning_rate=0.03).step()["distance"]
    assert long < short / 2


def test_wrong_settings_are_named():
    with pytest.raises(SivLiteError, match="patch_size of gpdm must lie in 1 to 16"):
        make_settings("gpdm", patch_size=17)
    with pytest.raises(SivLiteError, match="Unknown setting 'iterations' of gpdm"):
        make_settings("gpdm", iterations=5)
