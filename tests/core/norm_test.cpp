#include <doctest/doctest.h>

#include <cmath>

#include "../../core/base/error.h"
#include "../../core/grad.h"
#include "../../core/gradcheck.h"
#include "../../core/ops.h"
#include "../../core/simd/isa.h"
#include "../../core/tape.h"
#include "../support/isa.h"

using namespace gradus;

namespace {

std::vector<Tensor> arguments(const Shape& shape, uint64_t seed) {
  Rng g(seed);
  const Shape channels = {shape[1]};
  return {randn(shape, g, float64).requires_grad_(), randn(channels, g, float64).requires_grad_(),
          randn(channels, g, float64).requires_grad_()};
}

Tensor train_mode(const std::vector<Tensor>& x) {
  return batch_norm_train(x[0], x[1], x[2]).y;
}

}  // namespace

TEST_CASE("every norm passes gradcheck to second order, fused and composed") {
  using Function = Tensor (*)(const std::vector<Tensor>&, NormForm);
  struct Row {
    const char* name;
    Shape x, affine;
    Function function;
  };
  // A large eps keeps a gradient where a set has two values, which normalize to +-1.
  const Row rows[] = {
      {"batch",
       {2, 3, 2, 2},
       {3},
       [](const auto& t, NormForm form) {
         return batch_norm_train(t[0], t[1], t[2], 0.1, form).y;
       }},
      {"batch of two values",
       {2, 3},
       {3},
       [](const auto& t, NormForm form) {
         return batch_norm_train(t[0], t[1], t[2], 0.1, form).y;
       }},
      {"instance",
       {2, 3, 2, 2},
       {3},
       [](const auto& t, NormForm form) { return instance_norm(t[0], t[1], t[2], 0.1, form).y; }},
      {"layer",
       {3, 4},
       {4},
       [](const auto& t, NormForm form) { return layer_norm(t[0], {4}, t[1], t[2], 0.1, form); }},
      {"layer over [C,H,W]",
       {2, 2, 2, 3},
       {2, 2, 3},
       [](const auto& t, NormForm form) {
         return layer_norm(t[0], {2, 2, 3}, t[1], t[2], 0.1, form);
       }},
      {"group",
       {2, 4, 3},
       {4},
       [](const auto& t, NormForm form) { return group_norm(t[0], 2, t[1], t[2], 0.1, form); }},
      {"group on [N,C]",
       {3, 4},
       {4},
       [](const auto& t, NormForm form) { return group_norm(t[0], 2, t[1], t[2], 0.1, form); }},
      {"rms",
       {3, 4},
       {4},
       [](const auto& t, NormForm form) {
         return add(rms_norm(t[0], {4}, t[1], 0.1, form), t[2]);
       }},
      {"batch with given statistics",
       {3, 2, 4},
       {2},
       [](const auto& t, NormForm form) {
         const Tensor mean = full({2}, 0.3, float64), variance = full({2}, 0.7, float64);
         return batch_norm_eval(t[0], mean, variance, t[1], t[2], 0.1, form);
       }},
      {"local response",
       {2, 5, 2},
       {2},
       [](const auto& t, NormForm) {
         return add(mul(local_response_norm(t[0], 3, 0.7), t[1]), t[2]);
       }},
  };
  for (const Row& row : rows) {
    for (NormForm form : {NormForm::fused, NormForm::composed}) {
      CAPTURE(row.name);
      CAPTURE(static_cast<int>(form));
      Rng g(1);
      const std::vector<Tensor> x = {randn(row.x, g, float64).requires_grad_(),
                                     randn(row.affine, g, float64).requires_grad_(),
                                     randn(row.affine, g, float64).requires_grad_()};
      const auto f = [&](const std::vector<Tensor>& t) { return row.function(t, form); };
      const auto first = gradcheck(f, x);
      CHECK_MESSAGE(first.passed, first.message);
      const auto second = gradgradcheck(f, x);
      CHECK_MESSAGE(second.passed, second.message);
    }
  }
}

TEST_CASE("norms are special cases of each other") {
  Rng g(2);
  const Tensor x = randn({3, 4, 2, 5}, g, float64);
  const auto equal = [](const Tensor& a, const Tensor& b) {
    return amax(abs(sub(a, b))).item() < 1e-13;
  };
  CHECK(equal(group_norm(x, 1), layer_norm(x, {4, 2, 5})));
  CHECK(equal(group_norm(x, 4), instance_norm(x).y));
  const Tensor one = narrow(x, 0, 0, 1);
  CHECK(equal(batch_norm_train(one).y, instance_norm(one).y));
  const Tensor rows = reshape(x, {6, 20});
  CHECK(equal(batch_norm_train(rows).y, transpose(layer_norm(transpose(rows, 0, 1), {6}), 0, 1)));
  CHECK(equal(group_norm(rows, 5), reshape(layer_norm(reshape(rows, {30, 4}), {4}), {6, 20})));
}

TEST_CASE("batch norm passes gradcheck to second order, with as few as two values per channel") {
  for (const Shape& shape : {Shape{2, 3}, Shape{4, 2, 3}, Shape{2, 3, 2, 2}, Shape{1, 2, 3, 2}}) {
    CAPTURE(shape);
    // With two values per channel the normalized ones are +-1 whatever the input: a large eps
    // keeps a gradient to look at.
    const auto f = [](const std::vector<Tensor>& x) {
      return batch_norm_train(x[0], x[1], x[2], 0.1).y;
    };
    const auto first = gradcheck(f, arguments(shape, 1));
    CHECK_MESSAGE(first.passed, first.message);
    const auto second = gradgradcheck(f, arguments(shape, 2));
    CHECK_MESSAGE(second.passed, second.message);
  }
}

TEST_CASE("the fused gradient of batch norm is the composed one") {
  const auto x = arguments({4, 3, 5, 5}, 3);
  Rng g(4);
  const Tensor u = randn({4, 3, 5, 5}, g, float64);
  Tape tape;
  const Tensor y = train_mode(x);
  const auto fused = grad(y, x, {.gradient = u, .retain = true});
  const auto composed = grad(y, x, {.gradient = u, .create_graph = true});
  for (size_t i = 0; i < 3; ++i) {
    const Tensor difference = sub(fused[i], composed[i].detach());
    CHECK(amax(abs(difference)).item() < 1e-13 * (1 + amax(abs(fused[i])).item()));
  }
}

TEST_CASE("the gradient of batch norm sums to 0, and leans on the output by eps alone") {
  // <dx, x^> = r eps / (v + eps) <g, x^>: exact for every eps, 0 only where eps is.
  const double eps = 0.01;
  Rng g(5);
  const Tensor x = randn({8, 1, 3, 3}, g, float64).requires_grad_();
  const Tensor u = randn({8, 1, 3, 3}, g, float64);
  Tape tape;
  const auto [y, m, v] = batch_norm_train(x, {}, {}, eps);
  const Tensor dx = grad(y, {x}, {.gradient = u})[0];
  CHECK(std::abs(sum(dx).item()) < 1e-13);
  const double r = 1 / std::sqrt(v.item() + eps);
  const double expected = r * eps / (v.item() + eps) * sum(u * y.detach()).item();
  CHECK(sum(dx * y.detach()).item() == doctest::Approx(expected).epsilon(1e-10));
}

TEST_CASE("batch norm statistics keep their digits far from 0") {
  const Tensor x = tensor({40000.0F, 40001.0F, 40002.0F, 40003.0F}, {4, 1});
  const auto [y, m, v] = batch_norm_train(x, {}, {});
  CHECK(m.item() == 40001.5);
  CHECK(v.item() == 1.25);
  CHECK(y.to_vector<float>()[3] == doctest::Approx(1.5 / std::sqrt(1.25)).epsilon(1e-4));
}

TEST_CASE("given statistics that ask for a gradient get one") {
  Rng g(6);
  const auto x = arguments({3, 2, 4}, 7);
  const Tensor mean = randn({2}, g, float64).requires_grad_();
  const Tensor variance = rand({2}, g, 0.5, 2, float64).requires_grad_();
  const auto f = [&](const std::vector<Tensor>& t) {
    return batch_norm_eval(t[0], t[3], t[4], t[1], t[2]);
  };
  const auto first = gradcheck(f, {x[0], x[1], x[2], mean, variance});
  CHECK_MESSAGE(first.passed, first.message);
}

TEST_CASE("batch norm says what does not fit") {
  CHECK_THROWS_WITH_AS(batch_norm_train(zeros({2, 3, 4, 4}), zeros({4}), {}),
                       "[batch_norm] expected weight [3], got [4]: input [2,3,4,4]. Hint: it has "
                       "one element per channel",
                       ShapeError);
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS(batch_norm_eval(x, zeros({3}), zeros({4}), {}, {}),
                       "[batch_norm] expected running_var [3], got [4]: input [2,3]. Hint: it has "
                       "one element per channel",
                       ShapeError);
  CHECK_THROWS_AS(batch_norm_train(zeros({3}), {}, {}), ShapeError);
  CHECK_THROWS_AS(batch_norm_train(zeros({2, 3}, int64), {}, {}), DTypeError);
}

TEST_CASE("norms over the last dimensions say which shape weights have") {
  const Tensor x = zeros({2, 3, 4});
  CHECK_THROWS_WITH_AS(layer_norm(x, {3, 4}, zeros({3, 4}), zeros({4})),
                       "[layer_norm] expected bias [3,4], got [4]: input [2,3,4]. Hint: its shape "
                       "is normalized_shape",
                       ShapeError);
  CHECK_THROWS_WITH_AS(rms_norm(x, {4}, zeros({3})),
                       "[rms_norm] expected weight [4], got [3]: input [2,3,4]. Hint: its shape is "
                       "normalized_shape",
                       ShapeError);
}

namespace {

/// A norm of x, with its weight and bias.
struct NormCase {
  const char* name;
  Shape x, parameters;
  Tensor (*apply)(const Tensor& x, const Tensor& weight, const Tensor& bias);
};

const NormCase norm_cases[] = {
    {"batch",
     {4, 3, 5, 7},
     {3},
     [](auto& x, auto& w, auto& b) { return batch_norm_train(x, w, b).y; }},
    {"batch of rows",
     {70, 130},
     {130},
     [](auto& x, auto& w, auto& b) { return batch_norm_train(x, w, b).y; }},
    {"batch of long runs",
     {2, 2, 70'000},
     {2},
     [](auto& x, auto& w, auto& b) { return batch_norm_train(x, w, b).y; }},
    {"given",
     {3, 2, 9},
     {2},
     [](auto& x, auto& w, auto& b) {
       return batch_norm_eval(x, full({2}, 0.3, x.dtype()), full({2}, 0.7, x.dtype()), w, b);
     }},
    {"instance",
     {2, 3, 33},
     {3},
     [](auto& x, auto& w, auto& b) { return instance_norm(x, w, b).y; }},
    {"group", {5, 6, 21}, {6}, [](auto& x, auto& w, auto& b) { return group_norm(x, 2, w, b); }},
    {"layer", {40, 65}, {65}, [](auto& x, auto& w, auto& b) { return layer_norm(x, {65}, w, b); }},
    {"rms", {40, 65}, {65}, [](auto& x, auto& w, auto&) { return rms_norm(x, {65}, w); }},
};

/// The output of a norm and the gradients of its input, weight and bias, in double; without weight
/// and bias those of the input alone.
std::vector<Tensor> results_of(const NormCase& c, DType dtype, bool affine) {
  Rng rng(7);
  const auto leaf = [&](const Shape& shape) {
    return randn(shape, rng, float64).to(dtype).requires_grad_();
  };
  const Tensor x = leaf(c.x), g = randn(c.x, rng, float64).to(dtype);
  const Tensor weight = affine ? leaf(c.parameters) : Tensor();
  const Tensor bias = affine ? leaf(c.parameters) : Tensor();
  Tape tape;
  const Tensor y = c.apply(x, weight, bias);
  tape.backward(y, {.gradient = g});
  std::vector<Tensor> results = {y.detach(), x.grad()};
  for (const Tensor& t : {weight, bias}) {
    if (t.defined() && t.grad().defined()) results.push_back(t.grad());
  }
  for (Tensor& t : results) t = t.to(float64);
  return results;
}

}  // namespace

TEST_CASE("kernels give what the plain loops give, forward and backward") {
  for (const NormCase& c : norm_cases) {
    for (const DType dtype : {float32, float64}) {
      for (const bool affine : {false, true}) {
        CAPTURE(c.name);
        CAPTURE(dtype);
        CAPTURE(affine);
        const std::vector<Tensor> expected =
            test::plainly([&] { return results_of(c, dtype, affine); });
        test::with_every_isa([&] {
          const std::vector<Tensor> found = results_of(c, dtype, affine);
          REQUIRE(found.size() == expected.size());
          for (size_t i = 0; i < found.size(); ++i) {
            const double size = amax(abs(expected[i])).item();
            const double error = amax(abs(sub(found[i], expected[i]))).item();
            CHECK(error <= (dtype == float32 ? 1e-5 : 1e-12) * size);
          }
        });
      }
    }
  }
}
