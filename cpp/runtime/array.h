// SPDX-License-Identifier: Apache-2.0
// What a kernel is given instead of a numpy array: plain data, no member functions, so that this header can be
// compiled into every instruction set without leaving a symbol behind (docs/design.md, decision 9).
#pragma once
#include <stdint.h>

#include "runtime/status.h"

namespace nabi {

constexpr int MAX_DIMS = 16;
constexpr int MAX_OPERANDS = 4;

// Shapes and strides count elements, never bytes. data is null for an optional array that was not given.
struct In {
    const void* data;
    const int64_t* shape;
    const int64_t* strides;
    int32_t ndim;
    DType dtype;
    int64_t size;
};

struct Out {
    void* data;
    const int64_t* shape;
    const int64_t* strides;
    int32_t ndim;
    DType dtype;
    int64_t size;
    bool accumulate = false;  // += into what stands there, where the rule allows it
};

// An array that exists already and is changed in place.
struct InOut {
    void* data;
    const int64_t* shape;
    const int64_t* strides;
    int32_t ndim;
    DType dtype;
    int64_t size;
};

struct List {
    const InOut* items;
    int64_t count;
};

// Broadcast operands after dimensions were put in memory order and merged: operand 0 is the output, the last
// dimension is the innermost. A stride of 0 repeats an element.
struct Elementwise {
    int32_t ndim;
    int32_t operands;
    DType dtype;
    int64_t size;
    int64_t shape[MAX_DIMS];
    int64_t strides[MAX_OPERANDS][MAX_DIMS];
    void* data[MAX_OPERANDS];
};

// An input whose dimensions are the results' (kept), then those that are reduced, each merged and in C order; at least
// one of either. The output is C-ordered.
struct Reduction {
    int32_t kept;
    int32_t reduced;
    DType dtype;
    int64_t outputs;
    int64_t count;  // elements that meet in one result
    int64_t shape[MAX_DIMS + 2];
    int64_t strides[MAX_DIMS + 2];
    const void* input;
    void* output;
};

}  // namespace nabi
