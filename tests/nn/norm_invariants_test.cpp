// What holds for every norm, as identities that have eps in them: they are true for any eps, and a
// wrong term of the gradient breaks them at any tolerance.
#include <doctest/doctest.h>

#include <cmath>

#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "norm_cases.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr double eps = 0.05;

}  // namespace

TEST_CASE("normalized values have mean 0 and variance v / (v + eps)") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps, false);
    const Tensor x = random(c.x, 1);
    const Tensor y = (*layer)(x);
    const Sets s = sets_of(c, x, eps);
    CHECK(y.shape() == c.x);
    if (c.centred) CHECK(amax(abs(set_sum(c, y))).item() < 1e-13);
    CHECK(distance(set_sum(c, square(y)) / s.count, s.variance / (s.variance + eps)) < 1e-13);
  });
}

TEST_CASE(
    "with the affine part, each channel of batch and instance norm has mean and deviation of "
    "its bias and weight") {
  for_each_norm([](const NormCase& c, NormForm form) {
    if (c.channel_groups != c.x[1]) return;
    const auto layer = make_norm(c, form, 0);
    const Tensor y = reshape((*layer)(random(c.x, 1)), {c.x[0], c.x[1], -1});
    CHECK(distance(mean(y, {0, 2}), layer->bias.detach()) < 1e-12);
    CHECK(distance(stddev(y, {0, 2}, 0), abs(layer->weight.detach())) < 1e-12);
  });
}

TEST_CASE("the gradient of every set sums to 0: what is the same for all has no effect") {
  for_each_norm([](const NormCase& c, NormForm form) {
    if (!c.centred) return;
    for (bool affine : {false, true}) {
      const auto layer = make_norm(c, form, eps, affine);
      const NormRun out = run(*layer, random(c.x, 1), random(c.x, 2));
      CHECK(amax(abs(set_sum(c, out.dx))).item() < 1e-13);
      CHECK(amax(abs(out.dx)).item() > 1e-3);
    }
  });
}

TEST_CASE("<dx, x^> = r eps / (v + eps) <u, x^>: the gradient leans on the output by eps alone") {
  for_each_norm([](const NormCase& c, NormForm form) {
    for (bool affine : {false, true}) {
      const auto layer = make_norm(c, form, eps, affine);
      const Tensor x = random(c.x, 1), g = random(c.x, 2);
      const Sets s = sets_of(c, x, eps);
      const Tensor dx = reshape(run(*layer, x, g).dx, c.view);
      const Tensor u = weighted(c, *layer, g);
      const Tensor expected = s.r * eps / (s.variance + eps) * set_sum(c, u * s.x_hat);
      CHECK(distance(set_sum(c, dx * s.x_hat), expected) < 1e-13);
    }
  });
}

TEST_CASE("|dx|^2 = r^2 (|u|^2 - <1, u>^2 / M - <u, x^>^2 / M (2 - |x^|^2 / M))") {
  // Theorem 4.1 of Santurkar et al. (arXiv 1805.11604), as an equality and with eps.
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const Sets s = sets_of(c, x, eps);
    const Tensor u = weighted(c, *layer, g);
    const Tensor total = c.centred ? square(set_sum(c, u)) / s.count : set_sum(c, u) * 0.0;
    const Tensor lean = square(set_sum(c, u * s.x_hat)) / s.count;
    const Tensor rest = 2.0 - set_sum(c, square(s.x_hat)) / s.count;
    const Tensor expected = square(s.r) * (set_sum(c, square(u)) - total - lean * rest);
    CHECK(distance(set_sum(c, square(run(*layer, x, g).dx)), expected) < 1e-12);
  });
}

TEST_CASE("two values normalize to +-sqrt(v / (v + eps)), and the gradient leaks through eps") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const Sets s = sets_of(c, x, eps);
    if (s.count != 2 || !c.centred) return;
    const auto layer = make_norm(c, form, eps, false);
    const NormRun out = run(*layer, x, g);
    const Tensor size = expand(sqrt(s.variance / (s.variance + eps)), c.view);
    CHECK(distance(abs(reshape(out.y, c.view)), size) < 1e-13);
    const Tensor u = reshape(g, c.view);
    const Tensor expected = s.r * eps / (s.variance + eps) * (u - set_sum(c, u) / 2.0);
    CHECK(distance(reshape(out.dx, c.view), expected) < 1e-13);
  });
}

TEST_CASE("a x + b with eps a^2 has the output of x with eps, and a-th of its gradient") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const double a = 7;
    const auto layer = make_norm(c, form, eps), scaled = make_norm(c, form, eps * a * a);
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    // Every set is shifted by a number of its own.
    const Tensor shift = c.centred ? set_sum(c, random(c.x, 3)) : set_sum(c, zeros_like(x));
    const Tensor moved = reshape(reshape(x * a, c.view) + shift, c.x);
    const NormRun one = run(*layer, x, g), other = run(*scaled, moved, g);
    CHECK(distance(other.y, one.y) < 1e-12);
    CHECK(distance(other.dx * a, one.dx) < 1e-12);
    for (size_t i = 0; i < one.daffine.size(); ++i) {
      CHECK(distance(other.daffine[i], one.daffine[i]) < 1e-12);
    }
  });
}

TEST_CASE("a change of sign changes the sign of normalized values") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps, false);
    const Tensor x = random(c.x, 1);
    CHECK(distance((*layer)(neg(x)), neg((*layer)(x))) < 1e-14);
  });
}

TEST_CASE("dy_i / dx_j = weight r (d_ij - (1 + x^_i x^_j) / M) within a set, and 0 beyond") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1);
    const Sets s = sets_of(c, x, eps);
    const int64_t n = x.numel();
    // Each set has a number of its own; equal numbers tell who is in a set with whom.
    const Tensor number =
        reshape(arange(0, static_cast<double>(s.variance.numel()), 1, float64), s.variance.shape());
    const Tensor set = reshape(expand(number, c.view).contiguous(), {n});
    const Tensor x_hat = reshape(s.x_hat, {n}), r = reshape(expand(s.r, c.view).contiguous(), {n});
    for (int64_t i = 0; i < n; ++i) {
      Tensor unit = zeros({n}, float64);
      unit.mutable_data<double>()[i] = 1;
      const Tensor row = reshape(run(*layer, x, reshape(unit, c.x)).dx, {n});
      const Tensor weight = sum(weighted(c, *layer, reshape(unit, c.x)));
      const Tensor together = eq(set, expand(select(set, 0, i), {n})).to(float64);
      const Tensor pulls = select(x_hat, 0, i) * x_hat + (c.centred ? 1.0 : 0.0);
      const Tensor expected = weight * r * (unit - together * pulls / s.count);
      CHECK(distance(row, expected) < 1e-13);
    }
  });
}

TEST_CASE("only batch norm in training couples the samples of a batch") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1);
    Tensor first_only = zeros(c.x, float64);
    first_only.narrow(0, 0, 1).copy_(random(c.x, 2).narrow(0, 0, 1));
    const Tensor dx = run(*layer, x, first_only).dx;
    const double others = amax(abs(narrow(dx, 0, 1, c.x[0] - 1))).item();
    CHECK((others > 1e-3) == c.couples_samples);
    layer->eval();
    const Tensor evaluated = run(*layer, x, first_only).dx;
    CHECK(amax(abs(narrow(evaluated, 0, 1, c.x[0] - 1))).item() == 0);
  });
}

TEST_CASE("the gradients of weight and bias are sums of g x^ and g") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const NormRun out = run(*layer, x, g);
    const Tensor x_hat = reshape(sets_of(c, x, eps).x_hat, c.x);
    const bool per_element = layer->weight.dim() == c.x.dim() - 1;
    const auto total = [&](const Tensor& t) {
      if (per_element) return sum(t, {0});
      Dims dims = {0};
      for (int d = 2; d < c.x.dim(); ++d) dims.push_back(d);
      return sum(t, dims);
    };
    CHECK(distance(out.daffine[0], total(g * x_hat)) < 1e-13);
    if (out.daffine.size() > 1) CHECK(distance(out.daffine[1], total(g)) < 1e-13);
  });
}

namespace {

/// A layer without bias that makes inputs of a norm's shape, and an input for it.
struct Before {
  Tensor weight, x;
  Tensor operator()(const Tensor& w) const { return x.dim() == 2 ? linear(x, w) : conv2d(x, w); }
};

Before layer_before(const Shape& y) {
  if (y.dim() == 2) return {random({y[1], 5}, 4), random({y[0], 5}, 5)};
  return {random({y[1], 2, 2, 2}, 4), random({y[0], 2, y[2] + 1, y[3] + 1}, 5)};
}

/// Gradient of <g, norm(before(w))> with respect to w.
Tensor weight_gradient(const Before& before, nn::NormLayer& norm, const Tensor& w,
                       const Tensor& g) {
  const Tensor leaf = w.clone().requires_grad_();
  const Tape tape;
  return grad(norm(before(leaf)), {leaf}, {.gradient = g})[0];
}

}  // namespace

TEST_CASE(
    "weights before a norm are scale-invariant: <w, dw> is what eps leaves, dw(c w) = dw / c") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const Before before = layer_before(c.x);
    const Tensor g = random(c.x, 2), &w = before.weight;
    const auto norm = make_norm(c, form, eps);
    const Tensor dw = weight_gradient(before, *norm, w, g);

    // Per filter for batch and instance norm, per group of filters for group norm, for all of them
    // together for layer norm.
    const Sets s = sets_of(c, before(w), eps);
    const Tensor u = weighted(c, *norm, g);
    const Tensor per_set = eps / (s.variance + eps) * set_sum(c, u * s.x_hat);
    const Tensor expected = sum(reshape(per_set, {-1, c.channel_groups}), {0});
    const Tensor found = sum(reshape(w * dw, {c.channel_groups, -1}), {1});
    CHECK(distance(found, expected) < 1e-12);

    // So a step of gradient descent lengthens w, as Pythagoras says, but for eps.
    const double rate = 0.1, w2 = sum(square(w)).item(), dw2 = sum(square(dw)).item();
    const double after = sum(square(w - dw * rate)).item();
    CHECK(after == doctest::Approx(w2 + rate * rate * dw2 - 2 * rate * sum(expected).item()));

    const auto scaled = make_norm(c, form, eps * 100);
    CHECK(distance(weight_gradient(before, *scaled, w * 10.0, g) * 10.0, dw) < 1e-12);
  });
}

TEST_CASE("weight and bias of a norm are scale-invariant before the next norm, through a ReLU") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto norm = make_norm(c, form, eps), next = make_norm(c, form, eps);
    if (!norm->bias.defined()) return;
    const int64_t n = c.x.numel();
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const Tensor mix = random({n, n}, 3);  // a linear layer over everything
    std::vector<Tensor> gradients;
    Tensor z;
    {
      const Tape tape;
      z = reshape(matmul(mix, reshape(relu((*norm)(x)), {n})), c.x);
      gradients = grad((*next)(z), {norm->weight, norm->bias}, {.gradient = g});
    }
    const double found = sum(norm->weight.detach() * gradients[0]).item() +
                         sum(norm->bias.detach() * gradients[1]).item();
    const Sets s = sets_of(c, z.detach(), eps);
    const Tensor u = weighted(c, *next, g);
    const double expected = sum(eps / (s.variance + eps) * set_sum(c, u * s.x_hat)).item();
    CHECK(found == doctest::Approx(expected).epsilon(1e-10));
  });
}

TEST_CASE("gradients of parts of a batch add up to that of the whole, except for batch norm") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const NormRun whole = run(*layer, x, g);
    const int64_t half = c.x[0] / 2;
    const bool has_one_value = half * c.x.numel() / c.x[0] == c.x[1];
    if (c.couples_samples && has_one_value) return;
    const NormRun first = run(*layer, narrow(x, 0, 0, half), narrow(g, 0, 0, half));
    const NormRun second =
        run(*layer, narrow(x, 0, half, c.x[0] - half), narrow(g, 0, half, c.x[0] - half));
    for (size_t i = 0; i < whole.daffine.size(); ++i) {
      const double d = distance(first.daffine[i] + second.daffine[i], whole.daffine[i]);
      const bool is_bias = i == 1;
      CHECK((d < 1e-13) == (!c.couples_samples || is_bias));
    }
    CHECK((distance(cat({first.dx, second.dx}), whole.dx) < 1e-13) == !c.couples_samples);
  });
}

TEST_CASE("a batch twice over has the same output and, of a mean loss, the same gradient") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const NormRun once = run(*layer, x, g);
    const NormRun twice = run(*layer, cat({x, x}), cat({g, g}) / 2.0);
    CHECK(distance(twice.y, cat({once.y, once.y})) < 1e-13);
    CHECK(distance(twice.dx * 2.0, cat({once.dx, once.dx})) < 1e-13);
  });
}

TEST_CASE("the order of the samples is the order of the outputs") {
  for_each_norm([](const NormCase& c, NormForm form) {
    const auto layer = make_norm(c, form, eps);
    const Tensor x = random(c.x, 1), g = random(c.x, 2);
    const NormRun forwards = run(*layer, x, g), backwards = run(*layer, flip(x, {0}), flip(g, {0}));
    CHECK(distance(backwards.y, flip(forwards.y, {0})) < 1e-13);
    CHECK(distance(backwards.dx, flip(forwards.dx, {0})) < 1e-13);
  });
}

TEST_CASE("norms are special cases of each other") {
  for (NormForm form : {NormForm::fused, NormForm::composed}) {
    const auto apply = [form](auto layer, const Tensor& x) {
      layer->set_form(form);
      return (*layer)(x);
    };
    const Tensor x = random({3, 4, 2, 5}, 1), rows = random({6, 4}, 2);
    const Tensor in_instances = apply(channel_norm<nn::InstanceNorm2d>(x.shape(), eps, false), x);
    CHECK(distance(apply(group_norm<1>(x.shape(), eps, false), x),
                   apply(element_norm<nn::LayerNorm>(x.shape(), eps, false), x)) < 1e-14);
    CHECK(distance(apply(group_norm<4>(x.shape(), eps, false), x), in_instances) < 1e-14);
    const Tensor one = narrow(x, 0, 0, 1);
    CHECK(distance(apply(channel_norm<nn::BatchNorm2d>(x.shape(), eps, false), one),
                   narrow(in_instances, 0, 0, 1)) < 1e-14);
    // On [N,C], batch norm standardizes columns and layer norm rows.
    const Tensor columns = apply(channel_norm<nn::BatchNorm1d>(rows.shape(), eps, false), rows);
    const Tensor turned = transpose(rows, 0, 1);
    CHECK(distance(apply(element_norm<nn::LayerNorm>(turned.shape(), eps, false), turned),
                   transpose(columns, 0, 1)) < 1e-14);
    const Tensor halves = reshape(rows, {12, 2});
    CHECK(distance(reshape(apply(element_norm<nn::LayerNorm>({12, 2}, eps, false), halves), {6, 4}),
                   apply(group_norm<2>(rows.shape(), eps, false), rows)) < 1e-14);
  }
}

TEST_CASE("in evaluation, batch norm is an affine map of each channel") {
  for (NormForm form : {NormForm::fused, NormForm::composed}) {
    const NormCase c = norm_cases()[0];
    const auto layer = make_norm(c, form, eps);
    const Shape& shape = c.x;
    (*layer)(random(shape, 3) * 2.0 + 1.0);
    layer->eval();
    const Tensor x = random(shape, 1), z = random(shape, 2);
    const double a = 0.3;
    const Tensor mixed = (*layer)(x * a + z * (1 - a));
    CHECK(distance(mixed, (*layer)(x)*a + (*layer)(z) * (1 - a)) < 1e-13);
  }
}

TEST_CASE("running statistics of equal batches follow (1 - m)^T") {
  nn::BatchNorm1d layer({.num_features = 3, .momentum = 0.3});
  layer.to(float64);
  const Tensor x = random({5, 3}, 1);
  const int batches = 7;
  for (int t = 0; t < batches; ++t) layer(x);
  const double left = std::pow(0.7, batches);
  CHECK(distance(layer.running_mean, mean(x, {0}) * (1 - left)) < 1e-14);
  CHECK(distance(layer.running_var, var(x, {0}) * (1 - left) + left) < 1e-14);
}
