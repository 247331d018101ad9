// SPDX-License-Identifier: Apache-2.0
// One function pointer per line of kernels.def; every instruction set fills one such table (table.cpp).
#pragma once
#include "runtime/array.h"
#include "runtime/mt19937.h"

namespace nabi {

struct Kernels {
#define NABI_OP(name, rule, prototype) Status(*name) prototype noexcept;
#define NABI_ELEMENTWISE(name, inputs) Status (*name)(const Elementwise& operands) noexcept;
#define NABI_REDUCE(name) Status (*name)(const Reduction& operands, double divisor) noexcept;
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
#undef NABI_REDUCE
};

}  // namespace nabi
