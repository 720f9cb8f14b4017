"""The controls of the explorer, and what they can be set to for a run."""

from pathlib import Path

import ipywidgets as widgets

from siv_lite.training import Run
from siv_lite.widgets.panel import make_seed_control

NONE = ("none", "")  # in place of the name and folder of a run beside
FORMS = ("rendered", "as drawn", "pixels")

# Sides of other sizes, in pixels.
MIN_SIDE = 16
MAX_SIDE = 1024

SENTENCES = (
    "<b>Seeds</b>: each small picture is a new scene; click on one.",
    "<b>Walk</b> leads from the scene of one seed to that of another.",
    "<b>Variety</b> makes the random numbers smaller or larger: at 0 all seeds show the same.",
    "<b>Rendered</b>: drawn anew with the photograph's own patches; point at the scene, and the "
    "patch lights up in the photograph.",
    "<b>Keep</b>: the scene stays below; click on it to go back to it.",
)
CLICK_SENTENCE = (
    "<b>Click on the scene</b>: that part is drawn anew. <b>Walk</b> then leads from the scene "
    "before to the scene after, and <b>Undo</b> takes it back."
)


def make_help(can_redraw: bool) -> str:
    """Explain the controls.

    Args:
        can_redraw: whether a click draws a part of the scene anew.

    Returns:
        HTML, of which a question mark is seen until it is clicked.
    """
    sentences = list(SENTENCES)
    if can_redraw:
        sentences.append(CLICK_SENTENCE)
    text = " ".join(sentences)
    return (
        "<details class='siv-lite-help'><summary title='What the controls do'>?</summary>"
        f"<div>{text}</div></details>"
    )


def make_controls(runs: list[tuple[str, Path]]) -> dict[str, widgets.Widget]:
    """Make the controls of an explorer.

    Args:
        runs: name and folder of each.

    Returns:
        Name -> control.
    """
    run = widgets.Dropdown(description="Run", options=runs, layout={"width": "auto"})
    beside = widgets.Dropdown(description="Beside", options=[NONE, *runs], layout={"width": "auto"})
    show = widgets.ToggleButtons(description="Show", options=FORMS)
    show.tooltips = [
        "Drawn anew with the photograph's patches",
        "As the method drew it, enlarged smoothly",
        "As the method drew it, every pixel visible",
    ]
    walk = widgets.FloatSlider(description="Walk", max=1, step=0.01, readout=False)
    variety = widgets.FloatSlider(description="Variety", value=1, max=2, step=0.05, readout=False)
    return {
        "run": run,
        "beside": beside,
        "show": show,
        "walk": walk,
        "variety": variety,
        "seed": make_seed_control(),
        "second": make_seed_control("Walk to", 100),
        "stage": widgets.IntSlider(description="Stage", max=0),
        "start": widgets.IntSlider(description="Start", max=0),
        "height": make_side_control("Height"),
        "width": make_side_control("Width"),
    }


def make_side_control(description: str) -> widgets.BoundedIntText:
    """Make a field for a height or width in pixels.

    Args:
        description: its label.

    Returns:
        The control.
    """
    return widgets.BoundedIntText(description=description, min=MIN_SIDE, max=MAX_SIDE)


def fit_controls(controls: dict[str, widgets.Widget], run: Run) -> list[str]:
    """Set the controls to what a run can do.

    Args:
        controls: as from `make_controls`.
        run: of any method.

    Returns:
        The names of those that are seldom needed and that the run has.
    """
    method = run.method
    is_image = method.frames_per_sample == 1
    forms = FORMS if is_image else FORMS[1:]
    show = controls["show"]
    if show.options != forms:
        show.options = forms
        show.value = forms[0]

    controls["walk"].value = 0.0
    last = method.num_stages - 1
    for name in ("stage", "start"):
        controls[name].max = last
    controls["stage"].value = last
    controls["start"].value = 0
    height, width = method.size
    controls["height"].value = height
    controls["width"].value = width

    names = ["seed", "second"]
    if method.num_stages > 1:
        names += ["stage", "start"]
    if method.resizable:
        names += ["height", "width"]
    return names
