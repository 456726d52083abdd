// Nodes of ONNX files against their definition in the standard.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "../../core/tape.h"
#include "../core/checks.h"
#include "../support/errors.h"
#include "onnx_node.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Tensor ints(const Ints& numbers) {
  return tensor(numbers);
}
Tensor counting(const Shape& shape) {
  return arange(0, shape.numel(), 1, float32).reshape(shape);
}
std::string refusal(const OneNode& node) {
  return message_of([&] { node.net(); });
}
std::string refusal(const OneNode& node, const Tensor& x) {
  return message_of([&] { node(x); });
}
void check_contains(const std::string& message, const char* part) {
  CHECK_MESSAGE(message.find(part) != std::string::npos, message);
}

}  // namespace

TEST_CASE("softmax of an ONNX file is over all dimensions from its axis on before opset 13") {
  const Tensor x = random({2, 3, 4});
  check_close(OneNode{"Softmax", {}, {}, 12}(x), softmax(x.reshape({2, 12}), 1).reshape({2, 3, 4}));
  check_close(OneNode{"Softmax", {{"axis", int64_t{0}}}, {}, 11}(x),
              softmax(x.reshape({24}), 0).reshape({2, 3, 4}));
  check_close(OneNode{"LogSoftmax", {{"axis", int64_t{-1}}}, {}, 11}(x), log_softmax(x, 2));
  check_close(OneNode{"Softmax", {}, {}, 13}(x), softmax(x, 2));
  check_close(OneNode{"Softmax", {{"axis", int64_t{1}}}, {}, 13}(x), softmax(x, 1));
}

TEST_CASE("axes of an ONNX file are attributes in old opsets and inputs in new ones") {
  const Tensor x = random({2, 1, 3, 1});
  CHECK(OneNode{"Squeeze", {{"axes", Ints{1, -1}}}, {}, 11}(x).shape() == Shape{2, 3});
  CHECK(OneNode{"Squeeze", {}, {ints({-1})}}(x).shape() == Shape{2, 1, 3});
  CHECK(OneNode{"Squeeze"}(x).shape() == Shape{2, 3});
  check_contains(refusal({"Squeeze", {}, {ints({0})}}, x), "dimension 0 of [2,1,3,1]");
  CHECK(OneNode{"Unsqueeze", {{"axes", Ints{0, -1}}}, {}, 11}(x).shape() ==
        Shape{1, 2, 1, 3, 1, 1});
  CHECK(OneNode{"Unsqueeze", {}, {ints({3, 0})}}(x).shape() == Shape{1, 2, 1, 1, 3, 1});
  check_close(OneNode{"ReduceSum", {{"axes", Ints{2}}}, {}, 11}(x), sum(x, {2}, true));
  check_close(OneNode{"ReduceSum", {{"keepdims", int64_t{0}}}, {ints({-2, 0})}}(x), sum(x, {0, 2}));
  check_close(OneNode{"ReduceMean", {}, {ints({0})}, 18}(x), mean(x, {0}, true));
  check_close(OneNode{"ReduceMax"}(x), amax(x, {0, 1, 2, 3}, true));
  check_close(OneNode{"ReduceMin", {{"axes", Ints{-2}}}}(x), amin(x, {2}, true));
  check_close(OneNode{"ReduceSumSquare", {{"axes", Ints{2}}}}(x), sum(x * x, {2}, true));
  check_close(OneNode{"ReduceL1", {{"axes", Ints{2}}}}(x), sum(abs(x), {2}, true));
  check_close(OneNode{"ReduceL2", {{"axes", Ints{2}}}}(x), sqrt(sum(x * x, {2}, true)));
  check_close(OneNode{"ReduceProd", {{"axes", Ints{2, 0}}}}(x), prod(prod(x, 2, true), 0, true));
  check_close(OneNode{"ReduceLogSumExp", {{"axes", Ints{2}}}}(x), logsumexp(x, {2}, true));
  check_close(OneNode{"ReduceSumSquare"}(full({}, 3.0)), full({}, 9.0));
  check_close(OneNode{"ReduceSum", {{"noop_with_empty_axes", int64_t{1}}}}(x), x);
}

TEST_CASE("views and parts of an ONNX file") {
  const Tensor x = counting({2, 3, 4});
  CHECK(OneNode{"Reshape", {}, {ints({0, -1})}}(x).shape() == Shape{2, 12});
  CHECK(OneNode{"Reshape", {{"allowzero", int64_t{1}}}, {ints({0, 3})}}(zeros({3, 0})).shape() ==
        Shape{0, 3});
  CHECK(OneNode{"Flatten"}(x).shape() == Shape{2, 12});
  CHECK(OneNode{"Flatten", {{"axis", int64_t{0}}}}(x).shape() == Shape{1, 24});
  CHECK(OneNode{"Flatten", {{"axis", int64_t{3}}}}(x).shape() == Shape{24, 1});
  CHECK(OneNode{"Flatten", {{"axis", int64_t{-1}}}}(x).shape() == Shape{6, 4});
  check_close(OneNode{"Transpose"}(x), permute(x, {2, 1, 0}));
  check_close(OneNode{"Transpose", {{"perm", Ints{1, 0, 2}}}}(x), permute(x, {1, 0, 2}));
  check_close(OneNode{"Expand", {}, {ints({2, 1, 1, 4})}}(narrow(x, 2, 0, 1)),
              expand(narrow(x, 2, 0, 1), {2, 2, 3, 4}));
  check_close(OneNode{"Tile", {}, {ints({1, 2, 1})}}(x), repeat(x, {1, 2, 1}));
  CHECK(OneNode{"Shape"}(x).to_vector<int64_t>() == Ints{2, 3, 4});
  CHECK(OneNode{"Shape", {{"start", int64_t{-2}}, {"end", int64_t{-1}}}}(x).to_vector<int64_t>() ==
        Ints{3});
  CHECK(OneNode{"Size"}(x).item() == 24);
  check_close(OneNode{"Trilu", {{"upper", int64_t{0}}}, {full({}, -1, int64)}}(x), tril(x, -1));
}

TEST_CASE("slices of an ONNX file are Python's") {
  const Tensor x = counting({7});
  const int64_t least = std::numeric_limits<int64_t>::min(),
                most = std::numeric_limits<int64_t>::max();
  const auto slice = [&](int64_t start, int64_t end, int64_t step) {
    const Tensor y = OneNode{"Slice", {}, {ints({start}), ints({end}), ints({0}), ints({step})}}(x);
    std::vector<int64_t> list;
    for (const float value : y.to_vector<float>()) list.push_back(static_cast<int64_t>(value));
    return list;
  };
  CHECK(slice(1, 4, 1) == Ints{1, 2, 3});
  CHECK(slice(-3, most, 2) == Ints{4, 6});
  CHECK(slice(5, 2, 1) == Ints{});
  CHECK(slice(-1, least, -2) == Ints{6, 4, 2, 0});
  CHECK(slice(5, 1, -3) == Ints{5, 2});
  CHECK(slice(most, -6, -1) == Ints{6, 5, 4, 3, 2});
  CHECK(slice(least, -5, 1) == Ints{0, 1});
  CHECK(slice(0, 3, -1) == Ints{});
  check_contains(refusal({"Slice", {}, {ints({0}), ints({1}), ints({0}), ints({0})}}, x), "step 0");
  check_close(OneNode{"Slice", {{"starts", Ints{1}}, {"ends", Ints{9}}, {"axes", Ints{1}}}, {}, 9}(
                  counting({2, 3})),
              narrow(counting({2, 3}), 1, 1, 2));
}

TEST_CASE("gather, split and concat of an ONNX file") {
  const Tensor x = random({4, 3, 2});
  check_close(OneNode{"Gather", {}, {ints({-1, 0})}}(x), stack({x[3], x[0]}));
  check_close(OneNode{"Gather", {{"axis", int64_t{1}}}, {tensor({int32_t{2}, int32_t{-3}})}}(x),
              stack({select(x, 1, 2), select(x, 1, 0)}, 1));
  check_close(OneNode{"Gather", {{"axis", int64_t{-1}}}, {full({}, -1, int64)}}(x),
              select(x, 2, 1));
  check_close(OneNode{"Gather", {{"axis", int64_t{1}}}, {zeros({2, 5}, int64)}}(x),
              expand(reshape(select(x, 1, 0), {4, 1, 1, 2}), {4, 2, 5, 2}));
  check_close(OneNode{"GatherElements", {{"axis", int64_t{1}}}, {full({4, 1, 2}, -1, int64)}}(x),
              narrow(x, 1, 2, 1));
  const auto split = [&](const Attributes& attributes, const NamedTensors& given, int64_t opset) {
    onnx::Node node{"Split", "s", {"x"}, {"a", "b"}, attributes};
    if (!given.empty()) node.inputs.push_back(given[0].name);
    const auto net =
        onnx_net({node, {"Concat", "", {"b", "a"}, {"y"}, {{"axis", int64_t{0}}}}}, given, opset);
    return (*net)(x);
  };
  const Tensor swapped = cat({narrow(x, 0, 3, 1), narrow(x, 0, 0, 3)});
  check_close(split({{"split", Ints{3, 1}}}, {}, 11), swapped);
  check_close(split({}, {{"n", ints({3, 1})}}, 13), swapped);
  check_close(split({{"num_outputs", int64_t{2}}}, {}, 18),
              cat({narrow(x, 0, 2, 2), narrow(x, 0, 0, 2)}));
}

TEST_CASE("pads of an ONNX file are for the beginnings of all dimensions, then the ends") {
  const Tensor x = random({2, 3});
  const Ints list = {0, 1, 1, 2}, right_then_rows = {1, 2, 0, 1};
  const Tensor expected = pad(x, right_then_rows, PadMode::constant, 7);
  check_close(OneNode{"Pad", {{"pads", list}, {"value", 7.0F}}, {}, 10}(x), expected);
  check_close(OneNode{"Pad", {}, {ints(list), full({}, 7.0)}}(x), expected);
  check_close(OneNode{"Pad", {{"mode", "reflect"}}, {ints({0, 1, 0, 2})}}(x),
              pad(x, Ints{1, 2}, PadMode::reflect));
  check_close(OneNode{"Pad", {{"mode", "edge"}}, {ints(list)}}(x),
              pad(x, right_then_rows, PadMode::replicate));
  check_close(OneNode{"Pad", {{"mode", "wrap"}}, {ints({1, 2}), Tensor(), ints({-1})}, 19}(x),
              pad(x, Ints{1, 2}, PadMode::circular));
  check_contains(refusal({"Pad", {{"mode", "odd"}}, {ints(list)}}), "node 'n' (Pad): mode 'odd'");
}

TEST_CASE("arithmetic of an ONNX file") {
  const Tensor whole = ints({-7, 7, -6, 5});
  OneNode divide{"Div", {}, {ints({2, 2, 4, -3})}};
  onnx::Model model =
      onnx_model({{"Cast", "", {"x"}, {"i"}, {{"to", int64_t{7}}}}, {"Div", "", {"i", "d"}, {"y"}}},
                 {{"d", ints({2, 2, 4, -3})}});
  CHECK((*onnx::to_module(model, ""))(whole.to(float32)).to_vector<int64_t>() ==
        Ints{-3, 3, -1, -1});
  model.nodes[1] = {"Mod", "", {"i", "d"}, {"y"}};
  CHECK((*onnx::to_module(model, ""))(whole.to(float32)).to_vector<int64_t>() == Ints{1, 1, 2, -1});
  model.nodes[1].attributes = {{"fmod", int64_t{1}}};
  CHECK((*onnx::to_module(model, ""))(whole.to(float32)).to_vector<int64_t>() ==
        Ints{-1, 1, -2, 2});
  const Tensor x = tensor({-2.0F, -0.5F, 0.5F, 3.0F});
  check_close(OneNode{"Pow", {}, {full({}, 2, int64)}}(x), x * x);
  check_close(OneNode{"Clip", {{"min", -1.0F}}, {}, 6 + 4}(x), clamp(x, -1, {}));
  check_close(OneNode{"Clip", {}, {Tensor(), full({}, 1.0)}}(x), clamp(x, {}, 1));
  check_close(OneNode{"Clip"}(x), x);
  check_close(OneNode{"Mean", {}, {x + 2.0}}(x), x + 1.0);
  check_close(OneNode{"Sum", {}, {x, x}}(x), x * 3.0);
}

TEST_CASE("activations of an ONNX file with other numbers than PyTorch's") {
  const Tensor x = linspace(-3, 3, 13);
  check_close(OneNode{"Selu", {{"alpha", 2.0F}, {"gamma", 3.0F}}}(x), elu(x, 2) * 3.0);
  check_close(OneNode{"Selu"}(x), selu(x));
  check_close(OneNode{"HardSigmoid"}(x), clamp(x * 0.2 + 0.5, 0, 1), 1e-6);
  check_close(OneNode{"Gelu", {{"approximate", "tanh"}}, {}, 20}(x), gelu(x, Gelu::tanh));
  check_close(OneNode{"ThresholdedRelu", {{"alpha", 0.5F}}}(x),
              where(gt(x, 0.5), x, zeros_like(x)));
  check_close(OneNode{"Softplus"}(x), log(1.0 + exp(x)), 1e-6);
  const Tensor matrix = random({2, 3}).to(float32), slopes = tensor({{0.1F}, {0.2F}});
  check_close(OneNode{"PRelu", {}, {slopes}}(matrix),
              where(gt(matrix, 0), matrix, slopes * matrix));
}

TEST_CASE("norms of an ONNX file") {
  const Tensor x = random({2, 4, 3}).to(float32);
  const Tensor by_group = tensor({2.0F, 3.0F}), channels = tensor({2.0F, 2.0F, 3.0F, 3.0F});
  const Attributes groups = {{"num_groups", int64_t{2}}};
  const Tensor expected = group_norm(x, 2, channels, channels);
  check_close(OneNode{"GroupNormalization", groups, {by_group, by_group}, 18}(x), expected, 1e-6);
  check_close(OneNode{"GroupNormalization", groups, {channels, channels}, 21}(x), expected, 1e-6);
  const Tensor w = random({4, 3}, 2).to(float32), row = tensor({1.0F, 2.0F, 3.0F});
  check_close(OneNode{"LayerNormalization", {{"axis", int64_t{1}}}, {w, w}}(x),
              layer_norm(x, {4, 3}, w, w), 1e-6);
  check_close(OneNode{"LayerNormalization", {{"axis", int64_t{1}}}, {row}}(x),
              layer_norm(x, {4, 3}) * row, 1e-6);
  check_close(OneNode{"RMSNormalization", {{"epsilon", 0.1F}}, {row}, 23}(x),
              rms_norm(x, {3}, row, 0.1), 1e-6);
}

TEST_CASE("local response norm of an ONNX file sees more channels behind than before") {
  const Tensor x = random({2, 7, 3});
  for (const int64_t size : {1, 2, 3, 4}) {
    const Attributes attributes = {
        {"size", size}, {"alpha", 0.5F}, {"beta", 0.75F}, {"bias", 2.0F}};
    std::vector<Tensor> expected;
    for (int64_t c = 0; c < 7; ++c) {
      Tensor sum = zeros({2, 3}, float64);
      const int64_t first = c - (size - 1) / 2, last = c + size / 2;
      for (int64_t i = std::max<int64_t>(first, 0); i <= std::min<int64_t>(last, 6); ++i) {
        sum = sum + square(select(x, 1, i));
      }
      expected.push_back(select(x, 1, c) /
                         pow(2.0 + sum * (0.5 / static_cast<double>(size)), 0.75));
    }
    check_close(OneNode{"LRN", attributes}(x), stack(expected, 1), 1e-12);
  }
}

// --- Windows ---

namespace {

/// A pool of one row, as the standard defines it; `ceil` keeps windows that begin in the input or
/// before it.
std::vector<double> plain_pool(const std::vector<double>& x, bool is_max, int64_t kernel,
                               int64_t stride, int64_t begin, int64_t end, bool ceil,
                               bool count_pads) {
  const auto size = static_cast<int64_t>(x.size());
  std::vector<double> y;
  for (int64_t at = -begin; ceil ? at < size : at + kernel <= size + end; at += stride) {
    if (ceil && at > -begin && at - stride + kernel >= size + end) break;
    double sum = 0, largest = -std::numeric_limits<double>::infinity();
    int64_t inside = 0;
    for (int64_t i = std::max<int64_t>(at, 0); i < std::min(at + kernel, size); ++i) {
      sum += x[static_cast<size_t>(i)];
      largest = std::max(largest, x[static_cast<size_t>(i)]);
      ++inside;
    }
    const int64_t counted = count_pads ? std::min(at + kernel, size + end) - at : inside;
    y.push_back(is_max ? largest : sum / static_cast<double>(counted));
  }
  return y;
}

}  // namespace

TEST_CASE("pools of an ONNX file have pads that differ, and any share of them") {
  for (const bool is_max : {true, false}) {
    for (const int64_t size : {5, 6, 7, 8}) {
      for (const auto& pads : {std::pair{0, 1}, {1, 0}, {1, 1}, {2, 1}, {0, 0}, {2, 2}}) {
        const int begin = pads.first, end = pads.second;
        for (const int flags : {0, 1, 2, 3}) {
          const bool ceil = (flags & 1) != 0, count_pads = (flags & 2) != 0;
          if (is_max && count_pads) continue;
          Attributes attributes = {{"kernel_shape", Ints{3}},
                                   {"strides", Ints{2}},
                                   {"pads", Ints{begin, end}},
                                   {"ceil_mode", int64_t{ceil}}};
          if (!is_max) attributes["count_include_pad"] = int64_t{count_pads};
          const Tensor x = random({1, 1, size});
          const auto expected = plain_pool(values(x), is_max, 3, 2, begin, end, ceil, count_pads);
          INFO(size, " ", begin, " ", end, " ", flags, " ", is_max);
          check_close(OneNode{is_max ? "MaxPool" : "AveragePool", attributes}(x),
                      tensor(expected, {1, 1, static_cast<int64_t>(expected.size())}));
        }
      }
    }
  }
}

TEST_CASE("auto_pad of an ONNX file gives as many windows as strides fit into the input") {
  const Tensor x = random({1, 1, 5, 6}), weight = random({1, 1, 3, 2}, 2);
  const auto conv = [&](const char* mode) {
    return OneNode{"Conv", {{"auto_pad", mode}, {"strides", Ints{2, 1}}}, {weight}}(x);
  };
  const auto padded = [&](const Ints& pads) {
    return conv2d(pad(x, pads), weight, {}, {.stride = {2, 1}});
  };
  check_close(conv("SAME_UPPER"), padded({0, 1, 1, 1}));
  check_close(conv("SAME_LOWER"), padded({1, 0, 1, 1}));
  check_close(conv("VALID"), padded({0, 0}));
  check_close(
      OneNode{
          "MaxPool",
          {{"auto_pad", "SAME_UPPER"}, {"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}}(x),
      max_pool2d(pad(x, Ints{0, 0, 0, 1}, PadMode::constant, -100), {.kernel_size = 2}));
}

TEST_CASE("convolutions of an ONNX file have any pads") {
  const Tensor x = random({2, 2, 5}), weight = random({4, 1, 3}, 2), bias = random({4}, 3);
  check_close(OneNode{"Conv",
                      {{"pads", Ints{0, 2}}, {"group", int64_t{2}}, {"kernel_shape", Ints{3}}},
                      {weight, bias}}(x),
              conv1d(pad(x, Ints{0, 2}), weight, bias, {.groups = 2}));
  check_contains(refusal({"Conv", {{"kernel_shape", Ints{2}}}, {weight}}, x), "kernel_shape");
  check_contains(refusal({"Conv", {{"strides", Ints{1, 1}}}, {weight}}, x),
                 "strides has 2 numbers");

  const Tensor back = random({2, 4, 3}, 5);  // in, out / groups, kernel
  const Tensor y = random({1, 2, 4}, 6);
  const Tensor whole = conv_transpose1d(y, back, {}, {.stride = 2});  // of size 9
  const Tensor shift = reshape(bias, {1, 4, 1});
  check_close(
      OneNode{"ConvTranspose", {{"strides", Ints{2}}, {"pads", Ints{0, 1}}}, {back, bias}}(y),
      narrow(whole, 2, 0, 8) + shift);
  check_close(
      OneNode{"ConvTranspose", {{"strides", Ints{2}}, {"auto_pad", "SAME_UPPER"}}, {back, bias}}(y),
      narrow(whole, 2, 0, 8) + shift);
  check_close(
      OneNode{"ConvTranspose", {{"strides", Ints{2}}, {"output_shape", Ints{6}}}, {back}}(y),
      narrow(whole, 2, 2, 6));
  check_close(OneNode{"ConvTranspose",
                      {{"strides", Ints{2}}, {"pads", Ints{1, 1}}, {"output_padding", Ints{1}}},
                      {back, bias}}(y),
              conv_transpose1d(y, back, bias, {.stride = 2, .padding = 1, .output_padding = 1}));
}

TEST_CASE("resizing of an ONNX file, where Gradus computes the same") {
  const Tensor x = random({1, 2, 3, 4}).to(float32), none;
  const Tensor twice = tensor({1.0F, 1.0F, 2.0F, 2.0F}), to = ints({1, 2, 6, 8});
  const auto nearest = upsample(x, {.size = {6, 8}});
  check_close(OneNode{"Resize", {}, {none, twice}}(x), nearest);
  check_close(OneNode{"Resize",
                      {{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}},
                      {none, none, to}}(x),
              nearest);
  check_close(OneNode{"Upsample", {}, {twice}, 9}(x), nearest);
  check_close(OneNode{"Upsample", {{"scales", std::vector<float>{1, 1, 2, 2}}}, {}, 7}(x), nearest);
  check_close(OneNode{"Resize", {{"mode", "linear"}}, {none, none, ints({1, 2, 5, 3})}}(x),
              upsample(x, {.size = {5, 3}, .mode = UpsampleMode::linear}));
  check_contains(refusal({"Resize", {}, {none, none, ints({1, 2, 4, 4})}}, x),
                 "'half_pixel' with 'round_prefer_floor' from 3 to 4");
  check_contains(refusal({"Resize", {{"mode", "cubic"}}, {none, twice}}), "mode 'cubic'");
  check_contains(refusal({"Upsample", {{"mode", "linear"}}, {twice}, 9}), "'asymmetric'");
  check_contains(refusal({"Resize", {}, {none, tensor({1.0F, 1.0F, 1.1F, 1.0F})}}, x),
                 "is not a whole number");
  check_contains(refusal({"Resize", {}, {none, tensor({1.0F, 2.0F, 1.0F, 1.0F})}}, x),
                 "cannot resize [1,2,3,4]");
}

TEST_CASE("depth to space of an ONNX file in both orders, and back") {
  const Tensor x = counting({1, 8, 1, 1});
  const auto depth = [&](const char* mode) {
    return OneNode{"DepthToSpace", {{"blocksize", int64_t{2}}, {"mode", mode}}}(x);
  };
  check_close(depth("DCR"), tensor({0.0F, 2.0F, 4.0F, 6.0F, 1.0F, 3.0F, 5.0F, 7.0F}, {1, 2, 2, 2}));
  check_close(depth("CRD"), counting({1, 2, 2, 2}));
  check_close(OneNode{"SpaceToDepth", {{"blocksize", int64_t{2}}}}(depth("DCR")), x);
}

// --- Products and recurrence ---

TEST_CASE("Gemm and Einsum of an ONNX file") {
  const Tensor x = random({2, 3}), b = random({3, 4}, 2), c = random({2, 1}, 3);
  check_close(OneNode{"Gemm", {{"alpha", 0.5F}, {"beta", 2.0F}}, {b, c}}(x),
              matmul(x, b) * 0.5 + c * 2.0);
  check_close(OneNode{"Gemm", {{"transA", int64_t{1}}, {"transB", int64_t{1}}}, {b.T().clone()}}(
                  x.T().clone()),
              matmul(x, b));
  check_close(OneNode{"Einsum", {{"equation", "ij, jk -> ki"}}, {b}}(x), matmul(x, b).T());
}

TEST_CASE("recurrent nodes of an ONNX file with what PyTorch has not") {
  const int64_t hidden = 2;
  const Tensor x = random({3, 1, 2}), w = random({1, 3 * hidden, 2}, 2),
               r = random({1, 3 * hidden, hidden}, 3), b = random({1, 6 * hidden}, 4),
               h0 = random({1, 1, hidden}, 5);
  const Attributes size = {{"hidden_size", hidden}};
  const Tensor y = OneNode{"GRU", size, {w, r, b, Tensor(), h0}}(x);  // linear_before_reset 0
  const auto part = [&](const Tensor& t, int64_t gate) {
    return narrow(t, 0, gate * hidden, hidden);
  };
  Tensor h = h0[0];
  for (int64_t t = 0; t < 3; ++t) {
    const auto affine = [&](const Tensor& state, int64_t gate) {
      return linear(x[t], part(w[0], gate), part(b[0], gate)) +
             linear(state, part(r[0], gate), part(b[0], gate + 3));
    };
    const Tensor z = sigmoid(affine(h, 0)), reset = sigmoid(affine(h, 1));
    h = (1.0 - z) * tanh(affine(reset * h, 2)) + z * h;
    check_close(y[t][0], h, 1e-12);
  }
  const Tensor w1 = narrow(w, 1, 0, hidden), r1 = narrow(r, 1, 0, hidden);
  const Tensor backward =
      OneNode{"RNN", {{"hidden_size", hidden}, {"direction", "reverse"}}, {w1, r1}}(x);
  const Tensor forward = OneNode{"RNN", {{"hidden_size", hidden}}, {w1, r1}}(flip(x, {0}));
  check_close(backward, flip(forward, {0}));
}

TEST_CASE(
    "a state of zeros that an ONNX file has is none, and one that is learned gets a gradient") {
  const int64_t hidden = 2;
  const Tensor x = random({2, 1, 2}), w = random({1, 4 * hidden, 2}, 2),
               r = random({1, 4 * hidden, hidden}, 3), zero = zeros({1, 1, hidden}, float64);
  const Attributes size = {{"hidden_size", hidden}};
  const OneNode with{"LSTM", size, {w, r, Tensor(), Tensor(), zero, zero}},
      without{"LSTM", size, {w, r}};
  check_close(with(x), without(x));
  for (const int64_t steps : {1, 2}) {  // also the weight of a state that is zero
    const auto net = with.net();
    Tape tape;
    tape.backward(sum((*net)(narrow(x, 0, 0, steps))));
    CHECK(net->get_parameter("c1").grad().defined());
  }
  const auto learned = onnx_net({{"Identity", "", {"h"}, {"h2"}},
                                 {"Expand", "", {"h2", "shape"}, {"h0"}},
                                 {"LSTM", "", {"x", "w", "r", "", "", "h0"}, {"y"}, size}},
                                {{"h", zero}, {"w", w}, {"r", r}, {"shape", ints({1, 1, hidden})}});
  Tape tape;
  tape.backward(sum((*learned)(x)));
  CHECK(max(abs(learned->get_parameter("h2").grad())).item() > 0);
}

TEST_CASE("recurrent nodes of an ONNX file that Gradus has not are refused") {
  const Tensor any = ones({1});
  const auto lstm = [&](Attributes attributes, std::vector<Tensor> more = {}) {
    attributes.emplace("hidden_size", int64_t{2});
    std::vector<Tensor> inputs = {any, any};
    inputs.insert(inputs.end(), more.begin(), more.end());
    return refusal({"LSTM", attributes, inputs});
  };
  check_contains(lstm({{"layout", int64_t{1}}}), "node 'n' (LSTM): layout 1");
  check_contains(lstm({{"clip", 1.0F}}), "attribute 'clip'");
  check_contains(lstm({{"direction", "sideways"}}), "direction 'sideways'");
  check_contains(lstm({{"activations", std::vector<std::string>{"Relu", "Tanh", "Tanh"}}}),
                 "activations Relu, Tanh, Tanh");
  check_contains(lstm({}, {Tensor(), ints({1})}), "sequence_lens");
  check_contains(lstm({}, {Tensor(), Tensor(), Tensor(), Tensor(), any}), "peepholes");
}
