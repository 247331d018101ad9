# SPDX-License-Identifier: Apache-2.0
"""What training scripts do to a model's parameters and gradients as a whole."""

from nabi.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from nabi.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]


def __getattr__(name):
    from nabi.nn.planned import sentence

    raise AttributeError(sentence("nabi.nn.utils", name))
