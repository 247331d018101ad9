// SPDX-License-Identifier: Apache-2.0
// The environment variables that nabi's C++ side reads, read once.
#pragma once

#include <cstdint>

namespace nabi {

struct Environment {
    int64_t grain;      // NABI_GRAIN: replaces every grain; 0 when unset
    bool small_blocks;  // NABI_BLOCKS=small: tiny cache blocks, so that small tests reach every edge
    bool trace;         // NABI_TRACE=1: one line a kernel call
    int fill_nan;       // NABI_FILL_NAN: 1 on, 0 off, -1 unset
    const char* isa;    // NABI_ISA: name of the instruction set, or "" when unset
};

const Environment& environment() noexcept;

// What NABI_BLOCKS=small does, from now on: the walkers run both in one process. Not while a kernel runs.
void set_small_blocks(bool on) noexcept;

}  // namespace nabi
