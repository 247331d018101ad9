# SPDX-License-Identifier: Apache-2.0
"""Images: data sets and transforms under torchvision's names. Loaded when first used."""

_SUBMODULES = ("datasets", "transforms")


def __getattr__(name):
    if name in _SUBMODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_SUBMODULES])
