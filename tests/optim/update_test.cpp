// The updates of optim/update.h as functions: what they check before they write.
#include "../../optim/update.h"

#include <doctest/doctest.h>

#include <limits>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

TEST_CASE("an update refuses tensors that do not fit, and then writes nothing") {
  Tensor p = ones({2}), state = zeros({2}), wrong = zeros({3}), none;
  CHECK(message_of([&] { adagrad_update_(p, ones({3}), state, {.lr = 1}); }) ==
        "[adagrad_update_] gradient is [3], the parameter [2]. Hint: a gradient has the shape of "
        "its parameter");
  CHECK(message_of([&] { adagrad_update_(p, ones({2}), wrong, {.lr = 1}); }) ==
        "[adagrad_update_] sum is [3], the parameter [2]. Hint: the state of an optimizer has the "
        "shape of its parameter");
  CHECK(message_of([&] { adagrad_update_(p, ones({2}), none, {.lr = 1}); }) ==
        "[adagrad_update_] sum is undefined. Hint: zeros_like(parameter) is a start");
  CHECK_THROWS_AS(adagrad_update_(p, ones({2}, float64), state, {.lr = 1}), DTypeError);
  Tensor transposed = ones({2, 2}).transpose(0, 1), square = zeros({2, 2});
  CHECK(message_of([&] {
          adagrad_update_(transposed, ones({2, 2}), square, {.lr = 1});
        }) ==
        "[adagrad_update_] parameter [2,2] is not in row-major order. Hint: contiguous() makes a "
        "copy that is");
  CHECK(p.to_vector<float>() == std::vector<float>{1, 1});
  CHECK(state.to_vector<float>() == std::vector<float>{0, 0});
}

TEST_CASE("an update under a recording tape needs a NoGrad scope") {
  Tensor p = ones({2}).requires_grad_(), state = zeros({2});
  const Tape tape;
  CHECK_THROWS_AS(adagrad_update_(p, ones({2}), state, {.lr = 1}), TapeError);
  const NoGrad pause;
  adagrad_update_(p, ones({2}), state, {.lr = 1});
  CHECK(p.to_vector<float>()[0] == doctest::Approx(0));
}

TEST_CASE("what optional state is undefined is left out") {
  Tensor p = zeros({1}, float64), square_avg = zeros({1}, float64), none;
  rmsprop_update_(p, tensor({2.0}), square_avg, none, none, {.lr = 1, .alpha = 0, .eps = 0});
  CHECK(p.item() == -1);
}

TEST_CASE("an average moves by a share of the way") {
  Tensor average = tensor({1.0, 2.0});
  average_update_(average, tensor({5.0, 2.0}), 0.25);
  CHECK(average.to_vector<double>() == std::vector<double>{2, 2});
}

TEST_CASE("the total norm is that of all elements together") {
  const std::vector<Tensor> xs = {tensor({3.0}), full({4, 4}, 1.0F).transpose(0, 1)};
  CHECK(total_norm(xs) == 5);
  CHECK(total_norm(xs, 1) == 19);
  CHECK(total_norm(xs, std::numeric_limits<double>::infinity()) == 3);
  CHECK(total_norm({}) == 0);
  CHECK(message_of([&] { total_norm(xs, -1); }) ==
        "[total_norm] ord is -1. Hint: it must be a positive number or infinity");
}
