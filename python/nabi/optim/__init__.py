# SPDX-License-Identifier: Apache-2.0
"""Optimizers: PyTorch's names, arguments and state_dict; one kernel call for all parameters of a group."""

from nabi.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from nabi.optim.sgd import SGD

__all__ = ["SGD", "Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

_OPTIMIZERS = "Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS Rprop ASGD Muon Adafactor"
_INSTEAD = {"lr_scheduler": "a loop that writes group['lr']", "swa_utils": "copy.deepcopy of the model"}


def __getattr__(name):
    if name in _INSTEAD or name in _OPTIMIZERS.split():
        instead = _INSTEAD.get(name, "SGD")
        raise AttributeError(f"nabi.optim.{name} is planned and does not exist yet; until then use {instead}")
    if name == "SparseAdam":
        raise AttributeError(
            "nabi.optim.SparseAdam is not supported, for nabi has no sparse tensors; use SGD"
        )
    raise AttributeError(f"module 'nabi.optim' has no attribute '{name}'")
