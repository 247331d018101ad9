// SPDX-License-Identifier: Apache-2.0
// Matrix multiplication: C[m, n] = alpha A[m, k] B[k, n] + bias, or C += that; one product or a batch of them.
//   A, B       any row and column strides, nothing is copied beforehand; C's rows are contiguous, ldc apart
//   k = 0      writes zeros or the bias
//   accumulate reads C; without it C is never read
// The bits of an element depend on m, n, k, on accumulate, and on the set: not on threads, strides, or where a tile's edge
// falls. With alpha = 0 neither A nor B is read.
//   gemm.cpp      the work divided over threads             tile.h      the tile of C in registers
//   blocked.h     the loops around the tile, one thread     pack.h      panels of A and B
//   vector.h      one row or one column of C                schedule.h  who computes what
//   swapped.h     C transposed, for weights along K
//   packed.h      B packed once, used many times            blocks.h    the numbers of each set
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

// What happens to a sum before it is stored, while it is in registers: c = [c +] alpha sum + row_bias[i] + column_bias[j],
// the biases last, after all runs of K.
// `activate`, if any, then sees each finished piece of C while it is in L1.
template <class T>
struct Epilogue {
    T alpha = T(1);
    const T* row_bias = nullptr;
    const T* column_bias = nullptr;
    bool accumulate = false;
    void (*activate)(void* context, T* c, int64_t ldc, int64_t i, int64_t j, int64_t rows, int64_t columns) = nullptr;
    void* context = nullptr;
};

template <class T>
struct Product {
    int64_t m, n, k;
    Matrix<T> a, b;
    T* c;
    int64_t ldc;
    Epilogue<T> epilogue = {};
    int64_t batch = 1, a_batch = 0, b_batch = 0, c_batch = 0;  // elements between one product's matrices and the next's
};

template <class T>
Status gemm(const Product<T>& product) noexcept;

extern template Status gemm<float>(const Product<float>&) noexcept;
extern template Status gemm<double>(const Product<double>&) noexcept;

}  // namespace nabi::NABI_SET
