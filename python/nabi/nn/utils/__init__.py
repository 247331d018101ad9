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

_PLANNED = """
pack_padded_sequence pad_packed_sequence pad_sequence pack_sequence PackedSequence rnn weight_norm
spectral_norm remove_weight_norm remove_spectral_norm parametrize parametrizations
"""


def __getattr__(name):
    if name in _PLANNED.split():
        raise AttributeError(f"nabi.nn.utils.{name} is planned and does not exist yet")
    raise AttributeError(f"module 'nabi.nn.utils' has no attribute '{name}'")
