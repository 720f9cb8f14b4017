"""The one exception that a user of siv_lite can cause."""


class SivLiteError(Exception):
    """Bad input, a damaged run or a missing file: one sentence that says what is wrong, where, and what to do."""
