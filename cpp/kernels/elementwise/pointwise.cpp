// SPDX-License-Identifier: Apache-2.0
// Functions of one element and their gradients. Those of exp and log are a product and a quotient: arithmetic.cpp.
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/walk.h"
#include "simd/math.h"

namespace nabi::NABI_SET {

// output = e^input. Saved for backward: output.
Status exp(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return exp(x); }, 0.4);
    });
}

// output = e^input - 1. Saved for backward: output.
Status expm1(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return expm1(x); }, 0.6);
    });
}

// d_input = grad (output + 1)
Status expm1_backward(const In& grad, const In& output, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, output, [](Vec<T> g, Vec<T> y) { return g * (y + broadcast(T(1))); }, 0.2);
    });
}

// output = log input. Saved for backward: input.
Status log(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return log(x); }, 0.5);
    });
}

// output = log(1 + input). Saved for backward: input.
Status log1p(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return log1p(x); }, 0.7);
    });
}

// d_input = grad / (1 + input)
Status log1p_backward(const In& grad, const In& input, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, input, [](Vec<T> g, Vec<T> x) { return g / (x + broadcast(T(1))); }, 0.3);
    });
}

// output = sqrt input. Saved for backward: output.
Status sqrt(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return square_root(x); }, 0.4);
    });
}

// d_input = grad / (2 output)
Status sqrt_backward(const In& grad, const In& output, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, output, [](Vec<T> g, Vec<T> y) { return g / (y + y); }, 0.3);
    });
}

// output = |input|. Saved for backward: input.
Status abs(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return absolute(x); }, 0.15);
    });
}

// d_input = grad times the sign of input, 0 where input is 0 or NaN
Status abs_backward(const In& grad, const In& input, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, input,
            [](Vec<T> g, Vec<T> x) {
                const Vec<T> none = broadcast(T(0)), sign = with_sign(broadcast(T(1)), x);
                return g * select(less(none, absolute(x)), sign, none);
            },
            0.2);
    });
}

// output = tanh input. Saved for backward: output.
Status tanh(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return tanh(x); }, 0.8);
    });
}

// d_input = grad (1 - output^2)
Status tanh_backward(const In& grad, const In& output, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, output, [](Vec<T> g, Vec<T> y) { return g * (broadcast(T(1)) - y * y); }, 0.2);
    });
}

// output = erf input. Saved for backward: input.
Status erf(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return erf(x); }, 0.8);
    });
}

// d_input = grad 2 / sqrt(pi) e^-input^2
Status erf_backward(const In& grad, const In& input, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, input,
            [](Vec<T> g, Vec<T> x) { return g * (broadcast(T(1.1283791670955126)) * exp(negative(x * x))); }, 0.5);
    });
}

// output = sin input. Saved for backward: input.
Status sin(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return sin(x); }, 1.0);
    });
}

// d_input = grad cos input
Status sin_backward(const In& grad, const In& input, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, input, [](Vec<T> g, Vec<T> x) { return g * cos(x); }, 1.0);
    });
}

// output = cos input. Saved for backward: input.
Status cos(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return cos(x); }, 1.0);
    });
}

// d_input = -grad sin input
Status cos_backward(const In& grad, const In& input, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(
            d_input, grad, input, [](Vec<T> g, Vec<T> x) { return negative(g) * sin(x); }, 1.0);
    });
}

}  // namespace nabi::NABI_SET
