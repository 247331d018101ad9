// SPDX-License-Identifier: Apache-2.0
// Where the result of an elementwise operation lies: PyTorch's rules, size-1 and size-0 dimensions included, because
// strides can be asked for and decide which element gets which random draw.
#pragma once
#include "bindings/arrays.h"

namespace nabi::bindings {

// The operands of one operation on the shape they have together. Strides count elements; 0 where an operand repeats.
struct Operands {
    int count = 0;
    int ndim = 0;
    PyArrayObject* array[MAX_OPERANDS] = {};  // null for a number
    int64_t shape[MAX_DIMS];
    int64_t strides[MAX_OPERANDS][MAX_DIMS];
};

// order[0] is the innermost dimension of the memory order that the operands ask for; the first one decides ties.
void memory_order(const Operands& operands, int* order);

// The strides (elements) of a fresh result, and the order in which its dimensions lie.
void result_strides(const Operands& operands, int64_t* strides, int* order);

// C order; the stride beside a dimension of size 0 is as beside one of size 1.
void c_strides(int ndim, const int64_t* shape, int64_t* strides);

// Fills ndim, shape and strides of the walk over output and operands: dimensions from the outermost in memory order,
// neighbours merged wherever every operand allows it.
void merge(const Operands& operands, const int64_t* out_strides, const int* order, Elementwise& walk);

}  // namespace nabi::bindings
