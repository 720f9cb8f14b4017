"""What networks of several methods are built from."""

from siv_lite.nn.linearize import linearize

__all__ = ["linearize"]
