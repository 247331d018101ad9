// SPDX-License-Identifier: Apache-2.0
// Elementwise losses.
#include <string.h>

#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "runtime/parallel.h"
#include "simd/math.h"

namespace nabi::NABI_SET {

// losses = -w (t max(log x, -100) + (1 - t) max(log(1 - x), -100)); x must lie in [0, 1].
Status binary_cross_entropy(const In& input, const In& target, const In& weight, const Out& losses) noexcept {
    return with_float(input.dtype, [&](auto zero) {
        using T = decltype(zero);
        const T *x = data<T>(input), *t = data<T>(target), *w = data<T>(weight);
        T* y = data<T>(losses);
        for (int64_t i = 0; i < input.size; i++) {
            if (!(x[i] >= T(0) && x[i] <= T(1))) {
                const double value = static_cast<double>(x[i]);
                Status status{4, i, 0, 0};
                memcpy(&status.value, &value, sizeof(value));
                return status;
            }
        }
        const Vec<T> one = broadcast(T(1)), least_log = broadcast(T(-100));
        auto loss = [&](Vec<T> p, Vec<T> wanted, Vec<T> weights) {
            const Vec<T> no = max(log1p(negative(p)), least_log), yes = max(log(p), least_log);
            return ((wanted - one) * no - wanted * yes) * weights;
        };
        constexpr int64_t W = Vec<T>::width;
        parallel_for(input.size, grain_for(2), [&](int64_t begin, int64_t end) {
            int64_t i = begin;
            for (; i + W <= end; i += W) store(y + i, loss(load(x + i), load(t + i), w ? load(w + i) : one));
            if (i == end) return;
            const int64_t rest = end - i;
            const Vec<T> weights = w ? load_partial(w + i, rest) : one;
            store_partial(y + i, loss(load_partial(x + i, rest), load_partial(t + i, rest), weights), rest);
        });
        return OK;
    });
}

// d_input = grad w (x - t) / max((1 - x) x, 1e-12)
Status binary_cross_entropy_backward(const In& grad, const In& input, const In& target, const In& weight,
                                     const Out& d_input) noexcept {
    return with_float(input.dtype, [&](auto zero) {
        using T = decltype(zero);
        const T *g = data<T>(grad), *x = data<T>(input), *t = data<T>(target), *w = data<T>(weight);
        T* d = data<T>(d_input);
        parallel_for(input.size, grain_for(2), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const T slope = g[i] * (x[i] - t[i]) / greatest((T(1) - x[i]) * x[i], T(1e-12));
                d[i] = w ? slope * w[i] : slope;
            }
        });
        return OK;
    });
}

}  // namespace nabi::NABI_SET
