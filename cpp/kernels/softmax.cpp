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

// NaN wherever one is: a NaN keeps standing in the accumulator because it is the second operand.
template <class T>
T row_max(const T* x, int64_t n) {
    constexpr int64_t W = Vec<T>::width;
    T best = x[0];
    int64_t i = 0;
    bool nan = false;
    if (n >= W) {
        Vec<T> top = load(x), sum = broadcast(T(0));
        for (; i + W <= n; i += W) {
            Vec<T> v = load(x + i);
            top = max(v, top);
            sum = sum + (v - v);  // NaN for NaN and for inf; only then are the lanes looked at one by one
        }
        best = max_lanes(top);
        nan = sum_lanes(sum) != T(0);
    }
    for (; i < n; i++) {
        best = x[i] > best ? x[i] : best;
        nan = nan || x[i] != x[i];
    }
    if (nan) {
        for (int64_t j = 0; j < n; j++) {
            if (x[j] != x[j]) return x[j];
        }
    }
    return best;
}

// y = e^(x - top); returns the sum of y. y may be null.
template <class T>
T row_exp(const T* x, int64_t n, T top, T* y) {
    constexpr int64_t W = Vec<T>::width;
    const Vec<T> shift = broadcast(top);
    Vec<T> sum = broadcast(T(0));
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        Vec<T> e = exp(load(x + i) - shift);
        if (y) store(y + i, e);
        sum = sum + e;
    }
    T total = sum_lanes(sum);
    if (i < n) {
        Vec<T> e = exp(load_partial(x + i, n - i) - shift);
        T lanes[W];
        store(lanes, e);
        for (int64_t j = 0; j < n - i; j++) total += lanes[j];
        if (y) store_partial(y + i, e, n - i);
    }
    return total;
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
                Vec<T> sums = broadcast(T(0));
                for (int64_t j = 0; j < columns; j += W) {
                    const int64_t n = columns - j;
                    Vec<T> gv = n >= W ? load(g + j) : load_partial(g + j, n);
                    Vec<T> yv = n >= W ? load(y + j) : load_partial(y + j, n);
                    sums = logarithm ? sums + gv : fma(gv, yv, sums);
                }
                const Vec<T> sum = broadcast(sum_lanes(sums));
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
