// SPDX-License-Identifier: Apache-2.0
// Matrix multiplication from inside: every layout, epilogue and division gives the exact sum on small integers and one set
// of bits on others; edges reach no further than they may; the division over threads is balanced.
#include <cmath>
#include <limits>
#include <vector>

#include "gemm/blocked.h"
#include "gemm/gemm.h"
#include "gemm/packed.h"
#include "runtime/environment.h"
#include "runtime/parallel.h"
#include "tests/check.h"

namespace nabi::NABI_SET {

namespace {

enum class Layout { rows, columns, gaps };  // the unit stride lies along a row, a column, nowhere
constexpr Layout LAYOUTS[] = {Layout::rows, Layout::columns, Layout::gaps};

// A matrix of a layout inside a larger one, with NaN around it: what reads beside it is seen.
template <class T>
struct Stored {
    std::vector<T> memory;
    Matrix<T> matrix;

    Stored(const std::vector<T>& values, int64_t rows, int64_t columns, Layout layout, int64_t batch = 1) {
        const int64_t row = layout == Layout::rows ? columns + 3 : layout == Layout::columns ? 1 : 2;
        const int64_t col = layout == Layout::rows ? 1 : layout == Layout::columns ? rows + 5 : 2 * rows + 7;
        const int64_t size = std::max(rows * row, columns * col) + 64;
        memory.assign(static_cast<size_t>(size * batch), T(NAN));
        matrix = {memory.data(), row, col};
        for (int64_t b = 0; b < batch; b++) {
            for (int64_t i = 0; i < rows; i++) {
                for (int64_t j = 0; j < columns; j++) {
                    memory[static_cast<size_t>(b * size + i * row + j * col)] =
                        values[static_cast<size_t>((b * rows + i) * columns + j)];
                }
            }
        }
        batch_stride = size;
    }
    int64_t batch_stride;
};

uint32_t seed = 1;
uint32_t draw() { return seed = seed * 1664525u + 1013904223u, seed >> 8; }

template <class T>
std::vector<T> values(int64_t count, bool whole) {
    std::vector<T> found(static_cast<size_t>(count));
    for (T& x : found) x = whole ? T(static_cast<int>(draw() % 7) - 3) : T(draw() % 20011) / T(10007) - T(1);
    return found;
}

constexpr int64_t GUARD = 8;

template <class T>
struct Case {
    int64_t m, n, k, batch;
    std::vector<T> a, b, before, row_bias, column_bias;

    Case(int64_t rows, int64_t columns, int64_t depth, bool whole, int64_t count = 1)
        : m(rows),
          n(columns),
          k(depth),
          batch(count),
          a(values<T>(batch * m * k, whole)),
          b(values<T>(batch * k * n, whole)),
          before(values<T>(batch * m * n, whole)),
          row_bias(values<T>(m, whole)),
          column_bias(values<T>(n, whole)) {}

    // C within guards, all of it; `shared_b`: the batch has the first B only.
    std::vector<T> run(Layout a_layout, Layout b_layout, Epilogue<T> e, bool biased, bool shared_b = false) const {
        const Stored<T> left(a, m, k, a_layout, batch), right(b, k, n, b_layout, batch);
        const int64_t ldc = n + GUARD;
        std::vector<T> c(static_cast<size_t>((batch * m + 1) * ldc), T(NAN));
        for (int64_t i = 0; i < batch * m; i++) {
            for (int64_t j = 0; e.accumulate && j < n; j++)
                c[static_cast<size_t>(i * ldc + j)] = before[static_cast<size_t>(i * n + j)];
        }
        if (biased) e.row_bias = row_bias.data(), e.column_bias = column_bias.data();
        Product<T> p = {m, n, k, left.matrix, right.matrix, c.data(), ldc, e};
        p.batch = batch, p.a_batch = left.batch_stride, p.b_batch = shared_b ? 0 : right.batch_stride,
        p.c_batch = m * ldc;
        CHECK(gemm(p).code == 0);
        std::vector<T> found;
        for (int64_t i = 0; i < batch * m + 1; i++) {
            for (int64_t j = 0; j < ldc; j++) {
                const T x = c[static_cast<size_t>(i * ldc + j)];
                if (i < batch * m && j < n) {
                    found.push_back(x);
                } else {
                    CHECK(x != x);  // the guard
                }
            }
        }
        return found;
    }

    void expect(const std::vector<T>& found, const Epilogue<T>& e, bool biased, bool shared_b = false) const {
        for (int64_t i = 0; i < batch * m; i++) {
            const int64_t from = shared_b ? 0 : i / std::max<int64_t>(m, 1) * k * n;
            for (int64_t j = 0; j < n; j++) {
                T sum = 0;
                for (int64_t p = 0; p < k; p++)
                    sum += a[static_cast<size_t>(i * k + p)] * b[static_cast<size_t>(from + p * n + j)];
                sum *= e.alpha;
                if (biased) sum += row_bias[static_cast<size_t>(i % m)] + column_bias[static_cast<size_t>(j)];
                if (e.accumulate) sum += before[static_cast<size_t>(i * n + j)];
                CHECK(found[static_cast<size_t>(i * n + j)] == sum);
            }
        }
    }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

struct Size {
    int64_t m, n, k;
};

std::vector<Size> sizes() {
    constexpr int64_t W = Vec<float>::width, NR = NV * W;
    std::vector<Size> found = {{0, 3, 4},     {3, 0, 4},       {3, 4, 0},
                               {1, 4, 0},     {1, 1, 0},       {1, 1, 1},
                               {1, 1, 700},   {5, 5, 67},      {4 * MR + 3, 4 * NR + 3, 200},
                               {5, 100, 450}, {90, 42 * NR, 9}};
    for (int64_t m : {1, 2, MR - 1, MR, MR + 1, 4 * MR + 3}) {
        for (int64_t n : {int64_t(1), W - 1, W, W + 1, NR - 1, NR, NR + 1, 4 * NR + 3}) {
            for (int64_t k : {1, 2, 5, 6, 17, 33}) found.push_back({m, n, k});
        }
    }
    return found;
}

template <class T>
void test_exact() {
    for (const Size& s : sizes()) {
        const Case<T> c(s.m, s.n, s.k, true);
        for (Layout a : LAYOUTS) {
            for (Layout b : LAYOUTS) {
                Epilogue<T> e;
                c.expect(c.run(a, b, e, false), e, false);
                c.expect(c.run(a, b, e, true), e, true);
                e.alpha = T(2), e.accumulate = true;
                c.expect(c.run(a, b, e, true), e, true);
            }
        }
    }
}

template <class T>
void test_batches() {
    for (const Size& s : {Size{1, 7, 9}, Size{7, 1, 9}, Size{9, 20, 12}, Size{2 * MR + 1, 5, 30}, Size{3, 70, 4}}) {
        const Case<T> c(s.m, s.n, s.k, true, 5);
        for (bool shared : {false, true}) {
            Epilogue<T> e;
            e.accumulate = shared;
            c.expect(c.run(Layout::rows, Layout::columns, e, true, shared), e, true, shared);
        }
    }
}

// One set of bits: whatever the layout, the number of threads, and what else is in the matrix.
template <class T>
void test_bits() {
    for (const Size& s : {Size{1, 100, 333}, Size{100, 1, 333}, Size{4 * MR + 3, 90, 100}, Size{2, 3, 5000},
                          Size{40, 30, 700}, Size{9, 100, 900}}) {
        const Case<T> c(s.m, s.n, s.k, false);
        Epilogue<T> e;
        e.accumulate = true, e.alpha = T(0.3);
        const std::vector<T> first = c.run(Layout::rows, Layout::rows, e, true);
        for (Layout a : LAYOUTS) {
            for (Layout b : LAYOUTS) CHECK(same_bits(first, c.run(a, b, e, true)));
        }
        set_grain_override(1);
        for (int threads : {2, 3, 7}) {
            set_num_threads(threads);
            CHECK(same_bits(first, c.run(Layout::rows, Layout::columns, e, true)));
        }
        set_grain_override(0);
        set_num_threads(1);
        // Without alpha and accumulation, where C may be computed transposed.
        const std::vector<T> plain = c.run(Layout::rows, Layout::rows, {}, true);
        for (Layout a : LAYOUTS) {
            for (Layout b : LAYOUTS) CHECK(same_bits(plain, c.run(a, b, {}, true)));
        }
    }
    // The left upper part of a product is the product of the parts.
    constexpr int64_t K = 20;  // too short to be cut into chunks, which depend on m and n
    const Case<T> whole(3 * MR + 2, 100, K, false);
    const std::vector<T> all = whole.run(Layout::rows, Layout::rows, {}, false);
    for (int64_t m : {2, MR + 1, 2 * MR}) {
        for (int64_t n : {2, 11, 64}) {
            Case<T> part(m, n, K, false);
            for (int64_t i = 0; i < m; i++) {
                for (int64_t p = 0; p < K; p++)
                    part.a[static_cast<size_t>(i * K + p)] = whole.a[static_cast<size_t>(i * K + p)];
            }
            for (int64_t p = 0; p < K; p++) {
                for (int64_t j = 0; j < n; j++)
                    part.b[static_cast<size_t>(p * n + j)] = whole.b[static_cast<size_t>(p * 100 + j)];
            }
            const std::vector<T> found = part.run(Layout::rows, Layout::rows, {}, false);
            for (int64_t i = 0; i < m; i++) {
                CHECK(std::memcmp(&found[static_cast<size_t>(i * n)], &all[static_cast<size_t>(i * 100)],
                                  static_cast<size_t>(n) * sizeof(T)) == 0);
            }
        }
    }
}

// The hook sees every element once, finished, in pieces of C.
template <class T>
void test_activation() {
    struct Seen {
        static void square(void* context, T* c, int64_t ldc, int64_t i, int64_t j, int64_t rows, int64_t columns) {
            CHECK(i >= 0 && j >= 0);
            int64_t* count = static_cast<int64_t*>(context);
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t s = 0; s < columns; s++) c[r * ldc + s] *= c[r * ldc + s];
            }
            __atomic_fetch_add(count, rows * columns, __ATOMIC_RELAXED);
        }
    };
    for (const Size& s : {Size{1, 40, 9}, Size{40, 1, 9}, Size{2 * MR + 3, 50, 40}, Size{3, 4, 60}}) {
        const Case<T> c(s.m, s.n, s.k, true);
        std::vector<T> plain = c.run(Layout::rows, Layout::rows, {}, true);
        for (T& x : plain) x *= x;
        for (Layout layout : LAYOUTS) {
            int64_t count = 0;
            Epilogue<T> e;
            e.activate = Seen::square, e.context = &count;
            CHECK(same_bits(plain, c.run(Layout::rows, layout, e, true)));
            CHECK(count == s.m * s.n);
        }
    }
}

// B packed once and used for several A gives what gemm gives.
template <class T>
void test_packed() {
    for (const Size& s : {Size{1, 3, 4}, Size{MR + 1, 70, 29}, Size{2 * MR, 16, 700}, Size{3, 5, 0}}) {
        const Case<T> c(s.m, s.n, s.k, false);
        for (Layout layout : LAYOUTS) {
            const Stored<T> right(c.b, s.k, s.n, layout);
            std::vector<T> packed(static_cast<size_t>(packed_elements<T>(s.k, s.n)), T(NAN));
            const int64_t panels = packed_panels<T>(s.n);
            pack_panels(right.matrix, s.k, s.n, panels / 2, panels, packed.data());
            pack_panels(right.matrix, s.k, s.n, 0, panels / 2, packed.data());
            for (int time = 0; time < 2; time++) {
                const std::vector<T> a = values<T>(s.m * s.k, false);
                Case<T> again(s.m, s.n, s.k, false);
                again.a = a, again.b = c.b;
                const std::vector<T> wanted = again.run(Layout::rows, Layout::rows, {}, true);
                std::vector<T> found(static_cast<size_t>(s.m * s.n), T(NAN));
                Epilogue<T> e;
                e.row_bias = again.row_bias.data(), e.column_bias = again.column_bias.data();
                const int64_t middle = panels / 2 * NV * Vec<T>::width;
                const Matrix<T> left = {again.a.data(), s.k, 1};
                multiply_packed(left, packed.data(), {0, s.m, 0, middle}, s.n, s.k, found.data(), s.n, e);
                multiply_packed(left, packed.data(), {0, s.m, middle, s.n}, s.n, s.k, found.data(), s.n, e);
                // gemm has a recipe of its own for one row, and cuts a long K for few outputs.
                if (s.m > 1 && s.n > 1 && s.k < 2 * blocks<T>().min_chunk) {
                    CHECK(same_bits(wanted, found));
                } else {
                    // Two orders of k products below 1: each is off by at most k roundings of a sum below k / 3.
                    const T bound = T(s.k * s.k) * std::numeric_limits<T>::epsilon();
                    for (size_t i = 0; i < found.size(); i++) CHECK(std::fabs(found[i] - wanted[i]) < bound);
                }
            }
        }
    }
}

// Matrices that are nowhere in memory: packing functors compute them.
template <class T>
struct Differences {  // A[i, p] = i - p
    static constexpr bool IN_MEMORY = false;
    void pack(int64_t i, int64_t rows, int64_t p0, int64_t kc, T* to) const {
        for (int64_t p = 0; p < kc; p++) {
            for (int64_t r = 0; r < rows; r++) to[p * MR + r] = T(i + r - p0 - p);
        }
    }
};
template <class T>
struct Patches {  // B[p, j] = signal[p + j]: what a convolution reads
    static constexpr bool IN_MEMORY = false;
    const T* signal;
    void pack(int64_t p0, int64_t kc, int64_t j0, int64_t width, int64_t R, T* to) const {
        for (int64_t p = 0; p < kc; p++) {
            for (int64_t j = 0; j < R; j++) to[p * R + j] = j < width ? signal[p0 + p + j0 + j] : T(0);
        }
    }
};

template <class T>
void test_functors() {
    constexpr int64_t M = 2 * MR + 1, N = 70, K = 33;
    const std::vector<T> signal = values<T>(K + N, true);
    std::vector<T> c(M * N, T(NAN));
    const Plan how = plan<T>(M, N, K, 0, false);
    CHECK(how.pack_a && how.pack_b);
    std::vector<T> workspace(static_cast<size_t>(how.a_elements + how.b_elements), T(NAN));
    multiply_rectangle(Differences<T>{}, Patches<T>{signal.data()}, {0, M, 0, N}, K, c.data(), N, Epilogue<T>{}, how,
                       workspace.data());
    for (int64_t i = 0; i < M; i++) {
        for (int64_t j = 0; j < N; j++) {
            T sum = 0;
            for (int64_t p = 0; p < K; p++) sum += T(i - p) * signal[static_cast<size_t>(p + j)];
            CHECK(c[static_cast<size_t>(i * N + j)] == sum);
        }
    }
}

// The busiest thread's tiles against an equal share, for 2 to 64 threads.
void test_balance() {
    constexpr int64_t W = Vec<float>::width;
    for (const Size& s : {Size{512, 512, 1}, Size{1024, 1024, 1}, Size{2048, 2048, 1}, Size{2048, 384, 1},
                          Size{1024, 1536, 1}, Size{784, 512, 1}, Size{128, 256, 1}, Size{64, 512, 1},
                          Size{32, 4096, 1}, Size{4096, 32, 1}, Size{7, 10007, 1}}) {
        for (int64_t parts = 2; parts <= 64; parts++) {
            const Grid grid = choose_grid(s.m, s.n, MR, W, parts);
            int64_t covered = 0, longest = 0;
            for (int64_t i = 0; i < parts; i++) {
                const Rectangle r = rectangle(grid, i);
                covered += (r.i1 - r.i0) * (r.j1 - r.j0);
                longest = std::max(longest, ceil_divide(r.i1 - r.i0, MR) * ceil_divide(r.j1 - r.j0, W));
            }
            CHECK(covered == s.m * s.n);
            // An equal share, and a tenth more, or one row of tiles where the shares themselves are few tiles.
            const double share =
                static_cast<double>(ceil_divide(s.m, MR) * ceil_divide(s.n, W)) / static_cast<double>(parts);
            if (static_cast<double>(longest) > 1.1 * share + std::sqrt(share) + 1) {
                std::printf("%lld x %lld on %lld threads: the busiest has %lld tiles, a share is %.1f\n",
                            static_cast<long long>(s.m), static_cast<long long>(s.n), static_cast<long long>(parts),
                            static_cast<long long>(longest), share);
                const bool balanced = false;
                CHECK(balanced);
            }
        }
    }
}

template <class T>
void test_all() {
    test_exact<T>();
    test_batches<T>();
    test_bits<T>();
    test_activation<T>();
    test_packed<T>();
    test_functors<T>();
}

}  // namespace

void test_set() {
    set_num_threads(1);
    for (bool small : {true, false}) {
        set_small_blocks(small);
        test_all<float>();
        test_all<double>();
    }
    // Threads at every turn, on blocks of every size.
    set_grain_override(1);
    for (int threads : {2, 3}) {
        set_num_threads(threads);
        set_small_blocks(true);
        test_exact<float>();
        test_batches<float>();
        test_activation<float>();
    }
    set_small_blocks(false);
    set_grain_override(0);
    set_num_threads(1);
    test_balance();
}

}  // namespace nabi::NABI_SET
