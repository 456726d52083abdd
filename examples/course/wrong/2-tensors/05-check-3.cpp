// expect: A rule that is wrong by a factor of 1.00002 was accepted
// A tolerance that never complains about a correct rule is convenient.
#include "../../solutions/2-tensors/04-differences.cpp"

using Function = std::function<Tensor(const Tensor& x)>;
using Rule = std::function<Tensor(const Tensor& x, const Tensor& g)>;

/// Whether `rule` gives the gradient of f at x, a float64 tensor.
bool is_right(const Function& f, const Rule& rule, const Tensor& x) {
  const Tensor u = randn(f(x).shape(), float64);
  const Tensor numeric = numeric_gradient([&](const Tensor& t) { return sum(u * f(t)); }, x);
  const double error = amax(abs(rule(x, u) - numeric)).item();
  return error <= 1e-3 * amax(abs(numeric)).item() + 1e-8;
}
