// SPDX-License-Identifier: Apache-2.0
// Mathematical functions on the vector vocabulary, written once for every set, float and double. NaN, inf, signed zeros,
// overflow and denormals are libm's. A function's bits depend on its argument alone, never on the neighbouring lanes.
#pragma once
#include "simd/math/error_function.h"
#include "simd/math/exponential.h"
#include "simd/math/hyperbolic.h"
#include "simd/math/logarithm.h"
#include "simd/math/power.h"
#include "simd/math/trigonometric.h"
