// SPDX-License-Identifier: Apache-2.0
// From a dtype known at run time to one known to the compiler.
#pragma once
#include "runtime/array.h"

namespace nabi::NABI_SET {

constexpr Status OK = {0, 0, 0, 0};

// body(T()) with T float or double.
template <class F>
inline Status with_float(DType dtype, const F& body) noexcept {
    if (dtype == DType::f32) return body(float());
    if (dtype == DType::f64) return body(double());
    return Status{3, 0, 0, 0};
}

template <class T>
inline const T* data(const In& x) {
    return static_cast<const T*>(x.data);
}
template <class T>
inline T* data(const Out& x) {
    return static_cast<T*>(x.data);
}
template <class T>
inline T* data(const InOut& x) {
    return static_cast<T*>(x.data);
}

}  // namespace nabi::NABI_SET
