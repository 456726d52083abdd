// Activations as layers. Values, kinks and tails: tests/core/activation_test.cpp.
#include "../../nn/activation.h"

#include <doctest/doctest.h>

#include "../../nn/lambda.h"
#include "../../nn/linear.h"
#include "../../nn/model_json.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;
using Values = std::vector<float>;

TEST_CASE("layers hand their options to the operation") {
  const Tensor x = tensor({-2.0F, 0.25F, 3.0F, 8.0F});
  const auto same = [](const Tensor& a, const Tensor& b) {
    return a.to_vector<float>() == b.to_vector<float>();
  };
  CHECK(same(nn::Hardtanh({.min_val = -1, .max_val = 5})(x), hardtanh(x, -1, 5)));
  CHECK(same(nn::ReLU6()(x), relu6(x)));
  CHECK(same(nn::Hardsigmoid()(x), hardsigmoid(x)));
  CHECK(same(nn::Hardswish()(x), hardswish(x)));
  CHECK(same(nn::Hardshrink({.lambda = 1})(x), hardshrink(x, 1)));
  CHECK(same(nn::Softshrink({.lambda = 1})(x), softshrink(x, 1)));
  CHECK(same(nn::Tanhshrink()(x), tanhshrink(x)));
  CHECK(same(nn::Threshold({.threshold = 1, .value = 2})(x), threshold(x, 1, 2)));
  CHECK(same(nn::SELU()(x), selu(x)));
  CHECK(same(nn::CELU({.alpha = 2})(x), celu(x, 2)));
  CHECK(same(nn::Mish()(x), mish(x)));
  CHECK(same(nn::Softsign()(x), softsign(x)));
  CHECK(same(nn::LogSigmoid()(x), log_sigmoid(x)));
  CHECK(same(nn::Softmin({.dim = 0})(x), softmin(x, 0)));
  CHECK(same(nn::GLU()(x), glu(x)));
}

TEST_CASE("options that make no sense are refused when a layer is built") {
  CHECK_THROWS_AS(nn::Hardtanh({.min_val = 1, .max_val = 0}), ValueError);
  CHECK_THROWS_AS(nn::CELU({.alpha = 0}), ValueError);
  CHECK_THROWS_AS(nn::Softshrink({.lambda = -1}), ValueError);
  CHECK(
      message_of([] { nn::PReLU({.num_parameters = 0}); }) ==
      "[PReLU] num_parameters must be at least 1, got 0. Hint: sizes, steps and counts start at 1");
}

TEST_CASE("a prelu trains its slope, which starts at init") {
  nn::PReLU one;
  CHECK(one.weight.to_vector<float>() == Values{0.25});
  CHECK(one.named_parameters()[0].name == "weight");
  CHECK(one(tensor({-4.0F, 4.0F})).to_vector<float>() == Values{-1, 4});
  nn::PReLU three({.num_parameters = 3, .init = 0.5});
  CHECK(three(full({2, 3, 2}, -1)).to_vector<float>() == Values(12, -0.5F));
}

TEST_CASE("a lambda puts a function into a sequential") {
  nn::Sequential net(nn::Lambda([](const Tensor& x) { return mean(x, {2, 3}); }), nn::Linear(4, 2));
  CHECK(net(ones({3, 4, 5, 6})).shape() == Shape{3, 2});
  CHECK(net[0].type() == "Lambda");
  CHECK(message_of([] { nn::Lambda(nullptr); }) ==
        "[Lambda] the function is empty. Hint: give a function from tensor to tensor");
}

TEST_CASE("errors inside of a lambda carry its name; it cannot be written to a model file") {
  nn::Sequential net;
  net.add("pool", nn::Lambda([](const Tensor& x) { return mean(x, {2}); }));
  CHECK(message_of([&] { net(ones({2})); }).starts_with("[mean] (pool) "));
  CHECK(message_of([&] {
          nn::to_json(net);
        }).starts_with("[to_json] (pool) cannot write a layer of type Lambda. Hint: "));
}
