"""Figures of the notebooks: the map of SIV-GAN, colored maps, tables and curves."""

import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

from siv_lite import SivLiteError
from siv_lite.figures import (
    MAP,
    color_maps,
    color_places,
    draw_losses,
    draw_map,
    plot_bars,
    plot_lines,
    show_map,
    show_provenance,
    show_table,
)

SVG = "{http://www.w3.org/2000/svg}"


def classes(text: str) -> dict[str, str]:
    """Part of the map -> its class."""
    found = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        if group.get("class", "").startswith("part"):
            found[group.get("id").removeprefix("map-")] = group.get("class")
    return found


def contrast(first: str, second: str) -> float:
    """The ratio of two colors' luminances, as WCAG 2 defines it."""
    luminances = []
    for color in (first, second):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in channels]
        luminances.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def test_provenance_paints_a_copy_as_the_photograph_is_painted(monkeypatch):
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    frames = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(32), indexing="ij")
    same = torch.stack([torch.zeros_like(rows), rows, columns], dim=2)
    mirrored = same.flip(1)
    show_provenance(frames, frames.repeat(2, 1, 1, 1), torch.stack([same, mirrored]))
    (figure,) = drawn
    shown = [axes.images[0].get_array() for axes in figure.axes]
    assert len(shown) == 6
    colors = color_places((24, 32)).numpy()
    assert (shown[1] == colors).all()
    assert (shown[4] == colors[:, ::-1]).all()
    # No two places have the same color.
    assert len({tuple(color) for color in colors.reshape(-1, 3).tolist()}) == 24 * 32


def test_map_lights_only_the_parts_that_are_named():
    assert set(classes(draw_map()).values()) == {"part"}
    found = classes(draw_map("content", "low_level"))
    assert {part for part, name in found.items() if name == "part"} == {"content", "low_level"}
    assert {name for part, name in found.items() if part not in ("content", "low_level")} == {
        "part pale"
    }
    assert "lit: content, low-level" in ET.fromstring(draw_map("content", "low_level")).get(
        "aria-label"
    )


def test_map_refuses_unknown_parts():
    with pytest.raises(
        SivLiteError, match="no part 'judge'; choose from image, pyramid, .*content"
    ):
        show_map("judge")


def test_map_can_be_read_from_the_last_row():
    text = MAP.read_text(encoding="utf-8")
    assert ET.fromstring(text).get("viewBox") == "0 0 1000 560"
    assert min(int(size) for size in re.findall(r"font-size: (\d+)px", text)) >= 16
    assert "font-size=" not in text
    (ink,) = re.findall(r"\.pale text.*fill: (#\w{6})", text)
    (face,) = re.findall(r"\.pale \.solid-blue \{ fill: (#\w{6})", text)
    assert contrast(ink, "#ffffff") > 4.5
    assert contrast(ink, face) > 4.5


def test_map_is_shipped_with_the_package():
    project = tomllib.loads(
        (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert MAP.name in project["tool"]["setuptools"]["package-data"]["siv_lite"]
    assert MAP.parent.name == "siv_lite"


def test_color_maps_are_blue_white_and_red():
    colors = color_maps(torch.tensor([-2.0, -1, 0, 0.5, 1]).view(1, 1, 1, 5), limit=1)
    by_hand = [[-1, -1, 1], [-1, -1, 1], [1, 1, 1], [1, 0, 0], [1, -1, -1]]
    assert colors[0, :, 0].T.tolist() == by_hand


def test_table_marks_the_best_value_of_each_column(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show_table(
        {"a": {"loss": 1.0, "score": 20.0}, "<b>": {"loss": 2.0, "score": 30.0}}, high={"score"}
    )
    rows = shown[0].data.split("</tr>")
    assert re.findall(r"gold[^>]*>([^<]*)", rows[1]) == ["1.0000"]
    assert re.findall(r"gold[^>]*>([^<]*)", rows[2]) == ["30.0"]
    assert "&lt;b&gt;" in rows[2]


def test_losses_and_what_stands_in_a_few_lines_of_the_log_get_a_panel_each():
    log = [{"iteration": 1, "D": 1.0}, {"iteration": 2, "D": 2.0, "grid": 5.0}]
    log.append({"iteration": 3, "D": 3.0})
    figure = plt.figure()
    draw_losses(figure, log, {"D": 5.5})
    losses, grid = figure.axes
    assert losses.get_title().startswith("D, ") and losses.get_ylabel() == "loss"
    assert losses.get_xlabel() == grid.get_xlabel() == "iteration"
    logged, _, coin = losses.lines
    assert logged.get_ydata().tolist() == [1, 2, 3] and set(coin.get_ydata()) == {5.5}
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["as logged", "moving average"] and "coin level" in legend[2]
    assert grid.get_title() == "grid" and grid.lines[0].get_xdata().tolist() == [2]
    assert grid.lines[0].get_marker() == "o"
    plt.close(figure)


def test_lines_are_labeled_and_few_points_marked(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    plot_lines({"one": [1, 2], "other": [2, 1]}, x=["left", "right"], xlabel="place")
    (axes,) = plt.gcf().axes
    assert [line.get_label() for line in axes.lines] == ["one", "other"]
    assert {line.get_marker() for line in axes.lines} == {"o"}
    assert axes.get_xlabel() == "place" and axes.get_legend()
    plt.close("all")


def test_bars_show_every_value_with_its_label(monkeypatch):
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()))
    groups = {
        "slid": {"content": 15.05, "layout": 36.2},
        "recolored": {"content": 494.2, "layout": 0},
    }
    plot_bars(groups, ylabel="%")
    (axes,) = drawn[0].axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == [[15.05, 494.2], [36.2, 0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["slid", "recolored"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["content", "layout"]
    assert {"15.1", "36.2", "494", "0"} <= {text.get_text() for text in axes.texts}

    plot_bars({"a": {"only": 1}})
    assert drawn[1].axes[0].get_legend() is None
