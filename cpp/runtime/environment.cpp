// SPDX-License-Identifier: Apache-2.0
#include "runtime/environment.h"

#include <cstdlib>
#include <cstring>

namespace nabi {
namespace {

bool is_set(const char* name) { return std::getenv(name) != nullptr; }

bool equals(const char* name, const char* wanted) {
    const char* value = std::getenv(name);
    return value != nullptr && std::strcmp(value, wanted) == 0;
}

bool is_on(const char* name) { return is_set(name) && !equals(name, "") && !equals(name, "0"); }

int64_t positive_integer(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) return 0;
    const long long number = std::strtoll(value, nullptr, 10);
    return number > 0 ? static_cast<int64_t>(number) : 0;
}

// The variable may be overwritten later, so its text is copied.
const char* copy_of(const char* name) {
    static char text[32];
    const char* value = std::getenv(name);
    if (value != nullptr) std::strncpy(text, value, sizeof(text) - 1);
    return text;
}

Environment read() {
    Environment e;
    e.grain = positive_integer("NABI_GRAIN");
    e.small_blocks = equals("NABI_BLOCKS", "small");
    e.trace = is_on("NABI_TRACE");
    e.fill_nan = is_set("NABI_FILL_NAN") ? static_cast<int>(is_on("NABI_FILL_NAN")) : -1;
    e.isa = copy_of("NABI_ISA");
    return e;
}

Environment& the_environment() noexcept {
    static Environment e = read();
    return e;
}

}  // namespace

const Environment& environment() noexcept { return the_environment(); }

void set_small_blocks(bool on) noexcept { the_environment().small_blocks = on; }

}  // namespace nabi
