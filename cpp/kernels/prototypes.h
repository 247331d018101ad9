// SPDX-License-Identifier: Apache-2.0
// The kernels of the set that is being compiled, declared from kernels.def.
#pragma once
#include "runtime/array.h"
#include "runtime/mt19937.h"

namespace nabi::NABI_SET {
#define NABI_OP(name, rule, prototype) Status name prototype noexcept;
#define NABI_ELEMENTWISE(name, inputs) Status name(const Elementwise& operands) noexcept;
#define NABI_REDUCE(name) Status name(const Reduction& operands, double divisor) noexcept;
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
#undef NABI_REDUCE
}  // namespace nabi::NABI_SET
