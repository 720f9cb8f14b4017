"""The best possible denoiser of one image's patches, in closed form: no network, no training.

A noisy patch is q = a p + s n: a clean patch p of the training image, each equally likely, and
noise n ~ N(0, I). Bayes' rule then gives the mean of all clean patches that q may come from,

    E[p | q] = sum_j w_j p_j,    w = softmax_j(-|q - a p_j|^2 / (2 s^2)).

This is attention with the image's patches as keys and values. Sources: Qiu, Kutulakos, Lindell
(CVPR 2026, "Efficient and training-free single-image diffusion models"); Kamb and Ganguli (ICML
2025), who show that a network which sees only patches can learn nothing better.

`denoise_exact` weighs all patches. `denoise_near` weighs the best of some candidates, which
`search_everywhere` or `search_near_matches` proposes. Both also return the best match of each
patch: where in the image it comes from.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from siv_lite.rendering.patches import PatchGrid, PatchTable

NEGLIGIBLE = 80  # difference of logits from which on a weight is taken as 0
MAX_LOGITS = 1_000_000  # computed at once: 4 MB, which a processor's cache holds
MAX_CANDIDATES = 250_000  # whose components are gathered at once: 32 MB
NUM_KEPT = 4  # candidates that are weighed exactly
NUM_NEIGHBORS = 2  # matches along each axis that propose candidates


@dataclass
class HeightPrior:
    """How likely a patch is at a place before anything is seen: likelier at about its own height.

    Attributes:
        log_probability: (rows of the grid, m), up to a constant.
        row: (k,), of every place of the grid.
    """

    log_probability: Tensor
    row: Tensor

    def of_queries(self, first: int, count: int) -> Tensor:
        """Return the log-probabilities (count, m) for queries from number `first` on."""
        numbers = torch.arange(first, first + count, device=self.row.device)
        place = numbers % len(self.row)  # the queries are those of one or more volumes
        return self.log_probability[self.row[place]]


def height_prior(grid: PatchGrid, table: PatchTable, sigma: float) -> HeightPrior:
    """Compute how likely patches are at the places of a grid.

    Args:
        grid: where patches are denoised.
        table: the clean patches.
        sigma: standard deviation of the difference in height, as a share of the image's height.

    Returns:
        The prior.
    """
    numbers = torch.arange(len(table), device=table.volume.device)
    _, y, _ = table.positions(numbers)

    # Relative heights, from 0 at the top to 1 at the bottom.
    grid_height = grid.starts[1] / max(1, grid.size[1] - grid.patch_size[1])
    table_height = y / max(1, table.shape[1] - 1)
    difference = grid_height[:, None] - table_height  # (rows, m)

    time, rows, columns = grid.shape
    row = torch.arange(rows, device=y.device).repeat_interleave(columns).repeat(time)
    return HeightPrior(-0.5 * (difference / sigma).square(), row)


def denoise_exact(
    queries: Tensor, table: PatchTable, a: float, s: float, prior: HeightPrior | None = None
) -> tuple[Tensor, Tensor]:
    """Weigh all patches of the image.

    Args:
        queries: noisy patches q, (q, d).
        table: the clean patches, m of them.
        a: share of the image in the queries, 0 to 1.
        s: standard deviation of the noise in the queries, above 0.
        prior: how likely every patch is at every place; by default all are equally likely.

    Returns:
        The means E[p | q], (q, d), and the number of the likeliest patch for each, (q,).
    """
    means = torch.empty_like(queries)
    matches = torch.empty(len(queries), dtype=torch.long, device=queries.device)
    variance = s * s

    # |q - a p|^2 = |q|^2 - 2 a q p + a^2 |p|^2, and |q|^2 is the same for all patches.
    bias = -(a * a) / (2 * variance) * table.squares  # (m,)
    if table.penalty is not None:
        bias = bias + table.penalty

    chunk_size = max(1, MAX_LOGITS // len(table))
    for first in range(0, len(queries), chunk_size):
        chunk = slice(first, first + chunk_size)
        logits = torch.addmm(bias, queries[chunk], table.patches.T, alpha=a / variance)
        if prior is not None:
            logits += prior.of_queries(first, len(logits))
        largest, matches[chunk] = logits.max(1)
        # Weights below e^-80 become exact zeros: processors are slow with numbers that are nearly.
        is_negligible = logits < largest[:, None] - NEGLIGIBLE
        weights = logits.masked_fill_(is_negligible, -torch.inf).softmax(1)  # (chunk, m)
        means[chunk] = weights @ table.patches
    return means, matches


def denoise_near(
    queries: Tensor, candidates: Tensor, table: PatchTable, a: float, s: float
) -> tuple[Tensor, Tensor]:
    """Weigh the best few of some candidates.

    The distances to all candidates are estimated from principal components; those to the best
    `NUM_KEPT` are exact.

    Args:
        queries: noisy patches q, (q, d).
        candidates: numbers of patches in the table, (q, c), ascending in each row.
        table: the clean patches.
        a: share of the image in the queries, 0 to 1.
        s: standard deviation of the noise in the queries, above 0.

    Returns:
        As `denoise_exact`.
    """
    means = torch.empty_like(queries)
    matches = torch.empty(len(queries), dtype=torch.long, device=queries.device)
    projected = (queries - a * table.mean) @ table.basis  # (q, k)

    chunk_size = max(1, MAX_CANDIDATES // candidates.shape[1])
    for first in range(0, len(queries), chunk_size):
        chunk = slice(first, first + chunk_size)
        numbers = candidates[chunk]  # (chunk, c)

        # Estimate: 2 a q p - a^2 |p|^2, the larger the nearer.
        keys = table.components[numbers]  # (chunk, c, k)
        products = torch.bmm(keys, projected[chunk, :, None])[:, :, 0]
        closeness = 2 * a * products - a * a * table.centered_squares[numbers]
        if table.penalty is not None:
            closeness = closeness + table.penalty[numbers]

        # A patch that was proposed twice must not count twice.
        is_repeated = numbers[:, 1:] == numbers[:, :-1]
        closeness[:, 1:].masked_fill_(is_repeated, -torch.inf)

        num_kept = min(NUM_KEPT, numbers.shape[1])
        closeness, best = closeness.topk(num_kept, dim=1, sorted=False)
        numbers = numbers.gather(1, best)  # (chunk, kept)
        is_excluded = closeness == -torch.inf
        means[chunk], matches[chunk] = weigh(queries[chunk], numbers, is_excluded, table, a, s)
    return means, matches


def weigh(
    queries: Tensor, numbers: Tensor, is_excluded: Tensor, table: PatchTable, a: float, s: float
) -> tuple[Tensor, Tensor]:
    """Weigh a few patches exactly.

    Args:
        queries: (q, d).
        numbers: of the patches, (q, kept).
        is_excluded: (q, kept), which of them do not count.
        table: the clean patches.
        a: share of the image in the queries.
        s: standard deviation of the noise in the queries.

    Returns:
        As `denoise_exact`.
    """
    patches = table.look_up(numbers)  # (q, kept, d)
    products = torch.bmm(patches, queries[:, :, None])[:, :, 0]
    logits = (2 * a * products - a * a * table.squares[numbers]) / (2 * s * s)
    logits = logits.masked_fill(is_excluded, -torch.inf)
    weights = logits.softmax(1)

    means = torch.bmm(weights[:, None], patches)[:, 0]  # (q, d)
    best = logits.argmax(1, keepdim=True)
    return means, numbers.gather(1, best)[:, 0]


def search_everywhere(
    queries: Tensor, table: PatchTable, a: float, s: float, prior: HeightPrior | None = None
) -> Tensor:
    """Propose the likeliest patches of the whole table, judged by principal components.

    Args:
        queries: noisy patches, (q, d).
        table: the clean patches.
        a: share of the image in the queries.
        s: standard deviation of the noise in the queries.
        prior: how likely every patch is at every place; by default all are equally likely.

    Returns:
        Numbers of patches, (q, NUM_KEPT), ascending in each row.
    """
    projected = (queries - a * table.mean) @ table.basis  # (q, k)
    bias = -(a * a) / (2 * s * s) * table.centered_squares  # (m,)
    if table.penalty is not None:
        bias = bias + table.penalty

    candidates = []
    chunk_size = max(1, MAX_LOGITS // len(table))
    for first in range(0, len(queries), chunk_size):
        chunk = projected[first : first + chunk_size]
        logits = torch.addmm(bias, chunk, table.components.T, alpha=a / (s * s))
        if prior is not None:
            logits += prior.of_queries(first, len(logits))
        best = logits.topk(min(NUM_KEPT, len(table)), dim=1).indices
        candidates.append(best.sort(1).values)
    return torch.cat(candidates)


def search_near_matches(
    matches: Tensor,
    old_grid: PatchGrid,
    old_table: PatchTable,
    grid: PatchGrid,
    table: PatchTable,
) -> Tensor:
    """Propose patches around the places where neighboring patches were found before.

    Neighbors in the image mostly come from neighbors in the training image, so a patch is looked
    for where its neighbors' matches continue, one pixel around. Both may be of a coarser size.

    Args:
        matches: numbers in the old table, (n * q_old), of the patches of the old grid.
        old_grid: where the patches were, maybe of a smaller size.
        old_table: what they were compared with, maybe of smaller frames.
        grid: where the patches are now, q for each volume.
        table: what they will be compared with.

    Returns:
        Numbers in the table, (n * q, c), ascending in each row.
    """
    matches = matches.view(-1, *old_grid.shape)

    # For every patch: its nearest old patches along each axis, and how far it is from them.
    t_near, t_distance = nearest_starts(old_grid, grid, 0)
    y_near, y_distance = nearest_starts(old_grid, grid, 1)
    x_near, x_distance = nearest_starts(old_grid, grid, 2)
    t_near = t_near[:, :, None, None, None, None]
    y_near = y_near[:, :, None, None]
    found = matches[:, t_near, y_near, x_near]  # (n, A, near, B, near, C, near)

    # Where these matches continue, in pixels of the old frames.
    t, y, x = old_table.positions(found)
    t = t + t_distance[:, :, None, None, None, None]
    y = y + y_distance[:, :, None, None]
    x = x + x_distance

    # The same place in the new frames, and the pixels around.
    proposals = []
    for axis, position in enumerate((t, y, x)):
        old_side = old_table.volume.shape[2 + axis]
        new_side = table.volume.shape[2 + axis]
        position = rescale_starts(position, grid.patch_size[axis], new_side / old_side)
        position = position.round().long()
        position = position.permute(0, 1, 3, 5, 2, 4, 6)  # (n, A, B, C, near, near, near)
        position = position.flatten(4).flatten(0, 3)  # (n * q, near^3)

        radius = 1 if table.shape[axis] > 1 else 0
        around = torch.arange(-radius, radius + 1, device=position.device)
        position = position[:, :, None] + around  # (n * q, near^3, around)
        proposals.append(position.clamp(0, table.shape[axis] - 1))
    t, y, x = proposals
    t = t[:, :, :, None, None]
    y = y[:, :, None, :, None]
    x = x[:, :, None, None, :]
    candidates = table.numbers(t, y, x)
    return candidates.flatten(1).sort(1).values


def nearest_starts(old_grid: PatchGrid, grid: PatchGrid, axis: int) -> tuple[Tensor, Tensor]:
    """Return the nearest old patches of every patch along an axis, and the distances to them.

    Returns:
        Indices into the old grid and distances in its pixels, both (patches, neighbors).
    """
    ratio = old_grid.size[axis] / grid.size[axis]
    starts = rescale_starts(grid.starts[axis], grid.patch_size[axis], ratio)
    differences = starts[:, None] - old_grid.starts[axis]  # (patches, old patches)
    num_neighbors = min(NUM_NEIGHBORS, differences.shape[1])
    # Stable: of two that are equally near the first is taken, on every machine.
    order = differences.abs().sort(dim=1, stable=True).indices
    index = order[:, :num_neighbors]
    return index, differences.gather(1, index)


def rescale_starts(starts: Tensor, side: int, ratio: float) -> Tensor:
    """Return where patches lie when an image is resized: their centers move, their side stays."""
    center = side / 2
    return (starts + center) * ratio - center
