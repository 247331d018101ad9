# SPDX-License-Identifier: Apache-2.0
"""PyTorch's names that nabi and nabi.Tensor do not have yet, or never will: what asking for one of them says."""

from __future__ import annotations

# Functions that are Tensor methods, too. A name leaves its list on the day it exists.
BOTH = """
exp2 log2 log10 logaddexp rsqrt reciprocal sign floor ceil round trunc frac tan asin acos atan atan2
sinh cosh asinh acosh atanh erfc erfinv lgamma digamma fmod lerp addcmul addcdiv
nan_to_num logit rsqrt_ reciprocal_ floor_ ceil_ round_ trunc_ tan_
amax amin aminmax prod std var norm logsumexp cumsum cumprod cummax cummin
median nanmedian mode nansum nanmean count_nonzero quantile nanquantile histc bincount kthvalue where nonzero argwhere
gather scatter scatter_add scatter_reduce index_add index_copy index_fill index_put index_put_ masked_fill
masked_select take take_along_dim sort argsort topk unique unique_consecutive repeat_interleave tile flip fliplr flipud
roll rot90 tril triu diag diag_embed diagflat hsplit vsplit dsplit tensor_split ravel kron cross
trace inverse det logdet slogdet cholesky qr svd pinverse matrix_power cov corrcoef bitwise_left_shift
bitwise_right_shift diff hardshrink prelu
"""

FUNCTIONS = """
std_mean var_mean bucketize searchsorted isin tril_indices triu_indices hstack vstack dstack column_stack row_stack
atleast_1d atleast_2d atleast_3d meshgrid cartesian_prod combinations block_diag broadcast_tensors
chain_matmul cdist logspace celu selu finfo iinfo can_cast promote_types cosine_similarity pairwise_distance conv1d
conv2d conv3d conv_transpose1d conv_transpose2d max_pool1d max_pool2d avg_pool1d batch_norm layer_norm group_norm
embedding bilinear pixel_shuffle lstm gru rnn_tanh fft linalg distributions multiprocessing accelerator amp autocast
compile cuda mps distributed use_deterministic_algorithms are_deterministic_algorithms_enabled
set_float32_matmul_precision get_float32_matmul_precision set_default_device get_default_device from_dlpack
set_default_tensor_type set_num_interop_threads get_num_interop_threads bfloat16
"""

METHODS = """
sign_ lerp_ addcmul_ addcdiv_ fmod_ cumsum_ cumprod_ scatter_ scatter_add_ scatter_reduce_ index_add_
index_copy_ index_fill_ masked_fill_ masked_scatter_ put_ repeat tril_ triu_ unfold squeeze_ unsqueeze_ transpose_ t_
resize_ logical_and_ logical_or_ logical_not_ eq_ ne_ lt_ le_ gt_ ge_ log_normal_ geometric_ cauchy_ is_pinned
share_memory_ pin_memory
"""

# What to write until then, where one line says it.
MEANWHILE = {
    "reciprocal": "1 / x",
    "masked_fill": "x * ~mask + value * mask, or assignment to x[mask] of a clone",
    "masked_fill_": "x[mask] = value",
    "masked_select": "x[mask]",
    "where": "condition * a + ~condition * b",
    "prod": "a product in a loop",
    "var": "((x - x.mean()) ** 2).sum() / (n - 1)",
    "std": "(((x - x.mean()) ** 2).sum() / (n - 1)) ** 0.5",
    "norm": "(x ** 2).sum() ** 0.5",
    "logsumexp": "x.exp().sum(dim).log()",
    "repeat": "expand and reshape",
    "tile": "expand and reshape",
    "flip": "x[list(range(n - 1, -1, -1))]",
    "ravel": "reshape(-1)",
    "hstack": "cat",
    "vstack": "cat or stack",
    "gather": "x[rows, columns]",
    "take": "x.reshape(-1)[index]",
    "compile": "the model itself",
    "cuda": 'device "cpu", the only one nabi has',
    "mps": 'device "cpu", the only one nabi has',
    "sort": "nabi.from_numpy(numpy.sort(x.detach().numpy()))",
    "argsort": "nabi.from_numpy(numpy.argsort(x.detach().numpy()))",
    "where_": "assignment to x[mask]",
    "squeeze_": "x = x.squeeze()",
    "unsqueeze_": "x = x.unsqueeze(dim)",
    "bfloat16": "float32",
}

# What nabi will not have, and what to use instead.
UNSUPPORTED = {
    "half": "float32",
    "float16": "float32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
    "complex": "two real tensors",
    "complex64": "two real tensors",
    "complex128": "two real tensors",
    "cfloat": "two real tensors",
    "cdouble": "two real tensors",
    "view_as_complex": "a last dimension of size 2",
    "view_as_real": "a last dimension of size 2",
    "real": "real tensors",
    "imag": "real tensors",
    "conj": "real tensors",
    "jit": "the Python model itself",
    "export": "nabi.save of the state_dict",
    "onnx": "nabi.save of the state_dict",
    "sparse": "dense tensors",
    "sparse_coo_tensor": "dense tensors",
    "to_sparse": "dense tensors",
    "coalesce": "dense tensors",
    "quantization": "float32",
    "xpu": 'device "cpu"',
    "channels_last": "PyTorch's default layout; the strides of a permuted tensor are kept",
    "memory_format": "the strides that tensors have",
    "storage": "data_ptr() and storage_offset()",
    "untyped_storage": "data_ptr() and storage_offset()",
    "names": "dimensions by number",
    "rename": "dimensions by number",
    "apply_": "numpy on x.detach().numpy()",
    "map_": "numpy on x.detach().numpy()",
    "set_": "assignment to x.data",
}

_functions = frozenset(BOTH.split()) | frozenset(FUNCTIONS.split())
_methods = frozenset(BOTH.split()) | frozenset(METHODS.split())


def sentence(owner: str, name: str) -> str:
    """What an AttributeError says about a name that ``nabi`` or ``Tensor`` lacks."""
    full = f"{owner}.{name}"
    if name in (_functions if owner == "nabi" else _methods):
        until = f"; until then use {MEANWHILE[name]}" if name in MEANWHILE else ""
        return f"{full} is planned and does not exist yet{until}"
    if name in UNSUPPORTED:
        return f"{full} is not supported; use {UNSUPPORTED[name]}"
    return (
        f"module 'nabi' has no attribute {name!r}"
        if owner == "nabi"
        else f"'Tensor' object has no attribute {name!r}"
    )


class Missing:
    """A name that Tensor lacks. A descriptor and not ``Tensor.__getattr__``, which would slow every attribute down."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def __get__(self, instance, owner=None):
        raise AttributeError(sentence("Tensor", self.name), name=self.name, obj=instance)


def install(tensor_class: type) -> None:
    """Puts a sentence behind every planned or unsupported name that the class does not have."""
    for name in _methods.union(UNSUPPORTED):
        if not hasattr(tensor_class, name):
            setattr(tensor_class, name, Missing(name))
