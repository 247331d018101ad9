// SPDX-License-Identifier: Apache-2.0
// Temporary memory of one kernel call, taken from the pool before the parallel region:
//   Scratch scratch(bytes);
//   if (!scratch.data) return Status{2, 0, 0, 0};
#pragma once

#include <cstddef>

#include "runtime/pool.h"

#ifdef NABI_SET
namespace nabi::NABI_SET {

struct Scratch {
    void* data;
    size_t bytes;

    explicit Scratch(size_t wanted) noexcept : data(pool_allocate(wanted)), bytes(wanted) {}
    ~Scratch() { pool_free(data, bytes); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    template <class T>
    T* as() const noexcept {
        return static_cast<T*>(data);
    }
};

}  // namespace nabi::NABI_SET
#endif
