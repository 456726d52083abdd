#include <doctest/doctest.h>

#include "../../core/grad.h"
#include "../../core/ops.h"

using namespace gradus;

TEST_CASE("a gradient through a shared input") {
  Tensor x = tensor({1.0, 2.0, 3.0});
  x.requires_grad_();
  Tape tape;
  const Tensor y = sum(mul(x, x));
  tape.backward(y);
  CHECK(x.grad().to_vector<double>() == std::vector<double>{2, 4, 6});
}

TEST_CASE("a second derivative") {
  Tensor x = tensor({1.0, 2.0});
  x.requires_grad_();
  Tape tape;
  const Tensor g = grad(sum(x * x * x), {x}, {.create_graph = true})[0];
  const Tensor h = grad(sum(g), {x})[0];
  CHECK(h.to_vector<double>() == std::vector<double>{6, 12});
}
