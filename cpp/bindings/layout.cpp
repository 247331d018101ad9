// SPDX-License-Identifier: Apache-2.0
#include "bindings/layout.h"

#include <algorithm>

namespace nabi::bindings {

namespace {

// Positive: dimension a must lie outside b; negative: inside; 0: the operands don't say.
int compare_dims(const Operands& o, int a, int b) {
    for (int i = 0; i < o.count; i++) {
        const int64_t step_a = std::abs(o.strides[i][a]), step_b = std::abs(o.strides[i][b]);
        if (step_a == 0 || step_b == 0) continue;
        if (step_a != step_b) return step_a < step_b ? -1 : 1;
        if (o.shape[a] > o.shape[b]) return 1;
    }
    return 0;
}

// Sizes beyond int64 wrap around here; new_array refuses them.
int64_t times(int64_t step, int64_t size) {
    return static_cast<int64_t>(static_cast<uint64_t>(step) * static_cast<uint64_t>(size));
}

// Dense strides for the dimensions in the given order; `beside_zero`: what a dimension of size 0 counts for.
void strides_in(const Operands& o, const int* order, int64_t beside_zero, int64_t* strides) {
    int64_t step = 1;
    for (int k = 0; k < o.ndim; k++) {
        strides[order[k]] = step;
        step = times(step, o.shape[order[k]] ? o.shape[order[k]] : beside_zero);
    }
}

// True if operand i has these strides wherever a dimension has more than one element.
bool lies_like(const Operands& o, int i, const int64_t* strides) {
    for (int d = 0; d < o.ndim; d++) {
        if (o.shape[d] != 1 && o.strides[i][d] != strides[d]) return false;
    }
    return true;
}

bool all_lie_like(const Operands& o, const int64_t* strides) {
    for (int i = 0; i < o.count; i++) {
        if (!lies_like(o, i, strides)) return false;
    }
    return true;
}

// Where all operands have the result's shape and one dense layout, the result takes that layout as it is.
bool take_common_layout(const Operands& o, int64_t* strides) {
    bool empty = false;
    for (int d = 0; d < o.ndim; d++) empty = empty || o.shape[d] == 0;
    for (int i = 0; i < o.count; i++) {
        PyArrayObject* array = o.array[i];
        if (!array || PyArray_NDIM(array) != o.ndim) return false;
        if (!std::equal(o.shape, o.shape + o.ndim, reinterpret_cast<const int64_t*>(PyArray_SHAPE(array))))
            return false;
    }
    c_strides(o.ndim, o.shape, strides);
    if (empty || all_lie_like(o, strides)) return true;
    if (o.ndim == 4) {
        constexpr int CHANNELS_LAST[] = {1, 3, 2, 0};
        strides_in(o, CHANNELS_LAST, 1, strides);
        if (all_lie_like(o, strides)) return true;
    }
    if (!is_dense(o.array[0])) return false;
    std::copy(o.strides[0], o.strides[0] + o.ndim, strides);
    for (int i = 1; i < o.count; i++) {
        if (!std::equal(strides, strides + o.ndim, o.strides[i])) return false;
    }
    return true;
}

}  // namespace

void memory_order(const Operands& o, int* order) {
    for (int k = 0; k < o.ndim; k++) order[k] = o.ndim - 1 - k;
    // An insertion sort that steps over dimensions the operands don't compare.
    for (int k = 1; k < o.ndim; k++) {
        int moving = k;
        for (int j = k - 1; j >= 0; j--) {
            const int comparison = compare_dims(o, order[j], order[moving]);
            if (comparison > 0) {
                std::swap(order[j], order[moving]);
                moving = j;
            } else if (comparison < 0) {
                break;
            }
        }
    }
}

void result_strides(const Operands& o, int64_t* strides, int* order) {
    memory_order(o, order);
    if (take_common_layout(o, strides)) return;
    bool c_order = true;
    for (int k = 0; k < o.ndim; k++) c_order = c_order && order[k] == o.ndim - 1 - k;
    strides_in(o, order, c_order ? 1 : 0, strides);
}

void c_strides(int ndim, const int64_t* shape, int64_t* strides) {
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        strides[d] = step;
        step = times(step, std::max<int64_t>(shape[d], 1));
    }
}

void merge(const Operands& o, const int64_t* out_strides, const int* order, Elementwise& e) {
    auto stride = [&](int i, int d) { return i == 0 ? out_strides[d] : o.strides[i - 1][d]; };
    e.ndim = 0;
    for (int k = o.ndim - 1; k >= 0; k--) {
        const int d = order[k];
        if (o.shape[d] == 1) continue;
        bool joins = e.ndim > 0;
        for (int i = 0; joins && i <= o.count; i++) {
            joins = e.strides[i][e.ndim - 1] == stride(i, d) * o.shape[d];
        }
        if (joins) {
            e.shape[e.ndim - 1] *= o.shape[d];
        } else {
            e.shape[e.ndim++] = o.shape[d];
        }
        for (int i = 0; i <= o.count; i++) e.strides[i][e.ndim - 1] = stride(i, d);
    }
    if (e.ndim == 0) {
        e.ndim = 1;
        e.shape[0] = 1;
        for (int i = 0; i <= o.count; i++) e.strides[i][0] = 1;
    }
}

}  // namespace nabi::bindings
