// 2.5  Checking a rule.
#include "04-differences.cpp"

using Function = std::function<Tensor(const Tensor& x)>;
using Rule = std::function<Tensor(const Tensor& x, const Tensor& g)>;

/// Whether `rule` gives the gradient of f at x, a float64 tensor.
bool is_right(const Function& f, const Rule& rule, const Tensor& x) {
  // Of all weights, equal ones are the worst: they see nothing but the sum of the outputs.
  const Tensor u = randn(f(x).shape(), float64);
  const Tensor numeric = numeric_gradient([&](const Tensor& t) { return sum(u * f(t)); }, x);
  const double error = amax(abs(rule(x, u) - numeric)).item();
  // <=, and not !(error > ...): with NaN every comparison is false, and NaN is not right.
  return error <= 1e-6 * amax(abs(numeric)).item() + 1e-8;
}
