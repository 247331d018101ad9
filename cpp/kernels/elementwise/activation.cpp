// SPDX-License-Identifier: Apache-2.0
// Activations and their gradients.
#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/walk.h"
#include "simd/math.h"

namespace nabi::NABI_SET {

// output = max(input, 0), NaN kept. Saved for backward: output.
Status relu(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        // The bound stands first: where the comparison with a NaN fails the second operand, the NaN, is taken.
        return walk_flat<T>(output, input, [](Vec<T> x) { return max(broadcast(T(0)), x); });
    });
}

// d_input = grad where output > 0, else 0.
Status relu_backward(const In& grad, const In& output, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(d_input, grad, output, [](Vec<T> g, Vec<T> y) {
            return select(less_equal(y, broadcast(T(0))), broadcast(T(0)), g);
        });
    });
}

// output = 1 / (1 + e^-input). Saved for backward: output.
Status sigmoid(const In& input, const Out& output) noexcept {
    return with_float(output.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat<T>(
            output, input, [](Vec<T> x) { return sigmoid(x); }, 0.5);
    });
}

// d_input = grad output (1 - output).
Status sigmoid_backward(const In& grad, const In& output, const Out& d_input) noexcept {
    return with_float(grad.dtype, [&](auto zero) {
        using T = decltype(zero);
        return walk_flat2<T>(d_input, grad, output, [](Vec<T> g, Vec<T> y) { return g * ((broadcast(T(1)) - y) * y); });
    });
}

}  // namespace nabi::NABI_SET
