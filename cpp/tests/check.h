// SPDX-License-Identifier: Apache-2.0
// What the self-tests share. A self-test is one file that runs without Python, prints what it found and exits with 1
// after the first failure; with an argument it runs only the tests whose names begin so.
#pragma once

#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            std::printf("FAILED %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::fflush(stdout);                                               \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

struct Test {
    const char* name;
    void (*run)();
};

// Of a clock that only goes forward.
inline double seconds_now() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <size_t N>
int run_tests(const Test (&tests)[N], int argc, char** argv) {
    const char* wanted = argc > 1 ? argv[1] : "";
    int count = 0;
    for (const Test& test : tests) {
        if (std::strncmp(test.name, wanted, std::strlen(wanted)) != 0) continue;
        const double start = seconds_now();
        test.run();
        std::printf("ok %-24s %.2f s\n", test.name, seconds_now() - start);
        std::fflush(stdout);
        ++count;
    }
    return count > 0 ? 0 : 1;
}
