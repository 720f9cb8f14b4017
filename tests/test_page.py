"""The page that needs no installation: its scripts compute what Python computes.

The numbers need node; what a visitor does also needs chromium and playwright-core, see `.ci/run`.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import build_page
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from siv_lite import SivLiteError, open_run, read_frames
from siv_lite.frames import resize_frames, resize_to, to_uint8
from siv_lite.methods import make_settings
from siv_lite.methods.patch_diffusion import PatchDiffusion
from siv_lite.rendering import Renderer, denoiser
from siv_lite.training import Run
from siv_lite.widgets.scene import walk_between

ROOT = Path(__file__).parents[1]
RUN = ROOT / "data_samples" / "runs" / "balloons_siv_gan"
NODE = shutil.which("node")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PATCH_SIZE = 9

pytestmark = pytest.mark.skipif(NODE is None, reason="the page's scripts need node: see .ci/run")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or not (ROOT / "node_modules" / "playwright-core").is_dir(),
    reason="the page needs chromium and playwright-core: see .ci/run",
)


@pytest.fixture(scope="module")
def run() -> Run:
    return open_run(RUN, "cpu")


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    """A small one, so that rendering takes no time."""
    return resize_to(read_frames(ROOT / "data_samples" / "balloons.png"), (96, 128))


@pytest.fixture(scope="module")
def diffusion(photograph) -> PatchDiffusion:
    settings = make_settings("patch_diffusion", "lesson", patch_size=PATCH_SIZE)
    frames = resize_frames(photograph, 64)
    return PatchDiffusion(frames, settings, torch.device("cpu"), "fp32", seed=0)


@pytest.fixture(scope="module")
def noise(diffusion) -> Tensor:
    """A noisy image of the coarsest size, (1, 3, 1, h, w)."""
    return diffusion.sample_latents(1, 4).view(1, 3, 1, *diffusion.sizes()[0])


@pytest.fixture(scope="module")
def computed(run, photograph, noise, tmp_path_factory) -> dict[str, np.ndarray]:
    """What the page's scripts compute."""
    given = {
        "weights": build_page.pack_run(run),
        "latents": run.method.sample_latents(1, 7).flatten().tolist(),
        "photograph": to_uint8(photograph).flatten().tolist(),
        "height": photograph.shape[2],
        "width": photograph.shape[3],
        "patchSize": PATCH_SIZE,
        "noise": noise.flatten().tolist(),
    }
    path = tmp_path_factory.mktemp("page") / "input.json"
    path.write_text(json.dumps(given))
    command = [NODE, str(ROOT / "tests" / "playground.mjs"), str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return {name: np.array(values) for name, values in json.loads(ended.stdout).items()}


def assert_near(values: np.ndarray, expected: Tensor, tolerance: float, share: float = 1.0) -> None:
    """At least so large a share of the values is as near to what is expected."""
    differences = np.abs(values - expected.numpy().flatten())
    assert (differences <= tolerance).mean() >= share, differences.max()


def test_random_numbers_are_those_of_torch(computed):
    def generator(seed):
        return torch.Generator().manual_seed(seed)

    assert_near(computed["normal"], torch.randn(100, generator=generator(5)), 1e-5)
    assert_near(computed["permutation"], torch.randperm(5000, generator=generator(0)), 0)


def test_generator_draws_the_same_image(computed, run):
    latents = run.method.sample_latents(1, 7)
    assert_near(computed["generated"], run.decode(latents), 1e-3)


def test_latents_of_a_walk_and_of_a_region_are_the_same(computed, run):
    first, second = run.method.sample_latents(2, 7).split(1)
    assert_near(computed["latents"], second, 1e-5)
    assert_near(computed["walked"], walk_between(first, second, 0.3), 1e-5)
    resampled = run.resample(first, (0.2, 0.5, 0.6, 1), seed=7)
    kept = resampled == first
    drawn_anew = np.isclose(computed["resampled"], second.flatten(), atol=1e-5)
    assert np.array_equal(drawn_anew, ~kept.numpy().flatten())


def test_photograph_is_reduced_to_the_same_pixels(computed, photograph):
    assert_near(computed["small"], torch.from_numpy(to_uint8(resize_frames(photograph, 64))), 0)


def test_one_step_of_the_denoiser_is_the_same(computed, diffusion, noise):
    level = diffusion.prepare()[0]
    queries = level.grid.extract(noise)
    means, matches = denoiser.denoise_exact(queries, level.table, 0.4, 0.6, level.prior)
    assert_near(computed["denoised"], level.grid.average(means), 1e-4)
    assert_near(computed["matches"], matches, 0, share=0.99)


def test_a_seed_is_the_same_scene_with_the_same_sources(computed, diffusion, photograph):
    image = diffusion.generate(diffusion.sample_latents(1, 3))
    assert_near(computed["diffused"], image, 1e-3, share=0.98)
    rendered, sources = Renderer(photograph).provenance(image, seed=3)
    assert_near(computed["rendered"], rendered, 1e-3, share=0.98)
    assert_near(computed["sources"], sources[..., 1:], 0, share=0.98)


def test_page_is_one_folder_that_loads_nothing_from_elsewhere(tmp_path):
    build_page.build(tmp_path)
    loaded = re.findall(r'(?:src|href)="([^"]*)"', (tmp_path / "index.html").read_text())
    files = {path.name for path in tmp_path.iterdir()}
    assert {name for name in loaded if name != "data:,"} == files - {"index.html"}
    assert not [path for path in tmp_path.iterdir() if "://" in path.read_text()]


def test_page_is_not_written_over_a_file(tmp_path):
    (tmp_path / "page").write_text("mine")
    with pytest.raises(SivLiteError, match="cannot be made a folder"):
        build_page.build(tmp_path / "page")


@needs_browser
def test_page_works_from_a_file_system(run, photograph, tmp_path):
    page = tmp_path / "a page"
    build_page.build(page)
    large = save_enlarged(photograph, (3000, 4000), tmp_path / "large.jpg")
    tiny = save_enlarged(photograph, (20, 20), tmp_path / "tiny.png")
    screenshot = tmp_path / "screenshot.png"
    script = ROOT / "tests" / "page_browser.mjs"
    command = [NODE, script, CHROMIUM, page / "index.html", large, tiny, screenshot]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert ended.stdout, ended.stderr
    seen = json.loads(ended.stdout)
    assert not seen.get("failure")
    assert not seen["errors"] and not seen["elsewhere"]

    # Patch diffusion: small noise first, and a scene whose sources light up.
    assert seen["noise"] == [24, 32]
    assert seen["diffused"] == [192, 256]
    assert seen["lit"] == [False, True]
    assert seen["bottom"] <= 720  # nothing below the fold

    # Files of visitors.
    assert seen["no_image"].startswith("notes.png is not an image")
    assert "20 x 20 pixels" in seen["tiny"]
    assert seen["reduced"] == "large.jpg: 256 x 192 pixels, reduced from 4000 x 3000"
    assert not seen["no_problem"]

    # The network: the scene that Python draws, a part drawn anew, and back.
    assert seen["generated"][:2] == [192, 256]
    expected = to_uint8(run.sample(1, seed=0, render=True)).flatten()
    assert_near(np.array(seen["generated"][2:]), torch.from_numpy(expected).int(), 1, share=0.97)
    assert seen["outlined"]
    assert seen["redrawn"] != seen["generated"] == seen["undone"]


def save_enlarged(image: Tensor, size: tuple[int, int], path: Path) -> Path:
    """Save an image at another size."""
    (pixels,) = to_uint8(resize_to(image, size))
    Image.fromarray(pixels).save(path)
    return path
