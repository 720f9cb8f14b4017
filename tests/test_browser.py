"""The widgets in a real browser: JupyterLab and the page of Voila, driven by keyboard and mouse.

Needs chromium and node on the path, and `npm install --no-save playwright-core` in this repository.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from siv_lite import read_frames, train

ROOT = Path(__file__).parent.parent
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NEEDED = {"chromium": CHROMIUM, "node": shutil.which("node")}
NEEDED["playwright-core"] = (ROOT / "node_modules" / "playwright-core").is_dir()
MISSING = [name for name, found in NEEDED.items() if not found]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"the browser tests need {' and '.join(MISSING)}: see .ci/run"
)

NOTEBOOK = """from siv_lite import read_frames
from siv_lite.widgets import explore, live_training, microscope, trace
explore("runs/beach")
---
trace("runs/beach")
---
microscope("runs/beach")
---
frames = read_frames("beach.png", 48)
live_training("siv_gan", frames, "runs/live", "smoke", iterations=20_000)"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with an image and a run in `runs`."""
    shutil.copy(ROOT / "data_samples" / "beach.png", tmp_path)
    train(
        "siv_gan",
        read_frames(tmp_path / "beach.png"),
        tmp_path / "runs" / "beach",
        "smoke",
        progress=False,
        latent="spatial",
    )
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's own settings is read or changed."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(folder / ".jupyter" / name.lower()) for name in names}
    return {
        **os.environ,
        **own,
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": str(ROOT / "tools" / "page"),
        "SCREENSHOT": str(folder / "screenshot.png"),
    }


@contextmanager
def serve(folder: Path, *command: str, **variables: str) -> Iterator[str]:
    """The address of a server on this machine only, which is ended by its process's number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command, address = [part.format(port=port) for part in command], f"http://127.0.0.1:{port}"
    with open(folder / "server.log", "w") as log:
        variables = environment(folder) | variables
        server = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, stdout=log, stderr=log, env=variables
        )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
                break
            except urllib.error.HTTPError:  # Voila has no such page, but it answers
                break
            except OSError:
                assert server.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def drive(folder: Path, mode: str, address: str, moves: int = 3) -> dict:
    """What `browser.mjs` saw."""
    command = [
        "node",
        str(ROOT / "tests" / "browser.mjs"),
        CHROMIUM,
        mode,
        address,
        "beach.png",
        str(moves),
    ]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=400, env=environment(folder)
    )
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout)


def check_explorer(seen: dict) -> None:
    assert not seen.get("failure")
    assert not seen["errors"]
    assert len({seen["first"], seen["key"], seen["mouse"], seen["resampled"], seen["moved"]}) == 5
    assert seen["first"] == seen["key_back"] == seen["mouse_back"] == seen["resampled_back"]


def check_rendering(seen: dict, folder: Path) -> None:
    assert seen["sizes"] == {"rendered": [256, 192], "drawn": [56, 40]}
    assert seen["newest"] == seen["first"] != seen["drawn"]
    assert seen["sign"]
    assert seen["downloaded"] == "Beach - SIV-GAN, 20 iterations, seed 0.png"
    with Image.open(folder / "downloaded.png") as image:
        assert image.size == (256, 192)
    assert not (folder / "runs" / "beach" / "exports").exists()


def check_region(seen: dict) -> None:
    assert seen["lit"] == [False, True]
    assert seen["outlined"] == [True, False]
    assert len({seen["first"], seen["clicked"], seen["half_way"], seen["by_keys"]}) == 4
    assert seen["undone"] == seen["first"]


def check_screen(seen: dict, bottom: int) -> None:
    """Photograph, scene and controls are on one screen of 1280 x 720."""
    _, lower_edge = seen["fold"]
    assert lower_edge <= bottom
    assert seen["distortion"] == pytest.approx(1, abs=0.02)
    assert seen["share"] > 0.5


def check_tracer(seen: dict) -> None:
    """Whatever is pointed at or chosen, one frame is in the sample, and one in the photograph."""
    assert seen["at_rest"]["cells"] == seen["pointed"]["cells"] == seen["left"]["cells"] == 1
    assert seen["pointed"] != seen["at_rest"] == seen["left"] != seen["chosen"]
    for name in ("at_rest", "pointed", "chosen"):
        frames = seen[name]
        assert frames["middle"] < frames["sample"]
        assert 0 < frames["source"] < frames["middle"]
    assert seen["pointed"]["sample"] == pytest.approx(seen["pointer"], abs=12)
    assert seen["place"] != seen["chosen_place"]


def check_microscope(seen: dict) -> None:
    """Left, top and width of the outlined part, as fractions, follow pointer and keys."""
    outline = seen["outline"]
    left, top, width = outline["first"]
    assert outline["dragged"] == pytest.approx([left + 0.25, top + 0.125, width], abs=0.03)
    assert outline["dragged"][0] - 0.04 < outline["key"][0] < outline["dragged"][0]
    assert outline["undone"] == pytest.approx(outline["first"], abs=0.01)
    assert outline["other"] == pytest.approx([0.6, 0.3, 0.2], abs=0.03)
    assert seen["edited"] and "of what a whole new scene would change" in seen["minds"]


def check_training(seen: dict) -> None:
    """Nothing jumped when scenes came, and links look like links."""
    first, stopped = seen["heights"]
    assert stopped == pytest.approx(first, abs=3)
    width, height = seen["scenes"]
    assert width > 300 and width / height == pytest.approx(4 / 3, abs=0.05)
    assert len(seen["links"]) >= 3 and set(seen["links"]) == {"underline"}


@contextmanager
def serve_notebook(folder: Path, notebook: nbformat.NotebookNode) -> Iterator[str]:
    """The address of a notebook in JupyterLab."""
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, folder / "small.ipynb")
    quiet = [
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--LabApp.expose_app_in_browser=True",
    ]
    quiet += [
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--ServerApp.root_dir={folder}",
    ]
    place = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port={port}",
        "--ServerApp.port_retries=0",
    ]
    with serve(folder, "jupyterlab", *place, *quiet) as address:
        yield f"{address}/lab/tree/small.ipynb?reset"


def test_jupyterlab_runs_start_here(folder):
    notebook = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    cell.source += '\npreset, source, out = "smoke", "beach.png", "runs/start_here"'
    with serve_notebook(folder, notebook) as address:
        seen = drive(folder, "run", address)
    assert not seen.get("failure")
    assert not seen["errors"] and not seen["elsewhere"]
    assert not seen["failed"] and not seen["skipped"]
    assert seen["pictures"] >= 3
    assert (folder / "runs" / "start_here" / "done.json").exists()


def test_jupyterlab_explores_and_stops_a_training(folder):
    with serve_notebook(
        folder, new_notebook(cells=[new_code_cell(x) for x in NOTEBOOK.split("\n---\n")])
    ) as address:
        seen = drive(folder, "lab", address)
    check_explorer(seen)
    check_rendering(seen, folder)
    check_region(seen)
    check_screen(seen, 696)  # above the status bar
    check_tracer(seen)
    check_microscope(seen)
    assert not seen["elsewhere"]  # nothing is loaded from other machines
    assert seen["meanwhile"] == seen["key"]
    check_training(seen)
    assert list((folder / "runs" / "live").glob("checkpoint-*.json"))


def voila_command() -> list[str]:
    """What `make explore` runs."""
    recipe = (ROOT / "Makefile").read_text().partition("$(PY) -m voila")[2].partition("\n\n")[0]
    words = recipe.replace("\\\n", " ").split()
    return ["voila", *words[:-1], str(ROOT / words[-1])]


def test_voila_shows_widgets_without_code_and_trains_on_an_upload(folder):
    page = [*voila_command(), "--no-browser"]
    with serve(folder, *page, "--port={port}", SIV_LITE_RUNS=str(folder / "runs")) as address:
        seen = drive(folder, "voila", address)
    check_explorer(seen)
    check_rendering(seen, folder)
    check_region(seen)
    check_screen(seen, 720)
    check_tracer(seen)
    check_microscope(seen)
    assert not seen["elsewhere"]
    assert "import" not in seen["text"] and "What the discriminator sees" in seen["text"]
    name, size = seen["download"]
    assert name == "beach-siv_gan-smoke-48-0-run.zip" and size > 10_000
    assert (folder / "runs" / "beach-siv_gan-smoke-48-0" / "done.json").exists()
    assert "beach.png" in seen["uploaded"]
