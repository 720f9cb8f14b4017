"""SIV-GAN's networks, sizes and switches."""

import math

import pytest
import torch
import torch.nn.functional as F
from plain_training import (
    compare_updates,
    copy_adam,
    copy_generator,
    copy_networks,
    descend,
    move_average,
    refresh_spectral_norm,
)

from siv_lite.augment import apply_transforms, mix_channels, mix_rectangle, sample_transforms
from siv_lite.errors import SivLiteError
from siv_lite.methods import make_settings
from siv_lite.methods.siv_gan import SIVGAN, Discriminator, Generator, Settings, complete_settings

CPU = torch.device("cpu")
ABLATIONS = {  # Tables 3, 4 and 6
    "full": {},
    "no layout": {"layout_branch": False},
    "no content": {"content_branch": False},
    "no branches": {"layout_branch": False, "content_branch": False},
    "no DR": {"diversity": "none"},
    "no FA": {"feature_mixing": 0.0},
    "no DA": {"augmentation": 0.0},
    "no low-level loss": {"low_level_loss": False},
    "DR in images": {"diversity": "images"},
    "DS": {"diversity": "DS"},
    "zCR": {"diversity": "zCR"},
    "broadcast": {"latent": "broadcast"},
    "spatial": {"latent": "spatial"},
    "spatial, DS": {"latent": "spatial", "diversity": "DS"},
    "spatial, zCR": {"latent": "spatial", "diversity": "zCR"},
    "DR without contrast": {"diversity": "normalized"},
    "one low-level block": {"low_level_blocks": 1},
}


def build(frames, precision="fp32", seed=0, **settings):
    return SIVGAN(frames, make_settings("siv_gan", "smoke", **settings), CPU, precision, seed)


def networks(**settings):
    settings = complete_settings(Settings(base_channels=8, **settings), 1, 48, 64)
    generator = torch.Generator().manual_seed(0)
    G, D = Generator(settings), Discriminator(settings)
    G.init_weights(CPU, generator)
    D.init_weights(CPU, generator)
    return G, D


@pytest.mark.parametrize(
    "height, width, size, depths",
    [
        (32, 32, (32, 32), (4, 2, 3)),
        (48, 64, (48, 64), (5, 2, 3)),
        (90, 160, (96, 160), (6, 3, 3)),
        (192, 320, (192, 320), (7, 3, 4)),
        (256, 256, (256, 256), (7, 3, 4)),
        (288, 512, (320, 576), (7, 3, 4)),
        (576, 1024, (640, 1152), (8, 4, 3)),
        (768, 1024, (768, 1024), (9, 4, 4)),
    ],
)
def test_depths_follow_from_the_frames(height, width, size, depths):
    s = complete_settings(Settings(), 1, height, width)
    assert tuple(side * 2 ** (s.generator_blocks - 1) for side in s.coarsest_size) == size
    assert (s.generator_blocks, s.low_level_blocks, s.branch_blocks) == depths


def test_every_size_from_32_px_and_every_aspect_up_to_4_gets_networks_that_fit():
    for short in [*range(32, 200, 7), 256, 400]:
        for aspect in (1, 1.2, 4 / 3, 16 / 9, 2, 2.5, 3, 4):
            for height, width in ((short, round(short * aspect)), (round(short * aspect), short)):
                s = complete_settings(Settings(), 1, height, width)
                made = [side * 2 ** (s.generator_blocks - 1) for side in s.coarsest_size]
                assert abs(math.log(made[0] / made[1] * width / height)) < 0.17, (height, width, s)
                assert 0.75 < math.sqrt(made[0] * made[1] / height / width) < 1.35, (
                    height,
                    width,
                    s,
                )
                assert min(made) >> (s.low_level_blocks + s.branch_blocks) >= 1


def test_generator_gives_the_images_that_the_discriminator_reads():
    G, D = networks()
    features = G.features(torch.randn(2, 64))
    assert [tuple(x.shape[1:]) for x in features] == [
        (64, 3, 4),
        (64, 6, 8),
        (32, 12, 16),
        (16, 24, 32),
        (8, 48, 64),
    ]
    pyramid = G.to_images(features)
    assert [tuple(x.shape) for x in pyramid] == [(2, 3, 48, 64), (2, 3, 24, 32)]
    assert all(x.abs().max() <= 1 for x in pyramid)
    assert {part: len(maps) for part, maps in D(pyramid).items()} == {
        "low_level": 2,
        "content": 3,
        "layout": 3,
    }


def test_spatial_latents_move_only_what_is_near_their_cell():
    settings = Settings(base_channels=8, latent="spatial", coarsest_size=(3, 12))
    settings = complete_settings(settings, 1, 48, 192)
    G = Generator(settings)
    G.init_weights(CPU, torch.Generator().manual_seed(0))
    z = torch.randn(1, 64, 3, 12)
    changed = z.clone()
    changed[..., 0] += 1
    with torch.no_grad():
        before, after = G.features(z)[-1], G.features(changed)[-1]
    columns = (before - after).abs().amax((0, 1, 2)) > 0
    assert columns[: 2 * 16].all() and not columns[6 * 16 :].any()
    with pytest.raises(AssertionError):
        G.features(z[..., 0, 0])


def test_branches_see_only_content_or_only_layout():
    _, D = networks()
    x = torch.randn(1, 32, 12, 16)
    places = torch.randperm(12 * 16)
    shuffled = x.flatten(2)[:, :, places].view_as(x)
    torch.testing.assert_close(D.branch_input("content", x), D.branch_input("content", shuffled))
    assert not torch.allclose(D.branch_input("layout", x), D.branch_input("layout", shuffled))
    assert D.branch_input("content", x).shape == (1, 32, 1, 1) and D.branch_input(
        "layout", x
    ).shape == (1, 1, 12, 16)


def test_features_of_generated_samples_are_never_mixed():
    G, D = networks(feature_mixing=1.0)
    pyramid = G.to_images(G.features(torch.randn(4, 64)))
    plain, mixed = D(pyramid), D(pyramid, num_real=2, generator=torch.Generator().manual_seed(0))
    for part in ("content", "layout"):
        for a, b in zip(plain[part], mixed[part], strict=True):
            torch.testing.assert_close(a[2:], b[2:])
        assert not torch.allclose(plain[part][0][:2], mixed[part][0][:2])


def test_equation_3_weights_the_parts(toy_frames):
    parts = {
        "content": torch.tensor(1.0),
        "layout": torch.tensor(10.0),
        "low_level": torch.tensor(100.0),
    }
    assert build(toy_frames).total_loss(parts).item() == 211
    assert build(toy_frames, low_level_loss=False).total_loss(parts).item() == 11


def test_generator_block_is_the_plain_residual_block():
    G, _ = networks()
    block, x = G.blocks[2], torch.randn(2, 64, 6, 8)
    up = F.interpolate(F.leaky_relu(x, 0.2), scale_factor=2, mode="nearest")
    inner = F.leaky_relu(F.conv2d(up, block.first.weight, block.first.bias, padding=1), 0.2)
    plain = F.conv2d(inner, block.second.weight, block.second.bias, padding=1)
    plain = plain + F.conv2d(
        F.interpolate(x, scale_factor=2, mode="nearest"), block.shortcut.weight
    )
    torch.testing.assert_close(block(x), plain, rtol=1e-4, atol=1e-5)


def test_discriminator_block_is_the_plain_residual_block():
    _, D = networks()
    block, x = D.low_level[1], torch.randn(2, 18, 20, 14)
    inner = F.leaky_relu(
        F.conv2d(F.leaky_relu(x, 0.2), block.first.weight, block.first.bias, padding=1), 0.2
    )
    plain = F.conv2d(inner, block.second.weight, block.second.bias, padding=1) + F.conv2d(
        x, block.shortcut.weight
    )
    torch.testing.assert_close(block(x), F.avg_pool2d(plain, 2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_is_a_switch_that_trains(name, toy_frames):
    method = build(toy_frames, **ABLATIONS[name])
    before = {key: tensor.clone() for key, tensor in method.state().items()}
    losses = [method.step() for _ in range(2)][-1]
    assert all(value.isfinite() for value in losses.values())
    for key, tensor in method.state().items():
        unused = name == "no low-level loss" and "low_level" in key and "decide" in key
        if (
            key.startswith(("G", "D"))
            and key.endswith(".weight_orig")
            and tensor.numel() > 1
            and not unused
        ):
            assert not torch.equal(tensor, before[key]), f"{key} does not learn"


# A whole step


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def naive_discriminator(D, images, num_real, mixing, generator):
    """D of `Fig. 2`, part by part: a list of logits per part."""
    x = None
    low_level = []
    for block, from_rgb, image in zip(D.low_level, D.from_rgb, images, strict=True):
        rgb = from_rgb(image)
        x = block(rgb if x is None else torch.cat([x, rgb], 1))
        low_level.append(block.decide(x))

    content = x.mean((2, 3), keepdim=True)
    if num_real:
        mixed = mix_channels(content[:num_real], mixing, generator)
        assert torch.equal(mixed, content[:num_real]) == (mixing < 0.5)  # with these seeds
        content = torch.cat([mixed, content[num_real:]])
    content_logits = []
    for block in D.branches["content"]:
        content = block(content)
        content_logits.append(block.decide(content))

    layout = D.squeeze(x)
    if num_real:
        mixed = mix_rectangle(layout[:num_real], mixing, generator)
        assert torch.equal(mixed, layout[:num_real]) == (mixing < 0.5)
        layout = torch.cat([mixed, layout[num_real:]])
    layout_logits = []
    for block in D.branches["layout"]:
        layout = block(layout)
        layout_logits.append(block.decide(layout))
    return low_level, content_logits, layout_logits


def mean(values):
    return sum(values) / len(values)


def without_contrast(x):
    """One sample (c, h, w) with mean 0 in each channel and root mean square 1 over all."""
    x = x - x.mean((1, 2), keepdim=True)
    return x / (x.square().mean() + 1e-6).sqrt()


def naive_diversity(features, kind):
    """Eq. 4, pair by pair."""
    by_block = []
    for x in features:
        y = torch.tanh(x)
        if kind == "normalized":
            y = torch.stack([without_contrast(sample) for sample in y])
        pairs = [(i, j) for i in range(len(y)) for j in range(i)]
        by_block.append(mean([(y[i] - y[j]).abs().mean() for i, j in pairs]))
    return mean(by_block)


@pytest.mark.parametrize(
    "latent, diversity, mixing, ema_decay, seed",
    [("projected", "features", 0.95, 0.9, 0), ("spatial", "normalized", 0.05, 0.29, 2)],
)
def test_a_whole_step_is_what_the_equations_say_by_plain_backward(
    latent, diversity, mixing, ema_decay, seed, toy_frames, double_precision
):
    clip = torch.cat([toy_frames, toy_frames.flip(3)]).double()
    settings = dict(latent=latent, diversity=diversity, ema_decay=ema_decay, learning_rate=1e-3)
    method = build(clip, seed=seed, feature_mixing=mixing, **settings)
    for _ in range(2):  # so that no state of Adam or of the average is zero
        method.step()
    n = method.settings.batch_size
    generator = copy_generator(method)
    G, D, G_ema = copy_networks(method, "G", "D", "G_ema")
    adam_G = copy_adam(method, "G", G, 1e-3)
    adam_D = copy_adam(method, "D", D, 1e-3)

    def draw_latents():
        return torch.randn(n, *method.G.latent_shape, generator=generator)

    def augment(images):
        maps = sample_transforms(len(images[0]), *method.size, 0.7, generator)
        return [apply_transforms(x, maps) for x in images]

    # D, Eq. 1 to 3: real images first.
    with torch.no_grad():
        fake = G.to_images(G.features(draw_latents()))
    index = torch.randint(2, (n,), generator=generator)
    assert 0 < index.sum() < n  # both frames, or nobody would notice that one is always taken
    batch = [torch.cat([real[index], x]) for real, x in zip(method.real, fake, strict=True)]
    parts = []
    for maps in naive_discriminator(D, augment(batch), n, mixing, generator):
        parts.append(mean([bce(x[:n], 1.0) + bce(x[n:], 0.0) for x in maps]))
    loss_D = parts[1] + parts[2] + 2 * parts[0]
    descend(loss_D, adam_D)
    refresh_spectral_norm(D)

    # G, Eq. 4 and 5; then the average of its weights, at iteration 3.
    features = G.features(draw_latents())
    fake = G.to_images(features)
    parts = []
    for maps in naive_discriminator(D, augment(fake), 0, mixing, generator):
        parts.append(mean([bce(x, 1.0) for x in maps]))
    loss_G = parts[1] + parts[2] + 2 * parts[0]
    diversity = naive_diversity(features, method.settings.diversity)
    descend(loss_G - 16 * 0.15 * diversity, adam_G)
    refresh_spectral_norm(G)
    move_average(G_ema, G, ema_decay, 3)

    before = {name: x.clone() for name, x in method.state().items()}
    found = method.step()
    for name, wanted in (("D", loss_D), ("G", loss_G), ("diversity", diversity)):
        torch.testing.assert_close(found[name], wanted.detach(), rtol=1e-7, atol=1e-9)
    for name, plain in (("G", G), ("D", D), ("G_ema", G_ema)):
        compare_updates(before, method.networks[name], plain, name)
    assert torch.equal(generator.get_state(), method.generator.get_state())


def test_bf16_trains_and_stays_near_fp32(toy_frames):
    method = build(toy_frames, precision="bf16")
    a, b = build(toy_frames).step(), method.step()
    assert all(abs(a[name] - b[name]) < 0.05 for name in a)
    assert method.generate(method.sample_latents(2, 0)).dtype == torch.float32


def test_diversity_regularization_makes_samples_differ(toy_frames):
    spreads = {}
    for kind in ("features", "none"):
        method = build(toy_frames, iterations=60, diversity=kind)
        for _ in range(60):
            method.step()
        spreads[kind] = method.generate(method.sample_latents(8, 0)).std(0).mean()
    assert spreads["features"] > 1.5 * spreads["none"]


def test_discriminator_tells_real_from_noise_better_with_training(toy_frames):
    method = build(toy_frames, iterations=60, learning_rate=1e-3)
    update = method.update
    # G stays as it is: otherwise both get better, and D's loss need not fall.
    method.update = lambda loss, lr: update(loss, lr=lr) if "D" in lr else None
    first = sum(method.step()["D"] for _ in range(5))
    for _ in range(25):
        method.step()
    assert sum(method.step()["D"] for _ in range(5)) < first


def test_learning_rate_falls_to_zero_over_the_last_share(toy_frames):
    method = build(toy_frames, iterations=10, lr_decay_fraction=0.5, learning_rate=0.1)
    rates = []
    for _ in range(10):
        method.step()
        rates.append(round(method.optimizers["G"].param_groups[0]["lr"].item(), 6))
    assert rates == [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"low_level_blocks": 6}, "need images of"),
        ({"branch_blocks": 8}, "need images of"),
        ({"coarsest_size": (0, 4)}, "coarsest_size"),
        ({"coarsest_size": (3, 400)}, "coarsest_size"),
        ({"base_channels": -16}, "base_channels"),
        ({"batch_size": 1}, "batch_size"),
        ({"iterations": 0}, "iterations"),
        ({"augmentation": 1.5}, "augmentation"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"diversity": "DR"}, "Literal\\['features'"),
        ({"base_channels": 16.5}, "base_channels"),
        ({"layout_branch": 1}, "layout_branch"),
        ({"learnign_rate": 0.1}, "Unknown setting 'learnign_rate'"),
    ],
)
def test_bad_settings_get_one_sentence(settings, message, toy_frames):
    with pytest.raises(SivLiteError, match=message) as error:
        build(toy_frames, **settings)
    assert "\n" not in str(error.value)
