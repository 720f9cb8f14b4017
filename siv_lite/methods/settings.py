"""Settings of a method: frozen dataclasses whose fields carry their type and range."""

import inspect
import typing
from dataclasses import dataclass
from typing import Annotated, Any

from siv_lite.errors import SivLiteError


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest allowed value of a setting, as in `Annotated[int, Bounds(1, 9)]`."""

    minimum: float
    maximum: float


# Ranges that many settings share.
Probability = Annotated[float, Bounds(0, 1)]
Weight = Annotated[float, Bounds(0, 1e6)]  # of a loss, or a learning rate
Count = Annotated[int, Bounds(1, 10**8)]
ImageSize = Annotated[int, Bounds(32, 4096)]  # pixels of the longest side


def check_settings(
    method: str,
    settings_class: type,
    presets: dict[str, dict[str, Any]],
    preset: str,
    **overrides: Any,
) -> Any:
    """Build the settings of a method from a preset, with single fields replaced.

    Args:
        method: the method's name, for messages.
        settings_class: a frozen dataclass; its defaults are the preset "paper".
        presets: preset -> the fields that differ from the defaults.
        preset: one of `presets`.
        **overrides: fields that replace those of the preset.

    Returns:
        An instance of `settings_class`.

    Raises:
        SivLiteError: for an unknown preset or field, and for a value of the wrong type or range.
    """
    if preset not in presets:
        raise SivLiteError(
            f"Unknown preset {preset!r} of {method}; choose from {', '.join(presets)}"
        )
    annotations = typing.get_type_hints(settings_class, include_extras=True)
    for name, value in overrides.items():
        if name not in annotations:
            raise SivLiteError(
                f"Unknown setting {name!r} of {method}; choose from {', '.join(annotations)}"
            )
        _check_value(f"Setting {name} of {method}", value, annotations[name])
    return settings_class(**(presets[preset] | overrides))


def _check_value(label: str, value: Any, annotation: Any) -> None:
    """Raise SivLiteError if a value is not of an annotated type or outside of its bounds."""
    expected, bounds = split_bounds(annotation)
    if not matches_type(value, expected):
        raise SivLiteError(f"{label} must be {inspect.formatannotation(expected)}, not {value!r}")
    if bounds is not None and isinstance(value, int | float):
        if not bounds.minimum <= value <= bounds.maximum:
            raise SivLiteError(
                f"{label} must lie in {bounds.minimum} to {bounds.maximum}, not {value}"
            )


def split_bounds(annotation: Any) -> tuple[Any, Bounds | None]:
    """Take the bounds off an annotation, also off one of a union such as `Count | None`.

    Args:
        annotation: a type, `Annotated[type, Bounds(...)]`, or a union of such.

    Returns:
        The type without bounds, and the bounds or None.
    """
    if typing.get_origin(annotation) is Annotated:
        plain, *extras = typing.get_args(annotation)
        bounds = [extra for extra in extras if isinstance(extra, Bounds)]
        return plain, bounds[0] if bounds else None

    options = typing.get_args(annotation)
    is_union = type(None) in options
    if not is_union:
        return annotation, None
    plain = None
    found = None
    for option in options:
        option_type, option_bounds = split_bounds(option)
        plain = option_type if plain is None else plain | option_type
        found = found or option_bounds
    return plain, found


def matches_type(value: Any, expected: Any) -> bool:
    """Tell whether a value is of an annotated type.

    Args:
        value: anything that JSON can hold.
        expected: int, float, bool, str, None, a Literal, a tuple of these, or a union of them.

    Returns:
        Whether it fits; an int is a float too, a list counts as a tuple (JSON has no tuples), and
        True is no int.
    """
    origin = typing.get_origin(expected)
    options = typing.get_args(expected)
    if origin is typing.Literal:
        return value in options
    if origin is tuple:
        is_sequence = isinstance(value, tuple | list) and len(value) == len(options)
        return is_sequence and all(map(matches_type, value, options))
    if options:  # a union
        return any(matches_type(value, option) for option in options)
    if isinstance(value, bool):
        return expected is bool
    if expected is float:
        return isinstance(value, int | float)
    return isinstance(value, expected)
