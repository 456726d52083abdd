#include "../../nn/embedding.h"

#include <doctest/doctest.h>

#include "../../core/tape.h"
#include "../../nn/model_json.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;
using Values = std::vector<float>;

namespace {

const Tensor rows = tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {3, 2});

/// The gradient of the sum of the layer's output with respect to its weight.
Values weight_gradient(nn::Embedding& layer, const Tensor& index) {
  layer.zero_grad();
  Tape tape;
  tape.backward(sum(layer(index)));
  return layer.weight.grad().to_vector<float>();
}

}  // namespace

TEST_CASE("an embedding gives rows of its weight, for indices of any shape") {
  nn::Embedding layer = nn::Embedding::from_pretrained(rows);
  const Tensor y = layer(tensor<int64_t>({2, 0, 0, 1}, {2, 2}));
  CHECK(y.shape() == Shape{2, 2, 2});
  CHECK(y.to_vector<float>() == Values{5, 6, 1, 2, 1, 2, 3, 4});
  CHECK(layer(full({}, 1, int64)).to_vector<float>() == Values{3, 4});
  CHECK(layer(zeros({0, 4}, int64)).shape() == Shape{0, 4, 2});
}

TEST_CASE("gradients of a row add up over its uses") {
  nn::Embedding layer(3, 2);
  CHECK(weight_gradient(layer, tensor<int64_t>({2, 0, 2})) == Values{1, 1, 0, 0, 2, 2});
}

TEST_CASE("the padding row starts as zeros and gets no gradient") {
  for (const int64_t padding : {1, -2}) {
    nn::Embedding layer({.num_embeddings = 3, .embedding_dim = 2, .padding_idx = padding});
    CHECK(select(layer.weight.detach(), 0, 1).to_vector<float>() == Values{0, 0});
    CHECK(weight_gradient(layer, tensor<int64_t>({1, 0, 1, 2})) == Values{1, 1, 0, 0, 1, 1});
  }
}

TEST_CASE("given rows are frozen unless asked for, and keep the padding row") {
  nn::Embedding frozen = nn::Embedding::from_pretrained(rows, {.padding_idx = 0});
  CHECK_FALSE(frozen.weight.requires_grad());
  CHECK(frozen(zeros({1}, int64)).to_vector<float>() == Values{1, 2});
  nn::Embedding trained = nn::Embedding::from_pretrained(rows.to(float64), {.freeze = false});
  CHECK(trained.weight.requires_grad());
  CHECK(trained.weight.dtype() == float64);
  CHECK_THROWS_AS(nn::Embedding::from_pretrained(ones({3})), ShapeError);
}

TEST_CASE("an index that is no row is named with the size of the table") {
  nn::Embedding layer(3, 2);
  CHECK(message_of([&] {
          layer(tensor<int64_t>({0, 3}));
        }) ==
        "[embedding] index 3 is out of range for dimension 0 of [3,2]: indices [2]. Hint: indices "
        "go from 0 to 2");
  CHECK(message_of([&] {
          layer(tensor<int64_t>({-1}));
        }).starts_with("[embedding] index -1 is out of range"));
  CHECK(message_of([&] { layer(ones({2})); }) ==
        "[embedding] the index must be int64, got float32 [2]. Hint: convert it with .to(int64)");
}

TEST_CASE("options that make no sense are refused") {
  CHECK(message_of([] { nn::Embedding(0, 2); }) ==
        "[Embedding] num_embeddings must be at least 1, got 0. Hint: sizes, steps and counts start "
        "at 1");
  CHECK(message_of([] {
          nn::Embedding({.num_embeddings = 3, .embedding_dim = 2, .padding_idx = 3});
        }) == "[Embedding] padding_idx 3 is none of 3 rows. Hint: rows go from -3 to 2");
  CHECK(message_of([] {
          nn::make_layer("Embedding",
                         R"({"num_embeddings": 3, "embedding_dim": 2, "max_norm": 1})");
        }) ==
        "[Embedding] unknown option \"max_norm\". Hint: rows keep their length; scale them under "
        "NoGrad where needed");
}
