"""Rendering: images drawn with the patches of the training frames, without any training."""

from siv_lite.rendering.render import provenance, render
from siv_lite.rendering.uses import analogy, harmonize, inpaint, retarget, tile

__all__ = ["analogy", "harmonize", "inpaint", "provenance", "render", "retarget", "tile"]
