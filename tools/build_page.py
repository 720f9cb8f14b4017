"""Build the page that needs no installation: patch diffusion and SIV-GAN in a browser.

    python tools/build_page.py build/page

Open index.html of that folder, from a file system too. Sources are in `tools/playground/`; the
page shares the canvas and the strip of the widgets.
"""

import argparse
import json
import re
import shutil
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import torch

from siv_lite import SivLiteError, open_run
from siv_lite.files import atomic_write
from siv_lite.training import Run

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "tools" / "playground"
WIDGETS = ROOT / "siv_lite" / "widgets"
SAMPLES = ROOT / "data_samples"
SCENES = ("balloons", "beach", "street")
RUN = SAMPLES / "runs" / "balloons_siv_gan"

# A script of the page -> its modules, each behind those that it imports.
CORE = ("random", "products", "images", "components", "patches", "denoiser", "sampler", "render")
CORE += ("patch_diffusion", "weights", "siv_gan")
WORKER = (*CORE, "worker")
PAGE = ("random", "images", "weights", "siv_gan", "canvas", "strip", "film", "model")
PAGE += ("photograph", "workers", "page")

IMPORT = re.compile(r'^import (\{[^}]*\}|\w+) from "[./\w]*/(\w+)\.m?js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|class|function\*?) (\w+)", re.MULTILINE)


def build(folder: Path) -> None:
    """Write the page.

    Args:
        folder: for it; files of the same names are replaced.

    Raises:
        SivLiteError: if the folder cannot be written, or the shipped run cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SivLiteError(f"{folder} cannot be made a folder: {error.strerror}") from error

    for name in ("index.html", "playground.css"):
        shutil.copyfile(SOURCES / name, folder / name)
    shutil.copyfile(WIDGETS / "canvas.css", folder / "canvas.css")

    # A worker is started from text, since a page from a file system may not load one: the text is
    # that of a function.
    worker = f"function runWorker() {{\n{bundle(WORKER)}\n}}\n"
    write(folder / "worker.js", worker)
    write(folder / "page.js", f"{{\n{bundle(PAGE)}\n}}\n")
    write(folder / "scenes.js", f"const SCENES = {json.dumps(encode_scenes(), indent=1)};\n")
    write(folder / "siv_gan.js", f"const SIV_GAN = {json.dumps(pack_run(open_run(RUN, 'cpu')))};\n")


def write(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def bundle(names: tuple[str, ...]) -> str:
    """Join modules into one script without imports, which a page from a file system cannot load.

    Args:
        names: of the modules, each behind those that it imports.

    Returns:
        The script.
    """
    parts = ["const modules = {};"]
    for name in names:
        path = SOURCES / f"{name}.mjs"
        if not path.exists():
            path = WIDGETS / f"{name}.js"
        parts.append(as_function(name, path.read_text(encoding="utf-8")))
    return "\n\n".join(parts)


def as_function(name: str, source: str) -> str:
    """Turn a module into a function that is called at once and returns what the module exports."""
    imported = IMPORT.sub(r"const \1 = modules.\2;", source)
    exports = EXPORT.findall(imported)
    plain = re.sub(r"^export (?!default)", "", imported, flags=re.MULTILINE)
    plain, num_defaults = re.subn(r"^export default ", "return ", plain, flags=re.MULTILINE)
    if num_defaults == 0:
        plain += f"\nreturn {{ {', '.join(exports)} }};\n"
    return f"// {name}\nmodules.{name} = (() => {{\n{plain}}})();"


def encode_scenes() -> list[dict[str, str]]:
    """Return name and file of the shipped photographs."""
    scenes = []
    for name in SCENES:
        data = b64encode((SAMPLES / f"{name}.png").read_bytes()).decode()
        scenes.append({"name": name, "data": data})
    return scenes


def pack_run(run: Run) -> dict[str, Any]:
    """Pack the averaged generator of a run of SIV-GAN with spatial latents.

    Args:
        run: a shipped one, whose weights are of half precision.

    Returns:
        What `unpackWeights` of weights.mjs reads.
    """
    generator = run.method.G_ema
    generator.normalize(power_iteration=False)
    sigmas = dict(zip(generator.layers, generator.sigmas, strict=True))
    numbers = []
    layers = []
    for name, module in generator.named_modules():
        if not hasattr(module, "weight") or is_unused(name, len(generator.blocks)):
            continue
        weight = getattr(module, "weight_orig", module.weight)
        numbers.append(weight.flatten())
        if module.bias is not None:
            numbers.append(module.bias)
        layers.append(
            {
                "name": name,
                "shape": list(weight.shape[:3]),
                "sigma": float(sigmas.get(module, 1.0)),
                "hasBias": module.bias is not None,
            }
        )
    data = torch.cat(numbers).detach().half().numpy().tobytes()
    return {
        "grid": list(generator.grid),
        "numBlocks": len(generator.blocks),
        "layers": layers,
        "data": b64encode(data).decode(),
    }


def is_unused(name: str, num_blocks: int) -> bool:
    """Tell whether a layer only makes the small images that the discriminator reads."""
    return name.endswith("to_rgb") and name != f"blocks.{num_blocks - 1}.to_rgb"


def main() -> None:
    """Build into the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the page is written")
    try:
        build(parser.parse_args().folder)
    except SivLiteError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
