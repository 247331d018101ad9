# SPDX-License-Identifier: Apache-2.0
"""PyTorch's names that nabi.nn and nabi.optim do not have yet, or never will: what asking for one of them says."""

from __future__ import annotations

# By module; a name leaves its list on the day it exists.
PLANNED = {
    "nabi.nn": """
Embedding Conv1d Conv2d ConvTranspose1d ConvTranspose2d Conv3d ConvTranspose3d MaxPool1d MaxPool2d MaxPool3d
AvgPool1d AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d
AdaptiveMaxPool2d AdaptiveMaxPool3d BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm RMSNorm
InstanceNorm1d InstanceNorm2d InstanceNorm3d LocalResponseNorm Dropout1d Dropout2d Dropout3d AlphaDropout
FeatureAlphaDropout LeakyReLU Tanh PReLU ELU GELU SiLU Softplus LogSigmoid SELU CELU GLU Mish ReLU6 Hardtanh
Hardsigmoid Hardswish Softsign Softmin Softmax2d Tanhshrink Softshrink Hardshrink Threshold RNN LSTM GRU
RNNCell LSTMCell GRUCell MultiheadAttention Transformer TransformerEncoder TransformerEncoderLayer
TransformerDecoder TransformerDecoderLayer MSELoss L1Loss SmoothL1Loss HuberLoss BCEWithLogitsLoss NLLLoss
KLDivLoss CTCLoss TripletMarginLoss MarginRankingLoss CosineEmbeddingLoss HingeEmbeddingLoss GaussianNLLLoss
PoissonNLLLoss MultiLabelSoftMarginLoss Upsample UpsamplingNearest2d UpsamplingBilinear2d ZeroPad1d
ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d ReflectionPad2d
ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d
EmbeddingBag Bilinear CosineSimilarity PairwiseDistance PixelShuffle PixelUnshuffle ChannelShuffle Fold
Unfold LazyLinear LazyConv1d LazyConv2d LazyConv3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d
UninitializedParameter UninitializedBuffer parallel DataParallel RNNBase RNNCellBase
""",
    "nabi.nn.functional": """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices adaptive_max_pool3d
adaptive_max_pool3d_with_indices affine_grid alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm
bilinear binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss dropout1d dropout2d
dropout3d elu elu_ embedding embedding_bag feature_alpha_dropout fold gaussian_nll_loss gelu glu grid_sample
group_norm gumbel_softmax hardshrink hardsigmoid hardswish hardtanh hardtanh_ hinge_embedding_loss
huber_loss instance_norm interpolate kl_div l1_loss layer_norm leaky_relu leaky_relu_ local_response_norm
logsigmoid margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices
max_pool3d max_pool3d_with_indices mish mse_loss multi_head_attention_forward multilabel_soft_margin_loss
native_channel_shuffle nll_loss normalize one_hot pad pairwise_distance pdist pixel_shuffle pixel_unshuffle
poisson_nll_loss prelu relu6 rms_norm scaled_dot_product_attention selu selu_ silu smooth_l1_loss softmin
softplus softshrink softsign tanh tanhshrink threshold threshold_ triplet_margin_loss unfold upsample
upsample_bilinear upsample_nearest
""",
    "nabi.nn.init": "dirac dirac_ orthogonal orthogonal_ sparse sparse_",
    "nabi.nn.utils": """
pack_padded_sequence pad_packed_sequence pad_sequence pack_sequence PackedSequence rnn weight_norm
spectral_norm remove_weight_norm remove_spectral_norm parametrize parametrizations
""",
    "nabi.optim": """
Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS Rprop ASGD Muon Adafactor lr_scheduler swa_utils
""",
}

# What to write until then, where one line says it.
MEANWHILE = {
    "MSELoss": "((input - target) ** 2).mean()",
    "BCEWithLogitsLoss": "BCELoss after Sigmoid",
    "Tanh": "2 * sigmoid(2 * x) - 1",
    "NLLLoss": "CrossEntropyLoss on the scores before the log-softmax",
    "DataParallel": "the model itself; kernels use all cores",
    "mse_loss": "((input - target) ** 2).mean()",
    "lr_scheduler": "a loop that writes group['lr']",
    "swa_utils": "copy.deepcopy of the model",
    "orthogonal_": "xavier_uniform_",
}

UNSUPPORTED = {
    "AdaptiveLogSoftmaxWithLoss": "CrossEntropyLoss",
    "CrossMapLRN2d": "LocalResponseNorm once it exists",
    "FractionalMaxPool2d": "MaxPool2d once it exists",
    "FractionalMaxPool3d": "MaxPool3d once it exists",
    "LPPool1d": "AvgPool1d once it exists",
    "LPPool2d": "AvgPool2d once it exists",
    "LPPool3d": "AvgPool3d once it exists",
    "LazyConvTranspose1d": "ConvTranspose1d once it exists",
    "LazyConvTranspose2d": "ConvTranspose2d once it exists",
    "LazyConvTranspose3d": "ConvTranspose3d once it exists",
    "LazyInstanceNorm1d": "InstanceNorm1d once it exists",
    "LazyInstanceNorm2d": "InstanceNorm2d once it exists",
    "LazyInstanceNorm3d": "InstanceNorm3d once it exists",
    "MaxUnpool1d": "Upsample once it exists",
    "MaxUnpool2d": "Upsample once it exists",
    "MaxUnpool3d": "Upsample once it exists",
    "MultiLabelMarginLoss": "BCELoss",
    "MultiMarginLoss": "CrossEntropyLoss",
    "RReLU": "ReLU",
    "SoftMarginLoss": "BCELoss",
    "SyncBatchNorm": "BatchNorm2d once it exists",
    "TripletMarginWithDistanceLoss": "TripletMarginLoss once it exists",
    "intrinsic": "float32; nabi has no quantized modules",
    "qat": "float32; nabi has no quantized modules",
    "quantizable": "float32; nabi has no quantized modules",
    "quantized": "float32; nabi has no quantized modules",
    "Container": "Module",
    "LinearCrossEntropyLoss": "Linear and CrossEntropyLoss",
    "LinearCrossEntropyOptions": "Linear and CrossEntropyLoss",
    "NLLLoss2d": "NLLLoss once it exists",
    "attention": "scaled_dot_product_attention once it exists",
    "common_types": "int and tuple",
    "factory_kwargs": "the arguments device and dtype",
    "grad": "nabi.autograd.grad",
    "modules": "the names that nabi.nn itself has",
    "conv_tbc": "conv1d once it exists",
    "fractional_max_pool2d": "max_pool2d once it exists",
    "fractional_max_pool2d_with_indices": "max_pool2d once it exists",
    "fractional_max_pool3d": "max_pool3d once it exists",
    "fractional_max_pool3d_with_indices": "max_pool3d once it exists",
    "grouped_mm": "matmul in a loop",
    "linear_cross_entropy": "linear and cross_entropy",
    "lp_pool1d": "avg_pool1d once it exists",
    "lp_pool2d": "avg_pool2d once it exists",
    "lp_pool3d": "avg_pool3d once it exists",
    "max_unpool1d": "interpolate once it exists",
    "max_unpool2d": "interpolate once it exists",
    "max_unpool3d": "interpolate once it exists",
    "multi_margin_loss": "cross_entropy",
    "multilabel_margin_loss": "binary_cross_entropy",
    "rrelu": "relu",
    "rrelu_": "relu_",
    "scaled_grouped_mm": "matmul",
    "scaled_mm": "matmul",
    "soft_margin_loss": "binary_cross_entropy",
    "triplet_margin_with_distance_loss": "triplet_margin_loss once it exists",
    "clip_grad_norm": "clip_grad_norm_",
    "convert_conv2d_weight_memory_format": "the model as it is; nabi has one memory format",
    "convert_conv3d_weight_memory_format": "the model as it is; nabi has one memory format",
    "memory_format": "the model as it is; nabi has one memory format",
    "fuse_conv_bn_eval": "the model in eval()",
    "fuse_conv_bn_weights": "the model in eval()",
    "fuse_linear_bn_eval": "the model in eval()",
    "fuse_linear_bn_weights": "the model in eval()",
    "fusion": "the model in eval()",
    "skip_init": "the class itself",
    "stateless": "copy.deepcopy and load_state_dict",
    "SparseAdam": "SGD; nabi has no sparse tensors",
    "swap_in_optimizer_params_and_state": "load_state_dict",
}


def sentence(module: str, name: str) -> str:
    """What an AttributeError says about a name that module lacks."""
    if name in PLANNED[module].split():
        until = f"; until then use {MEANWHILE[name]}" if name in MEANWHILE else ""
        return f"{module}.{name} is planned and does not exist yet{until}"
    if name in UNSUPPORTED:
        return f"{module}.{name} is not supported; use {UNSUPPORTED[name]}"
    return f"module '{module}' has no attribute '{name}'"
