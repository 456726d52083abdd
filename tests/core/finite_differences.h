// Gradients of first and second order against central differences, element by element.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "../../core/grad.h"
#include "../../core/ops.h"

namespace gradus::test {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

/// A float64 tensor of normal numbers, the same ones for the same seed.
inline Tensor random(const Shape& shape, uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, generator, float64);
}

/// f times fixed random numbers, summed: a single number whose gradient is that of f.
inline Tensor projected(const Function& f, const std::vector<Tensor>& xs) {
  const Tensor y = f(xs);
  return sum(mul(y, random(y.shape(), 77)));
}

inline void check_first_order(const Function& f, const std::vector<Tensor>& values) {
  std::vector<Tensor> xs;
  for (const Tensor& v : values) xs.push_back(v.clone().requires_grad_());
  std::vector<Tensor> analytic;
  {
    Tape tape;
    analytic = grad(projected(f, xs), xs, {.allow_unused = true});
  }
  for (size_t k = 0; k < xs.size(); ++k) {
    if (!analytic[k].defined()) analytic[k] = zeros_like(values[k]);
  }
  constexpr double step = 1e-6;
  for (size_t k = 0; k < xs.size(); ++k) {
    REQUIRE(analytic[k].shape() == values[k].shape());
    const std::vector<double> expected = analytic[k].to_vector<double>();
    std::vector<Tensor> moved = values;
    const std::vector<double> at = values[k].to_vector<double>();
    for (size_t i = 0; i < at.size(); ++i) {
      const auto value_at = [&](double delta) {
        std::vector<double> v = at;
        v[i] += delta;
        moved[k] = tensor(v, values[k].shape());
        return projected(f, moved).item();
      };
      const double numeric = (value_at(step) - value_at(-step)) / (2 * step);
      CHECK_MESSAGE(std::abs(numeric - expected[i]) <= 1e-6 * std::max(1.0, std::abs(numeric)),
                    "input ", k, " element ", i, ": ", expected[i], " by the tape, ", numeric,
                    " by differences");
    }
  }
}

/// First order, then the same for the gradient itself as a function of the inputs.
inline void check_gradients(const Function& f, const std::vector<Tensor>& values) {
  check_first_order(f, values);
  const Function gradient = [&f](const std::vector<Tensor>& xs) {
    std::vector<Tensor> leaves;
    for (const Tensor& x : xs) leaves.push_back(x.requires_grad() ? x : x.clone().requires_grad_());
    const auto compute = [&] {
      const auto gs = grad(projected(f, leaves), leaves, {.create_graph = true});
      Tensor total = zeros({}, float64);
      for (size_t k = 0; k < gs.size(); ++k) {
        total = add(total, sum(mul(gs[k], random(gs[k].shape(), 88 + k))));
      }
      return total;
    };
    if (Tape::current() != nullptr) return compute();
    Tape tape;
    return compute().detach();
  };
  // Where f is linear its gradient is constant, and there is nothing to differentiate again.
  std::vector<Tensor> leaves;
  for (const Tensor& v : values) leaves.push_back(v.clone().requires_grad_());
  bool constant = false;
  {
    Tape tape;
    constant = !gradient(leaves).requires_grad();
  }
  if (!constant) check_first_order(gradient, values);
}

inline std::vector<double> values(const Tensor& x) {
  return to(x, float64).to_vector<double>();
}

/// Element by element within `tolerance`; shapes must be equal too.
inline void check_close(const Tensor& found, const Tensor& expected, double tolerance = 1e-12) {
  REQUIRE(found.shape() == expected.shape());
  const auto a = values(found), b = values(expected);
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK_MESSAGE(std::abs(a[i] - b[i]) <= tolerance * std::max(1.0, std::abs(b[i])), "element ", i,
                  ": ", a[i], " instead of ", b[i]);
  }
}

}  // namespace gradus::test
