// SPDX-License-Identifier: Apache-2.0
// linear, matmul: what stands directly on matrix multiplication.
#include "gemm/gemm.h"
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "runtime/parallel.h"

namespace nabi::NABI_SET {

namespace {

template <class T>
Matrix<T> matrix(const In& x) {
    return {data<T>(x), x.strides[x.ndim - 2], x.strides[x.ndim - 1]};
}

// y[j] = [y[j] +] sum over i of x[i, j], rows in blocks of 64 and the blocks in ascending order; a thread owns whole
// vectors of columns.
template <class T>
void sum_rows(int64_t rows, int64_t columns, const T* x, T* y, bool accumulate) {
    constexpr int64_t W = Vec<T>::width;
    const int64_t vectors = (columns + W - 1) / W;
    parallel_for(vectors, grain_for(0.5 * static_cast<double>(rows)), [&](int64_t begin, int64_t end) {
        for (int64_t v = begin; v < end; v++) {
            const int64_t j = v * W, left = columns - j;
            Vec<T> total = broadcast(T(0));
            for (int64_t from = 0; from < rows; from += 64) {
                const int64_t to = least(rows, from + 64);
                Vec<T> sum = broadcast(T(0));
                if (left >= W) {
                    for (int64_t i = from; i < to; i++) sum = sum + load(x + i * columns + j);
                } else {
                    for (int64_t i = from; i < to; i++) sum = sum + load_partial(x + i * columns + j, left);
                }
                total = total + sum;
            }
            if (left >= W) {
                store(y + j, accumulate ? load(y + j) + total : total);
            } else {
                store_partial(y + j, accumulate ? load_partial(y + j, left) + total : total, left);
            }
        }
    });
}

}  // namespace

// output[n, o] = sum_i input[n, i] weight[o, i] + bias[o]                                       writes =
Status linear(const In& input, const In& weight, const In& bias, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t n = output.shape[0], o = output.shape[1], i = input.shape[1];
        Product<T> product = {n, o, i, matrix<T>(input), transposed(matrix<T>(weight)), data<T>(output), o};
        product.epilogue.column_bias = data<T>(bias);
        return gemm(product);
    });
}

// d_input = grad weight; d_weight = grad^T input; d_bias = sum of grad's rows
// d_input is written =; d_weight and d_bias = or +=
Status linear_backward(const In& grad, const In& input, const In& weight, const Out& d_input, const Out& d_weight,
                       const Out& d_bias) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t n = grad.shape[0], o = grad.shape[1], i = input.shape[1];
        Status status = OK;
        if (d_input.data) {
            status = gemm(Product<T>{n, i, o, matrix<T>(grad), matrix<T>(weight), data<T>(d_input), i});
            if (status.code) return status;
        }
        if (d_weight.data) {
            Product<T> product = {o, i, n, transposed(matrix<T>(grad)), matrix<T>(input), data<T>(d_weight), i};
            product.epilogue.accumulate = d_weight.accumulate;
            status = gemm(product);
            if (status.code) return status;
        }
        if (d_bias.data) sum_rows(n, o, data<T>(grad), data<T>(d_bias), d_bias.accumulate);
        return OK;
    });
}

// c[m, n] = alpha sum_k a[m, k] b[k, n]                                                         writes = or +=
Status matmul(const In& a, const In& b, double alpha, const Out& c) noexcept {
    return with_float(c.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t rows = c.shape[0], columns = c.shape[1];
        Product<T> product = {rows, columns, a.shape[1], matrix<T>(a), matrix<T>(b), data<T>(c), columns};
        product.epilogue.alpha = T(alpha);
        product.epilogue.accumulate = c.accumulate;
        return gemm(product);
    });
}

// c[b] = alpha a[b] b[b] for every b                                                            writes = or +=
Status batched_matmul(const In& a, const In& b, double alpha, const Out& c) noexcept {
    return with_float(c.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t rows = c.shape[1], columns = c.shape[2];
        Product<T> product = {rows, columns, a.shape[2], matrix<T>(a), matrix<T>(b), data<T>(c), columns};
        product.epilogue.alpha = T(alpha);
        product.epilogue.accumulate = c.accumulate;
        product.batch = c.shape[0];
        product.a_batch = a.strides[0];
        product.b_batch = b.strides[0];
        product.c_batch = rows * columns;
        return gemm(product);
    });
}

}  // namespace nabi::NABI_SET
