"""Rendering: images drawn with the patches of the training frames, without any training."""

from siv_lite.rendering.render import Renderer, provenance, render
from siv_lite.rendering.uses import analogy, harmonize, inpaint, retarget, tile

__all__ = [
    "Renderer",
    "analogy",
    "harmonize",
    "inpaint",
    "provenance",
    "render",
    "retarget",
    "tile",
]
