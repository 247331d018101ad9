// SPDX-License-Identifier: Apache-2.0
#include "bindings/rule.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace nabi::bindings {

namespace {

[[noreturn]] void bad_rule(const char* op, const std::string& token) {
    std::fprintf(stderr, "kernels.def: cannot read the rule of %s at '%s'\n", op, token.c_str());
    std::abort();
}

void parse_dtype(const char* op, const std::string& name, ArrayRule& rule) {
    static const char* const NAMES[] = {"f32", "f64", "i64", "i32", "i16", "i8", "u8", "b8"};
    rule.common_dtype = false;
    if (name == "any") {
        rule.any_dtype = true;
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (name == NAMES[i]) {
            rule.dtype = static_cast<DType>(i);
            return;
        }
    }
    bad_rule(op, name);
}

void parse_dims(const std::string& inside, ArrayRule& rule) {
    rule.flat = inside == "*";
    rule.bits = inside == "*/8";
    if (rule.flat || rule.bits) return;
    std::istringstream dims(inside);
    std::string dim;
    while (dims >> dim) {
        rule.text += (rule.text.empty() ? "" : ", ") + dim;
        if (dim == "...") {
            rule.leading = true;
        } else {
            rule.dims += dim;
        }
    }
}

ArrayRule parse_array(const char* op, const std::string& token, bool output) {
    ArrayRule rule;
    rule.output = output;
    size_t at = 0;
    if (token[at] == '!') {
        rule.in_place = true;
        at++;
    }
    while (at < token.size() && (std::isalnum(static_cast<unsigned char>(token[at])) || token[at] == '_')) {
        rule.name += token[at++];
    }
    if (at < token.size() && token[at] == '~') {
        rule.strided = true;
        at++;
    }
    if (at < token.size() && token[at] == '[') {
        size_t close = token.find(']', at);
        if (close == std::string::npos) bad_rule(op, token);
        parse_dims(token.substr(at + 1, close - at - 1), rule);
        at = close + 1;
    }
    if (at < token.size() && token[at] == '?') {
        rule.optional = true;
        at++;
    }
    if (at < token.size() && token[at] == '+') {
        rule.accumulates = output;
        at++;
    }
    if (at < token.size() && token[at] == ':') {
        parse_dtype(op, token.substr(at + 1), rule);
        at = token.size();
    }
    if (at != token.size() || rule.name.empty()) bad_rule(op, token);
    return rule;
}

}  // namespace

Rule parse_rule(const char* op, const char* text) {
    Rule rule;
    std::string token;
    bool inside = false, output = false;
    auto finish = [&] {
        if (token == "->") {
            output = true;
        } else if (!token.empty()) {
            rule.arrays.push_back(parse_array(op, token, output));
            rule.outputs += output;
        }
        token.clear();
    };
    for (const char* c = text; *c; c++) {
        inside = *c == '[' || (inside && *c != ']');
        if (*c == ' ' && !inside) {
            finish();
        } else {
            token += *c;
        }
    }
    finish();
    if (rule.arrays.size() > MAX_ARRAYS) bad_rule(op, text);
    return rule;
}

}  // namespace nabi::bindings
