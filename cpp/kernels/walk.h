// SPDX-License-Identifier: Apache-2.0
// Traversal, once: flat memory, and broadcast operands plane by plane. Threads take ranges of the output; an element's
// bits don't depend on the range it falls into.
#pragma once
#include "kernels/dispatch.h"
#include "kernels/rows.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

// y[i] = f(x[i]); nanoseconds: what an element costs.
template <class T, class F>
inline Status walk_flat(const Out& y, const In& x, const F& f, double nanoseconds = 0.15) noexcept {
    T* to = data<T>(y);
    const T* from = data<T>(x);
    parallel_for(y.size, grain_for(nanoseconds),
                 [&](int64_t begin, int64_t end) { map(end - begin, to + begin, from + begin, f); });
    return OK;
}

// y[i] = f(a[i], b[i])
template <class T, class F>
inline Status walk_flat2(const Out& y, const In& a, const In& b, const F& f, double nanoseconds = 0.2) noexcept {
    T* to = data<T>(y);
    const T *left = data<T>(a), *right = data<T>(b);
    parallel_for(y.size, grain_for(nanoseconds),
                 [&](int64_t begin, int64_t end) { map2(end - begin, to + begin, left + begin, right + begin, f); });
    return OK;
}

// Calls plane(rows, count, offsets) for pieces that cover [begin, end): rows that are neighbours in the last dimension
// but one, all of the same count; offsets, in elements, of each operand's first. More than one row only where all are
// whole.
template <class F>
inline void for_planes(const Elementwise& e, int64_t begin, int64_t end, const F& plane) noexcept {
    const int inner = e.ndim - 1, outer = e.ndim - 2;
    const int64_t length = e.shape[inner];
    int64_t index[MAX_DIMS] = {}, offset[MAX_OPERANDS] = {};
    for (int64_t d = inner, rest = begin; rest > 0 && d >= 0; d--) {
        index[d] = rest % e.shape[d];
        rest /= e.shape[d];
        for (int i = 0; i < e.operands; i++) offset[i] += index[d] * e.strides[i][d];
    }
    while (begin < end) {
        int64_t count = length, rows = 1;
        if (index[inner] > 0 || end - begin < length) {
            count = least(length - index[inner], end - begin);
        } else if (outer >= 0) {
            rows = least(e.shape[outer] - index[outer], (end - begin) / length);
        }
        plane(rows, count, offset);
        begin += rows * count;
        if (begin >= end) return;
        for (int i = 0; i < e.operands; i++) {
            offset[i] += rows * e.strides[i][outer] - index[inner] * e.strides[i][inner];
        }
        index[inner] = 0;
        index[outer] += rows;
        for (int d = outer; index[d] == e.shape[d]; d--) {
            for (int i = 0; i < e.operands; i++) offset[i] += e.strides[i][d - 1] - e.shape[d] * e.strides[i][d];
            index[d] = 0;
            index[d - 1]++;
        }
    }
}

// Calls row(count, offsets) for every piece of an innermost row in [begin, end).
template <class F>
inline void for_rows(const Elementwise& e, int64_t begin, int64_t end, const F& row) noexcept {
    for_planes(e, begin, end, [&](int64_t rows, int64_t count, int64_t* offset) {
        for (int64_t r = 0; r < rows; r++) {
            row(count, offset);
            if (r + 1 == rows) break;
            for (int i = 0; i < e.operands; i++) offset[i] += e.strides[i][e.ndim - 2];
        }
        // for_planes goes on from the first row's offsets.
        for (int i = 0; rows > 1 && i < e.operands; i++) offset[i] -= (rows - 1) * e.strides[i][e.ndim - 2];
    });
}

// What a walk holds of a plane: for the output (0) and the inputs, the first element and the steps between rows and
// within a row.
template <int N, class T>
struct Plane {
    int64_t rows, n;
    T* output;
    const T* input[N];
    int64_t row_step[N + 1], step[N + 1];
};

// Elements of a buffer, and columns and rows of one where an operand lies across.
constexpr int64_t BUFFER = 1024, ACROSS = 32;

// y = f(inputs) over a plane whose rows are short or whose operands are strided. Blocks of it are gathered into buffers,
// so that f sees contiguous memory: several short rows as one long one, an operand that lies across by columns.
template <int N, class T, class F>
inline void walk_blocks(const Plane<N, T>& p, const F& f) noexcept {
    const bool flat = p.n <= BUFFER / 2;
    bool across = false;
    for (int i = 1; i <= N; i++) across = across || (p.row_step[i] == 1 && p.step[i] != 0 && p.step[i] != 1);
    const int64_t columns = flat ? p.n : across && p.rows > 1 ? ACROSS : BUFFER, height = BUFFER / columns;
    T buffer[N + 1][BUFFER];
    bool kept[N] = {};
    for (int64_t r = 0; r < p.rows; r += height) {
        const int64_t rows = least(height, p.rows - r);
        for (int64_t c = 0; c < p.n; c += columns) {
            const int64_t n = least(columns, p.n - c);
            const T* input[N];
            int64_t step[N], row_step[N];
            for (int i = 0; i < N; i++) {
                const int64_t own = p.step[i + 1], between = p.row_step[i + 1];
                input[i] = p.input[i] + r * between + c * own;
                step[i] = own;
                row_step[i] = between;
                const bool joined = !flat || rows == 1 || between == own * n;
                if (joined && (own == 0 || own == 1)) continue;
                // A block of repeated rows serves all blocks.
                if (!kept[i]) gather_rows(rows, n, buffer[i + 1], columns, input[i], between, own);
                kept[i] = flat && between == 0;
                input[i] = buffer[i + 1];
                step[i] = 1;
                row_step[i] = columns;
            }
            T* y = p.output + r * p.row_step[0] + c * p.step[0];
            const bool straight = p.step[0] == 1 && (!flat || p.row_step[0] == n || rows == 1);
            T* to = straight ? y : buffer[0];
            const int64_t pitch = straight ? p.row_step[0] : columns;
            if (flat) {
                apply_row(rows * n, to, input, step, f);
            } else {
                for (int64_t k = 0; k < rows; k++) {
                    apply_row(n, to + k * pitch, input, step, f);
                    for (int i = 0; i < N; i++) input[i] += row_step[i];
                }
            }
            for (int64_t k = 0; !straight && k < rows; k++) {
                copy_row(n, y + k * p.row_step[0], p.step[0], to + k * pitch, 1);
            }
        }
    }
}

// Rows of this many vectors and more are walked one by one.
constexpr int64_t LONG = 16;

template <int N, class T, class F>
inline void walk_plane(const Plane<N, T>& p, const F& f) noexcept {
    const T* input[N];
    int64_t step[N];
    bool straight = p.step[0] == 1;
    for (int i = 0; i < N; i++) {
        input[i] = p.input[i];
        step[i] = p.step[i + 1];
        straight = straight && (step[i] == 0 || step[i] == 1);
    }
    if (!straight || (p.rows > 1 && p.n < LONG * Vec<T>::width)) return walk_blocks(p, f);
    T* y = p.output;
    for (int64_t r = 0;;) {
        apply_row(p.n, y, input, step, f);
        if (++r == p.rows) return;
        y += p.row_step[0];
        for (int i = 0; i < N; i++) input[i] += p.row_step[i + 1];
    }
}

// output = f(inputs), broadcast, for N of them; nanoseconds: what an element costs.
template <int N, class T, class F>
inline Status walk(const Elementwise& e, T, const F& f, double nanoseconds) noexcept {
    parallel_for(e.size, grain_for(nanoseconds), [&](int64_t begin, int64_t end) {
        for_planes(e, begin, end, [&](int64_t rows, int64_t n, const int64_t* at) {
            Plane<N, T> plane = {rows, n, static_cast<T*>(e.data[0]) + at[0], {}, {}, {}};
            for (int i = 0; i < N; i++) plane.input[i] = static_cast<const T*>(e.data[i + 1]) + at[i + 1];
            for (int i = 0; i <= N; i++) {
                plane.row_step[i] = e.ndim > 1 ? e.strides[i][e.ndim - 2] : 0;
                plane.step[i] = e.strides[i][e.ndim - 1];
            }
            walk_plane(plane, f);
        });
    });
    return OK;
}

template <class T, class F>
inline Status walk1(const Elementwise& e, T zero, const F& f, double nanoseconds = 0.15) noexcept {
    return walk<1>(e, zero, f, nanoseconds);
}
template <class T, class F>
inline Status walk2(const Elementwise& e, T zero, const F& f, double nanoseconds = 0.2) noexcept {
    return walk<2>(e, zero, f, nanoseconds);
}
template <class T, class F>
inline Status walk3(const Elementwise& e, T zero, const F& f, double nanoseconds = 0.25) noexcept {
    return walk<3>(e, zero, f, nanoseconds);
}

}  // namespace nabi::NABI_SET
