// SPDX-License-Identifier: Apache-2.0
// The rule of a kernels.def line, parsed at the kernel's first call.
#pragma once
#include <string>
#include <vector>

#include "runtime/array.h"

namespace nabi::bindings {

constexpr size_t MAX_ARRAYS = 10;

struct ArrayRule {
    std::string name;
    std::string dims;          // one letter a dimension, as written: "no"
    bool leading = false;      // starts with "...": any number of leading dimensions, merged into one
    bool flat = false;         // [*]
    bool bits = false;         // [*/8]
    bool strided = false;      // ~
    bool optional = false;     // ?
    bool in_place = false;     // !
    bool accumulates = false;  // +
    bool output = false;
    bool any_dtype = false;
    bool common_dtype = true;
    DType dtype = DType::f32;
    std::string text;  // the shape in words, for messages
};

struct Rule {
    std::vector<ArrayRule> arrays;
    int outputs = 0;
};

// Ends the process with the faulty rule on stderr: a rule is the developer's text, never the user's.
Rule parse_rule(const char* op, const char* text);

}  // namespace nabi::bindings
