// SPDX-License-Identifier: Apache-2.0
#include "bindings/active_set.h"

#include <cstdlib>
#include <stdexcept>

#include "runtime/cpu.h"
#include "sets.h"  // written by CMake: NABI_FOR_EACH_SET, worst set first

namespace nabi {
#define NABI_DECLARE(set)         \
    namespace set {               \
    extern const Kernels kernels; \
    }
NABI_FOR_EACH_SET(NABI_DECLARE)
#undef NABI_DECLARE
}  // namespace nabi

namespace nabi::bindings {

const Kernels* active = nullptr;

namespace {

struct Entry {
    const char* name;
    Isa isa;
    const Kernels* kernels;
};

#define NABI_ENTRY(set) {#set, Isa::set, &set::kernels},
constexpr Entry ENTRIES[] = {NABI_FOR_EACH_SET(NABI_ENTRY)};
#undef NABI_ENTRY

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

const char* active_set_name() {
    for (const Entry& entry : ENTRIES) {
        if (entry.kernels == active) return entry.name;
    }
    return "none";
}

std::vector<std::string> built_sets() {
    std::vector<std::string> names;
    for (const Entry& entry : ENTRIES) names.emplace_back(entry.name);
    return names;
}

std::vector<std::string> available_sets() {
    std::vector<std::string> names;
    for (const Entry& entry : ENTRIES) {
        if (cpu_has(entry.isa)) names.emplace_back(entry.name);
    }
    return names;
}

void choose_set(const std::string& name) {
    for (const Entry& entry : ENTRIES) {
        if (name != entry.name) continue;
        if (!cpu_has(entry.isa)) {
            throw std::invalid_argument("set_isa: expected one of " + joined(available_sets()) + " on this CPU, got " +
                                        name);
        }
        active = entry.kernels;
        return;
    }
    throw std::invalid_argument("set_isa: expected one of " + joined(built_sets()) + ", got " + name);
}

void choose_first_set() {
    const char* wanted = std::getenv("NABI_ISA");
    if (wanted && *wanted) return choose_set(wanted);
    std::vector<std::string> names = available_sets();
    if (names.empty()) {
        throw std::invalid_argument("nabi: this build has the instruction sets " + joined(built_sets()) +
                                    " and this CPU has none of them; rebuild with -DNABI_SETS=scalar");
    }
    choose_set(names.back());
}

}  // namespace nabi::bindings
