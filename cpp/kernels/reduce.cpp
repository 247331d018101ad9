// SPDX-License-Identifier: Apache-2.0
// Sums. Blocks of a fixed length are summed in vectors and the blocks' sums pairwise, so the rounding error grows with
// log(n) and the order never depends on threads.
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

namespace {

constexpr int64_t BLOCK = 1024;

template <class T>
T sum_block(const T* x, int64_t n) {
    constexpr int64_t W = Vec<T>::width;
    Vec<T> sum[4];
    for (auto& part : sum) part = broadcast(T(0));
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        for (int64_t v = 0; v < 4; v++) sum[v] = sum[v] + load(x + i + v * W);
    }
    for (int64_t v = 0; i < n; v++, i += W) {
        sum[v % 4] = sum[v % 4] + (i + W <= n ? load(x + i) : load_partial(x + i, n - i));
    }
    return sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

// In place over x[0..n), n > 0.
template <class T>
T sum_pairwise(T* x, int64_t n) {
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i < n / 2; i++) x[i] = x[2 * i] + x[2 * i + 1];
        if (n % 2) x[n / 2] = x[n - 1];
    }
    return x[0];
}

}  // namespace

// output = sum of all elements / divisor (1: sum; n: mean)
Status sum_all(const In& input, double divisor, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        const T* x = data<T>(input);
        const int64_t n = input.size, blocks = (n + BLOCK - 1) / BLOCK;
        T total = n ? sum_block(x, least(n, BLOCK)) : T(0);
        if (blocks > 1) {
            Scratch scratch(static_cast<size_t>(blocks) * sizeof(T));
            if (!scratch.data) return Status{2, 0, 0, 0};
            T* sums = scratch.as<T>();
            parallel_for(blocks, grain_for(0.1 * BLOCK), [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; i++) sums[i] = sum_block(x + i * BLOCK, least(BLOCK, n - i * BLOCK));
            });
            total = sum_pairwise(sums, blocks);
        }
        *data<T>(output) = total / T(divisor);
        return OK;
    });
}

// output[a, b] = sum over r of input[a, r, b] / divisor: sums of the last dimension are b = 1, of the first a = 1.
Status sum_middle(const In& input, double divisor, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        constexpr int64_t W = Vec<T>::width;
        const T* x = data<T>(input);
        T* y = data<T>(output);
        const int64_t rows = input.shape[1], columns = input.shape[2];
        const Vec<T> divisors = broadcast(T(divisor));
        if (columns == 1) {
            const int64_t blocks = greatest<int64_t>(1, (rows + BLOCK - 1) / BLOCK), count = output.size;
            Scratch scratch(static_cast<size_t>(greatest<int64_t>(1, blocks * count)) * sizeof(T));
            if (!scratch.data) return Status{2, 0, 0, 0};
            T* sums = scratch.as<T>();
            parallel_for(count * blocks, grain_for(0.1 * static_cast<double>(least(rows, BLOCK)) + 1),
                         [&](int64_t begin, int64_t end) {
                             for (int64_t t = begin; t < end; t++) {
                                 const int64_t from = t % blocks * BLOCK;
                                 sums[t] = sum_block(x + t / blocks * rows + from, least(BLOCK, rows - from));
                             }
                         });
            for (int64_t i = 0; i < count; i++) y[i] = sum_pairwise(sums + i * blocks, blocks) / T(divisor);
            return OK;
        }
        const int64_t vectors = (columns + W - 1) / W;
        parallel_for(
            input.shape[0] * vectors, grain_for(0.5 * static_cast<double>(rows) + 1), [&](int64_t begin, int64_t end) {
                for (int64_t t = begin; t < end; t++) {
                    const int64_t j = t % vectors * W, left = columns - j;
                    const T* from = x + t / vectors * rows * columns + j;
                    T* to = y + t / vectors * columns + j;
                    // Rows in blocks of 64, the blocks in ascending order.
                    Vec<T> total = broadcast(T(0));
                    for (int64_t r = 0; r < rows; r += 64) {
                        Vec<T> sum = broadcast(T(0));
                        for (int64_t i = r; i < least(rows, r + 64); i++) {
                            sum = sum + (left >= W ? load(from + i * columns) : load_partial(from + i * columns, left));
                        }
                        total = total + sum;
                    }
                    total = total / divisors;
                    if (left >= W) {
                        store(to, total);
                    } else {
                        store_partial(to, total, left);
                    }
                }
            });
        return OK;
    });
}

}  // namespace nabi::NABI_SET
