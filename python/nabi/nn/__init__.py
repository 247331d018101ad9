# SPDX-License-Identifier: Apache-2.0
"""Layers, losses and containers: PyTorch's names, arguments, parameter names, initial values and repr."""

from nabi.nn import functional, init, utils
from nabi.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax
from nabi.nn.containers import ModuleDict, ModuleList, Sequential
from nabi.nn.dropout import Dropout
from nabi.nn.flatten import Flatten, Unflatten
from nabi.nn.linear import Identity, Linear
from nabi.nn.loss import BCELoss, CrossEntropyLoss
from nabi.nn.module import Module
from nabi.nn.parameter import Buffer, Parameter
from nabi.nn.parameter_containers import ParameterDict, ParameterList
from nabi.nn.planned import sentence as _sentence

__all__ = [
    "BCELoss",
    "Buffer",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "LogSoftmax",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Unflatten",
    "functional",
    "init",
    "utils",
]


def __getattr__(name):
    raise AttributeError(_sentence("nabi.nn", name))
