"""The exceptions that a user of siv_lite can cause, and the check that most often raises one."""


class SivLiteError(Exception):
    """Bad input, a damaged run or a missing file: one sentence that says what is wrong, where, and what to do."""


class DamagedRunError(SivLiteError):
    """A file of a run is missing or not as it was written."""


def check_integer(name: str, value: int, least: int) -> int:
    """The value itself if it is a whole number of at least `least` that fits into 63 bits, else SivLiteError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
        raise SivLiteError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return value
