"""Temporary until merged."""

from siv_lite.losses import linearised as linearize  # noqa: F401
