// SPDX-License-Identifier: Apache-2.0
// Mathematical functions on the vector vocabulary, written once for every set, float and double. NaN, inf, signed zeros,
// overflow and denormals are libm's. A function's bits depend on its argument alone, never on the neighbouring lanes.
// Errors, denormal results included, are at most 2 units in the last place for tanh, sigmoid and erf, 1.5 for the others, on
// every set, with a fused fma or without: cpp/tests/per_set/math_test.cpp checks it for all floats and dense doubles.
#pragma once
#include "simd/math/error_function.h"
#include "simd/math/exponential.h"
#include "simd/math/hyperbolic.h"
#include "simd/math/logarithm.h"
#include "simd/math/power.h"
#include "simd/math/trigonometric.h"
