// SPDX-License-Identifier: Apache-2.0
// What the self-tests share.
#pragma once

#include <unistd.h>

#include <cstdio>

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

// Seconds of a clock that only goes forward.
double seconds_now();

// Each runs those of its tests whose names begin with `wanted`.
void run_pool_tests(const char* wanted);
void run_parallel_tests(const char* wanted);
void run_test(const Test& test, const char* wanted);
