#include "gradcheck.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "grad.h"
#include "ops.h"

namespace gradus {
namespace {

using Tensors = std::vector<Tensor>;

/// The function under test: tensors in, tensors out. It records on the tape that is current when
/// called.
using ListFunction = std::function<Tensors(const Tensors&)>;

void check_float64(const char* op, const char* role, size_t index, const Tensor& t) {
  if (t.defined() && t.dtype() == float64) return;
  throw DTypeError(
      op,
      str(role, " ", index,
          t.defined() ? str(" is ", t.dtype(), ", ", t.shape()) : std::string(" is undefined")),
      "differences are only meaningful in float64: convert it with .to(float64)");
}

/// Private copies; those that require a gradient are leaves.
Tensors fresh_leaves(const Tensors& xs) {
  Tensors leaves;
  for (const Tensor& x : xs) {
    leaves.push_back(x.defined() ? x.detach().clone() : Tensor());
    if (x.defined() && x.requires_grad()) leaves.back().requires_grad_();
  }
  return leaves;
}

std::vector<size_t> varied(const Tensors& xs) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < xs.size(); ++i) {
    if (xs[i].defined() && xs[i].requires_grad()) indices.push_back(i);
  }
  return indices;
}

double inner_product(const Tensor& a, const Tensor& b) {
  return sum(mul(a, b)).item();
}

Tensors evaluate(const ListFunction& f, const Tensors& xs) {
  const Tape tape;  // f may itself need one
  Tensors ys = f(fresh_leaves(xs));
  for (Tensor& y : ys) y = y.detach();
  return ys;
}

/// The tape's J^T u (vector-Jacobian product) for each input number `which`; undefined if nothing
/// depends on it.
Tensors analytic(const ListFunction& f, const Tensors& xs, const std::vector<size_t>& which,
                 const Tensors& us) {
  const Tape tape;
  const Tensors leaves = fresh_leaves(xs);
  const Tensors all = f(leaves);
  Tensors ys, y_gradients, wanted;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].requires_grad()) continue;  // a constant
    ys.push_back(all[i]);
    y_gradients.push_back(us[i]);
  }
  for (size_t i : which) wanted.push_back(leaves[i]);
  if (ys.empty()) return Tensors(which.size());
  Tensors gradients = grad(ys, y_gradients, wanted, {.allow_unused = true});
  for (Tensor& g : gradients) {
    if (g.defined()) g = g.detach();
  }
  return gradients;
}

/// <u, J v> by central differences, with v changing only input number `which`.
double difference(const ListFunction& f, Tensors xs, size_t which, const Tensor& v,
                  const Tensors& us, double step) {
  const Tensor x = xs[which].detach();
  const auto move_to = [&](double distance) {
    xs[which] = add(x, mul(v, distance));
    xs[which].requires_grad_();
    return evaluate(f, xs);
  };
  const Tensors above = move_to(step), below = move_to(-step);
  double total = 0;
  for (size_t i = 0; i < us.size(); ++i) total += inner_product(us[i], sub(above[i], below[i]));
  return total / (2 * step);
}

struct Comparison {
  double analytic, numeric, size;
};

void add_to_result(GradcheckResult& result, const Comparison& c, const char* op, size_t input,
                   const Shape& shape, const GradcheckOptions& options) {
  const double error = std::abs(c.analytic - c.numeric);
  const double relative = error > 0 ? error / std::max(c.size, options.absolute_tolerance) : 0;
  result.worst = std::isnan(error) ? error : std::max(result.worst, relative);
  // Written so that NaN fails.
  if (error <= options.absolute_tolerance + options.relative_tolerance * c.size) return;
  if (result.passed) {
    const auto precise = [](double number) { return scientific(number, 11); };
    result.message =
        str("[", op, "] input ", input, " ", shape, ": along a random direction the tape gives ",
            precise(c.analytic), ", differences give ", precise(c.numeric), " (relative error ",
            relative, ")");
  }
  result.passed = false;
}

GradcheckResult check(const char* op, const ListFunction& f, const Tensors& given,
                      const GradcheckOptions& options) {
  const NoGrad pause;  // of a tape that the caller may have open
  Tensors xs = fresh_leaves(given);
  const std::vector<size_t> which = varied(xs);
  require(!which.empty(), op, "call requires_grad_() on one", "no input asks for a gradient");
  for (size_t i : which) check_float64(op, "input", i, xs[i]);
  const Tensors ys = evaluate(f, xs);
  for (size_t i = 0; i < ys.size(); ++i) check_float64(op, "output", i, ys[i]);

  GradcheckResult result;
  Rng generator(options.seed);
  for (int k = 0; k < options.directions; ++k) {
    Tensors us;
    for (const Tensor& y : ys) us.push_back(randn(y.shape(), generator, float64));
    const Tensors gradients = analytic(f, xs, which, us);
    for (size_t j = 0; j < which.size(); ++j) {
      const Tensor v = randn(xs[which[j]].shape(), generator, float64);
      const Tensor& g = gradients[j];
      Comparison c{.analytic = g.defined() ? inner_product(g, v) : 0,
                   .numeric = difference(f, xs, which[j], v, us, options.step),
                   .size = g.defined() ? sum(abs(mul(g, v))).item() : 0};
      c.size = std::max(c.size, std::abs(c.numeric));
      add_to_result(result, c, op, which[j], v.shape(), options);
    }
  }
  return result;
}

/// The gradient of f as a function of its inputs and, last, the gradient of its output.
ListFunction gradient_of(const TensorFunction& f) {
  return [&f](const Tensors& arguments) {
    const Tensors xs(arguments.begin(), arguments.end() - 1);
    Tensors wanted;
    for (size_t i : varied(xs)) wanted.push_back(xs[i]);
    Tensors gradients(wanted.size());
    const Tensor y = f(xs);
    if (y.requires_grad()) {
      gradients = grad(y, wanted,
                       {.gradient = arguments.back(), .create_graph = true, .allow_unused = true});
    }
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) gradients[i] = zeros_like(wanted[i]);
    }
    return gradients;
  };
}

}  // namespace

GradcheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  return check(
      "gradcheck", [&f](const Tensors& xs) { return Tensors{f(xs)}; }, inputs, options);
}

GradcheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
  const NoGrad pause;
  const Tensor y = evaluate([&f](const Tensors& xs) { return Tensors{f(xs)}; }, inputs)[0];
  check_float64("gradgradcheck", "output", 0, y);
  Rng generator(options.seed, Stream::augmentation);  // not that of the directions
  Tensors arguments = inputs;
  arguments.push_back(randn(y.shape(), generator, float64));
  arguments.back().requires_grad_();
  return check("gradgradcheck", gradient_of(f), arguments, options);
}

}  // namespace gradus
