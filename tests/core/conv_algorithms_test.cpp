// Convolution in float32, by whatever algorithm is chosen, against the definition in float64.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "../../core/base/parallel_for.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/isa.h"

using namespace gradus;
using gradus::test::IsaScope;
using gradus::test::with_every_isa;

namespace {

double relative_error(const Tensor& found, const Tensor& expected) {
  return (amax(abs(found.to(float64) - expected)) / amax(abs(expected))).item();
}

struct Case {
  int64_t n, c, h, w, o, kernel;
  Conv2dOptions options;
};

std::pair<Tensor, Tensor> parameter_gradients(const Tensor& x, const Tensor& weight,
                                              const Tensor& bias, const Tensor& g,
                                              const Conv2dOptions& options) {
  const Tensor w = clone(weight).requires_grad_(), b = clone(bias).requires_grad_();
  const Tape tape;
  const auto gradients = grad(conv2d(x, w, b, options), {w, b}, {.gradient = g});
  return {gradients[0], gradients[1]};
}

/// Errors of the output and of all gradients.
void check(const Case& c) {
  CAPTURE(c.c);
  CAPTURE(c.o);
  CAPTURE(c.h);
  CAPTURE(c.w);
  CAPTURE(c.kernel);
  CAPTURE(c.options.padding[0]);
  CAPTURE(c.options.groups);
  Rng generator(1);
  const Tensor x = randn({c.n, c.c, c.h, c.w}, generator);
  const Tensor weight = randn({c.o, c.c / c.options.groups, c.kernel, c.kernel}, generator);
  const Tensor bias = randn({c.o}, generator);
  const Tensor y = conv2d(x, weight, bias, c.options), g = randn(y.shape(), generator);
  const Tensor dx = conv2d_input_gradient(g, weight, x.shape(), c.options);
  const Tensor dw = conv2d_weight_gradient(g, x, weight.shape(), c.options);
  Conv2dOptions with_relu = c.options;
  with_relu.relu = true;
  CHECK(conv2d(x, weight, bias, with_relu).to_vector<float>() == relu(y).to_vector<float>());
  const auto [dw_too, db] = parameter_gradients(x, weight, bias, g, c.options);
  CHECK(dw_too.to_vector<float>() == dw.to_vector<float>());

  const IsaScope plain(kernels::Isa::plain);
  const Tensor g64 = g.to(float64), x64 = x.to(float64), w64 = weight.to(float64);
  CHECK(relative_error(y, conv2d(x64, w64, bias.to(float64), c.options)) < 1e-5);
  CHECK(relative_error(dx, conv2d_input_gradient(g64, w64, x.shape(), c.options)) < 1e-5);
  CHECK(relative_error(dw, conv2d_weight_gradient(g64, x64, weight.shape(), c.options)) < 1e-5);
  CHECK(amax(abs(db.to(float64) - sum(g64, {0, 2, 3}))).item() < 1e-5 * sum(abs(g64)).item());
}

}  // namespace

TEST_CASE("3x3 convolutions of many channels, whatever their sizes") {
  with_every_isa([] {
    for (int64_t padding : {0, 1, 2}) {
      const Conv2dOptions options = {.padding = padding};
      check({3, 16, 14, 14, 16, 3, options});
      check({2, 17, 13, 19, 33, 3, options});
      check({5, 40, 9, 6, 24, 3, options});
      check({33, 16, 3, 3, 70, 3, options});
    }
  });
}

TEST_CASE("convolutions of few channels, any kernel, dilation and groups") {
  with_every_isa([] {
    check({2, 1, 28, 28, 32, 3, {}});
    check({2, 1, 28, 28, 6, 5, {.padding = 2}});
    check({3, 6, 14, 14, 16, 5, {}});
    check({2, 8, 11, 7, 8, 3, {.padding = 1, .groups = 8}});
    check({2, 6, 12, 12, 9, 3, {.padding = 2, .dilation = 2, .groups = 3}});
    check({2, 5, 8, 8, 7, 1, {}});
    check({2, 3, 5, 40, 13, 4, {}});
  });
}

TEST_CASE("depthwise convolutions of planes of any width, which are read where they lie") {
  with_every_isa([] {
    for (int64_t width : {3, 4, 5, 8, 13, 16, 17, 28, 33}) {
      for (int64_t height : {1, 2, 7}) {
        check({3, 2, height, width, 2, 3, {.padding = 1, .groups = 2}});
      }
    }
    check({1, 1, 9, 9, 1, 3, {.padding = 1}});
    check({33, 5, 6, 6, 5, 3, {.padding = 1, .groups = 5}});
  });
}

TEST_CASE("depthwise convolutions of any kernel, stride, padding and dilation") {
  with_every_isa([] {
    const auto check_three = [](int64_t height, int64_t width, int64_t kernel,
                                Conv2dOptions options) {
      options.groups = 3;
      check({2, 3, height, width, 3, kernel, options});
    };
    for (int64_t kernel : {1, 2, 3, 4, 5, 6, 7}) {
      for (int64_t stride : {1, 2, 3}) {
        for (int64_t width : {7, 14, 37}) {
          check_three(11, width, kernel, {.stride = stride, .padding = kernel / 2});
        }
      }
    }
    check_three(12, 9, 3, {.stride = 2, .padding = 3, .dilation = 2});
    check_three(12, 9, 4, {.stride = {3, 2}, .padding = {0, 4}, .dilation = {2, 3}});
    check_three(5, 40, 2, {.stride = 4});               // some inputs are under no tap
    check_three(4, 4, 3, {.stride = 2, .padding = 6});  // outputs of padding only
    check_three(30, 31, 11, {.padding = 5});
    check({35, 4, 9, 20, 4, 5, {.stride = 2, .padding = 2, .groups = 4}});
  });
}

TEST_CASE("convolutions with rows of few vectors, alone and in batches") {
  with_every_isa([] {
    for (int64_t images : {1, 5, 70}) {
      check({images, 1, 12, 9, 8, 3, {}});
      check({images, 2, 6, 6, 16, 3, {.padding = 1}});
      check({images, 4, 11, 13, 12, 5, {.padding = 4, .dilation = 2, .groups = 2}});
    }
    check({2, 1, 9, 3, 16, 3, {.padding = 4, .dilation = 4}});  // taps that see only padding
  });
}

TEST_CASE("convolutions with a stride, or more padding than kernel") {
  with_every_isa([] {
    check({2, 16, 15, 15, 16, 3, {.stride = 2, .padding = 1}});
    check({2, 3, 10, 10, 4, 3, {.padding = 3}});
    check({2, 5, 8, 8, 7, 1, {.stride = 2}});
    check({11, 20, 9, 7, 50, 4, {.stride = {3, 2}, .padding = 1}});
    check({3, 16, 11, 9, 40, 3, {.stride = 2, .padding = 4, .dilation = 2, .groups = 2}});
    check({3, 8, 6, 6, 8, 2, {.stride = 3}});         // some inputs are under no tap
    check({9, 16, 7, 7, 32, 1});                      // small planes
    check({3, 16, 5, 7, 10, 5, {.stride = {1, 3}}});  // a window as high as the image
    check({5, 16, 5, 5, 3, 5});                       // and one as large
  });
}

TEST_CASE("convolutions of few channels with a stride, depthwise ones too") {
  with_every_isa([] {
    for (int64_t images : {1, 9}) {
      check({images, 1, 28, 28, 32, 4, {.stride = 2, .padding = 1}});
      check({images, 1, 28, 28, 9, 3, {.stride = {3, 2}, .padding = {0, 2}}});
      check({images, 6, 15, 13, 6, 5, {.stride = 2, .padding = 2, .groups = 6}});
      check({images, 4, 12, 23, 8, 3, {.stride = {1, 3}, .dilation = 2, .groups = 2}});
      check({images, 2, 7, 40, 3, 2, {.stride = 3}});  // some inputs are under no tap
      check({images, 1, 5, 5, 8, 3, {.stride = 2}});   // outputs of less than a vector
    }
    check({2, 2, 8, 8, 12, 3, {.stride = 4, .padding = 6, .dilation = {1, 5}}});  // only padding
    check({2, 64, 12, 12, 1, 1, {.stride = 2}});
    check({1, 1, 300, 200, 2, 7, {.stride = 2, .padding = 3}});  // by matrix products
  });
}

TEST_CASE("a sample has the same bits in every batch, with strides and in whole images") {
  with_every_isa([] {
    Rng generator(1);
    const Tensor x = randn({11, 16, 7, 7}, generator), bias = randn({24}, generator);
    for (const int64_t kernel : {1, 4, 7}) {
      const Tensor w = randn({24, 16, kernel, kernel}, generator);
      const Conv2dOptions options = {.stride = kernel == 4 ? 2 : 1, .padding = kernel == 4 ? 1 : 0};
      const Tensor y = conv2d(x, w, bias, options);
      const Tensor dx = conv2d_input_gradient(y, w, x.shape(), options);
      for (const int64_t i : {0, 5, 10}) {
        const Tensor alone = slice(x, 0, i, 1), y_alone = conv2d(alone, w, bias, options);
        CHECK(amax(abs(y_alone - slice(y, 0, i, 1))).item() == 0);
        const Tensor dx_alone = conv2d_input_gradient(y_alone, w, alone.shape(), options);
        CHECK(amax(abs(dx_alone - slice(dx, 0, i, 1))).item() == 0);
      }
    }
  });
}

TEST_CASE("Winograd's algorithm can be turned off, and makes little difference") {
  Rng generator(1);
  const Tensor x = randn({2, 32, 26, 26}, generator), w = randn({64, 32, 3, 3}, generator);
  const Tensor with = conv2d(x, w), without = conv2d(x, w, {}, {.winograd = false});
  const double difference = relative_error(with, without.to(float64));
  CHECK(difference > 0);
  CHECK(difference < 5e-6);
}

TEST_CASE("convolutions have the same bits on any number of threads") {
  Rng generator(1);
  const int usual = num_threads();
  for (const auto& [channels, kernel, stride] :
       {std::tuple<int64_t, int64_t, int64_t>{32, 3, 1}, {3, 5, 1}, {16, 4, 2}, {1, 4, 2}}) {
    const Conv2dOptions options = {.stride = stride};
    const Tensor x = randn({11, channels, 17, 15}, generator);
    const Tensor w = randn({24, channels, kernel, kernel}, generator);
    const auto results = [&](int threads) {
      set_num_threads(threads);
      const Tensor y = conv2d(x, w, {}, options);
      return std::tuple(y, conv2d_input_gradient(y, w, x.shape(), options),
                        conv2d_weight_gradient(y, x, w.shape(), options));
    };
    const auto [y1, dx1, dw1] = results(1);
    const auto [y3, dx3, dw3] = results(3);
    set_num_threads(usual);
    for (const auto& [a, b] : {std::pair(y1, y3), std::pair(dx1, dx3), std::pair(dw1, dw3)}) {
      CHECK(amax(abs(a - b)).item() == 0);
    }
  }
}

TEST_CASE("values beyond the input never reach the output") {
  Rng generator(1);
  for (const int64_t channels : {1, 32}) {
    Tensor x = randn({2, channels, 10, 10}, generator);
    x.mutable_data<float>()[0] = std::numeric_limits<float>::infinity();
    const Tensor y = conv2d(x, ones({16, channels, 3, 3}), {}, {.padding = 1});
    CHECK(all_finite(select(y, 0, 1)));
    CHECK_FALSE(all_finite(select(y, 0, 0)));
  }
}
