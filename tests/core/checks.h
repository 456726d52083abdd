// Checks that the tests of operations share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "../../core/gradcheck.h"
#include "../../core/ops.h"

namespace gradus::test {

/// A float64 tensor of normal numbers, the same ones for the same seed.
inline Tensor random(const Shape& shape, uint64_t seed = 1) {
  Rng generator(seed);
  return randn(shape, generator, float64);
}

/// First and second derivatives with respect to every input, against differences.
inline void check_gradients(const TensorFunction& f, const std::vector<Tensor>& values) {
  std::vector<Tensor> xs;
  for (const Tensor& v : values) xs.push_back(v.clone().requires_grad_());
  const GradcheckResult first = gradcheck(f, xs);
  CHECK_MESSAGE(first.passed, first.message);
  const GradcheckResult second = gradgradcheck(f, xs);
  CHECK_MESSAGE(second.passed, second.message);
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
