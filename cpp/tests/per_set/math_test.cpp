// SPDX-License-Identifier: Apache-2.0
// simd/math against the C library: float64 against its long doubles on dense samples, float32 against its doubles over every
// 499th of all inputs and, with NABI_SWEEP=full in the environment, over all 2^32 against the float64 functions. Errors are
// distances from the exact value in units in the last place of the result, denormal ones included.
#include "simd/math.h"

#include <math.h>
#include <stdlib.h>

#include "tests/check.h"

namespace nabi::NABI_SET {

namespace {

struct Worst {
    double error = 0;
    double x = 0, y = 0;
};

// Units in the last place between what was found and the exact value, 0 for the nearest number; inf where no rounding
// explains the difference.
template <class T, class Wide>
double distance(T found, Wide exact) {
    constexpr int digits = sizeof(T) == 4 ? 24 : 53, lowest = sizeof(T) == 4 ? -149 : -1074;
    constexpr int highest = sizeof(T) == 4 ? 128 : 1024;
    const T rounded = static_cast<T>(exact);
    if (found == rounded && found != 0) return 0;
    if (rounded != rounded || found != found) return (rounded != rounded) == (found != found) ? 0 : HUGE_VAL;
    if (signbit(found) != signbit(rounded)) return HUGE_VAL;
    if (isinf(found) && isinf(rounded)) return 0;
    if (exact == 0) return found == 0 ? 0 : HUGE_VAL;
    if (isinf(exact)) return HUGE_VAL;
    int exponent;
    frexp(exact, &exponent);
    const Wide unit = ldexp(Wide(1), exponent - digits < lowest ? lowest : exponent - digits);
    const Wide value = isinf(found) ? ldexp(Wide(signbit(found) ? -1 : 1), highest) : Wide(found);
    const Wide error = (value - exact) / unit;
    return static_cast<double>(error < 0 ? -error : error);
}

bool full() {
    const char* asked = getenv("NABI_SWEEP");
    return asked && strcmp(asked, "full") == 0;
}

int failures = 0;

void report(const char* name, const char* type, const Worst& worst, double bound, double start) {
    printf("%-8s %s: %.3f at %a %a, allowed %.2f  (%.1f s)\n", name, type, worst.error, worst.x, worst.y, bound,
           seconds_now() - start);
    fflush(stdout);
    failures += !(worst.error <= bound);
}

// What f(-x) is, so that the reference need not be asked again: no relation, f(x) or -f(x).
enum Symmetry { NONE, EVEN, ODD };

// Every step-th of all floats. Without a reference, the exact values are this set's own float64 results, which dense() has
// compared with the C library's long doubles: they are vectors, and a unit of theirs is 2^-29 of a float's.
template <class F>
Worst sweep(const F& f, double (*reference)(double), Symmetry symmetry, uint64_t step) {
    constexpr int64_t BLOCK = 1 << 12;
    const uint64_t inputs = uint64_t(1) << (symmetry == NONE ? 32 : 31);
    const int64_t blocks = static_cast<int64_t>((inputs + BLOCK * step - 1) / (BLOCK * step));
    Worst worst;
#pragma omp parallel
    {
        Worst own;
        static thread_local float x[BLOCK], y[BLOCK];
        static thread_local double wide[BLOCK], exact[BLOCK];
        auto compare = [&](double sign) {
            map(BLOCK, y, x, f);
            for (int64_t i = 0; i < BLOCK; i++) {
                const double error = distance(y[i], sign * exact[i]);
                if (!(error <= own.error)) own = {error, static_cast<double>(x[i]), 0};
            }
        };
#pragma omp for schedule(dynamic, 16)
        for (int64_t block = 0; block < blocks; block++) {
            for (int64_t i = 0; i < BLOCK; i++) {
                const uint32_t bits = static_cast<uint32_t>(static_cast<uint64_t>(block * BLOCK + i) * step);
                memcpy(&x[i], &bits, sizeof(bits));
                wide[i] = static_cast<double>(x[i]);
                if (reference) exact[i] = reference(wide[i]);
            }
            if (!reference) map(BLOCK, exact, wide, f);
            compare(1);
            if (symmetry == NONE) continue;
            for (float& each : x) each = -each;
            compare(symmetry == ODD ? -1 : 1);
        }
#pragma omp critical
        if (own.error > worst.error) worst = own;
    }
    return worst;
}

// xorshift64*: the samples are the same everywhere.
struct Random {
    uint64_t state = 0x9e3779b97f4a7c15u;
    uint64_t word() {
        state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
        return state * 0x2545f4914f6cdd1du;
    }
    double uniform(double low, double high) { return low + (high - low) * static_cast<double>(word() >> 11) * 0x1p-53; }
    double any() {
        const uint64_t bits = word();
        double x;
        memcpy(&x, &bits, sizeof(x));
        return x;
    }
    // Every size from 2^low to 2^high.
    double size(double low, double high) { return exp2(uniform(low, high)) * (word() & 1 ? 1 : -1); }
};

constexpr double SPECIAL[] = {0.0,
                              -0.0,
                              1.0,
                              -1.0,
                              0.5,
                              -0.5,
                              2.0,
                              -2.0,
                              3.0,
                              -3.0,
                              1.5,
                              -1.5,
                              1e-310,
                              -1e-310,
                              4.9406564584124654e-324,
                              -4.9406564584124654e-324,
                              2.2250738585072014e-308,
                              1.7976931348623157e308,
                              -1.7976931348623157e308,
                              HUGE_VAL,
                              -HUGE_VAL,
                              NAN,
                              709.78271289338397,
                              709.78271289338410,
                              -745.13321910194110,
                              -745.13321910194122,
                              -708.4,
                              1e-20,
                              -1e-20,
                              0x1p53,
                              -0x1p53,
                              0x1.fffffffffffffp52,
                              -0x1.fffffffffffffp52,
                              0x1p52,
                              1e300,
                              -1e300,
                              0.9999999999999999,
                              1.0000000000000002,
                              -0.9999999999999999,
                              19.06,
                              -37.5,
                              5.93,
                              88.722839,
                              88.7228394,
                              -103.972,
                              -103.973,
                              -87.336};
constexpr int SPECIALS = sizeof(SPECIAL) / sizeof(SPECIAL[0]);

double sample(Random& random, int64_t i) {
    if (i < SPECIALS) return SPECIAL[i];
    switch (i % 8) {
        case 0:
            return random.any();
        case 1:
            return random.uniform(-750, 750);
        case 2:
            return random.uniform(-40, 40);
        case 3:
            return random.uniform(-1.5, 1.5);
        case 4:
            return random.size(-60, 27);
        case 5:
            return 1 + random.size(-52, -1);
        // Near multiples of pi/2.
        case 6:
            return ::floor(random.size(0, 25)) * 1.5707963267948966;
        default:
            return random.uniform(-6, 6);
    }
}

template <class F>
void dense(const char* name, const F& f, long double (*reference)(long double), double bound) {
    const double start = seconds_now();
    constexpr int64_t BLOCK = 1 << 10;
    const int64_t blocks = full() ? 20000 : 200;
    Worst worst;
#pragma omp parallel
    {
        Worst own;
#pragma omp for schedule(dynamic, 4)
        for (int64_t block = 0; block < blocks; block++) {
            Random random;
            random.state += static_cast<uint64_t>(block) * 0x632be59bd9b4e019u;
            double x[BLOCK], y[BLOCK];
            for (int64_t i = 0; i < BLOCK; i++) x[i] = sample(random, i);
            map(BLOCK, y, x, f);
            for (int64_t i = 0; i < BLOCK; i++) {
                const double error = distance(y[i], reference(static_cast<long double>(x[i])));
                if (!(error <= own.error)) own = {error, x[i], 0};
            }
        }
#pragma omp critical
        if (own.error > worst.error) worst = own;
    }
    report(name, "float64", worst, bound, start);
}

// Pairs: every special value with every other, then random ones for which the power is neither 0 nor inf.
template <class T, class Wide>
void powers(const char* type, Wide (*reference)(Wide, Wide), double bound) {
    const double start = seconds_now();
    constexpr int64_t BLOCK = 1 << 10;
    const double reach = sizeof(T) == 4 ? 150 : 1080;
    const int64_t blocks = full() ? 20000 : 400;
    Worst worst;
#pragma omp parallel
    {
        Worst own;
#pragma omp for schedule(dynamic, 4)
        for (int64_t block = 0; block < blocks; block++) {
            Random random;
            random.state += static_cast<uint64_t>(block) * 0x632be59bd9b4e019u;
            T x[BLOCK], y[BLOCK], z[BLOCK];
            for (int64_t i = 0; i < BLOCK; i++) {
                const int64_t pair = block * BLOCK + i;
                double a, b;
                if (pair < SPECIALS * SPECIALS) {
                    a = SPECIAL[pair / SPECIALS], b = SPECIAL[pair % SPECIALS];
                } else if (i % 4 == 0) {
                    a = random.any(), b = random.any();
                } else if (i % 4 == 1) {
                    a = random.uniform(-20, 20), b = ::floor(random.uniform(-30, 30));
                } else {
                    // log2 of the result lies between -reach and reach.
                    a = i % 4 == 2 ? fabs(random.size(-reach, reach)) : 1 + random.size(-40, -2);
                    b = random.uniform(-reach, reach) / log2(static_cast<double>(static_cast<T>(a)));
                }
                x[i] = static_cast<T>(a), y[i] = static_cast<T>(b);
            }
            map2(BLOCK, z, x, y, [](Vec<T> a, Vec<T> b) { return pow(a, b); });
            for (int64_t i = 0; i < BLOCK; i++) {
                const double error = distance(z[i], reference(static_cast<Wide>(x[i]), static_cast<Wide>(y[i])));
                if (!(error <= own.error)) own = {error, static_cast<double>(x[i]), static_cast<double>(y[i])};
            }
        }
#pragma omp critical
        if (own.error > worst.error) worst = own;
    }
    report("pow", type, worst, bound, start);
}

double sigmoid_reference(double x) { return x < 0 ? ::exp(x) / (1 + ::exp(x)) : 1 / (1 + ::exp(-x)); }
long double sigmoid_reference(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }

// The C library's long double loses digits where y is large; its double is good to 0.52 everywhere.
long double pow_reference(long double x, long double y) {
    return fabsl(y) < 1000 ? powl(x, y) : ::pow(static_cast<double>(x), static_cast<double>(y));
}

struct Exp {
    template <class V>
    V operator()(V x) const {
        return exp(x);
    }
};
struct Expm1 {
    template <class V>
    V operator()(V x) const {
        return expm1(x);
    }
};
struct Log {
    template <class V>
    V operator()(V x) const {
        return log(x);
    }
};
struct Log1p {
    template <class V>
    V operator()(V x) const {
        return log1p(x);
    }
};
struct Tanh {
    template <class V>
    V operator()(V x) const {
        return tanh(x);
    }
};
struct Sigmoid {
    template <class V>
    V operator()(V x) const {
        return sigmoid(x);
    }
};
struct Erf {
    template <class V>
    V operator()(V x) const {
        return erf(x);
    }
};
struct Sin {
    template <class V>
    V operator()(V x) const {
        return sin(x);
    }
};
struct Cos {
    template <class V>
    V operator()(V x) const {
        return cos(x);
    }
};

template <class F>
void both(const char* name, const F& f, double (*reference)(double), long double (*wide)(long double),
          Symmetry symmetry, double bound) {
    const char* only = getenv("NABI_FUNCTION");
    if (only && strcmp(only, name) != 0) return;
    dense(name, f, wide, bound);
    double start = seconds_now();
    report(name, "float32", sweep(f, reference, symmetry, 499), bound, start);
    if (!full()) return;
    start = seconds_now();
    report(name, "all float32", sweep(f, nullptr, symmetry, 1), bound, start);
}

}  // namespace

void test_set() {
    both("exp", Exp(), ::exp, expl, NONE, 1.5);
    both("expm1", Expm1(), ::expm1, expm1l, NONE, 1.5);
    both("log", Log(), ::log, logl, NONE, 1.5);
    both("log1p", Log1p(), ::log1p, log1pl, NONE, 1.5);
    both("tanh", Tanh(), ::tanh, tanhl, ODD, 2);
    both("sigmoid", Sigmoid(), sigmoid_reference, sigmoid_reference, NONE, 2);
    both("erf", Erf(), ::erf, erfl, ODD, 2);
    both("sin", Sin(), ::sin, sinl, ODD, 1.5);
    both("cos", Cos(), ::cos, cosl, EVEN, 1.5);
    powers<float, double>("float32", ::pow, 1.5);
    powers<double, long double>("float64", pow_reference, 1.5);
    CHECK(failures == 0);
}

}  // namespace nabi::NABI_SET
