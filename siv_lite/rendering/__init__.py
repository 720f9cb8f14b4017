"""Rendering: images drawn with the patches of the training frames, without any training."""

from siv_lite.rendering.render import provenance, render

__all__ = ["provenance", "render"]
