"""The runs that a widget offers: found in some folders, named so that a class can read it."""

from collections import Counter
from pathlib import Path

from siv_lite.errors import SivLiteError
from siv_lite.methods import METHODS
from siv_lite.training import Run, open_run
from siv_lite.training.checkpoint import list_checkpoints, read_config

TITLES = {
    "siv_gan": "SIV-GAN",
    "singan": "SinGAN",
    "consingan": "ConSinGAN",
    "gpdm": "GPDM",
    "fastgan": "FastGAN",
    "hp_vae_gan": "HP-VAE-GAN",
    "patch_diffusion": "Patch diffusion",
}


class RunList:
    """The runs in and below some folders.

    Attributes:
        roots: the folders; only what lies in one of these is ever opened.
    """

    def __init__(self, folders: tuple[str | Path, ...]):
        """Find nothing yet.

        Args:
            folders: of runs, or of folders of runs.
        """
        self.roots = [Path(folder).resolve() for folder in folders]

    def find(self) -> list[tuple[str, Path]]:
        """Find every run that has a checkpoint.

        Returns:
            Names and run folders, those of one photograph together, SIV-GAN first.
        """
        found = set()
        for root in self.roots:
            for checkpoint in root.rglob("checkpoint-*.json"):
                found.add(checkpoint.parent)
        described = sorted(describe(folder) for folder in found)

        # Two runs of one name are numbered.
        seen = Counter()
        options = []
        for _, _, name, folder in described:
            seen[name] += 1
            number = f" ({seen[name]})" if seen[name] > 1 else ""
            options.append((name + number, folder))
        return options

    def open(self, folder: Path | None) -> Run:
        """Open a run.

        Args:
            folder: its run folder; None if there is none.

        Returns:
            The run.

        Raises:
            SivLiteError: if there is none, if it, or anything in it, lies outside of the folders,
                and if it is damaged.
        """
        allowed = " and ".join(str(root) for root in self.roots)
        if folder is None:
            raise SivLiteError(f"There is no run in {allowed} yet; train one first")

        # Symbolic links are followed to where they lead.
        for path in [folder, *folder.glob("*")]:
            if not any(path.resolve().is_relative_to(root) for root in self.roots):
                raise SivLiteError(f"{path} lies outside of {allowed}; choose a run in there")
        return open_run(folder)


def describe(folder: Path) -> tuple[str, int, str, Path]:
    """Describe a run in the order in which runs are sorted.

    Args:
        folder: of a run that has a checkpoint.

    Returns:
        The photograph's name, the number of the method, the run's name, its folder.
    """
    try:
        method = read_config(folder)["method"]
        number = list(METHODS).index(method)
    except (SivLiteError, KeyError, ValueError):  # opened, it will say what is wrong
        return folder.name, len(METHODS), folder.name, folder

    newest = list_checkpoints(folder)[0]
    iterations = int(newest.stem.removeprefix("checkpoint-"))
    noun = "iteration" if iterations == 1 else "iterations"
    photograph = name_photograph(folder, method)
    name = f"{photograph} - {TITLES[method]}, {iterations:,} {noun}"
    return photograph, number, name, folder


def name_photograph(folder: Path, method: str) -> str:
    """Guess from the name of a run folder what it was trained on, and what is special about it.

    Args:
        folder: such as `balloons_siv_gan_half_way`, or `my-dog-siv_gan-lesson-64-0`.
        method: name in `METHODS`.

    Returns:
        A name such as "Balloons, half way" or "My dog".
    """
    before, _, after = folder.name.partition(method)
    words = as_words(before) or as_words(folder.parent.name) or folder.name
    name = words[:1].upper() + words[1:]

    # Numbers are those of settings.
    special = as_words(after)
    has_digits = any(character.isdigit() for character in special)
    if special and not has_digits:
        name += f", {special}"
    return name


def as_words(name: str) -> str:
    """Turn a part of a file's name into words."""
    return name.replace("_", " ").replace("-", " ").strip()
