// SPDX-License-Identifier: Apache-2.0
#include "gemm/gemm.h"

#include "gemm/blocked.h"
#include "gemm/swapped.h"
#include "gemm/vector.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace nabi::NABI_SET {

namespace {

// A batch of products, some of them runs of one long K: `runs` of `run` steps each.
template <class T>
struct Jobs {
    Product<T> product;
    int64_t runs, run, count;

    // The job as a product of its own.
    Product<T> at(int64_t index) const noexcept {
        Product<T> one = product;
        const int64_t batch = index / runs, p = index % runs * run;
        one.a.data += batch * product.a_batch + p * product.a.col;
        one.b.data += batch * product.b_batch + p * product.b.row;
        one.c += runs == 1 ? batch * product.c_batch : index * product.m * product.n;
        one.k = least(run, product.k - p);
        return one;
    }
};

template <class T>
bool is_vector(const Product<T>& p) noexcept {
    return p.m == 1 || p.n == 1;
}

// One row or one column of C. The vector is read through a contiguous copy where it is not contiguous.
template <class T>
void compute_vector(const Product<T>& p, const Rectangle& r, T* workspace) noexcept {
    const bool row = p.m == 1;
    const Matrix<T> matrix = row ? transposed(p.b) : p.a;
    const T* x = row ? p.a.data : p.b.data;
    const int64_t step = row ? p.a.col : p.b.row;
    if (step != 1) {
        T* copy = workspace + VECTOR_WORKSPACE<T>;
        for (int64_t i = 0; i < p.k; i++) copy[i] = x[i * step];
        x = copy;
    }
    const Epilogue<T>& e = p.epilogue;
    T* c = p.c;
    const int64_t c_step = row ? 1 : p.ldc, begin = row ? r.j0 : r.i0, end = row ? r.j1 : r.i1;
    multiply_vector(matrix, x, p.k, begin, end, workspace, [&](int64_t o, T sum) {
        // One zero: a lane that ends before the others adds 0 0 to its sum in one layout and nothing in the other.
        sum = sum * e.alpha + T(0);
        if (e.accumulate) sum = c[o * c_step] + sum;
        if (e.row_bias) sum += e.row_bias[row ? 0 : o];
        if (e.column_bias) sum += e.column_bias[row ? o : 0];
        c[o * c_step] = sum;
    });
    if (e.activate) e.activate(e.context, c + begin * c_step, p.ldc, r.i0, r.j0, r.i1 - r.i0, r.j1 - r.j0);
}

template <class T>
void compute(const Product<T>& p, bool swapped, const Rectangle& r, const Plan& plan, T* workspace) noexcept {
    if (r.i0 >= r.i1 || r.j0 >= r.j1) return;
    if (is_vector(p)) return compute_vector(p, r, workspace);
    if (swapped) return multiply_swapped(p, r, plan, workspace);
    multiply_rectangle(RowsOf<T>{p.a, p.m}, ColumnsOf<T>{p.b}, r, p.k, p.c, p.ldc, p.epilogue, plan, workspace);
}

// All jobs, divided over threads: one product in rectangles, several in stretches of their rows (or columns) put end to end.
template <class T>
Status run(const Jobs<T>& jobs) noexcept {
    constexpr int64_t W = Vec<T>::width;
    const Product<T>& p = jobs.product;
    const bool vector = is_vector(p), swapped = !vector && jobs.count == 1 && better_swapped(p);
    // From here on m x n is what the tiles cover: C, or C transposed.
    const int64_t m = swapped ? p.n : p.m, n = swapped ? p.m : p.n;
    const Matrix<T> a = swapped ? transposed(p.b) : p.a, b = swapped ? transposed(p.a) : p.b;
    const int64_t row_unit = vector ? 1 : MR, column_unit = vector ? 8 : W;
    const int64_t rows = ceil_divide(m, row_unit), columns = ceil_divide(n, column_unit);
    // 12 W floating-point operations a nanosecond: two fma units at 3 GHz. A vector is read at 30 GB/s.
    const double length = static_cast<double>(jobs.run) + 8, unit = static_cast<double>(row_unit * column_unit);
    const double cost = vector ? unit * length * sizeof(T) / 30 : unit * length / (6.0 * W);
    const int64_t parts = parts_for(jobs.count * rows * columns, grain_for(cost));
    const bool by_rows = rows >= columns;
    const int64_t units = by_rows ? rows : columns;
    const Grid grid = choose_grid(m, n, row_unit, column_unit, parts);
    int64_t height = m, width = n;
    if (jobs.count == 1) {
        height = width = 0;
        for (int64_t i = 0; i < parts; i++) {
            const Rectangle r = rectangle(grid, i);
            height = greatest(height, r.i1 - r.i0);
            width = greatest(width, r.j1 - r.j0);
        }
    }
    const Plan how = plan<T>(height, width, jobs.run, direct_panels(a), b.col == 1);
    const int64_t elements = vector ? VECTOR_WORKSPACE<T> + jobs.run : how.a_elements + how.b_elements;
    // Each thread's part begins on a cache line of its own.
    const int64_t stride = ceil_divide(elements + (swapped ? height * width : 0), 64) * 64 + 64;
    Scratch scratch(static_cast<size_t>(stride * parts) * sizeof(T));
    if (!scratch.data) return Status{2, 0, 0, 0};
    parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
        T* workspace = scratch.as<T>() + begin * stride;
        if (jobs.count == 1) {
            const Product<T> one = jobs.at(0);
            for (int64_t part = begin; part < end; part++) compute(one, swapped, rectangle(grid, part), how, workspace);
            return;
        }
        int64_t at = jobs.count * units * begin / parts;
        const int64_t stop = jobs.count * units * end / parts;
        while (at < stop) {
            const int64_t job = at / units, from = at % units, to = least(units, from + stop - at);
            Rectangle r = {0, p.m, 0, p.n};
            if (by_rows) {
                r.i0 = from * row_unit, r.i1 = least(p.m, to * row_unit);
            } else {
                r.j0 = from * column_unit, r.j1 = least(p.n, to * column_unit);
            }
            compute(jobs.at(job), false, r, how, workspace);
            at += to - from;
        }
    });
    return Status{0, 0, 0, 0};
}

// c = [c +] alpha (sum of the chunks, in ascending order) + bias
template <class T>
void join_runs(const Product<T>& p, int64_t runs, const T* partial) noexcept {
    const Epilogue<T>& e = p.epilogue;
    for (int64_t b = 0; b < p.batch; b++) {
        const T* first = partial + b * runs * p.m * p.n;
        T* c = p.c + b * p.c_batch;
        for (int64_t i = 0; i < p.m; i++) {
            for (int64_t j = 0; j < p.n; j++) {
                T sum = first[i * p.n + j];
                for (int64_t r = 1; r < runs; r++) sum += first[(r * p.m + i) * p.n + j];
                sum *= e.alpha;
                if (e.accumulate) sum = c[i * p.ldc + j] + sum;
                if (e.row_bias) sum += e.row_bias[i];
                if (e.column_bias) sum += e.column_bias[j];
                c[i * p.ldc + j] = sum;
            }
        }
        if (e.activate) e.activate(e.context, c, p.ldc, 0, 0, p.m, p.n);
    }
}

}  // namespace

template <class T>
Status gemm(const Product<T>& product) noexcept {
    constexpr int64_t NR = NV * Vec<T>::width;
    Product<T> p = product;
    if (p.epilogue.alpha == T(0)) p.k = 0;
    if (p.m == 0 || p.n == 0 || p.batch == 0) return Status{0, 0, 0, 0};
    const int64_t shortest = blocks<T>().min_chunk;
    if (ceil_divide(p.m, MR) * ceil_divide(p.n, NR) >= FEW_TILES || p.k < 2 * shortest) {
        return run(Jobs<T>{p, 1, p.k, p.batch});
    }
    if (environment().small_blocks) count_gemm({0, 0, 0, 1});
    const int64_t run_steps = ceil_divide(ceil_divide(p.k, least(p.k / shortest, MAX_CHUNKS)), 8) * 8;
    const int64_t runs = ceil_divide(p.k, run_steps);
    Scratch partial(static_cast<size_t>(p.batch * runs * p.m * p.n) * sizeof(T));
    if (!partial.data) return Status{2, 0, 0, 0};
    Product<T> pieces = p;
    pieces.c = partial.as<T>();
    pieces.ldc = p.n;
    pieces.epilogue = {};
    const Status status = run(Jobs<T>{pieces, runs, run_steps, p.batch * runs});
    if (status.code == 0) join_runs(p, runs, partial.as<T>());
    return status;
}

template Status gemm<float>(const Product<float>&) noexcept;
template Status gemm<double>(const Product<double>&) noexcept;

}  // namespace nabi::NABI_SET
