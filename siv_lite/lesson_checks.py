"""What the lessons check of the package: an AssertionError says what to look at.

`exercise` makes such a check of what a reader wrote: it prints one sentence and stops nothing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

from siv_lite.methods import make_settings
from siv_lite.methods.siv_gan import SIVGAN, Discriminator
from siv_lite.nn import SpectralConv2d, SpectralNetwork
from siv_lite.rendering.denoiser import denoise_exact
from siv_lite.rendering.patches import PatchGrid, PatchTable


def check(
    found: Any, expected: Any, hint: str, rtol: float | None = None, atol: float | None = None
) -> None:
    """Compare numbers, and say where to look if they differ.

    Args:
        found: a tensor, a number, or a list of numbers.
        expected: the same, of the same shape.
        hint: the first line of the error, such as "look at the sign of the slope".
        rtol: largest relative difference; None: 0, or torch's default if `atol` is None too.
        atol: largest absolute difference; None: 0, or torch's default if `rtol` is None too.

    Raises:
        AssertionError: if any two numbers differ by more; it begins with `hint`.
    """
    if rtol is not None or atol is not None:
        rtol = rtol or 0.0
        atol = atol or 0.0
    torch.testing.assert_close(
        torch.as_tensor(found),
        torch.as_tensor(expected),
        rtol=rtol,
        atol=atol,
        msg=lambda differences: f"{hint}\n{differences}",
    )


def largest_difference(found: Any, expected: Any) -> float:
    """Measure how far apart numbers are that should be equal, to be printed beside them.

    Args:
        found: a tensor, a number, or a list of numbers.
        expected: the same, of the same shape.

    Returns:
        The largest absolute difference.
    """
    difference = torch.as_tensor(found) - torch.as_tensor(expected)
    return difference.abs().max().item()


class NothingReturnedError(Exception):
    """A reader's function returned None: the exercise has not been begun."""


def exercise(number: int, start: str) -> Callable[[Callable], Callable]:
    """Make a function that checks a reader's answer print one sentence in place of an error.

    The decorated function gets the answer first, a function that the reader wrote. What it asserts
    becomes a hint, so that no traceback hides it and the exercises below are checked, too. It may
    return a sentence, to be printed after "right".

    Args:
        number: of the exercise in its lesson.
        start: a sentence that helps to begin, for an answer that returns nothing yet.

    Returns:
        The decorator.
    """

    def decorate(check_answer: Callable) -> Callable:
        @wraps(check_answer)
        def print_verdict(answer: Callable, *arguments: Any) -> None:
            verdict = _judge_answer(check_answer, answer, arguments, start)
            print(f"Exercise {number}: {verdict}")

        return print_verdict

    return decorate


def _judge_answer(check_answer: Callable, answer: Callable, arguments: tuple, start: str) -> str:
    """Say in a sentence whether an answer is right, or what to look at."""

    @wraps(answer)
    def refuse_nothing(*values: Any) -> Any:
        result = answer(*values)
        if result is None:
            raise NothingReturnedError
        return result.detach() if isinstance(result, torch.Tensor) else result

    try:
        praise = check_answer(refuse_nothing, *arguments)
    except NothingReturnedError:
        return f"not yet, {answer.__name__} returns nothing. {start}"
    except AssertionError as error:
        hint = str(error).partition("\n")[0]
        return f"not right yet. {hint}"
    except Exception as error:  # whatever a beginner's function may raise
        reason = str(error).partition("\n")[0]
        return f"{answer.__name__} stops with {type(error).__name__}: {reason}"
    return f"right. {praise}" if praise else "right."


def check_power_iteration(matrix: torch.Tensor, start: torch.Tensor, sigmas: torch.Tensor) -> None:
    """Check the package's power iteration on one matrix (lesson 3).

    Args:
        matrix: (rows, columns), the weights of a 1x1 convolution.
        start: (rows), the vector u to start from.
        sigmas: (n), the spectral norm that each of n rounds must find.

    Raises:
        AssertionError: if the package finds another one, or divides its weights by another number.
    """
    rows, columns = matrix.shape
    network = SpectralNetwork()
    network.layer = SpectralConv2d(columns, rows, kernel_size=1, bias=False)
    network.init_weights(torch.device("cpu"), torch.Generator().manual_seed(0))
    network.layer.weight_orig.data.copy_(matrix.view(rows, columns, 1, 1))
    network.layer.u.copy_(start)
    for sigma in sigmas:
        network.normalize()
        hint = "Look at SpectralNetwork.normalize in siv_lite/nn/spectral_norm.py: "
        check(network.sigmas[0], sigma, hint + "first v from W.T u, then u from W v")
        check(network.layer.weight.view(rows, columns), matrix / sigma, hint + "divide by sigma")


def check_average(model: SIVGAN, steps: int) -> None:
    """Check that the average of G's weights follows G, while the model takes some steps (lesson 3).

    Args:
        model: an untrained SIV-GAN; it is trained.
        steps: how many steps it takes, at least 1.

    Raises:
        AssertionError: if a weight of the average is ever not k times what it was before, plus
            1 - k times G's.
    """
    hint = (
        "The averaged generator does not follow G, and it draws every image that users see: "
        "look at the call of update_ema at the end of SIVGAN.step "
        "(siv_lite/methods/siv_gan.py), then at update_ema in siv_lite/nn/optim.py"
    )
    ours = [weight.detach().clone() for weight in model.G_ema.parameters()]
    for n in range(1, steps + 1):
        model.step()
        k = min(model.settings.ema_decay, (1 + n) / (10 + n))
        for i, weight in enumerate(model.G.parameters()):
            ours[i] = k * ours[i] + (1 - k) * weight.detach()
        for weight, expected in zip(model.G_ema.parameters(), ours, strict=True):
            check(weight.detach(), expected, hint, atol=1e-6)


def check_sizes(D: Discriminator) -> None:
    """Check how many channels D's blocks take (lesson 4).

    Args:
        D: a discriminator with both branches.

    Raises:
        AssertionError: if content does not take all channels, layout one, and a low-level block the
            features from above and those of its own image.
    """
    hint = "Look at Discriminator.__init__ in siv_lite/methods/siv_gan.py: "
    taken = {part: blocks[0].first.weight_orig.shape[1] for part, blocks in D.branches.items()}
    wanted = {"content": D.squeeze.weight_orig.shape[1], "layout": 1}
    assert taken == wanted, (
        hint + f"the branches take {taken} channels, not {wanted}; are the branches swapped?"
    )

    for i in range(1, len(D.low_level)):
        taken = D.low_level[i].first.weight_orig.shape[1]
        above = D.low_level[i - 1].second.weight_orig.shape[0]
        from_rgb = D.from_rgb[i].weight_orig.shape[0]
        wanted = f"{above} features and {from_rgb} of from-RGB"
        assert taken == above + from_rgb, (
            hint + f"low-level block {i} takes {taken} channels, not {wanted}"
        )


def check_forward(
    D: Discriminator,
    pyramid: list[torch.Tensor],
    judge: Callable[
        [Discriminator, list[torch.Tensor]], tuple[torch.Tensor, dict[str, list[torch.Tensor]]]
    ],
) -> None:
    """Check D's forward pass against one written by hand (lesson 4).

    Args:
        D: a discriminator with both branches.
        pyramid: images (n, 3, H, W) and their halves, one for each low-level block.
        judge: returns F(x) and, by part, the maps of logits that D should give.

    Raises:
        AssertionError: if F(x), the size of a map, or a logit differs.
    """
    hint = "Look at Discriminator.forward in siv_lite/methods/siv_gan.py: "
    features = []
    hook = D.low_level[-1].register_forward_hook(
        lambda layer, inputs, output: features.append(output)
    )
    try:
        with torch.no_grad():
            theirs = D(pyramid)
            our_features, ours = judge(D, pyramid)
    except RuntimeError as error:
        raise AssertionError(
            hint + "are the branches swapped, or from-RGB features not concatenated?"
        ) from error
    finally:
        hook.remove()

    question = "F(x) differs. Are the from-RGB features of each smaller image concatenated?"
    check(features[0], our_features, hint + question, rtol=1e-4, atol=1e-5)
    assert theirs.keys() == ours.keys(), hint + f"its parts are {list(theirs)}"
    for part, maps in ours.items():
        shapes = [tuple(x.shape) for x in theirs[part]]
        wanted = [tuple(x.shape) for x in maps]
        assert shapes == wanted, (
            hint + f"{part} gives maps {shapes}, not {wanted}; are the branches swapped?"
        )
        for found, own in zip(theirs[part], maps, strict=True):
            question = "What does `branch_input` give it, and through which blocks does that go?"
            check(found, own, f"{hint}{part} differs. {question}", rtol=1e-3, atol=1e-6)


def check_diversity_sign(
    frames: torch.Tensor, diversity: Callable[[list[torch.Tensor]], torch.Tensor]
) -> None:
    """Check that a step of SIV-GAN with a huge lambda moves its samples apart (lesson 5).

    Args:
        frames: (N, 3, H, W) in [-1, 1].
        diversity: Eq. 4: from the features of a batch after each block to one number.

    Raises:
        AssertionError: if eight fixed latents are more alike after the step.
    """
    weights = {"learning_rate": 1e-4, "diversity_weight": 1e4}
    settings = make_settings("siv_gan", "smoke", diversity="features", **weights)
    model = SIVGAN(frames, settings, torch.device("cpu"), "fp32", 0)
    latents = model.sample_latents(8, seed=1)
    # A fresh network's spectral norms are rough guesses, and correcting them changes DR too.
    for _ in range(50):
        model.G.normalize()

    with torch.no_grad():
        before = diversity(model.G.features(latents))
    model.step()
    with torch.no_grad():
        after = diversity(model.G.features(latents))
    assert after > before, (
        "One step on G made its samples more alike, though lambda is huge: look at the sign of "
        "`diversity` in the last `self.update` of SIVGAN.step (siv_lite/methods/siv_gan.py). "
        "G descends a loss, so DR has to be subtracted"
    )


def check_denoiser(
    denoise: Callable[[torch.Tensor, torch.Tensor, float, float], torch.Tensor],
) -> None:
    """Check the package's denoiser against one written by hand, on random patches (lesson 11).

    Args:
        denoise: from a query (d), patches (m, d), the share a of the image and the standard
            deviation s of the noise to the mean E[p | q], (d).

    Raises:
        AssertionError: if any mean differs.
    """
    hint = (
        "Look at denoise_exact in siv_lite/rendering/denoiser.py: the distance is |q - a p|^2; "
        "is the a forgotten?"
    )
    generator = torch.Generator().manual_seed(0)
    volume = torch.randn(1, 3, 1, 5, 6, generator=generator)
    table = PatchTable(volume, patch_size=(1, 2, 3))
    for s in (0.9, 0.5, 0.1):
        a = 1 - s
        noise = torch.randn(table.patches.shape, generator=generator)
        queries = a * table.patches + s * noise
        means, _ = denoise_exact(queries, table, a, s)
        expected = [denoise(query, table.patches, a, s) for query in queries]
        check(means, torch.stack(expected), hint, rtol=1e-3, atol=1e-4)


def check_overlaps() -> None:
    """Check that patches cover an image and are averaged where they overlap (lesson 11).

    Raises:
        AssertionError: if patches put back are not the image, or if two that disagree do not meet
            in the middle.
    """
    hint = "Look at PatchGrid in siv_lite/rendering/patches.py: "
    generator = torch.Generator().manual_seed(0)
    volume = torch.randn(1, 3, 1, 7, 8, generator=generator)
    patch_size = (1, 3, 3)
    stride = (1, 2, 2)
    grid = PatchGrid((1, 7, 8), patch_size, stride)
    back = grid.average(grid.extract(volume))
    check(back, volume, hint + "patches put back must be the image", rtol=1e-4, atol=1e-4)

    # Two patches of three pixels share the middle one of five; one is 0, the other 1.
    pair = PatchGrid((1, 3, 5), patch_size, stride)
    patches = torch.stack([torch.zeros(27), torch.ones(27)])
    columns = pair.average(patches)[0, 0, 0, 0]
    expected = torch.tensor([0, 0, 0.5, 1, 1])
    check(columns, expected, hint + "where patches overlap, their mean is taken", atol=1e-4)
