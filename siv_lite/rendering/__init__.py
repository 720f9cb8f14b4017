"""Rendering: images drawn with the patches of the training frames, without any training."""

from siv_lite.rendering.render import Renderer, provenance, render

__all__ = ["Renderer", "provenance", "render"]
