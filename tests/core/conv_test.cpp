#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "../../core/base/error.h"
#include "../../core/base/parallel_for.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../support/isa.h"
#include "checks.h"

using namespace gradus;
using test::plainly;
using test::values;

namespace {

struct Case {
  const char* name;
  Shape x, w;
  Conv2dOptions options;
};

const Case cases[] = {
    {"3x3", {2, 3, 7, 6}, {4, 3, 3, 3}, {}},
    {"padding", {2, 3, 5, 6}, {4, 3, 3, 3}, {.padding = 1}},
    {"stride", {1, 2, 9, 8}, {3, 2, 3, 2}, {.stride = {2, 3}, .padding = {1, 0}}},
    {"dilation", {2, 2, 9, 9}, {2, 2, 3, 3}, {.padding = 2, .dilation = {2, 3}}},
    {"groups", {2, 4, 5, 5}, {6, 2, 3, 3}, {.padding = 1, .groups = 2}},
    {"depthwise", {1, 3, 6, 6}, {3, 1, 3, 3}, {.padding = 1, .groups = 3}},
    {"pointwise", {2, 5, 4, 3}, {4, 5, 1, 1}, {}},
    {"pointwise with stride", {2, 5, 5, 6}, {4, 5, 1, 1}, {.stride = 2}},
    {"padding wider than the image", {1, 1, 2, 2}, {1, 1, 3, 3}, {.padding = 4}},
};

double inner_product(const Tensor& a, const Tensor& b) {
  return sum(a * b).item();
}

}  // namespace

TEST_CASE("conv2d sums products of the kernel, as it is, and the input under it") {
  test::with_plain_and_every_isa([] {
    const Tensor x = reshape(arange(1, 10).to(float64), {1, 1, 3, 3});
    const Tensor w = tensor({1.0, 2.0, 3.0, 4.0}, {1, 1, 2, 2}), b = tensor({100.0});
    CHECK(values(conv2d(x, w)) == std::vector<double>{37, 47, 67, 77});
    CHECK(values(conv2d(x, w, b, {.stride = 2, .padding = 1})) ==
          std::vector<double>{104, 118, 136, 177});
    CHECK(values(conv2d(x, w, {}, {.dilation = 2})) == std::vector<double>{1 + 6 + 21 + 36});
    const Tensor two = cat({x, mul(x, 10)}, 1), both = cat({w, mul(w, 2)}, 0);
    CHECK(values(conv2d(two, both, {}, {.dilation = 2, .groups = 2})) ==
          std::vector<double>{64, 1280});
  });
}

TEST_CASE("conv2d and its gradients compute their definitions") {
  test::with_every_isa([] {
    Rng generator(1);
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Tensor x = randn(c.x, generator, float64), w = randn(c.w, generator, float64);
      const Tensor b = randn({c.w[0]}, generator, float64);
      const auto convolve = [&] { return conv2d(x, w, b, c.options); };
      const Tensor y = convolve(), g = randn(y.shape(), generator, float64);
      test::check_close(y, plainly(convolve));
      const auto dx = [&] { return conv2d_input_gradient(g, w, c.x, c.options); };
      test::check_close(dx(), plainly(dx));
      const auto dw = [&] { return conv2d_weight_gradient(g, x, c.w, c.options); };
      test::check_close(dw(), plainly(dw));
    }
  });
}

TEST_CASE("conv2d and its two gradients are transposes of each other") {
  // <conv(x, w), g> = <x, input_gradient(g, w)> = <w, weight_gradient(g, x)>
  test::with_plain_and_every_isa([] {
    Rng generator(2);
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Tensor x = randn(c.x, generator, float64), w = randn(c.w, generator, float64);
      const Tensor y = conv2d(x, w, {}, c.options);
      const Tensor g = randn(y.shape(), generator, float64);
      const double expected = inner_product(y, g);
      CHECK(inner_product(x, conv2d_input_gradient(g, w, c.x, c.options)) ==
            doctest::Approx(expected).epsilon(1e-11));
      CHECK(inner_product(w, conv2d_weight_gradient(g, x, c.w, c.options)) ==
            doctest::Approx(expected).epsilon(1e-11));
    }
  });
}

TEST_CASE("convolutions have the same bits on one and on two threads") {
  Rng generator(3);
  const Tensor x = randn({13, 4, 9, 9}, generator), w = randn({5, 4, 3, 3}, generator);
  const auto run = [&](int threads) {
    set_num_threads(threads);
    const Tensor y = conv2d(x, w, {}, {.padding = 1});
    std::vector<float> bits = y.to_vector<float>();
    for (const Tensor& t : {conv2d_input_gradient(y, w, x.shape(), {.padding = 1}),
                            conv2d_weight_gradient(y, x, w.shape(), {.padding = 1})}) {
      const auto more = t.to_vector<float>();
      bits.insert(bits.end(), more.begin(), more.end());
    }
    return bits;
  };
  const int before = num_threads();
  CHECK(run(1) == run(2));
  set_num_threads(before);
}

TEST_CASE("conv2d says what does not fit") {
  const Tensor w = zeros({8, 3, 3, 3});
  CHECK_THROWS_WITH_AS(conv2d(zeros({64, 1, 28, 28}), w),
                       "[conv2d] expected 3 input channels, got 1: input [64,1,28,28], weight "
                       "[8,3,3,3], groups 1. Hint: the channels of the input must be those the "
                       "layer was built with",
                       ShapeError);
  CHECK_THROWS_AS(conv2d(zeros({1, 3, 2, 2}), w), ShapeError);
  CHECK_THROWS_AS(conv2d(zeros({1, 3, 8, 8}, float64), w), DTypeError);
  CHECK_THROWS_AS(conv2d(zeros({1, 3, 8, 8}), w, zeros({7})), ShapeError);
  CHECK_THROWS_AS(conv2d(zeros({1, 3, 8, 8}), w, {}, {.stride = 0}), ValueError);
}

TEST_CASE("an empty batch gives an empty result") {
  CHECK(conv2d(zeros({0, 3, 8, 8}), zeros({8, 3, 3, 3})).shape() == Shape{0, 8, 6, 6});
  CHECK(max_pool2d(zeros({0, 3, 8, 8}), {}).shape() == Shape{0, 3, 4, 4});
}

TEST_CASE("an empty batch gives gradients of zero, whichever kernel computes them") {
  struct EmptyCase {
    Shape image, weight;
    Conv2dOptions options;
  };
  const EmptyCase empty_cases[] = {{{16, 8, 8}, {32, 16, 3, 3}, {.padding = 1}},  // Winograd
                                   {{1, 28, 28}, {16, 1, 3, 3}, {}},              // few channels
                                   {{16, 8, 8}, {16, 1, 3, 3}, {.groups = 16}},   // depthwise
                                   {{16, 8, 8}, {32, 16, 1, 1}, {}},              // a product
                                   {{16, 7, 7}, {32, 16, 7, 7}, {}},  // over the whole image
                                   {{16, 14, 14}, {32, 16, 4, 4}, {.stride = 2}},  // with a stride
                                   {{6, 14, 14}, {16, 6, 5, 5}, {}},
                                   {{6, 14, 14}, {16, 6, 3, 3}, {.dilation = 2}}};
  test::with_plain_and_every_isa([&] {
    for (const DType dtype : {float32, float64}) {
      for (const EmptyCase& c : empty_cases) {
        CAPTURE(c.weight);
        Shape batch = {0, c.image[0], c.image[1], c.image[2]};
        const Tensor x = zeros(batch, dtype).requires_grad_();
        const Tensor w = ones(c.weight, dtype).requires_grad_();
        const Tensor b = ones({c.weight[0]}, dtype).requires_grad_();
        Tape tape;
        const auto first =
            grad(sum(square(conv2d(x, w, b, c.options))), {x, w, b}, {.create_graph = true});
        CHECK(first[0].shape() == batch);
        CHECK(sum(abs(first[1])).item() == 0);
        CHECK(sum(abs(first[2])).item() == 0);
        CHECK(sum(abs(grad(sum(first[1]), {w})[0])).item() == 0);
      }
    }
  });
}

TEST_CASE("max_pool2d takes the first of equal elements and lets NaN win") {
  test::with_plain_and_every_isa([] {
    const double nan = std::nan("");
    const Tensor x = tensor({1.0, 5.0, 5.0, 0.0, nan, 2.0, 3.0, nan}, {1, 2, 2, 2});
    const auto [y, index] = max_pool2d_with_indices(x, {});
    CHECK(y.data<double>()[0] == 5.0);
    CHECK(std::isnan(y.data<double>()[1]));
    CHECK(index.to_vector<int64_t>() == std::vector<int64_t>{1, 0});
  });
}

TEST_CASE("max_pool2d of any width takes the first largest of each window") {
  test::with_every_isa([] {
    Rng g(2);
    for (int64_t w = 2; w < 75; ++w) {
      CAPTURE(w);
      // Few different numbers, so that many are equal.
      Tensor x = floor(rand({2, 5, w}, g, 0, 4));
      x.mutable_data<float>()[w] = std::numeric_limits<float>::quiet_NaN();
      const auto pool = [&] { return max_pool2d_with_indices(x, {.kernel_size = 2}); };
      const ValuesIndices found = pool(), expected = plainly(pool);
      CHECK(values(found.indices) == values(expected.indices));
      CHECK(std::memcmp(found.values.raw_data(), expected.values.raw_data(),
                        static_cast<size_t>(found.values.nbytes())) == 0);
    }
  });
}

TEST_CASE("the quick path of max_pool2d agrees with the general one") {
  Rng generator(4);
  const Tensor x = floor(rand({3, 2, 7, 9}, generator, 0, 4));  // many equal elements
  const auto quick = max_pool2d_with_indices(x, {.kernel_size = 2});
  // With ceil_mode the general path runs over the same windows and a few more.
  const auto general =
      max_pool2d_with_indices(pad(x, std::array<int64_t, 4>{0, 1, 0, 1}, PadMode::constant, -1),
                              {.kernel_size = 2, .stride = 2, .ceil_mode = true});
  const Tensor same = narrow(narrow(general.values, 2, 0, 3), 3, 0, 4);
  CHECK(quick.values.to_vector<float>() == same.to_vector<float>());
}

TEST_CASE("avg_pool2d counts the padding as it is told") {
  const Tensor x = ones({1, 1, 2, 2}, float64);
  const Pool2dOptions with{.kernel_size = 2, .stride = 2, .padding = 1};
  CHECK(avg_pool2d(x, with).to_vector<double>() == std::vector<double>(4, 0.25));
  Pool2dOptions without = with;
  without.count_include_pad = false;
  CHECK(avg_pool2d(x, without).to_vector<double>() == std::vector<double>(4, 1.0));
}

TEST_CASE("adaptive_avg_pool2d to 1x1 is the mean") {
  Rng generator(5);
  const Tensor x = randn({2, 3, 5, 7}, generator, float64);
  const auto pooled = adaptive_avg_pool2d(x, 1).to_vector<double>();
  const auto expected = mean(x, {2, 3}).to_vector<double>();
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(pooled[i] == doctest::Approx(expected[i]).epsilon(1e-13));
  }
}

TEST_CASE("dropout keeps the expectation and depends on its generator alone") {
  Rng a(7), b(7);
  const Tensor x = ones({100, 100}, float64);
  const Tensor y = dropout(x, 0.3, a);
  CHECK(y.to_vector<double>() == dropout(x, 0.3, b).to_vector<double>());
  CHECK(mean(y).item() == doctest::Approx(1).epsilon(0.03));
  CHECK_THROWS_AS(dropout(x, 1.5, a), ValueError);
}

TEST_CASE("batch norm gives every channel mean 0 and variance 1, also far from 0") {
  Rng generator(8);
  const Tensor x = add(mul(randn({16, 3, 8, 8}, generator), 0.01), 100);
  const auto [y, m, v] = batch_norm_train(x, {}, {}, 0);
  for (float c : mean(y, {0, 2, 3}).to_vector<float>()) CHECK(std::abs(c) < 1e-5);
  for (float c : mean(square(y), {0, 2, 3}).to_vector<float>()) {
    CHECK(c == doctest::Approx(1).epsilon(1e-4));
  }
}
