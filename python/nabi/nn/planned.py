# SPDX-License-Identifier: Apache-2.0
"""The names of torch.nn that nabi does not have yet, or never will: what asking for one of them says."""

from __future__ import annotations

PLANNED = """
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
UninitializedParameter UninitializedBuffer parallel DataParallel
"""

# What to write until then, where one line says it.
MEANWHILE = {
    "MSELoss": "((input - target) ** 2).mean()",
    "BCEWithLogitsLoss": "BCELoss after Sigmoid",
    "Tanh": "2 * sigmoid(2 * x) - 1",
    "NLLLoss": "CrossEntropyLoss on the scores before the log-softmax",
    "DataParallel": "the model itself; kernels use all cores",
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
}


def sentence(module: str, name: str) -> str:
    """What an AttributeError says about a name that module lacks."""
    if name in UNSUPPORTED:
        return f"{module}.{name} is not supported; use {UNSUPPORTED[name]}"
    if name in PLANNED.split():
        until = f"; until then use {MEANWHILE[name]}" if name in MEANWHILE else ""
        return f"{module}.{name} is planned and does not exist yet{until}"
    return f"module '{module}' has no attribute '{name}'"
