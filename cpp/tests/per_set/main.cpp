// SPDX-License-Identifier: Apache-2.0
// Runs one test file, compiled once for every set, on each set that this CPU has. A word on the command line chooses a set.
#include <cstdio>
#include <cstring>

#include "runtime/cpu.h"
#include "sets.h"  // written by CMake: NABI_FOR_EACH_SET

namespace nabi {
#define NABI_DECLARE(set) \
    namespace set {       \
    void test_set();      \
    }
NABI_FOR_EACH_SET(NABI_DECLARE)
#undef NABI_DECLARE
}  // namespace nabi

int main(int argc, char** argv) {
    int count = 0;
    auto run = [&](const char* set, nabi::Isa isa, void (*test)()) {
        if (argc > 1 && std::strcmp(argv[1], set) != 0) return;
        if (!nabi::cpu_has(isa)) {
            std::printf("-- %s: not on this CPU\n", set);
            return;
        }
        std::printf("-- %s\n", set);
        test();
        ++count;
    };
#define NABI_RUN(set) run(#set, nabi::Isa::set, nabi::set::test_set);
    NABI_FOR_EACH_SET(NABI_RUN)
#undef NABI_RUN
    return count > 0 ? 0 : 1;
}
