// Elementwise functions: a row for each, with its name, its value and its rule (vector-Jacobian
// product). elementwise.simd.cpp compiles both for vectors of numbers (../simd/lanes.h); apply.h
// compiles the rules for tensors, with the operations of ops.h, to be differentiated again. This
// file knows neither.
#pragma once

#include <cmath>
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

/// The gradient of piecewise constant functions.
inline constexpr auto flat = [](auto& g) { return zeros_like(g); };
/// x clamped to +-1000, where smooth activations are already linear: infinities get the slope of
/// the tail, and x^2 does not overflow.
inline constexpr auto to_tails = [](auto& x) { return clamp(x, -1000, 1000); };

inline constexpr auto clamped = [](auto x, double low, double high) { return clamp(x, low, high); };
inline constexpr double root_2_by_pi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;

/// Distribution function and density of the standard normal distribution. Lanes of floats have a
/// function of their own, in ../simd/lanes_math.h.
template <class X>
auto normal_distribution(const X& x) {
  struct Result {
    X below, density;
  };
  return Result{(erf(x * (std::numbers::sqrt2 / 2)) + 1) * 0.5,
                exp(square(x) * -0.5) * (root_2_by_pi / 2)};
}

// --- Functions of one number ---

inline constexpr auto unary_functions = table_of(
    number<"neg">([](auto x) { return -x; }, [](auto& g) { return -g; }),
    number<"abs", argument>([](auto x) { return abs(x); },
                            [](auto& g, auto& x) { return mul_or_zero(g, sign(x)); }),
    number<"sign">([](auto x) { return sign(x); }, flat),
    number<"square", argument>([](auto x) { return square(x); },
                               [](auto& g, auto& x) { return g * (x * 2); }),
    floating<"floor">([](auto x) { return floor(x); }, flat),
    floating<"ceil">([](auto x) { return ceil(x); }, flat),
    floating<"round">([](auto x) { return round(x); }, flat),
    floating<"trunc">([](auto x) { return trunc(x); }, flat),
    floating<"sqrt", result>([](auto x) { return sqrt(x); },
                             [](auto& g, auto& y) { return g / (y * 2); }),
    floating<"rsqrt", result>([](auto x) { return rsqrt(x); },
                              [](auto& g, auto& y) { return g * (square(y) * y * -0.5); }),
    floating<"reciprocal", result>([](auto x) { return 1 / x; },
                                   [](auto& g, auto& y) { return -(g * square(y)); }),
    floating<"exp", result>([](auto x) { return exp(x); }, [](auto& g, auto& y) { return g * y; }),
    floating<"exp2", result>([](auto x) { return exp2(x); },
                             [](auto& g, auto& y) { return g * (y * std::numbers::ln2); }),
    floating<"expm1", result>([](auto x) { return expm1(x); },
                              [](auto& g, auto& y) { return g * (y + 1); }),
    floating<"log", argument>([](auto x) { return log(x); },
                              [](auto& g, auto& x) { return g / x; }),
    floating<"log2", argument>([](auto x) { return log2(x); },
                               [](auto& g, auto& x) { return g / (x * std::numbers::ln2); }),
    floating<"log1p", argument>([](auto x) { return log1p(x); },
                                [](auto& g, auto& x) { return g / (x + 1); }),
    floating<"sin", argument>([](auto x) { return sin(x); },
                              [](auto& g, auto& x) { return g * cos(x); }),
    floating<"cos", argument>([](auto x) { return cos(x); },
                              [](auto& g, auto& x) { return -(g * sin(x)); }),
    floating<"tan", result>([](auto x) { return tan(x); },
                            [](auto& g, auto& y) { return g * (square(y) + 1); }),
    floating<"asin", argument>([](auto x) { return asin(x); },
                               [](auto& g, auto& x) { return g * rsqrt(1 - square(x)); }),
    floating<"acos", argument>([](auto x) { return acos(x); },
                               [](auto& g, auto& x) { return -(g * rsqrt(1 - square(x))); }),
    floating<"atan", argument>([](auto x) { return atan(x); },
                               [](auto& g, auto& x) { return g / (square(x) + 1); }),
    floating<"sinh", argument>([](auto x) { return sinh(x); },
                               [](auto& g, auto& x) { return g * cosh(x); }),
    floating<"cosh", argument>([](auto x) { return cosh(x); },
                               [](auto& g, auto& x) { return g * sinh(x); }),
    floating<"tanh", result>([](auto x) { return tanh(x); },
                             [](auto& g, auto& y) { return g * (1 - square(y)); }),
    floating<"sigmoid", result>([](auto x) { return sigmoid(x); },
                                [](auto& g, auto& y) { return g * (y * (1 - y)); }),
    floating<"erf", argument>([](auto x) { return erf(x); },
                              [](auto& g, auto& x) {
                                const auto u = clamp(x, -30, 30);  // beyond, the slope is 0
                                return g * (exp(-square(u)) * (2 * std::numbers::inv_sqrtpi));
                              }),
    floating<"clamp", argument>(clamped,
                                [](auto& g, auto& x, double low, double high) {
                                  return masked_fill(g, ~((x >= low) & (x <= high)), 0);
                                }),
    // Activations
    number<"relu", result>([](auto x) { return masked_fill(x, x < 0, 0); },
                           [](auto& g, auto& y) { return relu_gradient(g, y); }),
    floating<"leaky_relu", argument>(
        [](auto x, double slope) { return where(x > 0, x, x * slope); },
        [](auto& g, auto& x, double slope) { return where(x > 0, g, g * slope); }),
    floating<"elu", argument>(
        [](auto x, double alpha) { return where(x > 0, x, expm1(x) * alpha); },
        [](auto& g, auto& x, double alpha) {
          return where(x > 0, g, g * (exp(minimum(x, 0)) * alpha));
        }),
    floating<"celu", argument>(
        [](auto x, double alpha) { return where(x > 0, x, expm1(x / alpha) * alpha); },
        [](auto& g, auto& x, double alpha) {
          return where(x > 0, g, g * exp(minimum(x, 0) / alpha));
        }),
    floating<"gelu", argument>([](auto x) { return mul_or_zero(x, normal_distribution(x).below); },
                               [](auto& g, auto& input) {
                                 const auto x = to_tails(input);
                                 const auto normal = normal_distribution(x);
                                 return g * (normal.below + x * normal.density);
                               }),
    floating<"gelu_tanh", argument>(
        [](auto x) {
          return mul_or_zero(0.5 * x, 1 + tanh((x + 0.044715 * x * x * x) * root_2_by_pi));
        },
        [](auto& g, auto& input) {  // of x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3)
          const auto x = to_tails(input), x2 = square(x);
          const auto t = tanh(x * (x2 * 0.044715 + 1) * root_2_by_pi);
          const auto du = (x2 * (3 * 0.044715) + 1) * root_2_by_pi;
          return g * ((t + 1 + x * ((1 - square(t)) * du)) * 0.5);
        }),
    floating<"silu", argument>([](auto x) { return mul_or_zero(x, sigmoid(x)); },
                               [](auto& g, auto& x) {
                                 const auto u = to_tails(x), p = sigmoid(u);
                                 return g * (p * (u * (1 - p) + 1));
                               }),
    floating<"log_sigmoid", argument>(
        [](auto x) { return where(x < 0, x, 0) - log1p(exp(-abs(x))); },
        [](auto& g, auto& x) { return g * sigmoid(-x); }),
    floating<"softplus", argument>(
        [](auto x, double beta, double threshold) { return softplus(x, beta, threshold); },
        [](auto& g, auto& x, double beta, double threshold) {
          const auto scaled = x * beta;
          return where(scaled > threshold, g, g * sigmoid(scaled));
        }),
    floating<"mish", argument>([](auto x) { return mul_or_zero(x, tanh(softplus(x))); },
                               [](auto& g, auto& x) {
                                 const auto u = to_tails(x), t = tanh(softplus(u));
                                 return g * (t + u * sigmoid(u) * (1 - square(t)));
                               }),
    floating<"hardswish", argument>(  // the slope is 0 below -3, 1 above 3, x / 3 + 1/2 between
        [](auto x) { return mul_or_zero(x, clamp(x + 3, 0, 6) / 6); },
        [](auto& g, auto& x) {
          const auto inner = clamp(x, -3, 3) / 3 + 0.5;
          return g * masked_fill(masked_fill(inner, x < -3, 0), x > 3, 1);
        }),
    floating<"softsign", argument>(  // bounds, because inf / inf is no number
        [](auto x) {
          const auto bounded = clamp(x, -1e30, 1e30);
          return bounded / (abs(bounded) + 1);
        },
        [](auto& g, auto& x) { return g / square(abs(clamp(x, -1e15, 1e15)) + 1); }),
    floating<"hardshrink", argument>(
        [](auto x, double lambda) { return masked_fill(x, abs(x) <= lambda, 0); },
        [](auto& g, auto& x, double lambda) { return masked_fill(g, abs(x) <= lambda, 0); }),
    floating<"softshrink", argument>(
        [](auto x, double lambda) { return x - clamp(x, -lambda, lambda); },
        [](auto& g, auto& x, double lambda) { return masked_fill(g, abs(x) <= lambda, 0); }),
    // As in PyTorch, 0 on the bounds, unlike clamp.
    floating<"hardsigmoid", argument>(
        [](auto x) { return clamp(x + 3, 0, 6) / 6; },
        [](auto& g, auto& x) { return masked_fill(g / 6, (x <= -3) | (x >= 3), 0); }),
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
    number<"maximum">([](auto a, auto b) { return a > b    ? a
                                                  : a != a ? a
                                                           : b; }),  // NaN wins
    number<"minimum">([](auto a, auto b) { return a < b    ? a
                                                  : a != a ? a
                                                           : b; }),
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
