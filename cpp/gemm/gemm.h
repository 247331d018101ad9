// SPDX-License-Identifier: Apache-2.0
// C[m, n] = A[m, k] B[k, n] + bias[n], or C += A B. Any row and column strides of A and B; C's rows are contiguous.
// k = 0 writes zeros or the bias. With accumulate = false C is never read.
#pragma once
#include "runtime/array.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

template <class T>
struct Matrix {
    const T* data;
    int64_t row;  // elements between rows
    int64_t col;  // elements between columns
};

template <class T>
inline Matrix<T> transposed(Matrix<T> a) {
    return {a.data, a.col, a.row};
}

template <class T>
Status gemm(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, const T* bias,
            bool accumulate) noexcept;

extern template Status gemm<float>(int64_t, int64_t, int64_t, Matrix<float>, Matrix<float>, float*, int64_t,
                                   const float*, bool) noexcept;
extern template Status gemm<double>(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>, double*, int64_t,
                                    const double*, bool) noexcept;

}  // namespace nabi::NABI_SET
