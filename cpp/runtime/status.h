// SPDX-License-Identifier: Apache-2.0
// What a kernel is told about element types, and what it gives back. Plain data: safe to include in every kernel
// object.
#pragma once

#include <cstdint>

namespace nabi {

enum class DType : int32_t { f32, f64, i64, i32, i16, i8, u8, b8 };

// code 0: ok.  1: an index was out of range.  2: out of memory.  3: unsupported dtype.
// With code 1: `value` is the first bad index, found at flat `position`, and `limit` is the first value above the
// valid ones.
struct Status {
    int32_t code;
    int64_t position;
    int64_t value;
    int64_t limit;
};

}  // namespace nabi
