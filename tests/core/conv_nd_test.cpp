// Convolutions over one and three dimensions, and transposed ones.
#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using test::check_close;
using test::message_of;
using test::random;
using test::values;

namespace {

/// The definition of the convolution of contiguous x [N,C,D,H,W], as a sum over all that meets.
Tensor naive_conv3d(const Tensor& x, const Tensor& w, const Conv3dOptions& o, const Size3& size) {
  Tensor y = zeros({x.size(0), w.size(0), size[0], size[1], size[2]}, float64);
  const Size3 in{x.size(2), x.size(3), x.size(4)}, kernel{w.size(2), w.size(3), w.size(4)};
  const auto at = [](const Size3& s, int64_t a, int64_t b, int64_t c) {
    return (a * s[1] + b) * s[2] + c;
  };
  const int64_t channels = w.size(1), outputs = w.size(0) / o.groups;
  double* out = y.mutable_data<double>();
  for (int64_t n = 0; n < x.size(0); ++n) {
    for (int64_t oc = 0; oc < w.size(0); ++oc) {
      for (int64_t p = 0; p < size[0] * size[1] * size[2]; ++p) {
        const Size3 to{p / (size[1] * size[2]), p / size[2] % size[1], p % size[2]};
        for (int64_t c = 0; c < channels; ++c) {
          const double* image = x.data<double>() + (n * x.size(1) + oc / outputs * channels + c) *
                                                       (in[0] * in[1] * in[2]);
          const double* window =
              w.data<double>() + (oc * channels + c) * (kernel[0] * kernel[1] * kernel[2]);
          for (int64_t k = 0; k < kernel[0] * kernel[1] * kernel[2]; ++k) {
            const Size3 tap{k / (kernel[1] * kernel[2]), k / kernel[2] % kernel[1], k % kernel[2]};
            Size3 from;
            bool inside = true;
            for (size_t i = 0; i < 3; ++i) {
              from[i] = to[i] * o.stride[i] + tap[i] * o.dilation[i] - o.padding[i];
              inside = inside && from[i] >= 0 && from[i] < in[i];
            }
            if (inside) *out += image[at(in, from[0], from[1], from[2])] * window[k];
          }
        }
        ++out;
      }
    }
  }
  return y;
}

struct Case {
  const char* name;
  Shape x, w;
  Conv3dOptions options;
};

const Case cases[] = {
    {"plain", {2, 3, 4, 5, 4}, {4, 3, 2, 3, 2}, {}},
    {"padding", {1, 2, 3, 4, 3}, {3, 2, 3, 3, 3}, {.padding = {1, 0, 2}}},
    {"stride", {2, 2, 7, 5, 6}, {3, 2, 3, 2, 1}, {.stride = {2, 3, 1}, .padding = {1, 0, 0}}},
    {"dilation", {1, 2, 6, 7, 5}, {2, 2, 3, 2, 2}, {.padding = 1, .dilation = {2, 3, 1}}},
    {"groups", {2, 4, 3, 3, 3}, {6, 2, 2, 2, 2}, {.padding = 1, .groups = 2}},
    {"depthwise", {1, 3, 4, 3, 4}, {6, 1, 3, 2, 2}, {.stride = 2, .padding = 1, .groups = 3}},
    {"one plane", {2, 2, 1, 5, 5}, {3, 2, 1, 3, 3}, {}},
    {"padding wider than the input", {1, 1, 1, 2, 1}, {1, 1, 3, 3, 3}, {.padding = 4}},
};

/// The gradient of sum(conv(x) g) with respect to x of this shape.
template <class Convolution>
Tensor input_gradient(const Convolution& conv, const Shape& shape, const Tensor& g) {
  const Tensor x = zeros(shape, float64).requires_grad_();
  const Tape tape;
  return grad(conv(x), {x}, {.gradient = g})[0];
}

}  // namespace

TEST_CASE("conv3d computes its definition") {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Tensor x = random(c.x, 1), w = random(c.w, 2), b = random({c.w[0]}, 3);
    const Tensor y = conv3d(x, w, b, c.options);
    const Tensor expected = naive_conv3d(x, w, c.options, {y.size(2), y.size(3), y.size(4)}) +
                            reshape(b, {-1, 1, 1, 1});
    check_close(y, expected);
  }
}

TEST_CASE("conv1d is a conv3d with one row") {
  const Tensor x = random({2, 4, 9}, 1), w = random({6, 2, 3}, 2), b = random({6}, 3);
  const Tensor y = conv1d(x, w, b, {.stride = 2, .padding = 3, .dilation = 2, .groups = 2});
  const Tensor volume =
      conv3d(reshape(x, {2, 4, 1, 1, 9}), reshape(w, {6, 2, 1, 1, 3}), b,
             {.stride = {1, 1, 2}, .padding = {0, 0, 3}, .dilation = {1, 1, 2}, .groups = 2});
  check_close(y, reshape(volume, {2, 6, 6}));
}

TEST_CASE("conv1d does not turn the kernel around") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {1, 1, 4}), w = tensor({1.0, 0.0, -1.0}, {1, 1, 3});
  CHECK(values(conv1d(x, w)) == std::vector<double>{-2, -2});
  CHECK(values(conv1d(x, w, {}, {.padding = 1})) == std::vector<double>{-2, -2, -2, 3});
  CHECK(values(conv1d(x, w, tensor({10.0}), {.stride = 2, .padding = 1})) ==
        std::vector<double>{8, 8});
}

TEST_CASE("a transposed convolution adds up shifted kernels") {
  const Tensor x = tensor({1.0, 2.0}, {1, 1, 2}), w = tensor({1.0, 2.0, 3.0}, {1, 1, 3});
  const auto run = [&](const ConvTranspose1dOptions& o) {
    return values(conv_transpose1d(x, w, {}, o));
  };
  CHECK(run({}) == std::vector<double>{1, 4, 7, 6});
  CHECK(run({.stride = 2}) == std::vector<double>{1, 2, 5, 4, 6});
  CHECK(run({.stride = 2, .output_padding = 1}) == std::vector<double>{1, 2, 5, 4, 6, 0});
  CHECK(run({.stride = 2, .padding = 1}) == std::vector<double>{2, 5, 4});
  CHECK(run({.stride = 2, .padding = 1, .output_padding = 1}) == std::vector<double>{2, 5, 4, 6});
  CHECK(values(conv_transpose1d(x, w, tensor({10.0}), {.stride = 2, .padding = 1})) ==
        std::vector<double>{12, 15, 14});
}

TEST_CASE("an output_padding of stride or more is possible below the dilation") {
  const Tensor x = tensor({1.0, 2.0}, {1, 1, 2}), w = tensor({1.0, 2.0}, {1, 1, 2});
  const auto run = [&](int64_t padding, int64_t output_padding) {
    return values(conv_transpose1d(
        x, w, {}, {.padding = padding, .output_padding = output_padding, .dilation = 3}));
  };
  CHECK(run(0, 0) == std::vector<double>{1, 2, 0, 2, 4});
  CHECK(run(0, 2) == std::vector<double>{1, 2, 0, 2, 4, 0, 0});
  CHECK(run(1, 2) == std::vector<double>{2, 0, 2, 4, 0});
  // The same in depth, where planes are added instead.
  const Tensor volume =
      conv_transpose3d(reshape(x, {1, 1, 2, 1, 1}), reshape(w, {1, 1, 2, 1, 1}), {},
                       {.padding = {1, 0, 0}, .output_padding = {2, 0, 0}, .dilation = {3, 1, 1}});
  CHECK(values(volume) == std::vector<double>{2, 0, 2, 4, 0});
}

TEST_CASE("conv_transpose is the gradient of the convolution with respect to its input") {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Conv3dOptions& o = c.options;
    const Tensor w = random(c.w, 2);
    const auto conv = [&](const Tensor& x) { return conv3d(x, w, {}, o); };
    const Shape y = conv(zeros(c.x, float64)).shape();
    const Tensor g = random(y, 4);
    ConvTranspose3dOptions back{
        .stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups};
    for (size_t i = 0; i < 3; ++i) {  // what the division by the stride left over
      const int d = static_cast<int>(i) + 2;
      back.output_padding[i] =
          c.x[d] + 2 * o.padding[i] - o.dilation[i] * (c.w[d] - 1) - 1 - (y[d] - 1) * o.stride[i];
    }
    check_close(conv_transpose3d(g, w, {}, back), input_gradient(conv, c.x, g));
  }
  const Tensor w = random({3, 2, 2, 3}, 2), g = random({2, 3, 3, 2}, 4);
  const auto conv2 = [&](const Tensor& x) {
    return conv2d(x, w, {}, {.stride = 2, .padding = {0, 1}});
  };
  check_close(
      conv_transpose2d(g, w, {}, {.stride = 2, .padding = {0, 1}, .output_padding = {1, 0}}),
      input_gradient(conv2, {2, 2, 7, 3}, g));
  const Tensor w1 = random({3, 2, 3}, 2), g1 = random({2, 3, 4}, 4);
  const auto conv1 = [&](const Tensor& x) { return conv1d(x, w1, {}, {.stride = 3}); };
  check_close(conv_transpose1d(g1, w1, {}, {.stride = 3, .output_padding = 2}),
              input_gradient(conv1, {2, 2, 14}, g1));
}

TEST_CASE("a convolution takes a single sample without batch") {
  const auto check = [](const auto& conv, const Tensor& x, const Tensor& w) {
    check_close(conv(select(x, 0, 0), w), select(conv(x, w), 0, 0));
  };
  check([](const Tensor& x, const Tensor& w) { return conv1d(x, w); }, random({1, 2, 5}),
        random({3, 2, 2}));
  check([](const Tensor& x, const Tensor& w) { return conv3d(x, w); }, random({1, 2, 3, 4, 5}),
        random({3, 2, 2, 2, 2}));
  check([](const Tensor& x, const Tensor& w) { return conv_transpose1d(x, w); }, random({1, 2, 5}),
        random({2, 3, 2}));
  check([](const Tensor& x, const Tensor& w) { return conv_transpose2d(x, w); },
        random({1, 2, 5, 4}), random({2, 3, 2, 2}));
  check([](const Tensor& x, const Tensor& w) { return conv_transpose3d(x, w); },
        random({1, 2, 3, 4, 5}), random({2, 3, 2, 2, 2}));
}

TEST_CASE("an empty batch gives an empty result, also backwards") {
  CHECK(conv1d(zeros({0, 3, 8}), zeros({5, 3, 3})).shape() == Shape{0, 5, 6});
  CHECK(conv3d(zeros({0, 3, 4, 5, 6}), zeros({5, 3, 2, 2, 2})).shape() == Shape{0, 5, 3, 4, 5});
  CHECK(conv_transpose1d(zeros({0, 3, 8}), zeros({3, 5, 3})).shape() == Shape{0, 5, 10});
  CHECK(conv_transpose2d(zeros({0, 3, 4, 4}), zeros({3, 5, 3, 3})).shape() == Shape{0, 5, 6, 6});
  CHECK(conv_transpose3d(zeros({0, 3, 4, 5, 6}), zeros({3, 5, 2, 2, 2})).shape() ==
        Shape{0, 5, 5, 6, 7});
  const Tensor w = random({5, 3, 2, 2, 2}).requires_grad_();
  Tape tape;
  tape.backward(sum(conv3d(zeros({0, 3, 4, 5, 6}, float64), w)));
  CHECK(w.grad().shape() == w.shape());
  CHECK(max(abs(w.grad())).item() == 0);
}

TEST_CASE("a convolution says in its own name what does not fit") {
  CHECK(message_of([] {
          conv1d(zeros({2, 1, 9}), zeros({4, 3, 2}));
        }) ==
        "[conv1d] expected 3 input channels, got 1: input [2,1,9], weight [4,3,2], groups 1. Hint: "
        "the channels of the input must be those the layer was built with");
  CHECK(message_of([] {
          conv1d(zeros({2, 3, 4, 9}), zeros({4, 3, 2}));
        }) ==
        "[conv1d] expected input [N,C,L] and weight [O,C/groups,k]: input [2,3,4,9], weight "
        "[4,3,2]. Hint: a single sample is [C,L]");
  CHECK(message_of([] {
          conv3d(zeros({2, 3, 2, 9, 9}), zeros({4, 3, 3, 3, 3}));
        }) ==
        "[conv3d] the kernel is larger than the padded input: input [2,3,2,9,9], weight "
        "[4,3,3,3,3], groups 1, padding [0,0,0], dilation [1,1,1]. Hint: use a smaller kernel or "
        "dilation, or more padding");
  CHECK(message_of([] {
          conv_transpose2d(zeros({1, 2, 4, 4}), zeros({2, 3, 3, 3}), {},
                           {.stride = 2, .output_padding = {0, 2}});
        }) ==
        "[conv_transpose2d] output_padding [0,2], stride [2,2], dilation [1,1]. Hint: "
        "output_padding is at least 0, and less than stride or dilation");
  CHECK(message_of([] {
          conv_transpose1d(zeros({1, 3, 4}), zeros({2, 3, 3}));
        }).starts_with("[conv_transpose1d] expected 2 input channels, got 3: input [1,3,4]"));
  CHECK(message_of([] {
          conv_transpose1d(zeros({1, 2, 1}), zeros({2, 3, 2}), {}, {.padding = 1});
        }).starts_with("[conv_transpose1d] nothing is left of the output: input [1,2,1]"));
  CHECK(message_of([] {
          conv_transpose3d(zeros({1, 2, 0, 3, 3}), zeros({2, 3, 2, 2, 2}));
        }).starts_with("[conv_transpose3d] nothing is left of the output"));
}

TEST_CASE("wrong types, biases and options of convolutions are errors") {
  const Tensor x = zeros({1, 2, 5}), w = zeros({4, 2, 3});
  CHECK_THROWS_AS(conv1d(x.to(float64), w), DTypeError);
  CHECK_THROWS_AS(conv1d(x.to(int64), w.to(int64)), DTypeError);
  CHECK_THROWS_AS(conv1d(x, w, zeros({3})), ShapeError);
  CHECK_THROWS_AS(conv1d(x, w, zeros({4}, float64)), DTypeError);
  CHECK_THROWS_AS(conv1d(x, w, {}, {.stride = 0}), ValueError);
  CHECK_THROWS_AS(conv1d(x, w, {}, {.padding = -1}), ValueError);
  CHECK_THROWS_AS(conv1d(x, w, {}, {.groups = 0}), ValueError);
  CHECK_THROWS_AS(conv1d(x, w, {}, {.dilation = int64_t{1} << 62}), ValueError);
  CHECK_THROWS_AS(conv1d(x, zeros({3, 1, 3}), {}, {.groups = 2}), ShapeError);
  CHECK_THROWS_AS(conv_transpose1d(x, zeros({2, 3, 3}), zeros({4})), ShapeError);
  CHECK_THROWS_AS(conv_transpose1d(x, zeros({2, 3, 3}), {}, {.output_padding = -1}), ValueError);
}

TEST_CASE("the tape shows a convolution with its options, also one that is made of others") {
  const Tensor x = ones({1, 2, 3, 4, 4}).requires_grad_();
  Tape tape;
  conv3d(x, ones({1, 2, 2, 2, 2}), {}, {.stride = {1, 2, 2}});
  conv_transpose1d(ones({2, 4}).requires_grad_(), ones({2, 3, 2}), {}, {.stride = 2});
  std::vector<std::string> outer;  // spans that are in no other
  for (const SpanEntry& span : tape.spans()) {
    if (span.parent < 0) outer.push_back(span.name + ": " + span.options);
  }
  CHECK(outer == std::vector<std::string>{
                     "conv3d: stride=[1,2,2], padding=0, dilation=1, groups=1, winograd=true",
                     "conv_transpose1d: stride=2, padding=0, output_padding=0, dilation=1, "
                     "groups=1"});
  conv2d(select(x, 2, 0), ones({1, 2, 2, 2}), {}, {.padding = {0, 1}});
  const Entry& last = tape[tape.size() - 1];
  CHECK(std::string(last.op) == "conv2d");
  CHECK(tape.options(last) == "stride=1, padding=[0,1], dilation=1, groups=1, winograd=true");
}
