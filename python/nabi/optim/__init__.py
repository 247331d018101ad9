# SPDX-License-Identifier: Apache-2.0
"""Optimizers: PyTorch's names, arguments and state_dict; one kernel call for all parameters of a group."""

from nabi.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from nabi.optim.sgd import SGD

__all__ = ["SGD", "Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]


def __getattr__(name):
    from nabi.nn.planned import sentence

    raise AttributeError(sentence("nabi.optim", name))
