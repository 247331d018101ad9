// SPDX-License-Identifier: Apache-2.0
// Softmax over rows and the losses made of it. A row belongs to one thread.
#include <math.h>

#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/walk.h"
#include "runtime/scratch.h"
#include "simd/math.h"

namespace nabi::NABI_SET {

namespace {

inline float log_of(float x) { return ::logf(x); }
inline double log_of(double x) { return ::log(x); }

// A NaN that is in either stays.
template <class T>
inline Vec<T> max_or_nan(Vec<T> x, Vec<T> top) {
    return select(unordered(x), x, max(x, top));
}

// NaN wherever one is. n > 0.
template <class T>
T row_max(const T* x, int64_t n) {
    constexpr int64_t W = Vec<T>::width;
    Vec<T> top = broadcast(x[0]);
    if (n < W) {
        T lanes[W];
        store(lanes, top);
        for (int64_t i = 1; i < n; i++) lanes[i] = x[i];
        top = load(lanes);
    } else {
        Vec<T> second = top;  // two chains: a step of one takes three operations
        int64_t i = 0;
        for (; i + 2 * W <= n; i += 2 * W) {
            top = max_or_nan(load(x + i), top);
            second = max_or_nan(load(x + i + W), second);
        }
        if (i + W <= n) top = max_or_nan(load(x + i), top);
        // The rest, and some of what was seen: that changes no maximum.
        top = max_or_nan(second, max_or_nan(load(x + n - W), top));
    }
    if (sum_lanes(select(unordered(top), broadcast(T(1)), broadcast(T(0)))) != T(0)) return T(__builtin_nan(""));
    return max_lanes(top);
}

// Elements are added in two vectors, in blocks of 1024; the blocks in ascending order.
constexpr int64_t BLOCK = 1024;

// Sum over i of term(i, n): a vector of the n (at most W) elements from i on, with zeros behind them.
template <class T, class F>
inline T row_sum(int64_t n, const F& term) {
    constexpr int64_t W = Vec<T>::width;
    T total = T(0);
    for (int64_t from = 0; from < n; from += BLOCK) {
        const int64_t end = least(n, from + BLOCK);
        Vec<T> sum[2] = {broadcast(T(0)), broadcast(T(0))};
        int64_t i = from;
        for (; i + 2 * W <= end; i += 2 * W) {
            sum[0] = sum[0] + term(i, W);
            sum[1] = sum[1] + term(i + W, W);
        }
        if (i + W <= end) {
            sum[0] = sum[0] + term(i, W);
            i += W;
        }
        if (i < end) sum[1] = sum[1] + term(i, end - i);
        total += sum_lanes(sum[0] + sum[1]);
    }
    return total;
}

template <class T>
constexpr T LANE[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// y = e^(x - top); returns the sum of y. y may be null.
template <class T>
T row_exp(const T* x, int64_t n, T top, T* y) {
    constexpr int64_t W = Vec<T>::width;
    const Vec<T> shift = broadcast(top);
    return row_sum<T>(n, [&](int64_t i, int64_t count) {
        if (count == W) {
            const Vec<T> e = exp(load(x + i) - shift);
            if (y) store(y + i, e);
            return e;
        }
        const Vec<T> e = exp(load_partial(x + i, count) - shift);
        if (y) store_partial(y + i, e, count);
        // e^(0 - top) behind the row is not part of its sum.
        return select(less(load(LANE<T>), broadcast(T(count))), e, broadcast(T(0)));
    });
}

template <class T>
double exp_cost(int64_t columns) {
    return 1.0 * static_cast<double>(columns) + 20.0;
}

// Rows in ascending order, pairwise in blocks of 64, as one thread: the rows' losses are few.
template <class T>
T sum_ordered(const T* x, int64_t n) {
    T total = T(0);
    for (int64_t from = 0; from < n; from += 64) {
        T sum = T(0);
        for (int64_t i = from; i < least(n, from + 64); i++) sum += x[i];
        total += sum;
    }
    return total;
}

}  // namespace

// losses[n] = (1 - s) w[t] (lse - x[t]) + s / C sum_c w[c] (lse - x[c]), 0 where t = ignore_index;
// loss = sum of losses, divided by sum of w[t] if mean; d_logits = d loss / d logits (of the sum without `loss`).
Status cross_entropy(const In& logits, const In& target, const In& weight, int64_t ignore_index, double label_smoothing,
                     bool mean, const Out& losses, const Out& loss, const Out& d_logits) noexcept {
    return with_float(logits.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t rows = logits.shape[0], classes = logits.shape[1];
        const int64_t* labels = data<int64_t>(target);
        const T *x = data<T>(logits), *w = data<T>(weight);
        T total_weight = T(0);
        for (int64_t i = 0; i < rows; i++) {
            const int64_t t = labels[i];
            if (t == ignore_index) continue;
            if (t < 0 || t >= classes) return Status{1, i, t, classes};
            total_weight += w ? w[t] : T(1);
        }
        Scratch scratch(losses.data ? 1 : static_cast<size_t>(greatest<int64_t>(rows, 1)) * sizeof(T));
        if (!scratch.data) return Status{2, 0, 0, 0};
        T* each = losses.data ? data<T>(losses) : scratch.as<T>();
        T* d = data<T>(d_logits);
        const T smooth = T(label_smoothing) / T(classes), sharp = T(1) - T(label_smoothing);
        const T scale = mean && loss.data ? T(1) / total_weight : T(1);
        T weight_sum = T(classes);
        if (w) {
            weight_sum = T(0);
            for (int64_t c = 0; c < classes; c++) weight_sum += w[c];
        }
        parallel_for(rows, grain_for(exp_cost<T>(classes)), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const T* row = x + i * classes;
                T* slope = d ? d + i * classes : nullptr;
                const int64_t t = labels[i];
                if (t == ignore_index || t < 0 || t >= classes) {
                    each[i] = T(0);
                    if (slope) {
                        for (int64_t c = 0; c < classes; c++) slope[c] = T(0);
                    }
                    continue;
                }
                const T top = row_max(row, classes), sum = row_exp(row, classes, top, slope);
                const T log_sum = log_of(sum), own = w ? w[t] : T(1);
                T value = sharp * own * (log_sum - (row[t] - top));
                T mass = sharp * own;
                if (label_smoothing > 0) {
                    T spread = T(0);
                    for (int64_t c = 0; c < classes; c++) spread += (w ? w[c] : T(1)) * (log_sum - (row[c] - top));
                    value += smooth * spread;
                    mass += smooth * weight_sum;
                }
                each[i] = value;
                if (!slope) continue;
                const Vec<T> factor = broadcast(mass * scale / sum);
                map(classes, slope, slope, [&](Vec<T> e) { return e * factor; });
                slope[t] -= sharp * own * scale;
                if (label_smoothing > 0) {
                    for (int64_t c = 0; c < classes; c++) slope[c] -= smooth * (w ? w[c] : T(1)) * scale;
                }
            }
        });
        if (loss.data) {
            const T sum = sum_ordered(each, rows);
            *data<T>(loss) = mean ? sum / total_weight : sum;
        }
        return OK;
    });
}

// The same with a distribution per row: q = (1 - s) target + s / C; losses[n] = sum_c w[c] q[c] (lse - x[c]);
// a mean divides by the number of rows.
Status cross_entropy_soft(const In& logits, const In& target, const In& weight, double label_smoothing, bool mean,
                          const Out& losses, const Out& loss, const Out& d_logits) noexcept {
    return with_float(logits.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t rows = logits.shape[0], classes = logits.shape[1];
        const T *x = data<T>(logits), *q = data<T>(target), *w = data<T>(weight);
        Scratch scratch(losses.data ? 1 : static_cast<size_t>(greatest<int64_t>(rows, 1)) * sizeof(T));
        if (!scratch.data) return Status{2, 0, 0, 0};
        T* each = losses.data ? data<T>(losses) : scratch.as<T>();
        T* d = data<T>(d_logits);
        const T smooth = T(label_smoothing) / T(classes), sharp = T(1) - T(label_smoothing);
        const T scale = mean && loss.data ? T(1) / T(rows) : T(1);
        parallel_for(rows, grain_for(exp_cost<T>(classes)), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const T *row = x + i * classes, *wanted = q + i * classes;
                T* slope = d ? d + i * classes : nullptr;
                each[i] = T(0);
                if (classes == 0) continue;
                const T top = row_max(row, classes), sum = row_exp(row, classes, top, slope), log_sum = log_of(sum);
                T value = T(0), mass = T(0);
                for (int64_t c = 0; c < classes; c++) {
                    const T share = (w ? w[c] : T(1)) * (sharp * wanted[c] + smooth);
                    // A class without mass adds nothing, even where its logit is -inf.
                    if (share != T(0)) value += share * (log_sum - (row[c] - top));
                    mass += share;
                }
                each[i] = value;
                if (!slope) continue;
                for (int64_t c = 0; c < classes; c++) {
                    const T share = (w ? w[c] : T(1)) * (sharp * wanted[c] + smooth);
                    slope[c] = (slope[c] / sum * mass - share) * scale;
                }
            }
        });
        if (loss.data) {
            const T sum = sum_ordered(each, rows);
            *data<T>(loss) = mean ? sum / T(classes ? rows : 0) : sum;
        }
        return OK;
    });
}

// output = e^(x - max) / sum, or its logarithm, along the last dimension. Saved for backward: output.
Status softmax(const In& input, bool logarithm, const Out& output) noexcept {
    return with_float(input.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t rows = input.shape[0], columns = input.shape[1];
        if (columns == 0) return OK;
        parallel_for(rows, grain_for(exp_cost<T>(columns)), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const T* x = data<T>(input) + i * columns;
                T* y = data<T>(output) + i * columns;
                const T top = row_max(x, columns), sum = row_exp(x, columns, top, logarithm ? nullptr : y);
                if (logarithm) {
                    const Vec<T> log_sum = broadcast(log_of(sum)), shift = broadcast(top);
                    map(columns, y, x, [&](Vec<T> v) { return (v - shift) - log_sum; });
                } else {
                    const Vec<T> whole = broadcast(sum);
                    map(columns, y, y, [&](Vec<T> v) { return v / whole; });
                }
            }
        });
        return OK;
    });
}

// softmax: d = y (g - sum(g y)); log-softmax: d = g - e^y sum(g).
Status softmax_backward(const In& grad, const In& output, bool logarithm, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        constexpr int64_t W = Vec<T>::width;
        const int64_t rows = grad.shape[0], columns = grad.shape[1];
        parallel_for(rows, grain_for(exp_cost<T>(columns)), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const T *g = data<T>(grad) + i * columns, *y = data<T>(output) + i * columns;
                auto part = [&](const T* p, int64_t j, int64_t n) {
                    return n == W ? load(p + j) : load_partial(p + j, n);
                };
                const Vec<T> sum = broadcast(row_sum<T>(columns, [&](int64_t j, int64_t n) {
                    return logarithm ? part(g, j, n) : part(g, j, n) * part(y, j, n);
                }));
                T* d = data<T>(d_input) + i * columns;
                if (logarithm) {
                    map2(columns, d, g, y, [&](Vec<T> gv, Vec<T> yv) { return gv - exp(yv) * sum; });
                } else {
                    map2(columns, d, g, y, [&](Vec<T> gv, Vec<T> yv) { return yv * (gv - sum); });
                }
            }
        });
        return OK;
    });
}

// Rows that lie across memory, input[a, c, b] along c: vectors hold neighbouring rows, some of them at a time.
template <class T>
struct Strip {
    static constexpr int64_t W = Vec<T>::width;
    static constexpr int64_t VECTORS = 4;
    int64_t rows;           // c
    int64_t pitch;          // b
    int64_t vectors, rest;  // full vectors; lanes of one more

    Strip(int64_t c, int64_t b, int64_t columns) : rows(c), pitch(b), vectors(columns / W), rest(columns % W) {}

    Vec<T> read(const T* p, int64_t v) const { return v < vectors ? load(p + v * W) : load_partial(p + v * W, rest); }
    void write(T* p, int64_t v, Vec<T> a) const {
        if (v < vectors) return store(p + v * W, a);
        store_partial(p + v * W, a, rest);
    }
    int64_t count() const { return vectors + (rest > 0); }

    // sum[v] = sum over the rows of term(row, v): blocks of 64, joined in ascending order
    template <class F>
    void sums(Vec<T> (&total)[VECTORS], const F& term) const {
        for (auto& each : total) each = broadcast(T(0));
        for (int64_t from = 0; from < rows; from += 64) {
            Vec<T> sum[VECTORS];
            for (auto& each : sum) each = broadcast(T(0));
            for (int64_t r = from; r < least(rows, from + 64); r++) {
                for (int64_t v = 0; v < count(); v++) sum[v] = sum[v] + term(r, v);
            }
            for (int64_t v = 0; v < count(); v++) total[v] = total[v] + sum[v];
        }
    }
};

// body(strip, offset) for every strip of at most four vectors of rows.
template <class T, class F>
Status over_strips(const In& array, const F& body) {
    const int64_t c = array.shape[1], b = array.shape[2], wide = Strip<T>::VECTORS * Strip<T>::W;
    if (array.size == 0) return OK;
    const int64_t pieces = (b + wide - 1) / wide;
    parallel_for(array.shape[0] * pieces, grain_for(exp_cost<T>(c * least(b, wide))), [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; t++) {
            const int64_t first = t % pieces * wide;
            body(Strip<T>(c, b, least(wide, b - first)), t / pieces * c * b + first);
        }
    });
    return OK;
}

Status softmax_across(const In& input, bool logarithm, const Out& output) noexcept {
    return with_float(input.dtype, [&](auto zero) {
        using T = decltype(zero);
        return over_strips<T>(input, [&](const Strip<T>& strip, int64_t offset) {
            const T* x = data<T>(input) + offset;
            T* y = data<T>(output) + offset;
            Vec<T> top[4], sum[4];
            for (int64_t v = 0; v < strip.count(); v++) top[v] = strip.read(x, v);
            for (int64_t r = 1; r < strip.rows; r++) {
                for (int64_t v = 0; v < strip.count(); v++) {
                    top[v] = max_or_nan(strip.read(x + r * strip.pitch, v), top[v]);
                }
            }
            strip.sums(sum, [&](int64_t r, int64_t v) {
                const Vec<T> e = exp(strip.read(x + r * strip.pitch, v) - top[v]);
                if (!logarithm) strip.write(y + r * strip.pitch, v, e);
                return e;
            });
            if (logarithm) {
                for (int64_t v = 0; v < strip.count(); v++) {
                    T lanes[Vec<T>::width];
                    store(lanes, sum[v]);
                    for (T& lane : lanes) lane = log_of(lane);
                    sum[v] = load(lanes);
                }
            }
            for (int64_t r = 0; r < strip.rows; r++) {
                for (int64_t v = 0; v < strip.count(); v++) {
                    const int64_t at = r * strip.pitch;
                    strip.write(y + at, v,
                                logarithm ? (strip.read(x + at, v) - top[v]) - sum[v] : strip.read(y + at, v) / sum[v]);
                }
            }
        });
    });
}

Status softmax_across_backward(const In& grad, const In& output, bool logarithm, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return over_strips<T>(grad, [&](const Strip<T>& strip, int64_t offset) {
            const T *g = data<T>(grad) + offset, *y = data<T>(output) + offset;
            T* d = data<T>(d_input) + offset;
            Vec<T> sum[4];
            strip.sums(sum, [&](int64_t r, int64_t v) {
                const Vec<T> slope = strip.read(g + r * strip.pitch, v);
                return logarithm ? slope : slope * strip.read(y + r * strip.pitch, v);
            });
            for (int64_t r = 0; r < strip.rows; r++) {
                for (int64_t v = 0; v < strip.count(); v++) {
                    const int64_t at = r * strip.pitch;
                    const Vec<T> slope = strip.read(g + at, v), value = strip.read(y + at, v);
                    strip.write(d + at, v, logarithm ? slope - exp(value) * sum[v] : value * (slope - sum[v]));
                }
            }
        });
    });
}

// output[n, c] = grad[n] rows[n, c]
Status scale_rows(const In& grad, const In& rows, const Out& output) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        const int64_t columns = rows.shape[1];
        parallel_for(rows.shape[0], grain_for(0.2 * static_cast<double>(columns) + 2), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const Vec<T> factor = broadcast(data<T>(grad)[i]);
                map(columns, data<T>(output) + i * columns, data<T>(rows) + i * columns,
                    [&](Vec<T> v) { return v * factor; });
            }
        });
        return OK;
    });
}

}  // namespace nabi::NABI_SET
