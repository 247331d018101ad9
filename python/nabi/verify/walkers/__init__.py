# SPDX-License-Identifier: Apache-2.0
"""The walkers: each takes a case, a Log and Settings, and runs the case in one way."""

from ..case import Case
from ._run import samples
from .arguments import arguments
from .bad_input import bad_input
from .gradient import gradient
from .layout import layout
from .peer import peer
from .plain import plain
from .special import special
from .stored import stored
from .threads import threads
from .value import value

# Over cases. ``arguments`` walks over kernels and ``peer`` needs PyTorch: they stand apart.
WALKERS = {
    "value": value,
    "gradient": gradient,
    "plain": plain,
    "layout": layout,
    "special": special,
    "stored": stored,
    "bad_input": bad_input,
    "threads": threads,
}


def has_gradient(case: Case) -> bool:
    """Whether any sample of the case has an array with a gradient."""
    return any(case.differentiable(sample) for sample in samples(case, "random", "float32", True))


def applies(name: str, case: Case) -> bool:
    """Whether a walker has something to check in a case: then it must check something."""
    if name in ("gradient", "plain"):
        return has_gradient(case) and (name == "gradient" or case.plain)
    asked = {"layout": case.layouts, "special": case.special, "stored": case.stored, "threads": case.splits}
    return bool(asked.get(name, name != "bad_input" or case.bad))


__all__ = ["WALKERS", "applies", "arguments", "has_gradient", "peer", *WALKERS]
