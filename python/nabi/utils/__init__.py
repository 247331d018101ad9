# SPDX-License-Identifier: Apache-2.0
"""Helpers around a model: `nabi.utils.data` feeds it. Loaded when first used: `import nabi` stays cheap."""

_SUBMODULES = ("data",)


def __getattr__(name):
    if name in _SUBMODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_SUBMODULES])
