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

_PLANNED = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
adaptive_max_pool3d affine_grid alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear
binary_cross_entropy_with_logits celu celu_ conv1d conv2d conv3d conv_transpose1d conv_transpose2d
conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss dropout1d dropout2d dropout3d elu elu_ embedding
embedding_bag feature_alpha_dropout fold gaussian_nll_loss gelu glu grid_sample group_norm gumbel_softmax
hardshrink hardsigmoid hardswish hardtanh hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss
layer_norm leaky_relu leaky_relu_ local_response_norm logsigmoid margin_ranking_loss max_pool1d max_pool2d
max_pool3d mish mse_loss multi_head_attention_forward multilabel_soft_margin_loss nll_loss normalize one_hot pad
pairwise_distance pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu6 rms_norm scaled_dot_product_attention
selu silu smooth_l1_loss softmin softplus softshrink softsign tanh tanhshrink threshold triplet_margin_loss unfold
upsample
"""


def __getattr__(name):
    if name in _PLANNED.split():
        raise AttributeError(f"nabi.nn.functional.{name} is planned and does not exist yet")
    raise AttributeError(f"module 'nabi.nn.functional' has no attribute '{name}'")
