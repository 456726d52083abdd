// Exponentials, logarithms and what is made of them, of vectors of numbers. Floats without a branch
// and without a call per element, by minimax polynomials; the errors found over all binades are
// below 1.1 units in the last place for exp, exp2, log and erf, 1.4 for tanh, 1.8 for expm1 and
// log1p, 2.3 for log2. Other functions, and those of doubles, are the standard library's, one by
// one.
//
// For files that are compiled once per instruction set: everything is local to the file that
// includes it.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "lanes.h"

namespace gradus::kernels {

namespace {

// --- Of doubles ---

template <class T>
Lanes<T> exp(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::exp>(x);
}
template <class T>
Lanes<T> exp2(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::exp2>(x);
}
template <class T>
Lanes<T> expm1(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::expm1>(x);
}
template <class T>
Lanes<T> log(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::log>(x);
}
template <class T>
Lanes<T> log2(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::log2>(x);
}
template <class T>
Lanes<T> log1p(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::log1p>(x);
}
template <class T>
Lanes<T> tanh(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::tanh>(x);
}
template <class T>
Lanes<T> erf(Lanes<T> x) {
  return Lanes<T>::template one_by_one<std::erf>(x);
}

// --- Floats: parts ---

/// c + x (c1 + x (c2 ...)).
/// @{
template <class T>
Lanes<T> polynomial(Lanes<T>, double c) {
  return c;
}
template <class T, class... More>
Lanes<T> polynomial(Lanes<T> x, double c, double next, More... more) {
  return polynomial(x, next, more...) * x + c;
}
/// @}

using Bits = Vector<int32_t>;
using Unsigned = Vector<uint32_t>;

inline Bits bits_of(Lanes<float> x) {
  return reinterpret_cast<Bits>(x.v);
}
inline Lanes<float> float_of(Bits bits) {
  return reinterpret_cast<Vector<float>>(bits);
}
/// For n from -126 to 127.
inline Lanes<float> power_of_2(Bits n) {
  return float_of((n + 127) << 23);
}
/// In one instruction, and without the sign of -0.
inline Lanes<float> abs(Lanes<float> x) {
  return float_of(bits_of(x) & std::numeric_limits<int32_t>::max());
}
/// The magnitude of x with the sign of `sign`.
inline Lanes<float> copy_sign(Lanes<float> x, Lanes<float> sign) {
  const Bits negative = broadcast<Bits>(std::numeric_limits<int32_t>::min());
  return float_of((bits_of(x) & ~negative) | (bits_of(sign) & negative));
}

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double log_2_high = 0x1.62e4p-1, log_2_low = std::numbers::ln2 - log_2_high;

// --- Floats: exponentials ---

/// Added to a float n below 2^22, it rounds it to a whole number, and the last bits are n + 254:
/// twice the bias of an exponent.
inline constexpr double to_whole = 0x1.8p23 + 254;

/// x = n log 2 + rest, |rest| <= log(2) / 2.
struct Exponent {
  Bits n;  ///< + 254 in the last bits
  Lanes<float> rest;
};
/// For |x| < 1000. NaN gives a rest of NaN.
inline Exponent exponent_of(Lanes<float> x) {
  const Lanes<float> shifted = x * std::numbers::log2e + to_whole, n = shifted - to_whole;
  return {bits_of(shifted), x - n * log_2_high - n * log_2_low};
}
/// For |x| <= log(2) / 2.
inline Lanes<float> expm1_near_0(Lanes<float> x) {
  return x + square(x) * polynomial(x, 0.5000000062, 0.1666654279, 0.04166628144, 0.008366610749,
                                    0.001394649419);
}
/// x 2^n, in two steps: 2^n alone may leave the range of a float. n as in Exponent.
inline Lanes<float> scaled(Lanes<float> x, Bits n) {
  const Bits half = n >> 1;
  return x * float_of(half << 23) * float_of((n - half) << 23);
}

inline Lanes<float> exp(Lanes<float> x) {
  const Exponent e = exponent_of(clamp(x, -104, 89));
  return scaled(expm1_near_0(e.rest) + 1, e.n);
}
inline Lanes<float> exp2(Lanes<float> x) {
  const Lanes<float> bounded = clamp(x, -151, 129), shifted = bounded + to_whole;
  const Lanes<float> rest = (bounded - (shifted - to_whole)) * std::numbers::ln2;
  return scaled(expm1_near_0(rest) + 1, bits_of(shifted));
}
inline Lanes<float> expm1(Lanes<float> x) {
  const Exponent e = exponent_of(clamp(x, -18, 89));
  const Lanes<float> half = float_of((e.n - 128) << 23);  // of 2^n, which may be infinite
  const Lanes<float> y = (half * expm1_near_0(e.rest) + (half - 0.5)) * 2;
  return where(abs(x) < 1e-8, x, y);
}

// --- Floats: logarithms ---

/// x = (1 + f) 2^n, f from -1/3 to 1/3.
struct Mantissa {
  Bits n;
  Lanes<float> f;
};
/// For normal numbers above 0.
inline Mantissa mantissa_of(Lanes<float> x) {
  const Bits two_thirds = bits_of(2.0 / 3);
  const auto above =
      reinterpret_cast<Unsigned>(bits_of(x)) - reinterpret_cast<Unsigned>(two_thirds);
  const Bits n = reinterpret_cast<Bits>(above) >> 23;
  return {n, float_of(bits_of(x) - (n << 23)) - 1};
}
inline Lanes<float> whole(Bits n) {
  return __builtin_convertvector(n, Vector<float>);
}
/// log(1 + f) for |f| <= 1/3.
inline Lanes<float> log1p_near_0(Lanes<float> f) {
  return f + square(f) * polynomial(f, -0.5000000254, 0.3333321217, -0.2499952398, 0.2001056649,
                                    -0.1668907579, 0.1400376395, -0.1208244977, 0.1399318576,
                                    -0.1329681896);
}
inline Lanes<float> log_from(Lanes<float> n, Lanes<float> f) {
  return n * log_2_high + (n * log_2_low + log1p_near_0(f));
}
/// y, a logarithm of x, where there is one that is finite.
inline Lanes<float> with_ends(Lanes<float> x, Lanes<float> y) {
  const Lanes<float> end = where(x == 0, -infinity, std::numeric_limits<double>::quiet_NaN());
  return where((x > 0) & (x < infinity), y, where(x == infinity, infinity, end));
}
/// Calls f(n, f) of the parts of any x > 0.
template <class F>
Lanes<float> by_parts(Lanes<float> x, F f) {
  const auto denormal = x < std::numeric_limits<float>::min();
  const Mantissa m = mantissa_of(where(denormal, x * 0x1p24, x));
  return with_ends(x, f(where(denormal, whole(m.n) - 24, whole(m.n)), m.f));
}

inline Lanes<float> log(Lanes<float> x) {
  return by_parts(x, log_from);
}
inline Lanes<float> log2(Lanes<float> x) {
  return by_parts(
      x, [](Lanes<float> n, Lanes<float> f) { return n + log1p_near_0(f) * std::numbers::log2e; });
}
inline Lanes<float> log1p(Lanes<float> x) {
  const Lanes<float> sum = x + 1, lost = x - (sum - 1);  // what rounding lost
  const Mantissa m = mantissa_of(sum);
  const Lanes<float> f = where(sum < 0x1p24, m.f + lost * power_of_2(-m.n), m.f);
  return where(x == 0, x, with_ends(sum, log_from(whole(m.n), f)));
}

// --- Floats: others ---

inline Lanes<float> tanh(Lanes<float> x) {
  const Lanes<float> x2 = square(x), size = clamp(abs(x), 0, 20);
  const Lanes<float> near_0 = x + x * x2 *
                                      polynomial(x2, -0.33333298, 0.1333192414, -0.0537838315,
                                                 0.02079597545, -0.005895162188);
  return copy_sign(where(size < 0.6, near_0, 1 - 2 / (exp(size * 2) + 1)), x);
}

inline Lanes<float> erf(Lanes<float> x) {
  const Lanes<float> x2 = square(x), size = clamp(abs(x), 0, 4);
  const Lanes<float> near_0 =
      x + x * polynomial(x2, 0.1283791657, -0.3761262584, 0.1128358526, -0.02685381563,
                         0.005188333774, -0.0008010241896, 7.854008758e-05);
  const Exponent log_of_rest =
      exponent_of(size * polynomial(size, -1.128533995, -0.635650787, -0.1053522064, 0.02294873008,
                                    -0.00323352032, 0.0002162636036));
  const Lanes<float> rest =
      (expm1_near_0(log_of_rest.rest) + 1) * float_of((log_of_rest.n - 127) << 23);
  return where(size < 1, near_0, copy_sign(1 - rest, x));
}

/// The share of the standard normal distribution below x, and its density at x.
struct Normal {
  Lanes<float> below, density;
};
/// The share beyond x > 0 is exp(-x^2/2) times a function without a kink, to 3e-8 of it. So both
/// need one exponential, and tails keep their digits, but for those that the square rounds off.
inline Normal normal_distribution(Lanes<float> x) {
  const Lanes<float> size = abs(x), near = where(size > 15, 15, size);  // beyond, exp is 0
  const Exponent e = exponent_of(square(near) * -0.5);
  const Lanes<float> power = scaled(expm1_near_0(e.rest) + 1, e.n);
  const Lanes<float> t = 1 / (near * 0.265 + 1), t2 = square(t);  // two chains: half the latency
  const Lanes<float> even =
      polynomial(t2, 0.105739321, 0.1024181745, 0.1352294006, 0.2141743331, 0.03043730764);
  const Lanes<float> odd =
      polynomial(t2, 0.1052855134, 0.06144432732, -0.1123123147, -0.1424160699);
  const Lanes<float> beyond = power * t * (even + t * odd);
  return {where(x < 0, beyond, 1 - beyond),
          power * (std::numbers::inv_sqrtpi / std::numbers::sqrt2)};
}

// --- Made of them ---

/// 1 / (1 + exp(-x)). Never exp of a large positive number, so that neither tail overflows.
template <class T>
Lanes<T> sigmoid(Lanes<T> x) {
  const Lanes<T> e = exp(-abs(x));
  return where(x < 0, e, 1) / (1 + e);
}
/// x if beta x is above the threshold.
template <class T>
Lanes<T> softplus(Lanes<T> x, double beta = 1, double threshold = 20) {
  const Lanes<T> z = beta * x, y = where(z > 0, z, 0) + log1p(exp(-abs(z)));
  return where(z > threshold, x, beta == 1 ? y : y / beta);
}

}  // namespace

}  // namespace gradus::kernels
