// Jacobians, Hessians and their products with vectors.
#include <doctest/doctest.h>

#include "../../core/base/allocator.h"
#include "../../core/grad.h"
#include "../../core/jacobian.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Tensors = std::vector<Tensor>;

/// y = (x0 x1, x1^2, sin(x0)) and its Jacobian.
Tensor curve(const Tensor& x) {
  return stack({x[0] * x[1], square(x[1]), sin(x[0])});
}
const Tensor point = tensor({0.5, -2.0});
const Tensor slopes = tensor({-2.0, 0.5, 0.0, -4.0, std::cos(0.5), 0.0}, {3, 2});

/// 1/2 x^T A x + sum(y x), with a mixed second derivative.
Tensor quadratic(const Tensors& xs) {
  const Tensor a = tensor({2.0, 1.0, 1.0, 5.0}, {2, 2});
  return dot(xs[0], matmul(a, xs[0])) * 0.5 + sum(xs[1] * xs[0]);
}

}  // namespace

TEST_CASE("the Jacobian, and its products with vectors on either side") {
  check_close(jacobian(curve, point), slopes);
  const Tensor u = random({3}, 1), v = random({2}, 2);
  check_close(vjp(curve, point, u), matmul(u, slopes));
  check_close(jvp(curve, point, v), matmul(slopes, v));
}

TEST_CASE("a Jacobian has the shape of the result, then that of the argument") {
  const Tensor x = random({2, 3}), w = random({3, 4}, 2);
  const auto product = [&](const Tensor& t) { return matmul(t, w); };
  const Tensor j = jacobian(product, x);
  REQUIRE(j.shape() == Shape{2, 4, 2, 3});
  check_close(j[1].select(0, 3).select(0, 1), select(w, 1, 3));
  CHECK(sum(square(j[1].select(0, 3).select(0, 0))).item() == 0);
  CHECK(jacobian([](const Tensor& t) { return sum(t); }, x).shape() == Shape{2, 3});
  CHECK(jacobian([](const Tensor& t) { return narrow(t, 0, 0, 0); }, x).shape() ==
        Shape{0, 3, 2, 3});
}

TEST_CASE("products with one vector agree with the whole, for functions of several tensors") {
  const TensorFunction f = [](const Tensors& xs) { return exp(matmul(xs[0], xs[1])) * xs[0]; };
  const Tensors xs = {random({3, 3}, 1), random({3, 3}, 2)},
                vs = {random({3, 3}, 3), random({3, 3}, 4)};
  const Tensor u = random({3, 3}, 5);
  const auto js = jacobian(f, xs);
  Tensor along = zeros({9}, float64);
  for (size_t k = 0; k < 2; ++k) {
    const Tensor j = reshape(js[k], {9, 9});
    check_close(vjp(f, xs, u)[k], reshape(matmul(flatten(u), j), {3, 3}), 1e-10);
    along = along + matmul(j, flatten(vs[k]));
  }
  check_close(jvp(f, xs, vs), reshape(along, {3, 3}), 1e-10);
}

TEST_CASE("tensors of a list have shapes of their own") {
  const Tensors xs = {random({2, 3}, 1), random({3}, 2)};
  const TensorFunction product = [](const Tensors& t) { return matmul(t[0], t[1]); };
  const auto js = jacobian(product, xs);
  CHECK(js[0].shape() == Shape{2, 2, 3});
  check_close(js[1], xs[0]);
  const auto h = hessian([&](const Tensors& t) { return sum(square(product(t))); }, xs);
  CHECK(h[0][1].shape() == Shape{2, 3, 3});
  check_close(h[1][0], permute(h[0][1], {2, 0, 1}));
  check_close(h[1][1], matmul(xs[0].T(), xs[0]) * 2.0);
}

TEST_CASE("the Hessian in blocks, and its products") {
  const Tensors xs = {random({2}, 1), random({2}, 2)}, vs = {random({2}, 3), random({2}, 4)};
  const Tensor a = tensor({2.0, 1.0, 1.0, 5.0}, {2, 2}), one = eye(2, {}, float64);
  const auto h = hessian(quadratic, xs);
  check_close(h[0][0], a);
  check_close(h[0][1], one);
  check_close(h[1][0], one);
  check_close(h[1][1], zeros({2, 2}, float64));
  const auto hv = hvp(quadratic, xs, vs);
  check_close(hv[0], matmul(a, vs[0]) + vs[1]);
  check_close(hv[1], vs[0]);
  const auto cubes = [](const Tensor& x) { return sum(x * square(x)); };
  check_close(hessian(cubes, point), diag(point * 6.0));
  check_close(hvp(cubes, point, tensor({1.0, 1.0})), point * 6.0);
}

TEST_CASE("what a function does not depend on has the derivative 0") {
  const Tensor x = random({2}), v = random({2}, 2);
  Tensor constant = ones({3}, float64);
  const auto f = [&](const Tensor&) { return constant; };
  const auto linear = [](const Tensor& t) { return sum(t); };
  CHECK(jacobian(f, x).shape() == Shape{3, 2});
  for (const Tensor& zero :
       {jacobian(f, x), vjp(f, x, constant), jvp(f, x, v), hessian(linear, x), hvp(linear, x, v)}) {
    CHECK(norm(zero).item() == 0);
  }
  const TensorFunction first = [](const Tensors& xs) { return sum(square(xs[0])); };
  CHECK(norm(hvp(first, {x, v}, {v, x})[1]).item() == 0);
  CHECK(hessian(first, {x, v})[1][0].shape() == Shape{2, 2});
}

TEST_CASE("leaves are used as they are: a function may reach its parameters in its own way") {
  const Tensor w = random({4}).requires_grad_(), v = random({4}, 2);
  const TensorFunction loss = [&](const Tensors&) { return sum(w * w * w); };
  check_close(hvp(loss, {w}, {v})[0], w.detach() * v * 6.0);
  CHECK(!w.grad().defined());
}

TEST_CASE("results are on no tape, whatever tape is open, and nothing is left behind") {
  const auto tensors = live_tensors();
  {
    const Tape outer;
    const Tensor x = point.clone().requires_grad_();
    const Tensor y = x * 2.0;
    const size_t before = outer.size();
    CHECK(!jacobian(curve, y).requires_grad());
    CHECK(!hvp([](const Tensor& t) { return sum(square(t)); }, y, point).requires_grad());
    CHECK(!jvp(curve, y, point).requires_grad());
    CHECK(outer.size() == before);
  }
  CHECK(live_tensors() == tensors);
}

TEST_CASE("mistakes are named") {
  const Tensor x = random({2});
  CHECK(message_of([&] { hvp(curve, x, x); }) ==
        "[hvp] expected a function with one element, got [3]. Hint: reduce it (sum, mean), or "
        "differentiate jacobian()");
  CHECK(message_of([&] { hessian(curve, x); }).starts_with("[hessian] expected a function"));
  CHECK(message_of([&] { vjp(curve, x, x); }) ==
        "[vjp] v is [2], f(x) is [3]. Hint: v has the shape of f(x)");
  CHECK(message_of([&] { jvp(curve, x, ones({2})); }) ==
        "[jvp] v is float32, x is float64. Hint: convert it with .to(dtype)");
  CHECK_THROWS_AS(hvp(quadratic, {x, x}, {x}), ShapeError);
  const auto many = [](const Tensor& t) { return reshape(t, {1, 1, 1, 1, 2}); };
  CHECK(message_of([&] {
          jacobian(many, reshape(x, {1, 1, 1, 2}));
        })
            .starts_with("[jacobian] the derivatives of [1,1,1,1,2] with respect to [1,1,1,2] "
                         "have more than 8 dimensions"));
}

TEST_CASE("the gradients of single samples add up to that of the batch") {
  const Tensor w = random({3, 2}, 1).requires_grad_(), b = random({3}, 2).requires_grad_();
  const Tensor x = random({5, 2}, 3), y = tensor<int64_t>({0, 2, 1, 1, 0});
  const auto loss = [&](const Tensor& sample, const Tensor& target) {
    return cross_entropy(linear(tanh(sample), w, b), target);
  };
  const auto each = per_sample_grads(loss, {w, b}, x, y);
  REQUIRE(each[0].shape() == Shape{5, 3, 2});
  const Tape tape;
  const auto all = grad(loss(x, y), {w, b});
  check_close(mean(each[0], {0}), all[0]);
  check_close(mean(each[1], {0}), all[1]);
  CHECK(!w.grad().defined());
}

TEST_CASE("norms that couple samples leave none a gradient of its own") {
  const Tensor w = random({2}).requires_grad_(), x = random({4, 2}, 2);
  const auto loss = [&](const Tensor& t, const Tensor&) {
    return sum(square(batch_norm_train(t, w).y));
  };
  CHECK(message_of([&] {
          per_sample_grads(loss, {w}, x, x);
        }).starts_with("[batch_norm] expected more than 1 value per channel"));
  CHECK(message_of([&] { per_sample_grads(loss, {w.detach()}, x, x); }) ==
        "[per_sample_grads] parameter number 0 of shape [2] is not a leaf that requires a "
        "gradient. Hint: call requires_grad_() on it");
  CHECK_THROWS_AS(per_sample_grads(loss, {w}, x, narrow(x, 0, 0, 3)), ShapeError);
}

TEST_CASE("dot and norm take a list for one long vector, in double") {
  const Tensors xs = {tensor({1.0F, 2.0F}), full({1, 2}, 3)},
                ys = {tensor({4.0F, -1.0F}), full({1, 2}, 2)};
  CHECK(dot(xs, ys).item() == 4 - 2 + 6 + 6);
  CHECK(norm(xs).item() == doctest::Approx(std::sqrt(1 + 4 + 9 + 9)).epsilon(1e-15));
  CHECK(norm({full({2}, 1e30), full({2}, 1e30)}).item() == doctest::Approx(2e30));
  CHECK(dot({full({1}, 1e8), ones({1})}, {full({1}, 1e8), ones({1})}).item() == 1e16 + 1);
  CHECK(norm(Tensors{}).item() == 0);
  check_gradients(
      [](const auto& t) {
        return dot(t, {t[1], t[0]});
      },
      {random({3}), random({3}, 2)});
  check_gradients([](const auto& t) { return norm(t); }, {random({3}), random({2, 2}, 2)});
  const Tensor zero = zeros({2}, float64).requires_grad_();
  const Tape tape;
  CHECK(norm(grad(norm({zero, zero}), {zero})[0]).item() == 0);
  CHECK_THROWS_AS(dot(xs, {xs[0]}), ShapeError);
  CHECK_THROWS_AS(dot(xs, {xs[1], xs[0]}), ShapeError);
}
