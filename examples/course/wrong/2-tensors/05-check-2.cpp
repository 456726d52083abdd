// expect: compare abs(difference) with the tolerance
// The largest difference, taken literally.
#include "../../solutions/2-tensors/04-differences.cpp"

using Function = std::function<Tensor(const Tensor& x)>;
using Rule = std::function<Tensor(const Tensor& x, const Tensor& g)>;

/// Whether `rule` gives the gradient of f at x, a float64 tensor.
bool is_right(const Function& f, const Rule& rule, const Tensor& x) {
  const Tensor u = randn(f(x).shape(), float64);
  const Tensor numeric = numeric_gradient([&](const Tensor& t) { return sum(u * f(t)); }, x);
  const double error = amax(rule(x, u) - numeric).item();
  return error <= 1e-6 * amax(abs(numeric)).item() + 1e-8;
}
