"""Pack the course into one archive for machines without network.

    python tools/pack_classroom.py video-headless,metrics,notebooks,photographs

The words are extras of pyproject.toml. The archive holds the repository, the wheels of these extras
for machines like this one, and the site if `make site` has made one.
"""

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from siv_lite.errors import SivLiteError

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "build" / "siv_lite_classroom.zip"
SITE = ROOT / "build" / "site"
FOLDER = "siv_lite"  # in the archive
COMPRESSED = {".whl", ".zip", ".png", ".jpg", ".gif", ".mp4", ".safetensors"}


def list_repository(root: Path) -> list[Path]:
    """List the files of the repository, without what git ignores.

    Args:
        root: its folder.

    Returns:
        Paths of files.

    Raises:
        SivLiteError: if the folder is no git checkout.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SivLiteError(
            f"git cannot list the files of {root}; pack the classroom in a clone of the repository"
        ) from error
    paths = [root / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def download_wheels(extras: str, target: Path) -> None:
    """Download the wheels of the package's dependencies, and of what builds it.

    Args:
        extras: of pyproject.toml, separated by commas.
        target: folder for them.

    Raises:
        SivLiteError: if pip fails.
    """
    # A wheel of what exists as source only could not be built in the room, so none is taken.
    options = ["--only-binary=:all:", "-c", "constraints.txt", "-d", str(target)]
    command = [sys.executable, "-m", "pip", "download", *options, f".[{extras}]", "setuptools"]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise SivLiteError("pip could not download the wheels; what it says stands above")

    system = f"{platform.system()}, {platform.machine()}, Python {platform.python_version()}"
    (target / "PLATFORM.txt").write_text(f"These wheels are for machines like: {system}\n")


def pack(archive: Path, files: dict[str, Path]) -> None:
    """Write the archive, whole or not at all.

    Args:
        archive: path of the .zip.
        files: name in the archive -> path.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w") as writer:
        for name, path in sorted(files.items()):
            is_compressed = path.suffix in COMPRESSED
            method = zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED
            writer.write(path, f"{FOLDER}/{name}", method)
    unfinished.replace(archive)


def list_folder(folder: Path, prefix: str) -> dict[str, Path]:
    """List the files of a folder by their names in the archive.

    Args:
        folder: may be missing.
        prefix: name of the folder in the archive.

    Returns:
        Name in the archive -> path.
    """
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[f"{prefix}/{path.relative_to(folder).as_posix()}"] = path
    return found


def main() -> None:
    """Read the command line and pack the archive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extras", help="of pyproject.toml, separated by commas")
    extras = parser.parse_args().extras
    wheels = Path(tempfile.mkdtemp(prefix="siv_lite_wheels_"))
    try:
        files = {path.relative_to(ROOT).as_posix(): path for path in list_repository(ROOT)}
        download_wheels(extras, wheels)
        files |= list_folder(wheels, "wheels")
        files |= list_folder(SITE, "site")
        pack(ARCHIVE, files)
    except SivLiteError as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(wheels, ignore_errors=True)

    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size / 1e6:.0f} megabytes")
    if not SITE.exists():
        print("It holds no site: `make site` makes one, then pack again.")
    print("In the room: unpack it, then `make lab` in the folder siv_lite; see docs/classroom.md.")


if __name__ == "__main__":
    main()
