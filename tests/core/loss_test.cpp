#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/base/error.h"
#include "../../core/gradcheck.h"
#include "../../core/ops.h"

using namespace gradus;

TEST_CASE("cross_entropy names a label that is no class") {
  const Tensor logits = zeros({2, 10});
  CHECK_THROWS_WITH_AS(cross_entropy(logits, tensor<int64_t>({3, 12})),
                       "[cross_entropy] label 12 at position 1 of the target [2] is not a class: "
                       "scores [2,10]. Hint: classes go from 0 to 9; -100 is ignored",
                       IndexError);
  CHECK_THROWS_AS(cross_entropy(logits, tensor<int64_t>({3})), ShapeError);
  CHECK_THROWS_AS(cross_entropy(logits, tensor<int32_t>({3, 1})), DTypeError);
}

TEST_CASE("cross_entropy of equal scores is the logarithm of the number of classes") {
  const Tensor loss = cross_entropy(zeros({4, 10}, float64), tensor<int64_t>({0, 3, 5, 9}));
  CHECK(loss.item() == doctest::Approx(std::log(10.0)));
}

TEST_CASE("an ignored target counts nothing, not even where its score is minus infinity") {
  const double inf = std::numeric_limits<double>::infinity();
  Tensor logits = tensor({1.0, 2.0, -inf, 0.0}, {2, 2});
  const Tensor ignoring = cross_entropy(logits, tensor<int64_t>({1, -100}));
  const Tensor alone = cross_entropy(narrow(logits, 0, 0, 1), tensor<int64_t>({1}));
  CHECK(ignoring.item() == alone.item());
}

TEST_CASE("cross_entropy against one-hot probabilities is cross_entropy against the class") {
  Rng generator(3);
  const Tensor logits = randn({5, 4}, generator, float64);
  const Tensor classes = tensor<int64_t>({0, 3, 1, 1, 2});
  const Tensor hot = to(one_hot(classes, 4), float64);
  for (double smoothing : {0.0, 0.1}) {
    const CrossEntropyOptions options{.label_smoothing = smoothing};
    CHECK(cross_entropy(logits, hot, options).item() ==
          doctest::Approx(cross_entropy(logits, classes, options).item()).epsilon(1e-13));
  }
}

TEST_CASE("the gradient of cross_entropy is softmax minus one-hot, to second order") {
  Rng generator(4);
  const Tensor target = tensor<int64_t>({2, 0, -100});
  const Tensor weight = tensor({0.5, 1.0, 2.0});
  const auto loss = [&](const std::vector<Tensor>& x) {
    return cross_entropy(x[0], target, {.weight = weight, .label_smoothing = 0.2});
  };
  const std::vector<Tensor> inputs = {randn({3, 3}, generator, float64).requires_grad_()};
  const auto first = gradcheck(loss, inputs);
  CHECK_MESSAGE(first.passed, first.message);
  const auto second = gradgradcheck(loss, inputs);
  CHECK_MESSAGE(second.passed, second.message);
}

TEST_CASE("mse_loss refuses to broadcast") {
  CHECK_THROWS_AS(mse_loss(zeros({4, 1}), zeros({4})), ShapeError);
  CHECK(mse_loss(tensor({1.0, 3.0}), tensor({0.0, 0.0})).item() == 5);
}
