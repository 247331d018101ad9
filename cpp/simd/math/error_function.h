// SPDX-License-Identifier: Apache-2.0
// erf(x) = 2 / sqrt(pi) times the integral of e^-t^2 from 0 to x.
#pragma once
#include "simd/math/exponential.h"

namespace nabi::NABI_SET {

// x + x P(x^2) below 1, P of degree 6: 2^-30. From 1 to 3.93, where erf rounds to 1, a polynomial about 2.46 of
// degree 14: 2^-27 of 1.
inline Vec<float> erf(Vec<float> x) {
    const Vec<float> size = min(broadcast(3.93f), absolute(x)), z = size * size, t = size - broadcast(2.46f);
    const Vec<float> near = polynomial(z, 7.889095e-05f, -0.0008020834f, 0.0051895347f, -0.026854444f, 0.112836f,
                                       -0.37612626f, 0.12837917f);
    const Vec<float> far = polynomial(t, 1.0656499e-06f, 8.805686e-08f, -1.7132574e-05f, 2.474407e-05f, 7.5289594e-05f,
                                      -0.00029969314f, 0.00035661008f, 0.00045939765f, -0.0029376482f, 0.0067995237f,
                                      -0.009914035f, 0.009832458f, -0.0065345373f, 0.0026562375f, 0.99949664f);
    return with_sign(select(less(size, broadcast(1.0f)), fma(size, near, size), far), x);
}
// The same below 1, degree 11: 2^-57.
inline Vec<double> erf(Vec<double> x) {
    const Vec<double> one = broadcast(1.0), size = min(broadcast(6.0), absolute(x)), z = size * size;
    const Vec<double> near =
        polynomial(z, -7.801188874097751e-10, 1.3722976265924504e-08, -1.6209175911748696e-07, 1.6447517677871873e-06,
                   -1.4924744663335489e-05, 0.00012055295320494294, -0.0008548325989696758, 0.005223977607423468,
                   -0.02686617064327622, 0.11283791670945253, -0.3761263890318355, 0.12837916709551256);
    // From 1 to 6: 1 - e^-x^2 G(u), u = (x - 3) / (x + 3), G of degree 15: 2^-55 of it.
    const Vec<double> u = (size - broadcast(3.0)) / (size + broadcast(3.0));
    const Vec<double> g =
        polynomial(u, -3.0858142783847456e-08, 1.235407019285504e-06, 2.013763976757607e-06, -7.99472364387106e-06,
                   -1.2842798093612546e-05, 6.406057030987594e-05, 4.525375101610044e-05, -0.0005970623317176265,
                   0.0007077465148920918, 0.004269136350461729, -0.024392499320726325, 0.07166583719760411,
                   -0.15011593650075045, 0.24560380171233376, -0.32623356004303733, 0.17900115118138996);
    return with_sign(select(less(size, one), fma(size, near, size), one - exp(negative(z)) * g), x);
}

}  // namespace nabi::NABI_SET
