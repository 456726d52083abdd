#include <doctest/doctest.h>

#include <limits>

#include "../../core/base/error.h"
#include "../../core/base/parallel_for.h"
#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/isa.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Tensor naive_softmax(const Tensor& x, int64_t dim) {
  const Tensor e = exp(x);
  return div(e, sum(e, {dim}, true));
}

}  // namespace

TEST_CASE("softmax is exp over its sum, along any dimension") {
  const Tensor x = random({3, 4, 5});
  for (int64_t dim : {0, 1, 2, -1}) {
    check_close(softmax(x, dim), naive_softmax(x, dim));
    check_close(log_softmax(x, dim), log(naive_softmax(x, dim)));
  }
}

TEST_CASE("softmax of wide inner dimensions goes through more than one block of columns") {
  const Tensor x = random({2, 3, 150});
  check_close(softmax(x, 1), naive_softmax(x, 1));
  check_close(log_softmax(x, 1), log(naive_softmax(x, 1)));
}

TEST_CASE("softmax of strided inputs") {
  const Tensor x = random({4, 3});
  check_close(softmax(transpose(x, 0, 1), 0), transpose(naive_softmax(x, 1), 0, 1));
  const Tensor same = expand(random({1, 3}, 2), {4, 3});
  check_close(softmax(same, 0), full({4, 3}, 0.25, float64));
}

TEST_CASE("softmax does not overflow, and log_softmax does not lose small probabilities") {
  const Tensor x = tensor({1000.0F, 1001.0F, -1000.0F});
  const Tensor y = log_softmax(x, 0);
  check_close(y, tensor({-1.3132617F, -0.3132617F, -2001.3132617F}), 1e-6);
  check_close(softmax(x, 0), tensor({0.26894143F, 0.73105857F, 0.0F}), 1e-6);
}

TEST_CASE("minus infinity has probability zero") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(softmax(tensor({0.0, -inf, 0.0}), 0).to_vector<double>() ==
        std::vector<double>{0.5, 0, 0.5});
}

TEST_CASE("softmax of a single number is 1, and of nothing is nothing") {
  CHECK(softmax(full({}, 3.0), 0).item() == 1);
  CHECK(log_softmax(full({}, 3.0), -1).item() == 0);
  CHECK(softmax(zeros({0, 3}), 1).shape() == Shape{0, 3});
  CHECK(softmax(zeros({3, 0}), 1).shape() == Shape{3, 0});
}

TEST_CASE("derivatives of softmax and log_softmax, first and second order") {
  for (int64_t dim : {0, 1}) {
    check_gradients([dim](const std::vector<Tensor>& x) { return softmax(x[0], dim); },
                    {random({3, 4})});
    check_gradients([dim](const std::vector<Tensor>& x) { return log_softmax(x[0], dim); },
                    {random({3, 4})});
  }
}

TEST_CASE("gradients of softmax by kernels are those of its operations, for rows of any length") {
  Rng generator(7);
  with_every_isa([&] {
    for (int64_t n : {1, 5, 10, 24, 25, 64, 100, 150}) {
      for (Tensor (*f)(const Tensor&, int64_t) : {softmax, log_softmax}) {
        for (int64_t dim : {0, 1}) {
          const Tensor x = mul(randn(dim == 1 ? Shape{70, n} : Shape{n, 70}, generator), 3);
          const Tensor g = randn(x.shape(), generator), leaf = x.clone().requires_grad_();
          Tape tape;
          const Tensor y = f(leaf, dim);
          const Tensor fast = grad(y, {leaf}, {.gradient = g, .retain = true})[0];
          const Tensor composed = grad(y, {leaf}, {.gradient = g, .create_graph = true})[0];
          check_close(fast, composed.detach(), 3e-6);
          if (dim == 0) continue;
          for (int64_t i : {0, 63, 69}) {  // a row does not depend on others
            const Tensor own = x.narrow(0, i, 1).clone().requires_grad_();
            Tape another;
            const Tensor alone = grad(f(own, 1), {own}, {.gradient = g.narrow(0, i, 1)})[0];
            CHECK(alone.to_vector<float>() == fast.select(0, i).to_vector<float>());
          }
        }
      }
    }
  });
}

TEST_CASE("a row's softmax does not depend on other rows, and rows of any length are exact") {
  Rng generator(6);
  with_every_isa([&] {
    for (int64_t n : {1, 5, 10, 24, 25, 33, 100}) {
      for (Tensor (*f)(const Tensor&, int64_t) : {softmax, log_softmax}) {
        Tensor x = mul(randn({70, n}, generator), 5);
        const Tensor y = f(x, 1);
        check_close(y, f(x.to(float64), 1), 1e-6);
        check_close(f(x.transpose(0, 1).contiguous(), 0), f(x.to(float64), 1).transpose(0, 1),
                    1e-6);
        x.select(0, 3).select(0, n - 1).fill_(std::numeric_limits<double>::quiet_NaN());
        const Tensor beside = f(x, 1);
        for (int64_t i : {0, 2, 63, 69}) {
          const auto row = y.select(0, i).to_vector<float>();
          CHECK(f(x.narrow(0, i, 1), 1).to_vector<float>() == row);
          CHECK(beside.select(0, i).to_vector<float>() == row);
        }
        for (double v : values(beside.select(0, 3))) CHECK(std::isnan(v));
      }
    }
  });
}

TEST_CASE("softmax has the same bits on one and two threads") {
  Rng generator(5);
  const Tensor x = randn({700, 33}, generator);
  const int before = num_threads();
  set_num_threads(1);
  const auto rows = softmax(x, 1).to_vector<float>(),
             columns = log_softmax(x, 0).to_vector<float>();
  set_num_threads(2);
  CHECK(softmax(x, 1).to_vector<float>() == rows);
  CHECK(log_softmax(x, 0).to_vector<float>() == columns);
  set_num_threads(before);
}

TEST_CASE("softmax errors") {
  CHECK_THROWS_WITH_AS(softmax(zeros({2, 3}, int64), 1),
                       "[softmax] needs a floating tensor (float32 or float64), got int64 [2,3]. "
                       "Hint: convert it with .to(float32)",
                       DTypeError);
  CHECK_THROWS_AS(log_softmax(zeros({2, 3}), 2), IndexError);
}
