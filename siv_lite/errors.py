"""The exceptions that a user of siv_lite can cause, and the check that most often raises one."""


class SivLiteError(Exception):
    """Bad input, a damaged run or a missing file.

    Its message is one sentence that says what is wrong, where, and what to do.
    """


class DamagedRunError(SivLiteError):
    """A file of a run is missing, or is not as it was written."""


def check_integer(name: str, value: int, minimum: int) -> int:
    """Return `value` if it is an integer of at least `minimum` that fits into 63 bits.

    Args:
        name: what the user calls the value, for the message.
        value: what the user gave.
        minimum: the smallest value allowed.

    Returns:
        `value` itself.

    Raises:
        SivLiteError: if `value` is no integer (True and 2.0 are none), too small or too large.
    """
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not minimum <= value < 2**63:
        raise SivLiteError(f"{name} must be a whole number of at least {minimum}, not {value!r}")
    return value
