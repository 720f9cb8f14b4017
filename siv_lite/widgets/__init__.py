"""Widgets for a notebook or a page: explore runs, trace pixels, watch a training."""

from siv_lite.widgets.explorer import explore
from siv_lite.widgets.live import live_training
from siv_lite.widgets.microscope import edit_region, microscope
from siv_lite.widgets.panel import Picture, encode
from siv_lite.widgets.provenance import trace
from siv_lite.widgets.upload import upload

__all__ = [
    "Picture",
    "edit_region",
    "encode",
    "explore",
    "live_training",
    "microscope",
    "trace",
    "upload",
]
