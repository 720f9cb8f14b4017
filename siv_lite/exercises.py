"""Checks of the lessons' exercises: each prints whether a reader's answer is right, or a hint."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from siv_lite import losses, nn
from siv_lite.augment import apply_transforms, mix_channels
from siv_lite.lesson_checks import check, exercise
from siv_lite.methods import make_settings
from siv_lite.methods.pyramid import pyramid_sizes
from siv_lite.methods.siv_gan import Discriminator
from siv_lite.metrics import evaluate, pixel_diversity, sliced_wasserstein
from siv_lite.rendering.patches import PatchTable
from siv_lite.training import Run

# Lesson 1: one image is a data set


@exercise(1, "How many places has a window down, and how many across?")
def check_count_patches(count_patches: Callable) -> None:
    """Check how many patches the images of a pyramid hold.

    Args:
        count_patches: from sizes (height, width) and the patch's side to a number.
    """
    small = count_patches([(4, 5)], 3)
    assert small == 6, f"In 4 x 5 pixels it counts {small} patches of 3 x 3; draw them on paper."
    both = count_patches([(48, 64), (25, 34)], 11)
    apart = count_patches([(48, 64)], 11) + count_patches([(25, 34)], 11)
    assert both == apart, "Two scales do not hold as many as each of them alone, added up."
    assert both == 38 * 54 + 15 * 24, "One scale of 4 x 5 is right, larger ones are not."
    too_small = count_patches([(6, 64)], 11)
    assert too_small == 0, f"6 rows hold no window of 11, but it counts {too_small}."
    assert count_patches([(6, 7)], 11) == 0, "An image too small both ways holds none either."


@exercise(2, "How many input pixels is one step of each layer worth?")
def check_receptive_field(receptive_field: Callable) -> None:
    """Compare a formula of the receptive field with what a gradient finds.

    Args:
        receptive_field: from the kernel sizes and strides of a chain to a number of pixels.
    """
    chains = [([3], [1]), ([3] * 5, [1] * 5), ([5, 3], [1, 1]), ([3, 3], [2, 1])]
    chains.append(([4, 4, 3], [2, 2, 1]))
    for kernels, strides in chains:
        row = torch.zeros(1, 1, 200, requires_grad=True)
        result = row
        for kernel, stride in zip(kernels, strides, strict=True):
            result = F.conv1d(result, torch.ones(1, 1, kernel), stride=stride)
        (gradient,) = torch.autograd.grad(result[0, 0, 2], row)

        found = receptive_field(kernels, strides)
        seen = int(gradient.count_nonzero())
        way = "too few" if found < seen else "too many"
        assert found == seen, f"Kernels {kernels} with strides {strides}: {found} pixels are {way}."


@exercise(3, "Which changes of 4 x 4 pixels leave their mean as it is?")
def check_fool_coarse(fool_coarse: Callable, frames: Tensor) -> None:
    """Check that an image was changed so that only the finest scale notices.

    Args:
        fool_coarse: from an image to the changed one, both (1, 3, H, W).
        frames: the image, (1, 3, H, W) in [-1, 1].
    """
    fooled = fool_coarse(frames)
    assert fooled.shape == frames.shape, "The image must keep its size."
    assert fooled.abs().max() <= 1, "Its values must stay within [-1, 1]."
    fine, _, coarse = sliced_wasserstein(fooled, frames)
    assert fine > 0.2, f"The finest distance is only {fine:.3f}: change more within the blocks."
    assert coarse < 0.05, f"The coarsest distance is {coarse:.3f}: what does halving twice keep?"


# Lesson 2: the patch-GAN pyramid


@exercise(1, "Multiply in a loop, or take a logarithm.")
def check_count_stages(count_stages: Callable) -> None:
    """Compare a number of stages with the package's pyramid.

    Args:
        count_stages: from the image's shorter side, the coarsest one's and the factor to the
            number.
    """
    for case in ((48, 25, 0.65), (48, 6, 0.3), (188, 25, 0.75), (100, 25, 0.8)):
        short, coarsest, factor = case
        found = count_stages(*case)
        wanted = len(pyramid_sizes(short, 2 * short, coarsest, factor))
        way = "too few" if found < wanted else "too many"
        hint = "is it stages that you count, or steps; and what does the official code add?"
        assert found == wanted, f"From {coarsest} to {short} by {factor}, {found} is {way}: {hint}"


@exercise(2, "Make the image in between with requires_grad_(), and ask torch.autograd.grad.")
def check_penalty(my_penalty: Callable) -> None:
    """Compare a gradient penalty with the package's.

    Args:
        my_penalty: from D, a real and a generated image and the share between them to a number.
    """

    def curved(images: Tensor) -> Tensor:
        """A discriminator whose gradient depends on the place."""
        return images.pow(3).sum(1, keepdim=True)

    real = torch.ones(1, 3, 4, 4)
    fake = torch.zeros(1, 3, 4, 4)
    share = torch.rand((1, 1, 1, 1), generator=torch.Generator().manual_seed(1))
    wanted = losses.gradient_penalty(curved, real, fake, torch.Generator().manual_seed(1))
    found = my_penalty(curved, real, fake, share)
    hint = f"It gives {float(found):.3f} for D = the sum of cubed colors: which place between the "
    hint += "two is meant, and over what is the length taken?"
    check(found, wanted, hint, rtol=1e-4, atol=1e-5)


@exercise(3, "Begin with the reconstruction's noise, a list with one entry for each stage.")
def check_vary_only(vary_only: Callable, run: Run) -> None:
    """Check samples with fresh noise at one stage only.

    Args:
        vary_only: from a stage to four images (4, 3, H, W).
        run: of singan; the noise is that of its seed 1.
    """
    method = run.method
    newest = method.num_stages - 1
    hint = "which entry is replaced, and are values outside [-1, 1] clamped?"
    expected = run.sample(4, seed=1, start=newest)
    check(vary_only(newest), expected, f"At stage {newest} alone: {hint}")

    latents = method.sample_latents(4, seed=1)
    coarsest = method.split_latents(latents, method.sizes)[0]
    latents[:, coarsest[0].numel() :] = 0
    check(vary_only(0), run.decode(latents), f"At stage 0 alone: {hint}")


# Lesson 3: from noise to image


@exercise(1, "Which neighbor reads the leftmost cell?")
def check_fold_mean(fold_mean: Callable) -> None:
    """Check the four numbers that equal a kernel of three and then the mean of two.

    Args:
        fold_mean: from the kernel's three numbers to the four.
    """
    four = torch.as_tensor(fold_mean(1.0, 10.0, 100.0))
    assert four.shape == (4,), f"Four numbers are wanted, not {four.numel()}."
    three = torch.tensor([1.0, 10, 100])
    row = torch.tensor([[[1.0, 2, 5, 3, 4, 9]]])
    plain = F.avg_pool1d(F.conv1d(row, three.view(1, 1, 3), padding=1), 2)
    folded = F.conv1d(row, four.view(1, 1, 4), stride=2, padding=1)
    if torch.allclose(folded, 2 * plain):
        raise AssertionError("All results are twice too large: it is a mean, not a sum.")
    check(folded, plain, "Write down, for one mean, how often each of four cells is read by what.")
    package = nn.pool_kernel(three.outer(three)[None, None])[0, 0]
    check(four.outer(four), package, "It differs from the package's nn.pool_kernel.")


@exercise(2, "Tensor.roll moves along a dimension; number 3 of a map is its columns.")
def check_move_right(move_right: Callable, run: Run) -> None:
    """Check that a scene was moved by one cell of the map after block 2.

    Args:
        move_right: returns sample 0 of twelve of seed 1, moved, (1, 3, h, w).
        run: of siv_gan.
    """
    image = run.decode(run.method.sample_latents(12, seed=1))[:1]
    blocks = len(run.method.G_ema.blocks)
    width = image.shape[3]
    cell = 2 ** (blocks - 2)
    reach = 2 ** (blocks - 1) - 1  # the border and the seam are left out
    moved = move_right()
    expected = image[..., reach : width - reach - cell]
    hint = f"This is not the same scene {cell} pixels further right: which way did it move, and "
    check(moved[..., reach + cell : width - reach], expected, hint + "in which map?", atol=1e-4)


@exercise(3, "Multiply the inequality by 10 + n first.")
def check_warm_up(warm_up: Callable) -> str:
    """Check after how many updates the average's warm-up ends.

    Args:
        warm_up: from the decay to the number of updates.

    Returns:
        What it means for the paper.
    """
    for decay in (0.9, 0.99, 0.999):
        counted = next(n for n in range(10**5) if (1 + n) / (10 + n) >= decay - 1e-12)
        found = warm_up(decay)
        way = "early" if found < counted else "late"
        assert abs(found - counted) <= 1, f"For {decay} your answer, {found}, is too {way}."
    long = round(warm_up(0.9999), -3)
    return f"Of the paper's 100,000 iterations, a decay of 0.9999 warms up over {long:,}."


# Lesson 4: two judges


@exercise(1, "What does a mean over all places leave of F(x)?")
def check_count_numbers(count_numbers: Callable) -> None:
    """Check how many numbers each branch receives.

    Args:
        count_numbers: from height, width, blocks and channels to the numbers of content and layout.
    """
    for case in ((48, 64, 2, 64), (192, 320, 3, 256)):
        height, width, blocks, channels = case
        content, layout = count_numbers(*case)
        image = f"an image of {height} x {width}"
        hint = "over what is the mean taken, and what is left?"
        assert content == channels, f"Content does not receive {content} of {image}: {hint}"
        places = (height // 2**blocks) * (width // 2**blocks)
        hint = "how large is the map after the blocks, and how many channels are left of it?"
        assert layout == places, f"Layout does not receive {layout} of {image}: {hint}"


@exercise(2, "Begin with F.softplus(-logits) of one map.")
def check_generator_loss(generator_loss: Callable) -> None:
    """Compare G's side of Eq. 3 with the package's.

    Args:
        generator_loss: from logits by part to one number.
    """
    generator = torch.Generator().manual_seed(0)
    logits = {}
    for part, sides in {"low_level": (4, 2), "content": (4, 2), "layout": (8, 4, 1)}.items():
        logits[part] = [torch.randn(5, 1, side, side, generator=generator) for side in sides]
    parts = {part: losses.generator_part_loss(maps) for part, maps in logits.items()}
    wanted = parts["content"] + parts["layout"] + 2 * parts["low_level"]
    found = generator_loss(logits)
    hint = f"It gives {float(found):.3f} for the check's random logits: look at the sign, at mean "
    check(found, wanted, hint + "or sum over maps and over blocks, and at the weights of Eq. 3.")


@exercise(3, "Change F(x) in a way to which content is blind.")
def check_find_content(find_content: Callable, D: Discriminator, features: Tensor) -> None:
    """Check that the content branch is found among two judges without names.

    Args:
        find_content: from two functions of F(x) and one F(x) to 0 or 1.
        D: with both branches.
        features: F(x), (1, C, h, w).
    """

    def make_judge(part: str) -> Callable:
        """A function from F(x) to the mean logit of a branch."""

        @torch.no_grad()
        def judge(x: Tensor) -> float:
            y = D.branch_input(part, x)
            logits = []
            for block in D.branches[part]:
                y = block(y)
                logits.append(block.decide(y).flatten())
            return torch.cat(logits).mean().item()

        return judge

    content = make_judge("content")
    layout = make_judge("layout")
    answers = [
        find_content((content, layout), features),
        find_content((layout, content), features),
    ]
    hint = "what changes one judge's logit and not at all the other's?"
    assert answers[0] != answers[1], f"It says {answers[0]} in whatever order they come: {hint}"
    assert answers == [0, 1], "It finds the other one, the layout branch."


# Lesson 5: diversity


@exercise(1, "Set the derivative in a to zero.")
def check_best_spread(best_spread: Callable, train_toy: Callable) -> None:
    """Compare a formula of the toy's spread with trained toys.

    Args:
        best_spread: from lambda and k to a.
        train_toy: from lambda and k to the spread after each step.
    """
    for weight, judge in ((0.5, 1.0), (0.5, 2.0), (0.3, 4.0)):
        found = best_spread(weight, judge)
        reached = train_toy(weight, judge)[-1]
        way = "less" if reached < found else "more"
        hint = f"For lambda {weight} and k {judge} it gives {found:.3g}; the trained toy has {way}."
        check(float(found), reached, hint, atol=1e-2)


@exercise(2, "Subtract values[None] from values[:, None].")
def check_pair_distance(my_pair_distance: Callable) -> None:
    """Compare a distance of pairs with the package's.

    Args:
        my_pair_distance: from samples (n, c, h, w) to one number.
    """
    values = torch.rand(4, 2, 3, 5, generator=torch.Generator().manual_seed(0))
    found = my_pair_distance(values)
    wanted = losses.pair_distance(values)
    ratio = float(found / wanted)
    hint = f"It is {ratio:.2f} times what it should be: which entries of the 4 x 4 are pairs?"
    check(found, wanted, hint)


@exercise(3, "Three settings differ from the default.")
def check_literal_settings(literal_settings: Callable) -> None:
    """Check settings for Eq. 5 to the letter, DR in image space, lambda of Table 5's last row.

    Args:
        literal_settings: returns the settings.
    """
    settings = literal_settings()
    right = {
        "diversity": settings.diversity == "images",
        "diversity_weight": settings.diversity_weight == 0.5,
        "diversity_scale": settings.diversity_scale == 1,
    }
    for name, is_right in right.items():
        assert is_right, f"The colleague wants another `{name}` than {getattr(settings, name)!r}."
    plain = make_settings("siv_gan", "smoke", diversity="images", diversity_weight=0.5)
    others = plain.__dict__.keys() - right.keys()
    changed = [name for name in others if getattr(settings, name) != getattr(plain, name)]
    assert not changed, f"Nobody asked to change {', '.join(sorted(changed))}."


# Lesson 6: feature mixing and augmentation


@exercise(1, "A map says where to read; begin with one that changes nothing.")
def check_make_map(make_map: Callable) -> None:
    """Check a map that moves an image down and perhaps flips it.

    Args:
        make_map: from pixels, height and whether to flip to the map (1, 2, 3).
    """
    image = torch.arange(16.0).view(1, 1, 4, 4)
    for pixels, flipped in ((0, True), (1, False), (1, True), (2, False)):
        found = make_map(pixels, 4, flipped)
        rows = [max(row - pixels, pixels - 1 - row) for row in range(4)]  # mirrored at the top
        expected = image[:, :, rows]
        if flipped:
            expected = expected.flip(3)
        what = f"Down by {pixels} of 4, {'flipped' if flipped else 'not flipped'}"
        hint = f"{what}: which way does a map read, and how long is one pixel?"
        check(apply_transforms(image, found), expected, hint, atol=1e-4)


@exercise(2, "Read from x, and write to another tensor.")
def check_swap(swap: Callable) -> None:
    """Check that channels are swapped within pairs of samples, and the input is kept.

    Args:
        swap: from samples (n, c) and channels to a new tensor.
    """
    before = torch.arange(4.0) + 10 * torch.arange(1.0, 6)[:, None]  # (5, 4)
    kept = before.clone()
    found = swap(before, [1, 2])
    assert torch.equal(before, kept), "The input has changed: what do you write into?"
    received = (found != before).any(1).tolist()
    assert not received[4], "The last sample has no partner, but has changed."
    assert all(received[:4]), f"Who received: {received}; four samples should have. Think of views."
    assert torch.equal(found[:, [0, 3]], before[:, [0, 3]]), "Other channels have changed, too."
    expected = before[[1, 0, 3, 2, 4]][:, 1:3]
    assert torch.equal(found[:, 1:3], expected), "They did not receive their partners' values."
    assert torch.equal(swap(found, [1, 2]), before), "Swapped twice, all should be as before."


@exercise(3, "In which share of the passes does neither of them happen?")
def check_share(share_of_mixed_passes: Callable) -> None:
    """Compare a probability with 1,000 counted passes.

    Args:
        share_of_mixed_passes: from the probability of each kind to that of at least one.
    """
    x = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1).expand(2, 64, 1, 1)
    generator = torch.Generator().manual_seed(0)
    for probability in (0.4, 0.7):
        found = share_of_mixed_passes(probability)
        changed = 0
        for _ in range(1000):
            changed += not torch.equal(mix_channels(x, probability, generator), x)
        way = "fewer" if changed / 1000 < found else "more"
        hint = f"With {probability} it gives {found:.2f}; of 1,000 passes {way} are mixed."
        check(float(found), changed / 1000, hint, atol=0.045)


# Lesson 8: measuring


@exercise(1, "What keeps patches and layout, but not places? Tensor.roll moves an image.")
def check_cheat(
    cheat: Callable,
    frames: Tensor,
    count: int,
    to_beat: dict[str, float],
    high: set[str],
) -> str:
    """Check that images made of the training image beat a model in all columns.

    Args:
        cheat: from frames and a number to that many images.
        frames: (1, 3, H, W) in [-1, 1].
        count: how many images it has to make.
        to_beat: metric -> value.
        high: the metrics of which more is better.

    Returns:
        What to do next.
    """
    images = cheat(frames, count)
    assert images.shape == (count, *frames.shape[1:]), f"{count} images of that size are wanted."
    found = evaluate(images, frames)
    for metric, value in to_beat.items():
        is_better = found[metric] > value if metric in high else found[metric] < value
        hint = f"{metric} is {found[metric]:.4f}, {value:.4f} is to be beaten"
        assert is_better, f"{hint}: what does it look at?"
    return "Now look at the images, and say what is wrong with them."


@exercise(2, "First gray images, then `std` over samples.")
def check_pixel_diversity(my_pixel_diversity: Callable, frames: Tensor, sets: list[Tensor]) -> None:
    """Compare a pixel diversity with the package's.

    Args:
        my_pixel_diversity: from images and frames to a number.
        frames: (1, 3, H, W) in [-1, 1].
        sets: of images (n, 3, H, W) to be compared.
    """
    for images in sets:
        found = float(my_pixel_diversity(images, frames))
        expected = pixel_diversity(images, frames)
        ratio = found / expected
        hint = f"It is {ratio:.3f} times the package's: over what are the two deviations taken, "
        check(found, expected, hint + "and by how many values do they divide?", rtol=1e-3)


@exercise(3, "Return a letter, in quotes.")
def check_honest_sentence(honest_sentence: Callable) -> None:
    """Check which sentence may stand in a report.

    Args:
        honest_sentence: returns its letter.
    """
    answer = honest_sentence()
    hints = {
        "a": "Are three columns all? Which speak against it?",
        "b": "Which columns speak against it?",
        "d": "What does MS-SSIM say, and how far do two draws of one model lie apart?",
    }
    assert answer == "c", hints.get(answer, f"{answer!r} is none of the letters.")


# Lesson 9: five answers to one question


@exercise(1, "For each name ask whether any other dominates it.")
def check_find_best(find_best: Callable) -> None:
    """Check which methods no other dominates.

    Args:
        find_best: from name -> (fidelity, low is good; diversity, high is good) to a set of names.
    """
    points = {"a": (1.0, 0.2), "b": (2.0, 0.5), "c": (2.0, 0.4), "d": (3.0, 0.5), "e": (0.5, 0.1)}
    best = set(find_best(points))
    assert "e" in best, "A method is left out that is the best in one of the two."
    assert not best & {"c", "d"}, "One is in that is as good as another in one, worse in the other."
    assert best == {"a", "b", "e"}, f"Of five made-up methods it returns {sorted(best)}."
    equals = set(find_best({"a": (1.0, 0.2), "b": (1.0, 0.2)}))
    assert equals == {"a", "b"}, "Two equals do not dominate each other."


@exercise(2, "Try n = 1, 2, 3, ...")
def check_seeds_needed(seeds_needed: Callable) -> None:
    """Check how many seeds make a clean sweep rarer by luck than a chance.

    Args:
        seeds_needed: from a chance to a number of seeds.
    """
    for chance in (0.2, 0.06, 0.01, 0.001):
        n = seeds_needed(chance)
        assert 1 / math.comb(2 * n, n) < chance, f"With {n} seeds luck is not rarer than {chance}."
        one_less = math.comb(2 * n - 2, n - 1)
        assert n == 1 or 1 / one_less >= chance, f"Fewer than {n} seeds do for {chance}."


@exercise(3, "Add up the stages first.")
def check_count_iterations(count_iterations: Callable) -> None:
    """Check how many iterations fit into a budget.

    Args:
        count_iterations: from a budget and the seconds of every stage to a number.
    """
    single = count_iterations(300, [0.09])
    assert single == 300 * 100 // 9, (
        f"{single} iterations of 0.09 s do not fill 300 s, or do not fit."
    )
    pyramid = count_iterations(300, [0.125, 0.25, 0.125])
    assert pyramid == 600, "One iteration updates every stage of a pyramid."
    assert count_iterations(1, [2.0]) == 1, "Without any iteration there is nothing to look at."


# Lesson 11: the network that needs no training


@exercise(1, "The logarithm of a product is a sum.")
def check_denoise_with_counts(denoise_with_counts: Callable, denoise: Callable) -> None:
    """Compare a denoiser that knows how often patches occur with one that meets all of them.

    Args:
        denoise_with_counts: from a query (d), patches (m, d), counts (m), a and s to a mean (d).
        denoise: the same without counts.
    """
    query = torch.tensor([1.5])
    patches = torch.tensor([[0.0], [2.0], [4.0]])
    counts = torch.tensor([1, 3, 1])
    repeated = patches.repeat_interleave(counts, dim=0)
    for a, s in ((0.5, 0.5), (0.9, 0.1), (0.1, 0.9)):
        found = denoise_with_counts(query, patches, counts, a, s)
        expected = denoise(query, repeated, a, s)
        hint = f"For a = {a}, s = {s} it differs: is the logarithm of the count in the logits?"
        check(found, expected, hint)


@exercise(2, "How many positions has a patch, and how many numbers does it hold?")
def check_count_table(count_table: Callable) -> str:
    """Compare the size of a table of patches with the package's.

    Args:
        count_table: from an image's height and width and a patch's side to a number.

    Returns:
        What the number is for a photograph.
    """
    for height, width, side in ((48, 64, 15), (20, 30, 3), (32, 32, 32)):
        blank = PatchTable(torch.zeros(1, 3, 1, height, width), (1, side, side))
        found = count_table(height, width, side)
        hint = f"{height} x {width}, P = {side}: a patch needs room to the right and below."
        assert found == blank.patches.numel(), hint
    times = count_table(192, 256, 15) / (3 * 192 * 256)
    return f"At 192 x 256 the table is {times:.0f} times the image."


@exercise(3, "Compare sources[:, 1:] with sources[:, :-1].")
def check_share_together(share_together: Callable, sources: Tensor) -> str:
    """Check how much of an image was copied in one piece.

    Args:
        share_together: from sources (H, W, 3) to a share, 0 to 1.
        sources: frame, row and column of each pixel of a rendered image, (H, W, 3).

    Returns:
        The share of that image.
    """
    rows = torch.arange(4)[:, None].expand(4, 6)
    columns = torch.arange(6).expand(4, 6)
    copied = torch.stack([torch.zeros(4, 6).long(), rows, columns], dim=2)
    broken = copied.clone()
    broken[:, 3:, 1] += 1  # from the middle on one row lower: of five pairs one is torn
    check(float(share_together(copied)), 1.0, "Of a copy, all neighbors were neighbors.")
    check(float(share_together(copied.flip(1))), 0.0, "Mirrored neighbors are on the other side.")
    check(float(share_together(broken)), 0.8, "Do frame and row count, too?", atol=1e-6)
    return f"Of the rendered image {share_together(sources):.2f}."


# Lesson 12: one image, ten years


@exercise(1, "Who is as good as another in all three, and better in one?")
def check_find_best_of_three(find_best: Callable) -> None:
    """Check which ideas no other dominates, by three numbers.

    Args:
        find_best: from name -> (distance, arrangement, cost) to a set of names.
    """
    points = {"a": (1.0, 0.5, 300.0), "b": (1.0, 0.5, 2.0)}
    assert set(find_best(points)) == {"b"}, "Of two that differ in cost, the cheaper dominates."
    points |= {"c": (2.0, 0.6, 300.0), "d": (3.0, 0.1, 0.0)}
    best = set(find_best(points))
    assert best == {"b", "c", "d"}, f"Of four made-up ideas it returns {sorted(best)}."


@exercise(2, "`by_luck` holds |rho| of every order.")
def check_count_orders(count_orders: Callable) -> str:
    """Check how many orders of seven methods agree with the years.

    Args:
        count_orders: from a limit of |rho| to a number.

    Returns:
        How often luck reaches 0.7.
    """
    assert count_orders(0.0) == math.factorial(7), "Every order has an |rho| of 0 or more."
    extremes = "Two orders have |rho| = 1: the years' own and its reverse. Mind the rounding."
    assert count_orders(1.0) == 2, extremes
    return f"|rho| is 0.7 or more in {count_orders(0.7) / math.factorial(7):.0%} of all orders."


@exercise(3, "How likely is it that none of the columns shows a trend?")
def check_chance_of_a_story(chance_of_a_story: Callable) -> str:
    """Check how likely luck tells a story in one of several columns.

    Args:
        chance_of_a_story: from a number of columns and a chance to a chance.

    Returns:
        The chance for 16 columns.
    """
    check(chance_of_a_story(1, 0.05), 0.05, "One column alone has just that chance.", atol=1e-9)
    coins = "Two coins show at least one head in three of four cases."
    check(chance_of_a_story(2, 0.5), 0.75, coins, atol=1e-9)
    return f"For 16 columns {chance_of_a_story(16, 0.05):.0%}."
