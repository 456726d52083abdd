// Elementwise functions: a row for each, with its name, its value and its rule (vector-Jacobian
// product). elementwise.simd.cpp compiles the values for numbers; apply.h compiles the rules for
// tensors, with the operations of ops.h, which this file does not know.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "../base/name.h"
#include "../simd/wrapping.h"

namespace gradus::kernels {

/// What a rule gets besides the gradient g of the result y: the argument x, y, or neither.
enum class Saved { nothing, argument, result };

/// A row: a function of all numbers, or with `floating` of floating-point ones only.
/// Values take up to two constants after their arguments, and so do rules.
template <Name own_name, bool is_floating, Saved kept, class ValueType, class RuleType>
struct Function {
  static constexpr Name name = own_name;
  static constexpr bool floating = is_floating;
  static constexpr Saved saved = kept;
  using Value = ValueType;
  using Rule = RuleType;
};

/// All rows of a table.
template <class... Rows>
struct Functions : Rows... {
  static constexpr int count = sizeof...(Rows);
  /// The place of a name; `count` if there is none.
  static constexpr int index_of(const Name& name) {
    int index = 0;
    (void)((Rows::name == name || (++index, false)) || ...);
    return index;
  }
};

namespace {

using enum Saved;

struct NoRule {};

/// A function of elements of any type, and one of floating-point elements only.
/// @{
template <Name name, Saved kept = nothing, class Value, class Rule = NoRule>
constexpr Function<name, false, kept, Value, Rule> number(Value, Rule = {}) {
  return {};
}
template <Name name, Saved kept = nothing, class Value, class Rule = NoRule>
constexpr Function<name, true, kept, Value, Rule> floating(Value, Rule = {}) {
  return {};
}
/// @}

template <class... Rows>
constexpr Functions<Rows...> table_of(Rows...) {
  return {};
}

template <Name name, bool floating, Saved kept, class Value, class Rule>
Function<name, floating, kept, Value, Rule> row_named(
    const Function<name, floating, kept, Value, Rule>&);
/// The row of a table with this name.
template <class Table, Name name>
using RowNamed = decltype(row_named<name>(Table()));

// --- Values that need more than a line ---

/// 1 / (1 + exp(-x)). Never exp of a large positive number, so that neither tail overflows.
template <class T>
T logistic(T x) {
  const T e = std::exp(x < 0 ? x : -x);
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/// x factor, and 0 where the factor is 0, so that -inf has the limit 0.
template <class T>
T times_tail(T x, T factor) {
  return factor == 0 ? T(0) : x * factor;
}

/// x if beta x is above the threshold.
template <class T>
T soft_plus(T x, T beta, T threshold) {
  const T z = beta * x;
  return z > threshold ? x : ((z > 0 ? z : T(0)) + std::log1p(std::exp(z > 0 ? -z : z))) / beta;
}

template <class T>
T gelu_by_tanh(T x) {
  const T inner = T(0.79788456080286535588) * (x + T(0.044715) * x * x * x);
  return times_tail(T(0.5) * x, 1 + std::tanh(inner));
}

/// NaN stays.
inline constexpr auto clamped = [](auto x, auto low, auto high) {
  const auto bounded = x < low ? low : x;
  return bounded > high ? high : bounded;
};

/// The gradient of piecewise constant functions.
inline constexpr auto flat = [](auto& g) { return zeros_like(g); };
/// x clamped to +-1000, where smooth activations are already linear: infinities get the slope of
/// the tail, and x^2 does not overflow.
inline constexpr auto to_tails = [](auto& x) { return clamp(x, -1000, 1000); };

// --- Functions of one number ---

inline constexpr auto unary_functions = table_of(
    number<"neg">([](auto x) { return negative(x); }, [](auto& g) { return -g; }),
    number<"abs", argument>([](auto x) { return x < 0 ? negative(x) : x; },
                            [](auto& g, auto& x) { return mul_or_zero(g, sign(x)); }),
    number<"sign">([]<class T>(T x) { return static_cast<T>((x > 0) - (x < 0)); }, flat),
    number<"square", argument>([](auto x) { return times(x, x); },
                               [](auto& g, auto& x) { return g * (x * 2); }),
    floating<"floor">([](auto x) { return std::floor(x); }, flat),
    floating<"ceil">([](auto x) { return std::ceil(x); }, flat),
    floating<"round">([](auto x) { return std::nearbyint(x); }, flat),
    floating<"trunc">([](auto x) { return std::trunc(x); }, flat),
    floating<"sqrt", result>([](auto x) { return std::sqrt(x); },
                             [](auto& g, auto& y) { return g / (y * 2); }),
    floating<"rsqrt", result>([](auto x) { return 1 / std::sqrt(x); },
                              [](auto& g, auto& y) { return g * (square(y) * y * -0.5); }),
    floating<"reciprocal", result>([](auto x) { return 1 / x; },
                                   [](auto& g, auto& y) { return -(g * square(y)); }),
    floating<"exp", result>([](auto x) { return std::exp(x); },
                            [](auto& g, auto& y) { return g * y; }),
    floating<"exp2", result>([](auto x) { return std::exp2(x); },
                             [](auto& g, auto& y) { return g * (y * std::numbers::ln2); }),
    floating<"expm1", result>([](auto x) { return std::expm1(x); },
                              [](auto& g, auto& y) { return g * (y + 1); }),
    floating<"log", argument>([](auto x) { return std::log(x); },
                              [](auto& g, auto& x) { return g / x; }),
    floating<"log2", argument>([](auto x) { return std::log2(x); },
                               [](auto& g, auto& x) { return g / (x * std::numbers::ln2); }),
    floating<"log1p", argument>([](auto x) { return std::log1p(x); },
                                [](auto& g, auto& x) { return g / (x + 1); }),
    floating<"sin", argument>([](auto x) { return std::sin(x); },
                              [](auto& g, auto& x) { return g * cos(x); }),
    floating<"cos", argument>([](auto x) { return std::cos(x); },
                              [](auto& g, auto& x) { return -(g * sin(x)); }),
    floating<"tan", result>([](auto x) { return std::tan(x); },
                            [](auto& g, auto& y) { return g * (square(y) + 1); }),
    floating<"asin", argument>([](auto x) { return std::asin(x); },
                               [](auto& g, auto& x) { return g * rsqrt(1 - square(x)); }),
    floating<"acos", argument>([](auto x) { return std::acos(x); },
                               [](auto& g, auto& x) { return -(g * rsqrt(1 - square(x))); }),
    floating<"atan", argument>([](auto x) { return std::atan(x); },
                               [](auto& g, auto& x) { return g / (square(x) + 1); }),
    floating<"sinh", argument>([](auto x) { return std::sinh(x); },
                               [](auto& g, auto& x) { return g * cosh(x); }),
    floating<"cosh", argument>([](auto x) { return std::cosh(x); },
                               [](auto& g, auto& x) { return g * sinh(x); }),
    floating<"tanh", result>([](auto x) { return std::tanh(x); },
                             [](auto& g, auto& y) { return g * (1 - square(y)); }),
    floating<"sigmoid", result>([](auto x) { return logistic(x); },
                                [](auto& g, auto& y) { return g * (y * (1 - y)); }),
    floating<"erf", argument>([](auto x) { return std::erf(x); },
                              [](auto& g, auto& x) {
                                const auto u = clamp(x, -30, 30);  // beyond, the slope is 0
                                return g * (exp(-square(u)) * (2 * std::numbers::inv_sqrtpi));
                              }),
    floating<"clamp", argument>(clamped,
                                [](auto& g, auto& x, double low, double high) {
                                  return mul_or_zero(g, to((x >= low) & (x <= high), g.dtype()));
                                }),
    // Activations
    number<"relu", result>([]<class T>(T x) { return x < 0 ? T(0) : x; },
                           [](auto& g, auto& y) { return relu_gradient(g, y); }),
    floating<"leaky_relu", argument>(
        [](auto x, auto slope) { return x > 0 ? x : slope * x; },
        [](auto& g, auto& x, double slope) { return where(x > 0, g, g * slope); }),
    floating<"elu", argument>([](auto x, auto alpha) { return x > 0 ? x : alpha * std::expm1(x); },
                              [](auto& g, auto& x, double alpha) {
                                return where(x > 0, g, g * (exp(minimum(x, 0)) * alpha));
                              }),
    floating<"gelu", argument>(
        []<class T>(T x) {
          return times_tail(T(0.5) * x, 1 + std::erf(x * T(0.70710678118654752440)));
        },
        [](auto& g, auto& input) {  // Phi(x) + x phi(x)
          const auto x = to_tails(input);
          const auto cdf = (erf(x * (std::numbers::sqrt2 / 2)) + 1) * 0.5;
          const auto density =
              exp(square(x) * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
          return g * (cdf + x * density);
        }),
    floating<"gelu_tanh", argument>(
        [](auto x) { return gelu_by_tanh(x); },
        [](auto& g, auto& input) {  // of x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3)
          const auto x = to_tails(input), x2 = square(x);
          const double c = std::sqrt(2 / std::numbers::pi);
          const auto t = tanh(x * (x2 * 0.044715 + 1) * c);
          const auto du = (x2 * (3 * 0.044715) + 1) * c;
          return g * ((t + 1 + x * ((1 - square(t)) * du)) * 0.5);
        }),
    floating<"silu", argument>([](auto x) { return times_tail(x, logistic(x)); },
                               [](auto& g, auto& x) {
                                 const auto u = to_tails(x), p = sigmoid(u);
                                 return g * (p * (u * (1 - p) + 1));
                               }),
    floating<"log_sigmoid", argument>(
        []<class T>(T x) { return (x < 0 ? x : T(0)) - std::log1p(std::exp(x < 0 ? x : -x)); },
        [](auto& g, auto& x) { return g * sigmoid(-x); }),
    floating<"softplus", argument>(
        [](auto x, auto beta, auto threshold) { return soft_plus(x, beta, threshold); },
        [](auto& g, auto& x, double beta, double threshold) {
          const auto scaled = x * beta;
          return where(scaled > threshold, g, g * sigmoid(scaled));
        }),
    floating<"mish", argument>(
        []<class T>(T x) { return times_tail(x, std::tanh(soft_plus(x, T(1), T(20)))); },
        [](auto& g, auto& x) {
          const auto u = to_tails(x), t = tanh(softplus(u));
          return g * (t + u * sigmoid(u) * (1 - square(t)));
        }),
    floating<"hardswish", argument>(  // the slope is 0 below -3, 1 above 3, x / 3 + 1/2 between
        []<class T>(T x) { return times_tail(x, clamped(x + 3, T(0), T(6)) / 6); },
        [](auto& g, auto& x) {
          const auto inner = clamp(x, -3, 3) / 3 + 0.5;
          return g * masked_fill(masked_fill(inner, x < -3, 0), x > 3, 1);
        }),
    // As in PyTorch, 0 on the bounds, unlike clamp.
    floating<"hardtanh", argument>(clamped, [](auto& g, auto& x, double low, double high) {
      return masked_fill(g, (x <= low) | (x >= high), 0);
    }));

// --- Functions of two numbers; arithmetic.cpp has their rules ---

/// Rounded down, so that the remainder has the sign of b. For integers b must not be 0.
template <class T>
T remainder_of(T a, T b) {
  T rest;
  if constexpr (std::is_floating_point_v<T>) {
    rest = std::fmod(a, b);
  } else {
    if (std::is_signed_v<T> && b == T(-1)) return 0;  // the smallest number / -1 overflows
    rest = static_cast<T>(a % b);
  }
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

template <class T>
T power(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return std::pow(a, b);
  if constexpr (!std::is_floating_point_v<T>) return whole_power(a, b);
}

inline constexpr auto binary_functions = table_of(
    number<"add">([](auto a, auto b) { return plus(a, b); }),
    number<"sub">([](auto a, auto b) { return minus(a, b); }),
    number<"mul">([](auto a, auto b) { return times(a, b); }),
    floating<"div">([](auto a, auto b) { return a / b; }),
    number<"pow">([](auto a, auto b) { return power(a, b); }),
    number<"remainder">([](auto a, auto b) { return remainder_of(a, b); }),
    number<"maximum">([](auto a, auto b) { return a > b || a != a ? a : b; }),  // NaN wins
    number<"minimum">([](auto a, auto b) { return a < b || a != a ? a : b; }),
    number<"relu_gradient">([]<class T>(T g, T y) { return y <= 0 ? T(0) : g; }),
    number<"mul_or_zero">([]<class T>(T a, T b) { return static_cast<T>(b == 0 ? T(0) : a * b); }));

inline constexpr auto comparisons = table_of(number<"eq">([](auto a, auto b) { return a == b; }),
                                             number<"ne">([](auto a, auto b) { return a != b; }),
                                             number<"lt">([](auto a, auto b) { return a < b; }),
                                             number<"le">([](auto a, auto b) { return a <= b; }),
                                             number<"gt">([](auto a, auto b) { return a > b; }),
                                             number<"ge">([](auto a, auto b) { return a >= b; }));

}  // namespace

}  // namespace gradus::kernels
