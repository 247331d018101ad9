// SPDX-License-Identifier: Apache-2.0
// Optimizer steps: all parameters of a group in one call. The arrays of one parameter are dense and have the same strides,
// so each is flat memory; the split over threads goes by elements, through all parameters.
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "runtime/parallel.h"
#include "simd/simd.h"

namespace nabi::NABI_SET {

namespace {

// body(k, begin, end) for the elements begin ... end of parameter k that lie in [from, to) of all elements in a row.
template <class F>
inline void each_part(const List& params, int64_t from, int64_t to, const F& body) {
    int64_t start = 0;
    for (int64_t k = 0; k < params.count && start < to; k++) {
        const int64_t size = params.items[k].size, stop = start + size;
        if (stop > from) body(k, from > start ? from - start : 0, to < stop ? to - start : size);
        start = stop;
    }
}

// Factors are rounded to the parameter's type once; every product is added in one fma, as in PyTorch's kernels.
template <class T>
struct Sgd {
    bool decay, momentum, nesterov, maximize, first;
    Vec<T> weight_decay, kept, entering, minus_lr;

    // g = +-grad + weight_decay p;  b = g at first, else momentum b + (1 - dampening) g;  p -= lr (g, b or g + momentum b)
    inline Vec<T> operator()(Vec<T> p, Vec<T> g, Vec<T>& b) const {
        if (maximize) g = broadcast(T(-1)) * g;
        if (decay) g = fma(p, weight_decay, g);
        if (momentum) {
            b = first ? g : fma(g, entering, b * kept);
            g = nesterov ? fma(b, kept, g) : b;
        }
        return fma(g, minus_lr, p);
    }
};

template <class T>
inline void sgd_part(const Sgd<T>& rule, int64_t n, T* p, const T* g, T* b) {
    constexpr int64_t W = Vec<T>::width;
    Vec<T> buffer = broadcast(T(0));
    const bool reads = b && !rule.first;
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        if (reads) buffer = load(b + i);
        store(p + i, rule(load(p + i), load(g + i), buffer));
        if (b) store(b + i, buffer);
    }
    if (i < n) {
        if (reads) buffer = load_partial(b + i, n - i);
        store_partial(p + i, rule(load_partial(p + i, n - i), load_partial(g + i, n - i), buffer), n - i);
        if (b) store_partial(b + i, buffer, n - i);
    }
}

}  // namespace

// params and buffers are overwritten; buffers are not read in the first step. Without buffers there is no momentum.
Status sgd_step(const List& params, const List& grads, const List& buffers, double lr, double momentum,
                double dampening, double weight_decay, bool nesterov, bool maximize, bool first) noexcept {
    int64_t total = 0;
    for (int64_t k = 0; k < params.count; k++) {
        const DType dtype = params.items[k].dtype;
        const bool agree = grads.items[k].dtype == dtype && (!buffers.count || buffers.items[k].dtype == dtype);
        if (!agree || (dtype != DType::f32 && dtype != DType::f64)) return Status{3, k, 0, 0};
        total += params.items[k].size;
    }
    auto rule = [&](auto zero) {
        using T = decltype(zero);
        return Sgd<T>{weight_decay != 0,
                      buffers.count > 0,
                      nesterov,
                      maximize,
                      first,
                      broadcast(static_cast<T>(weight_decay)),
                      broadcast(static_cast<T>(momentum)),
                      broadcast(static_cast<T>(1 - dampening)),
                      broadcast(static_cast<T>(-lr))};
    };
    const Sgd<float> single = rule(float());
    const Sgd<double> twice = rule(double());
    parallel_for(total, grain_for(0.3), [&](int64_t from, int64_t to) {
        each_part(params, from, to, [&](int64_t k, int64_t begin, int64_t end) {
            const InOut& param = params.items[k];
            auto part = [&](const auto& sgd, auto zero) {
                using T = decltype(zero);
                T* b = buffers.count ? data<T>(buffers.items[k]) + begin : nullptr;
                sgd_part<T>(sgd, end - begin, data<T>(param) + begin, data<T>(grads.items[k]) + begin, b);
            };
            if (param.dtype == DType::f32) {
                part(single, float());
            } else {
                part(twice, double());
            }
        });
    });
    return OK;
}

}  // namespace nabi::NABI_SET
