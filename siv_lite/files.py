"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siv_lite.errors import SivLiteError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Write a file under a temporary name that becomes `path` only when the block ends well.

    However the block is interrupted, `path` is the old file or the new one, never a part of it.
    Missing folders are made.

    Args:
        path: the file to write.

    Returns:
        A context manager; its value is the temporary name to write to, in the folder of `path`.

    Raises:
        SivLiteError: if the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary

        # Without fsync a power cut could leave the new name on an empty file.
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or error
        raise SivLiteError(f"{path} cannot be written ({reason}); choose another folder") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
