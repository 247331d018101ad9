# SPDX-License-Identifier: Apache-2.0
"""The functions that layers call: those of ``nabi.ops`` that PyTorch has under ``torch.nn.functional``."""

from nabi.ops.dropout import dropout
from nabi.ops.elementwise import relu, relu_, sigmoid
from nabi.ops.linalg import linear
from nabi.ops.loss import binary_cross_entropy
from nabi.ops.softmax import cross_entropy, log_softmax, softmax

__all__ = [
    "binary_cross_entropy",
    "cross_entropy",
    "dropout",
    "linear",
    "log_softmax",
    "relu",
    "relu_",
    "sigmoid",
    "softmax",
]


def __getattr__(name):
    from nabi.nn.planned import sentence

    raise AttributeError(sentence("nabi.nn.functional", name))
