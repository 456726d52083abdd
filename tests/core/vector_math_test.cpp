// Functions of one number, computed in vectors (core/simd/lanes_math.h): accuracy, the same bits
// wherever an element is, and rules that are the same as kernels and as operations.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "../../core/base/denormals.h"
#include "../../core/elementwise/apply.h"
#include "../support/isa.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// Bit patterns at equal distances, so from all binades, and numbers of which something is special.
std::vector<float> spread(uint32_t distance) {
  std::vector<float> x = {0,       -0.0F,    1,         -1,          0.5F,   -0.5F,
                          3,       -3,       1e-30F,    1e30F,       -1e30F, 1e-40F,
                          -1e-45F, infinity, -infinity, not_a_number};
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += distance) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  return x;
}

/// The error in units in the last place; infinite for a wrong zero, infinity or NaN.
double error_of(float found, double exact) {
  const float nearest = static_cast<float>(exact), size = std::abs(nearest);
  if (std::isnan(exact)) return std::isnan(found) ? 0 : infinity;
  if (nearest == 0 || size == infinity) {
    return found == nearest && std::signbit(found) == std::signbit(nearest) ? 0 : infinity;
  }
  const double unit = static_cast<double>(size) - std::nextafter(size, 0.0F);
  const double error = std::abs(static_cast<double>(found) - exact) / unit;
  return std::isnan(error) ? static_cast<double>(infinity) : error;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<float>(), y = b.to_vector<float>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

/// Calls f(row, place) for all rows of the table.
template <class F, class... Rows>
void for_functions(const kernels::Functions<Rows...>&, const F& f) {
  int place = 0;
  (f(Rows(), place++), ...);
}

constexpr double constants[] = {0.5, 2};

/// The rule of a row, as operations.
template <class Rule>
Tensor rule_of(const Rule& rule, const Tensor& g, const Tensor& saved) {
  if constexpr (std::is_invocable_v<Rule, const Tensor&, const Tensor&>) {
    return rule(g, saved);
  } else if constexpr (std::is_invocable_v<Rule, const Tensor&, const Tensor&, double>) {
    return rule(g, saved, constants[0]);
  } else {
    return rule(g, saved, constants[0], constants[1]);
  }
}

/// Equal up to rounding, that of a multiplication and addition in one step.
template <class T>
void check_same(const Tensor& found, const Tensor& expected) {
  const auto a = found.to_vector<T>(), b = expected.to_vector<T>();
  for (size_t i = 0; i < a.size(); ++i) {
    const T tolerance = 8 * std::numeric_limits<T>::epsilon() * std::max(T(1), std::abs(b[i]));
    const bool same = a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance ||
                      (std::isnan(a[i]) && std::isnan(b[i]));
    CHECK_MESSAGE(same, "element ", i, ": ", a[i], " instead of ", b[i]);
  }
}

}  // namespace

TEST_CASE("exponentials and logarithms are right to about a unit in the last place") {
  struct Function {
    const char* name;
    Tensor (*f)(const Tensor&);
    double (*exact)(double);
    double bound;
  };
  const Function all[] = {
      {"exp", exp, std::exp, 1.1},       {"exp2", exp2, std::exp2, 1.1},
      {"expm1", expm1, std::expm1, 1.8}, {"log", log, std::log, 1.1},
      {"log2", log2, std::log2, 2.3},    {"log1p", log1p, std::log1p, 1.8},
      {"tanh", tanh, std::tanh, 1.4},    {"erf", erf, std::erf, 1.1},
  };
  set_flush_denormals(false);
  const std::vector<float> x = spread(40009);
  const Tensor all_x = tensor(x);
  for (const Function& each : all) {
    CAPTURE(each.name);
    std::vector<double> exact;
    for (float v : x) exact.push_back(each.exact(static_cast<double>(v)));
    with_every_isa([&] {
      const auto y = each.f(all_x).to_vector<float>();
      double worst = 0;
      size_t where = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double error = error_of(y[i], exact[i]);
        if (error > worst) worst = error, where = i;
      }
      CHECK_MESSAGE(worst <= each.bound, "of ", x[where], ": ", y[where], ", not ", exact[where]);
    });
  }
  set_flush_denormals(true);
}

TEST_CASE("GELU and its slope are right to a few units in the last place, in the tails as well") {
  std::vector<float> x = {0, 1e-30F, -1e-30F};
  for (int i = -12800; i <= 12800; ++i) x.push_back(static_cast<float>(i) / 1000);
  const Tensor at = tensor(x);
  with_every_isa([&] {
    const auto y = gelu(at).to_vector<float>();
    const int place = decltype(kernels::unary_functions)::index_of("gelu");
    const auto slope =
        ops::compute_gradient(place, ones_like(at), at, constants).to_vector<float>();
    for (size_t i = 0; i < x.size(); ++i) {
      const auto v = static_cast<double>(x[i]);
      const double below = std::erfc(-v / std::sqrt(2.0)) / 2;
      const double density = std::exp(-v * v / 2) / std::sqrt(2 * std::numbers::pi);
      const double unit = std::numeric_limits<float>::epsilon() * (4 + (v < 0 ? v * v / 2 : 0));
      const double error_of_y = static_cast<double>(y[i]) - v * below;
      CHECK_MESSAGE(std::abs(error_of_y) <= unit * std::abs(v * below), "gelu of ", v);
      const double size = below + std::abs(v) * density;  // of what is added
      const double error = static_cast<double>(slope[i]) - (below + v * density);
      CHECK_MESSAGE(std::abs(error) <= unit * size, "slope at ", v);
    }
  });
}

TEST_CASE("the bits of a function do not depend on where in memory an element is") {
  const Tensor x = tensor(spread(40000009));
  const int64_t n = x.numel() / 2 * 2;
  with_every_isa([&] {
    for_functions(kernels::unary_functions, [&](auto row, int place) {
      CAPTURE(row.name.text);
      const auto f = [&](const Tensor& at) {
        return ops::compute_unary(row.name.text, place, at, constants);
      };
      const Tensor y = f(x);
      for (int64_t begin = 1; begin < 20; ++begin) {
        CHECK(same_bits(f(x.narrow(0, begin, 37)), y.narrow(0, begin, 37)));
      }
      const auto odd = [n](const Tensor& t) {
        return t.narrow(0, 0, n).reshape({-1, 2}).select(1, 1);
      };
      CHECK(same_bits(f(odd(x)), odd(y)));
    });
  });
}

TEST_CASE("a rule computed in one pass is the rule as operations") {
  const auto check = [](auto row, int place, const Tensor& x) {
    if constexpr (row.saved != kernels::Saved::nothing) {
      const Tensor g = linspace(-2, 3, x.numel(), x.dtype());
      const Tensor fused = ops::compute_gradient(place, g, x, constants);
      const Tensor composed = rule_of(typename decltype(row)::Rule(), g, x);
      if (x.dtype() == float32) check_same<float>(fused, composed);
      if (x.dtype() == float64) check_same<double>(fused, composed);
    }
  };
  const Tensor x = cat({tensor(spread(20000003)), linspace(-6, 6, 121)}, 0);
  with_every_isa([&] {
    for_functions(kernels::unary_functions, [&](auto row, int place) {
      CAPTURE(row.name.text);
      check(row, place, x);
      check(row, place, x.to(float64));
    });
  });
}
