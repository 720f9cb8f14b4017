"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siv_lite.errors import SivLiteError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends well, and vanishes when it does not.
    Missing folders are made. Raises SivLiteError where the file cannot be written."""
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name on an empty file
        os.replace(temporary, path)
    except OSError as error:
        raise SivLiteError(f"{path} cannot be written ({error.strerror or error}); choose another place") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
