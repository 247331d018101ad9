// SPDX-License-Identifier: Apache-2.0
#include "kernels/table.h"

#include "kernels/prototypes.h"

namespace nabi::NABI_SET {

extern const Kernels kernels;
const Kernels kernels = {
#define NABI_OP(name, rule, prototype) &name,
#define NABI_ELEMENTWISE(name, inputs) &name,
#define NABI_REDUCE(name) &name,
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
#undef NABI_REDUCE
};

}  // namespace nabi::NABI_SET
