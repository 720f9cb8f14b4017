"""Reading run folders that older versions of siv_lite wrote.

Format 1 kept the frames at the training size, and had other names for settings and tensors.
Format 2 keeps the frames whole; `image_size` is a setting. New files always have the newest format.
"""

from typing import Any

from torch import Tensor

FORMAT = 2
OLDEST_FORMAT = 1

# Method -> old name of a setting -> new name.
SETTINGS_OF_FORMAT_1 = {
    "siv_gan": {
        "width": "base_channels",
        "grid": "coarsest_size",
        "balance": "diversity_scale",
        "decay": "lr_decay_fraction",
        "average": "ema_decay",
    },
    "singan": {
        "width": "base_channels",
        "most_width": "max_channels",
        "coarsest": "coarsest_side",
        "noise": "noise_amplitude",
    },
    "consingan": {
        "width": "base_channels",
        "stages": "num_stages",
        "concurrent": "concurrent_stages",
        "rate_scale": "lr_stage_factor",
        "coarsest": "coarsest_side",
        "noise": "noise_amplitude",
    },
    "fastgan": {"width": "base_channels", "average": "ema_decay"},
    "hp_vae_gan": {
        "width": "base_channels",
        "batch": "batch_size",
        "coarsest": "coarsest_side",
        "noise": "noise_amplitude",
        "decay": "lr_stage_factor",
        "clip": "max_grad_norm",
    },
    "gpdm": {
        "patch": "patch_size",
        "coarsest": "coarsest_side",
        "noise": "noise_amplitude",
    },
}

# Old -> new, for any part between the dots of a tensor's name.
TENSORS_OF_FORMAT_1 = {
    "count": "iteration",
    "amplitudes": "noise_amplitudes",
    "fixed": "z_star",
    "reconstruction_noise": "z_star",
    "average": "G_ema",
    "raw": "weight_orig",
    "left": "u",
    "right": "v",
}


def migrate_config(config: dict[str, Any]) -> dict[str, Any]:
    """Bring the config of a run to today's format.

    Args:
        config: what `config.json` holds.

    Returns:
        The same in format 2; `config` itself stays as it is.
    """
    if config["format"] == FORMAT:
        return config
    new_names = SETTINGS_OF_FORMAT_1.get(config["method"], {})
    settings = {}
    for name, value in config["settings"].items():
        settings[new_names.get(name, name)] = value
    *_, height, width = config["frames"]["shape"]
    settings["image_size"] = max(height, width)  # the frames were at the training size already
    return {**config, "format": FORMAT, "settings": settings}


def migrate_state(state: dict[str, Tensor], written_format: int) -> dict[str, Tensor]:
    """Bring the tensors of a checkpoint to today's names.

    Args:
        state: name -> tensor.
        written_format: format of the checkpoint.

    Returns:
        The same tensors under today's names.
    """
    if written_format == FORMAT:
        return state
    migrated = {}
    for name, tensor in state.items():
        parts = [TENSORS_OF_FORMAT_1.get(part, part) for part in name.split(".")]
        migrated[".".join(parts)] = tensor
    return migrated
