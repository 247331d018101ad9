// SPDX-License-Identifier: Apache-2.0
// Moving elements, by their bits: copies between layouts, and rows taken by index.
#include <string.h>

#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/walk.h"

namespace nabi::NABI_SET {

namespace {

inline int64_t item_size(DType dtype) {
    switch (dtype) {
        case DType::f64:
        case DType::i64:
            return 8;
        case DType::f32:
        case DType::i32:
            return 4;
        case DType::i16:
            return 2;
        default:
            return 1;
    }
}

template <class T>
Status copy_rows(const Elementwise& e) noexcept {
    const int inner = e.ndim - 1;
    const int64_t to_step = e.strides[0][inner], from_step = e.strides[1][inner];
    parallel_for(e.size, grain_for(0.2 + 3.0 / static_cast<double>(e.shape[inner])), [&](int64_t begin, int64_t end) {
        for_rows(e, begin, end, [&](int64_t n, const int64_t* at) {
            copy_row(n, static_cast<T*>(e.data[0]) + at[0], to_step, static_cast<const T*>(e.data[1]) + at[1],
                     from_step);
        });
    });
    return OK;
}

// to[j, i] = from[i, j] on a square of whole cache lines on both sides: each line is touched once, so a stride that is a
// power of two, whose lines share few places in the cache, costs nothing.
template <class T>
constexpr int64_t TILE = sizeof(T) == 8 ? 8 : 16;

template <class T>
inline void transpose_tile(T* __restrict to, int64_t to_step, const T* __restrict from, int64_t from_step) {
    T tile[TILE<T>][TILE<T>];
    for (int64_t i = 0; i < TILE<T>; i++) {
        for (int64_t j = 0; j < TILE<T>; j++) tile[j][i] = from[i * from_step + j];
    }
    for (int64_t j = 0; j < TILE<T>; j++) __builtin_memcpy(to + j * to_step, tile[j], sizeof(tile[j]));
}

// Few i: from[i, j] lies in as many streams, the output is their interleaving.
template <int N, class T>
inline void interleave(int64_t n, T* __restrict to, const T* __restrict from, int64_t from_step) {
    for (int64_t j = 0; j < n; j++) {
        for (int i = 0; i < N; i++) to[j * N + i] = from[i * from_step + j];
    }
}

// Few j: the reverse.
template <int N, class T>
inline void deinterleave(int64_t n, T* __restrict to, int64_t to_step, const T* __restrict from) {
    for (int64_t i = 0; i < n; i++) {
        for (int j = 0; j < N; j++) to[j * to_step + i] = from[i * N + j];
    }
}

// to[j, i] = from[i, j] for i < ni, j < nj; to_step and from_step lead to the next j and i.
template <class T>
void transpose_block(int64_t ni, int64_t nj, T* to, int64_t to_step, const T* from, int64_t from_step) {
    if (to_step == ni && ni == 2) return interleave<2>(nj, to, from, from_step);
    if (to_step == ni && ni == 3) return interleave<3>(nj, to, from, from_step);
    if (to_step == ni && ni == 4) return interleave<4>(nj, to, from, from_step);
    if (from_step == nj && nj == 2) return deinterleave<2>(ni, to, to_step, from);
    if (from_step == nj && nj == 3) return deinterleave<3>(ni, to, to_step, from);
    if (from_step == nj && nj == 4) return deinterleave<4>(ni, to, to_step, from);
    for (int64_t j = 0; j < nj; j += TILE<T>) {
        for (int64_t i = 0; i < ni; i += TILE<T>) {
            T* corner = to + j * to_step + i;
            const T* source = from + i * from_step + j;
            if (i + TILE<T> <= ni && j + TILE<T> <= nj) {
                transpose_tile(corner, to_step, source, from_step);
                continue;
            }
            const int64_t rows = least(TILE<T>, nj - j), columns = least(TILE<T>, ni - i);
            for (int64_t k = 0; k < rows; k++) {
                for (int64_t l = 0; l < columns; l++) corner[k * to_step + l] = source[l * from_step + k];
            }
        }
    }
}

// The output is contiguous along its last dimension, the input along dimension `fast`.
template <class T>
Status copy_transposed(const Elementwise& e, int fast) noexcept {
    const int inner = e.ndim - 1;
    const int64_t ni = e.shape[inner], nj = e.shape[fast];
    // Blocks of some 4096 elements: a thread's share, and what both caches and TLBs hold.
    const int64_t block_i = least<int64_t>(ni, nj <= 4 ? 4096 / nj : 64);
    const int64_t block_j = least<int64_t>(nj, greatest<int64_t>(4096 / block_i, 64));
    const int64_t blocks_i = (ni + block_i - 1) / block_i, blocks_j = (nj + block_j - 1) / block_j;
    Elementwise rest = e;  // the other dimensions, then blocks of i, then blocks of j
    rest.ndim = 0;
    for (int d = 0; d < inner; d++) {
        if (d == fast) continue;
        rest.shape[rest.ndim] = e.shape[d];
        for (int k = 0; k < 2; k++) rest.strides[k][rest.ndim] = e.strides[k][d];
        rest.ndim++;
    }
    rest.shape[rest.ndim] = blocks_j;
    rest.strides[0][rest.ndim] = block_j * e.strides[0][fast];
    rest.strides[1][rest.ndim++] = block_j;
    rest.shape[rest.ndim] = blocks_i;
    rest.strides[0][rest.ndim] = block_i;
    rest.strides[1][rest.ndim++] = block_i * e.strides[1][inner];
    rest.size = e.size / ni / nj * blocks_i * blocks_j;
    parallel_for(rest.size, grain_for(0.3 * static_cast<double>(block_i * block_j)), [&](int64_t begin, int64_t end) {
        int64_t at_i = begin % blocks_i, at_j = begin / blocks_i % blocks_j;
        for_rows(rest, begin, end, [&](int64_t n, const int64_t* at) {
            for (int64_t k = 0; k < n; k++) {
                transpose_block(least(block_i, ni - at_i * block_i), least(block_j, nj - at_j * block_j),
                                static_cast<T*>(e.data[0]) + at[0] + k * block_i, e.strides[0][fast],
                                static_cast<const T*>(e.data[1]) + at[1] + k * block_i * e.strides[1][inner],
                                e.strides[1][inner]);
                if (++at_i < blocks_i) continue;
                at_i = 0;
                if (++at_j == blocks_j) at_j = 0;
            }
        });
    });
    return OK;
}

template <class T>
Status copy_elements(const Elementwise& e) noexcept {
    const int inner = e.ndim - 1;
    const int64_t from_step = e.strides[1][inner];
    if (e.strides[0][inner] == 1 && from_step != 0 && from_step != 1 && e.shape[inner] > 1 && e.ndim < MAX_DIMS) {
        for (int d = inner - 1; d >= 0; d--) {
            if (e.strides[1][d] == 1 && e.shape[d] > 1) return copy_transposed<T>(e, d);
        }
    }
    return copy_rows<T>(e);
}

}  // namespace

// The element's bits, whatever its type.
Status copy(const Elementwise& e) noexcept {
    switch (item_size(e.dtype)) {
        case 8:
            return copy_elements<int64_t>(e);
        case 4:
            return copy_elements<int32_t>(e);
        case 2:
            return copy_elements<int16_t>(e);
        default:
            return copy_elements<int8_t>(e);
    }
}

// rows[k] = table[index[k]]
Status take_rows(const In& table, const In& index, const Out& rows) noexcept {
    const int64_t row_bytes = table.shape[1] * item_size(table.dtype), count = table.shape[0];
    const int64_t* wanted = data<int64_t>(index);
    int64_t first_bad = index.size;  // threads may find several; the lowest position is reported
    parallel_for(index.size, grain_for(0.05 * static_cast<double>(row_bytes) + 5), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            const int64_t row = wanted[i];
            if (row < 0 || row >= count) {
                int64_t seen = __atomic_load_n(&first_bad, __ATOMIC_RELAXED);
                while (i < seen &&
                       !__atomic_compare_exchange_n(&first_bad, &seen, i, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
                }
                return;
            }
            memcpy(data<char>(rows) + i * row_bytes, data<char>(table) + row * row_bytes,
                   static_cast<size_t>(row_bytes));
        }
    });
    if (first_bad < index.size) return Status{1, first_bad, wanted[first_bad], count};
    return OK;
}

}  // namespace nabi::NABI_SET
