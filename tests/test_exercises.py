"""The checks of the exercises: one sentence for every answer, and no error in a notebook."""

import re
from pathlib import Path

import jupytext
import pytest
import torch
import torch.nn.functional as F

from siv_lite import exercises
from siv_lite.lesson_checks import exercise

FOLDER = Path(__file__).parent.parent / "notebooks"


def only_line(capsys) -> str:
    (line,) = capsys.readouterr().out.splitlines()
    return line


@exercise(2, "Begin with one.")
def check_addition(add, limit=2):
    assert add(1, 1) == limit, "one and one\nthe details"


@pytest.mark.parametrize(
    "add, line",
    [
        (lambda a, b: a + b, "Exercise 2: right."),
        (lambda a, b: a - b, "Exercise 2: not right yet. one and one"),
        (lambda a, b: None, "Exercise 2: not yet, <lambda> returns nothing. Begin with one."),
        (lambda a: a, "Exercise 2: <lambda> stops with TypeError: "),
        (lambda a, b: 1 / 0, "Exercise 2: <lambda> stops with ZeroDivisionError: division by zero"),
    ],
)
def test_every_answer_gets_one_line_and_no_error(add, line, capsys):
    check_addition(add)
    assert only_line(capsys).startswith(line)


def test_a_check_may_take_more_and_praise(capsys):
    @exercise(1, "")
    def check_limit(answer, limit):
        assert answer() == limit, "no"
        return "Well done."

    check_limit(lambda: 3, 3)
    assert only_line(capsys) == "Exercise 1: right. Well done."


def test_a_tensor_with_gradients_is_an_answer(capsys):
    @exercise(1, "")
    def check_tensor(answer):
        assert float(answer()) == 2, "no"

    check_tensor(lambda: torch.tensor(2.0, requires_grad=True))
    assert only_line(capsys) == "Exercise 1: right."


# Wrong answers that readers give, and a word of the hint. Right ones are in the solutions.


def count_all_places(sizes, size):
    return sum((high - size + 1) * (wide - size + 1) for high, wide in sizes)


def add_kernels(kernels, strides):
    return 1 + sum(kernel - 1 for kernel in kernels)


def scramble_everything(image):
    order = torch.randperm(image[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    return image.flatten(2)[..., order].view_as(image)


def penalty_over_all(D, real, fake, share):
    between = (fake + share * (real - fake)).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between)
    return (slope.abs() - 1).square().mean()


def swap_views(x, channels):
    x = x.clone()
    for i in range(0, len(x) - 1, 2):
        for c in channels:
            x[i, c], x[i + 1, c] = x[i + 1, c], x[i, c]
    return x


def move_up(pixels, height, flipped):
    sign = -1.0 if flipped else 1.0
    return torch.tensor([[[sign, 0, 0], [0, 1, 2 * pixels / height]]])


def sum_of_parts(logits):
    return sum(F.softplus(-x).mean() for maps in logits.values() for x in maps)


def mean_of_table(values):
    return (values[:, None] - values[None]).abs().mean()


def denoise(query, patches, a, s):
    distances = (query - a * patches).square().sum(1)
    return (-distances / (2 * s * s)).softmax(0) @ patches


def ignore_counts(query, patches, counts, a, s):
    return denoise(query, patches, a, s)


FRAMES = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
WRONG = [
    (exercises.check_count_patches, count_all_places, (), "6 rows"),
    (exercises.check_count_patches, lambda sizes, size: 0, (), "4 x 5"),
    (exercises.check_receptive_field, add_kernels, (), "too few"),
    (exercises.check_receptive_field, lambda kernels, strides: sum(kernels), (), "too many"),
    (exercises.check_fool_coarse, lambda image: image, (FRAMES,), "finest distance is only"),
    (exercises.check_fool_coarse, lambda image: 2 * image, (FRAMES,), "within"),
    (exercises.check_count_stages, lambda short, coarsest, factor: 2, (), "too few"),
    (exercises.check_penalty, penalty_over_all, (), "over what is the length"),
    (exercises.check_fold_mean, lambda a, b, c: [a, a + b, b + c, c], (), "twice too large"),
    (exercises.check_fold_mean, lambda a, b, c: [c / 2, b, b, a / 2], (), "how often"),
    (exercises.check_fold_mean, lambda a, b, c: [a, b, c], (), "Four numbers"),
    (exercises.check_warm_up, lambda decay: 10, (), "too early"),
    (exercises.check_count_numbers, lambda h, w, b, c: (h * w, c), (), "Content"),
    (exercises.check_count_numbers, lambda h, w, b, c: (c, h * w), (), "Layout"),
    (exercises.check_generator_loss, sum_of_parts, (), "mean or sum"),
    (exercises.check_best_spread, lambda weight, judge: weight, (None,), "stops with"),
    (exercises.check_pair_distance, mean_of_table, (), "0.75 times"),
    (exercises.check_make_map, move_up, (), "Down by 1"),
    (exercises.check_swap, swap_views, (), "Think of views"),
    (exercises.check_swap, lambda x, channels: x.add_(1), (), "input has changed"),
    (exercises.check_share, lambda probability: probability, (), "more are mixed"),
    (exercises.check_find_best, lambda points: set(points), (), "worse in the other"),
    (exercises.check_find_best, lambda points: {"a"}, (), "left out"),
    (exercises.check_seeds_needed, lambda chance: 3, (), "Fewer than 3"),
    (exercises.check_seeds_needed, lambda chance: 1, (), "luck is not rarer"),
    (exercises.check_count_iterations, lambda budget, times: int(budget / times[0]), (), "stage"),
    (exercises.check_denoise_with_counts, ignore_counts, (denoise,), "logarithm"),
    (exercises.check_count_table, lambda h, w, side: h * w * 3 * side**2, (), "needs room"),
    (exercises.check_share_together, lambda sources: 1.0, (None,), "Mirrored"),
    (exercises.check_find_best_of_three, lambda points: set(points), (), "the cheaper"),
    (exercises.check_count_orders, lambda limit: 5040, (), "Two orders"),
    (exercises.check_chance_of_a_story, lambda columns, level: columns * level, (), "coins"),
    (exercises.check_honest_sentence, lambda: "a", (), "three columns"),
    (exercises.check_honest_sentence, lambda: "C", (), "none of the letters"),
]


@pytest.mark.parametrize("check_answer, answer, arguments, hint", WRONG)
def test_a_wrong_answer_gets_a_hint(check_answer, answer, arguments, hint, capsys):
    check_answer(answer, *arguments)
    line = only_line(capsys)
    assert "right." not in line.replace("not right yet.", "") and hint in line


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[01][0-9]_*.py")), ids=lambda path: path.stem)
def test_checks_in_a_lesson_are_those_of_its_solutions(path):
    solutions = FOLDER / "solutions" / path.name
    if not solutions.exists():
        pytest.skip("a lesson without exercises")
    calls = []
    for file in (path, solutions):
        code = [cell.source for cell in jupytext.read(file).cells if cell.cell_type == "code"]
        names = re.findall(r"(?m)^(check_\w+)\(", "\n".join(code))
        calls.append([name for name in names if hasattr(exercises, name)])
    assert calls[0] == calls[1]
