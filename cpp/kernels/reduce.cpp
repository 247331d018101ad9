// SPDX-License-Identifier: Apache-2.0
// Sums over any dimensions, in one order: the elements that meet in one result, counted in C order of their dimensions,
// are cut into blocks of BLOCK; element k of a block is added to lane k % LANES, the lanes are joined as a tree, the
// blocks pairwise. So the rounding error grows with log(n), and neither threads nor the layout change a bit: rows of
// contiguous elements put the lanes into vectors, columns put them into rows of a small matrix.
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/rows.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace nabi::NABI_SET {

namespace {

constexpr int64_t BLOCK = 1024, VECTORS = 4;

// What joins two elements, the value that changes nothing, and how lanes are joined: what another reduction replaces.
template <class T>
struct Sum {
    static T identity() { return T(0); }
    static Vec<T> join(Vec<T> a, Vec<T> b) { return a + b; }
    static T join(T a, T b) { return a + b; }
    static T join_lanes(Vec<T> a) { return sum_lanes(a); }
    static Vec<T> load_tail(const T* p, int64_t n) { return load_partial(p, n); }
};

template <class R, class T>
T reduce_row(const T* x, int64_t n) {
    constexpr int64_t W = Vec<T>::width;
    Vec<T> lanes[VECTORS];
    for (auto& part : lanes) part = broadcast(R::identity());
    int64_t i = 0;
    for (; i + VECTORS * W <= n; i += VECTORS * W) {
        for (int64_t v = 0; v < VECTORS; v++) lanes[v] = R::join(lanes[v], load(x + i + v * W));
    }
    for (int64_t v = 0; i < n; v++, i += W) {
        lanes[v] = R::join(lanes[v], i + W <= n ? load(x + i) : R::load_tail(x + i, n - i));
    }
    return R::join_lanes(R::join(R::join(lanes[0], lanes[1]), R::join(lanes[2], lanes[3])));
}

// In place over x[0..n), n > 0.
template <class R, class T>
T reduce_pairwise(T* x, int64_t n) {
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i < n / 2; i++) x[i] = R::join(x[2 * i], x[2 * i + 1]);
        if (n % 2) x[n / 2] = x[n - 1];
    }
    return x[0];
}

// Calls run(count, offset) for the pieces of elements [begin, begin + n) of the reduced dimensions that lie `step` apart.
template <class F>
inline void for_runs(const Reduction& r, int64_t begin, int64_t n, const F& run) {
    const int last = r.kept + r.reduced - 1;
    int64_t index[MAX_DIMS] = {}, offset = 0;
    for (int64_t d = last, rest = begin; rest > 0 && d >= r.kept; d--) {
        index[d] = rest % r.shape[d];
        rest /= r.shape[d];
        offset += index[d] * r.strides[d];
    }
    while (true) {
        const int64_t count = least(n, r.shape[last] - index[last]);
        run(count, offset);
        n -= count;
        if (n == 0) return;
        offset -= index[last] * r.strides[last];
        index[last] = 0;
        int d = last - 1;
        for (; ++index[d] == r.shape[d]; d--) {
            index[d] = 0;
            offset -= (r.shape[d] - 1) * r.strides[d];
        }
        offset += r.strides[d];
    }
}

// Where output number `o`, counted without dimension `skipped`, begins in the input; *at: its place in the output.
inline int64_t find_output(const Reduction& r, int64_t o, int skipped, int64_t* at) {
    int64_t offset = 0, step = 1;
    *at = 0;
    for (int d = r.kept - 1; d >= 0; d--) {
        if (d != skipped && o > 0) {
            const int64_t index = o % r.shape[d];
            o /= r.shape[d];
            offset += index * r.strides[d];
            *at += index * step;
        }
        step *= r.shape[d];
    }
    return offset;
}

// A block of one result: contiguous as it lies, or gathered first.
template <class R, class T>
T reduce_block(const Reduction& r, const T* x, int64_t begin, int64_t n) {
    const int last = r.kept + r.reduced - 1;
    T gathered[BLOCK], result = R::identity();
    int64_t filled = 0;
    for_runs(r, begin, n, [&](int64_t count, int64_t offset) {
        if (count == n && r.strides[last] == 1) {
            result = reduce_row<R>(x + offset, n);
        } else {
            copy_row(count, gathered + filled, 1, x + offset, r.strides[last]);
        }
        filled += count;
        if (filled == n && !(count == n && r.strides[last] == 1)) result = reduce_row<R>(gathered, n);
    });
    return result;
}

template <class T>
constexpr int64_t LANES = VECTORS* Vec<T>::width;
// Columns that are reduced together: their lanes take 16 KB.
template <class T>
constexpr int64_t COLUMNS = 16384 / (LANES<T> * static_cast<int64_t>(sizeof(T)));

template <class R, class T>
inline void join_row(int64_t n, T* to, const T* x) {
    map2(n, to, to, x, [](Vec<T> a, Vec<T> b) { return R::join(a, b); });
}

// A block of n results that lie side by side in the input; they end in lanes[0 .. n).
template <class R, class T>
void reduce_columns(const Reduction& r, const T* x, int64_t begin, int64_t count, int64_t n, T* lanes) {
    constexpr int64_t W = Vec<T>::width;
    const int64_t step = r.strides[r.kept + r.reduced - 1], used = least(count, LANES<T>);
    const Vec<T> nothing = broadcast(R::identity());
    int64_t row = 0;
    for_runs(r, begin, count, [&](int64_t rows, int64_t offset) {
        for (int64_t i = 0; i < rows; i++, row++) {
            T* lane = lanes + row % LANES<T> * COLUMNS<T>;
            const T* from = x + offset + i * step;
            if (row >= LANES<T>) {
                join_row<R>(n, lane, from);
            } else {
                map(n, lane, from, [&](Vec<T> v) { return R::join(nothing, v); });
            }
        }
    });
    // The tree of reduce_row: vectors 0 and 1, 2 and 3, then both; then halves of a vector. Lanes without elements add nothing.
    auto join = [&](int64_t a, int64_t b) {
        if (b < used) join_row<R>(n, lanes + a * COLUMNS<T>, lanes + b * COLUMNS<T>);
    };
    for (int64_t i = 0; i < W; i++) {
        join(i, W + i);
        join(2 * W + i, 3 * W + i);
        join(i, 2 * W + i);
    }
    for (int64_t half = W / 2; half > 0; half /= 2) {
        for (int64_t i = 0; i < half; i++) join(i, half + i);
    }
}

template <class R, class T>
Status reduce(const Reduction& r, T divisor) noexcept {
    const T* x = static_cast<const T*>(r.input);
    T* y = static_cast<T*>(r.output);
    const int64_t blocks = greatest<int64_t>(1, (r.count + BLOCK - 1) / BLOCK);
    Scratch scratch(blocks > 1 ? static_cast<size_t>(r.outputs * blocks) * sizeof(T) : 1);
    if (!scratch.data) return Status{2, 0, 0, 0};
    T* parts = blocks > 1 ? scratch.as<T>() : y;
    int side = -1;  // the dimension of results that lie side by side
    for (int d = 0; d < r.kept; d++) {
        if (r.strides[d] == 1 && r.shape[d] > 1) side = d;
    }
    const int last = r.kept + r.reduced - 1;
    if (r.count == 0) {
        for (int64_t i = 0; i < r.outputs; i++) y[i] = R::identity();
    } else if (side < 0 || (r.strides[last] == 1 && r.shape[last] > 1)) {
        const double cost = 5.0 + 0.1 * static_cast<double>(least(r.count, BLOCK));
        const bool rows = blocks == 1 && r.kept == 1 && r.reduced == 1 && r.strides[last] == 1;
        parallel_for(r.outputs * blocks, grain_for(cost), [&](int64_t begin, int64_t end) {
            for (int64_t t = begin; t < end; t++) {
                if (rows) {  // without a division a row
                    parts[t] = reduce_row<R>(x + t * r.strides[0], r.count);
                    continue;
                }
                int64_t at;
                const T* from = x + find_output(r, t / blocks, -1, &at);
                const int64_t first = t % blocks * BLOCK;
                parts[t] = reduce_block<R>(r, from, first, least(BLOCK, r.count - first));
            }
        });
    } else {
        const int64_t width = r.shape[side], pieces = (width + COLUMNS<T> - 1) / COLUMNS<T>;
        int64_t pitch = 1;  // between neighbours in the output
        for (int d = side + 1; d < r.kept; d++) pitch *= r.shape[d];
        const double cost = 5.0 + 0.1 * static_cast<double>(least(r.count, BLOCK) * least(width, COLUMNS<T>));
        parallel_for(r.outputs / width * pieces * blocks, grain_for(cost), [&](int64_t begin, int64_t end) {
            T lanes[LANES<T> * COLUMNS<T>];
            for (int64_t t = begin; t < end; t++) {
                const int64_t block = t % blocks, j = t / blocks % pieces * COLUMNS<T>;
                int64_t at;
                const T* from = x + find_output(r, t / blocks / pieces, side, &at) + j;
                const int64_t first = block * BLOCK, n = least(COLUMNS<T>, width - j);
                reduce_columns<R>(r, from, first, least(BLOCK, r.count - first), n, lanes);
                copy_row(n, parts + (at + j * pitch) * blocks + block, pitch * blocks, lanes, 1);
            }
        });
    }
    if (blocks > 1) {
        for (int64_t i = 0; i < r.outputs; i++) y[i] = reduce_pairwise<R>(parts + i * blocks, blocks);
    }
    if (divisor != T(1)) {
        const Vec<T> divisors = broadcast(divisor);
        map(r.outputs, y, y, [&](Vec<T> v) { return v / divisors; });
    }
    return OK;
}

}  // namespace

// output = sum of the elements that meet / divisor (1: sum; their number: mean)
Status sum(const Reduction& operands, double divisor) noexcept {
    return with_float(operands.dtype, [&](auto zero) {
        using T = decltype(zero);
        return reduce<Sum<T>>(operands, T(divisor));
    });
}

}  // namespace nabi::NABI_SET
