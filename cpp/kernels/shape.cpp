// SPDX-License-Identifier: Apache-2.0
// Moving elements: copies between layouts, and rows taken by index.
#include <string.h>

#include "kernels/dispatch.h"
#include "kernels/prototypes.h"
#include "kernels/walk.h"

namespace nabi::NABI_SET {

namespace {

template <class T>
Status copy_elements(const Elementwise& e) noexcept {
    const int inner = e.ndim - 1;
    const int64_t to_step = e.strides[0][inner], from_step = e.strides[1][inner];
    parallel_for(e.size, grain_for(0.3), [&](int64_t begin, int64_t end) {
        for_rows(e, begin, end, [&](int64_t n, const int64_t* at) {
            T* to = static_cast<T*>(e.data[0]) + at[0];
            const T* from = static_cast<const T*>(e.data[1]) + at[1];
            if (to_step == 1 && from_step == 1) {
                memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
            } else {
                for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];
            }
        });
    });
    return OK;
}

inline int64_t item_size(DType dtype) {
    switch (dtype) {
        case DType::f64:
        case DType::i64:
            return 8;
        case DType::f32:
        case DType::i32:
            return 4;
        case DType::i16:
            return 2;
        default:
            return 1;
    }
}

}  // namespace

// The element's bits, whatever its type.
Status copy(const Elementwise& e) noexcept {
    switch (item_size(e.dtype)) {
        case 8:
            return copy_elements<int64_t>(e);
        case 4:
            return copy_elements<int32_t>(e);
        case 2:
            return copy_elements<int16_t>(e);
        default:
            return copy_elements<int8_t>(e);
    }
}

// rows[k] = table[index[k]]
Status take_rows(const In& table, const In& index, const Out& rows) noexcept {
    const int64_t row_bytes = table.shape[1] * item_size(table.dtype), count = table.shape[0];
    const int64_t* wanted = data<int64_t>(index);
    int64_t first_bad = index.size;  // threads may find several; the lowest position is reported
    parallel_for(index.size, grain_for(0.05 * static_cast<double>(row_bytes) + 5), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            const int64_t row = wanted[i];
            if (row < 0 || row >= count) {
                int64_t seen = __atomic_load_n(&first_bad, __ATOMIC_RELAXED);
                while (i < seen &&
                       !__atomic_compare_exchange_n(&first_bad, &seen, i, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
                }
                return;
            }
            memcpy(data<char>(rows) + i * row_bytes, data<char>(table) + row * row_bytes,
                   static_cast<size_t>(row_bytes));
        }
    });
    if (first_bad < index.size) return Status{1, first_bad, wanted[first_bad], count};
    return OK;
}

}  // namespace nabi::NABI_SET
