"""The table of methods. A new method is a new file in this folder and a row in `METHODS`."""

import importlib
from typing import Any

from siv_lite.errors import SivLiteError
from siv_lite.methods.base import Method
from siv_lite.methods.settings import check_settings

__all__ = ["METHODS", "Method", "find_method", "make_settings"]

# Name -> (module, class). Imported when first used.
METHODS = {
    "siv_gan": ("siv_lite.methods.siv_gan", "SIVGAN"),
    "singan": ("siv_lite.methods.singan", "SinGAN"),
    "consingan": ("siv_lite.methods.consingan", "ConSinGAN"),
    "gpdm": ("siv_lite.methods.gpdm", "GPDM"),
    "fastgan": ("siv_lite.methods.fastgan", "FastGAN"),
    "hp_vae_gan": ("siv_lite.methods.hp_vae_gan", "HPVAEGAN"),
    "patch_diffusion": ("siv_lite.methods.patch_diffusion", "PatchDiffusion"),
}


def find_method(name: str) -> type[Method]:
    """Return the class of a method.

    Args:
        name: a row of `METHODS`, such as "siv_gan".

    Returns:
        The class, a subclass of `Method`.

    Raises:
        SivLiteError: for an unknown name.
    """
    if name not in METHODS:
        raise SivLiteError(f"Unknown method {name!r}; choose from {', '.join(METHODS)}")
    module, class_name = METHODS[name]
    return getattr(importlib.import_module(module), class_name)


def make_settings(method: str, preset: str = "paper", **overrides: Any) -> Any:
    """Build the settings of a method.

    Args:
        method: a row of `METHODS`.
        preset: "smoke", "lesson" or "paper".
        **overrides: single settings that replace those of the preset.

    Returns:
        An instance of the method's `Settings`.

    Raises:
        SivLiteError: for an unknown method, preset or setting, and for a value of the wrong type or
            range.
    """
    kind = find_method(method)
    return check_settings(method, kind.Settings, kind.PRESETS, preset, **overrides)
