// 2.5  Checking a rule.
//
// A rule maps g, the gradient of y = f(x), to that of x. To check it with numbers, f has to become
// a function with one output. sum(f(x)) would do, but is blind to whole classes of mistakes: the
// outputs of a softmax always sum to 1, so the gradient of their sum is 0, right or wrong. So:
// random weights u of the shape of y,
//
//     loss(x) = sum(u y),   d(loss)/dy = u,   d(loss)/dx = rule(x, u)
//
// Compare this with the differences of exercise 2.4. Accept errors up to 1e-6 of the largest
// element of the gradient by differences (and 1e-8 in addition, should that be 0).
#include "04-differences.cpp"

using Function = std::function<Tensor(const Tensor& x)>;
using Rule = std::function<Tensor(const Tensor& x, const Tensor& g)>;

/// Whether `rule` gives the gradient of f at x, a float64 tensor.
bool is_right(const Function& f, const Rule& rule, const Tensor& x) {
  // TODO: randn(f(x).shape(), float64), numeric_gradient, rule, amax(abs(t)).item().
  course::todo("is_right");
}
