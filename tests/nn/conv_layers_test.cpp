// Convolution layers of all dimensions, transposed ones, and padding layers.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/flatten.h"
#include "../../nn/fold_batch_norm.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/padding.h"
#include "../../nn/pool.h"
#include "../../nn/sequential.h"
#include "../../nn/summary.h"
#include "../../nn/upsample.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const NamedTensor& t : module.state_dict()) names.push_back(t.name);
  return names;
}

double largest(const Tensor& x) {
  return max(flatten(abs(x.detach()))).item();
}

const Tensor row = tensor({1.0F, 2.0F, 4.0F}, {1, 1, 3});

}  // namespace

TEST_CASE("convolutions have PyTorch's names and shapes of parameters") {
  nn::Conv1d one({.in_channels = 4, .out_channels = 6, .kernel_size = 3, .groups = 2});
  CHECK(one.weight.shape() == Shape{6, 2, 3});
  CHECK(names_of(one) == std::vector<std::string>{"weight", "bias"});
  nn::Conv3d three({.in_channels = 4, .out_channels = 6, .kernel_size = {1, 2, 3}, .bias = false});
  CHECK(three.weight.shape() == Shape{6, 4, 1, 2, 3});
  CHECK(names_of(three) == std::vector<std::string>{"weight"});
  nn::ConvTranspose2d back({.in_channels = 4, .out_channels = 6, .kernel_size = 3, .groups = 2});
  CHECK(back.weight.shape() == Shape{4, 3, 3, 3});
  CHECK(back.bias.shape() == Shape{6});
  CHECK(
      nn::ConvTranspose1d({.in_channels = 4, .out_channels = 6, .kernel_size = 3}).weight.shape() ==
      Shape{4, 6, 3});
  CHECK(
      nn::ConvTranspose3d({.in_channels = 4, .out_channels = 6, .kernel_size = 3}).weight.shape() ==
      Shape{4, 6, 3, 3, 3});
}

TEST_CASE("a layer does without Winograd's algorithm where it is told to") {
  manual_seed(1);
  nn::Conv2dOptions options{.in_channels = 16, .out_channels = 16, .kernel_size = 3};
  nn::Conv2d fast(options);
  options.winograd = false;
  nn::Conv2d plain(options);
  plain.load_state_dict(fast.state_dict());
  Rng generator(2);
  const Tensor x = randn({2, 16, 26, 26}, generator);
  const Tensor exact = conv2d(x, fast.weight, fast.bias, {.winograd = false});
  CHECK(largest(plain(x) - exact) == 0);
  CHECK(largest(fast(x) - exact) > 0);
  CHECK(largest(fast(x) - exact) < 1e-5);
}

TEST_CASE("weight and bias start within PyTorch's bounds, and fill them") {
  const auto check = [](const nn::ConvLayer& layer, double fan_in) {
    const double bound = 1 / std::sqrt(fan_in);
    CHECK(largest(layer.weight) <= bound);
    CHECK(largest(layer.weight) > 0.95 * bound);
    CHECK(largest(layer.bias) <= bound);
    CHECK(largest(layer.bias) > 0.7 * bound);
  };
  check(nn::Conv1d({.in_channels = 8, .out_channels = 30, .kernel_size = 4}), 8 * 4);
  check(nn::Conv3d({.in_channels = 4, .out_channels = 30, .kernel_size = 3, .groups = 2}), 2 * 27);
  // The fan-in of a transposed weight is computed from its second size, as PyTorch does.
  check(nn::ConvTranspose2d({.in_channels = 16, .out_channels = 40, .kernel_size = 3, .groups = 4}),
        10 * 9);
}

TEST_CASE("sizes follow from stride, padding and dilation in every dimension") {
  nn::Conv1d one({.in_channels = 2,
                  .out_channels = 3,
                  .kernel_size = 3,
                  .stride = 2,
                  .padding = 1,
                  .dilation = 2});
  CHECK(one(ones({4, 2, 10})).shape() == Shape{4, 3, 4});
  CHECK(one(ones({2, 10})).shape() == Shape{3, 4});
  nn::Conv3d three({.in_channels = 2, .out_channels = 3, .kernel_size = 3, .stride = {1, 2, 3}});
  CHECK(three(ones({4, 2, 5, 5, 9})).shape() == Shape{4, 3, 3, 2, 3});
  CHECK(three(ones({2, 5, 5, 9})).shape() == Shape{3, 3, 2, 3});
  nn::ConvTranspose3d back(
      {.in_channels = 3, .out_channels = 2, .kernel_size = 3, .stride = 2, .padding = 1});
  CHECK(back(ones({4, 3, 3, 4, 5})).shape() == Shape{4, 2, 5, 7, 9});
}

TEST_CASE("padding same keeps sizes in one and three dimensions") {
  for (const int64_t kernel : {1, 2, 3, 4}) {
    nn::Conv1d one({.in_channels = 1,
                    .out_channels = 1,
                    .kernel_size = kernel,
                    .padding = "same",
                    .dilation = 3});
    CHECK(one(ones({2, 1, 7})).shape() == Shape{2, 1, 7});
    nn::Conv3d three(
        {.in_channels = 1, .out_channels = 1, .kernel_size = {3, kernel, 2}, .padding = "same"});
    CHECK(three(ones({1, 1, 4, 5, 6})).shape() == Shape{1, 1, 4, 5, 6});
  }
  nn::Conv1d valid({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .padding = "valid"});
  CHECK(valid(ones({1, 1, 7})).shape() == Shape{1, 1, 5});
}

TEST_CASE("padding modes of Conv1d decide what lies beyond the ends") {
  const auto sums = [](PadMode mode) {
    nn::Conv1d conv({.in_channels = 1,
                     .out_channels = 1,
                     .kernel_size = 3,
                     .padding = 1,
                     .bias = false,
                     .padding_mode = mode});
    conv.weight.detach().fill_(1);
    return conv(row).to_vector<float>();
  };
  CHECK(sums(PadMode::constant) == std::vector<float>{3, 7, 6});
  CHECK(sums(PadMode::reflect) == std::vector<float>{5, 7, 8});
  CHECK(sums(PadMode::replicate) == std::vector<float>{4, 7, 10});
  CHECK(sums(PadMode::circular) == std::vector<float>{7, 7, 7});
}

TEST_CASE("Conv3d pads each dimension with its own size in every mode") {
  for (const PadMode mode :
       {PadMode::constant, PadMode::reflect, PadMode::replicate, PadMode::circular}) {
    nn::Conv3d conv({.in_channels = 2,
                     .out_channels = 3,
                     .kernel_size = {3, 1, 5},
                     .padding = {1, 0, 2},
                     .padding_mode = mode});
    const Tensor x = ones({1, 2, 3, 4, 5});
    CHECK(conv(x).shape() == Shape{1, 3, 3, 4, 5});
    if (mode == PadMode::constant) continue;
    // Ones padded with ones: every output is the sum of the weights.
    const Tensor sums = sum(conv.weight, {1, 2, 3, 4}) + conv.bias;
    CHECK(largest(conv(x) - reshape(sums, {3, 1, 1, 1})) < 1e-5);
  }
}

TEST_CASE("a transposed convolution can be told its output size") {
  nn::ConvTranspose2d up({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .stride = 2});
  const Tensor x = ones({1, 1, 4, 4});
  CHECK(up(x).shape() == Shape{1, 1, 9, 9});
  CHECK(up(x, {10, 9}).shape() == Shape{1, 1, 10, 9});
  CHECK(up(select(x, 0, 0), 10).shape() == Shape{1, 10, 10});
  CHECK(message_of([&] {
          up(x, {9, 11});
        }) ==
        "[ConvTranspose2d] output_size [9,11] for input [1,1,4,4]: dimension 3 of the output can "
        "be 9 to 10. Hint: leave it out for the smallest");
  CHECK_THROWS_AS(up(x, 8), ValueError);
  nn::Sequential net;
  auto& named = net.add("up", std::move(up));
  CHECK(message_of([&] {
          named(ones({1, 2, 4, 4}), 9);
        }).starts_with("[conv_transpose2d] (up) expected 1 input channels, got 2"));
  CHECK_THROWS_AS(named(ones({3}), 8), Error);
}

TEST_CASE("options of convolutions that make no sense are refused when they are built") {
  CHECK(message_of([] { nn::Conv1d({.in_channels = 1, .out_channels = 1}); }) ==
        "[Conv1d] kernel_size has to be given, and be at least 1. Hint: nn::Conv1d({.kernel_size = "
        "...})");
  CHECK(message_of([] { nn::Conv1d({.in_channels = 1, .out_channels = 1, .kernel_size = -1}); }) ==
        "[Conv1d] kernel_size must be at least 1, got [-1]. Hint: sizes, steps and counts start at "
        "1");
  CHECK(message_of([] {
          nn::Conv3d({.in_channels = 3, .out_channels = 4, .kernel_size = 1, .groups = 2});
        }) ==
        "[Conv3d] in_channels 3 is not divisible by groups 2. Hint: all groups have the same "
        "number of channels");
  CHECK(message_of([] {
          nn::Conv1d({.in_channels = 1,
                      .out_channels = 1,
                      .kernel_size = 3,
                      .stride = 2,
                      .padding = "same"});
        }).starts_with("[Conv1d] padding \"same\" needs stride 1, got [2]. Hint: "));
  CHECK(message_of([] {
          nn::ConvTranspose2d(
              {.in_channels = 1, .out_channels = 1, .kernel_size = 3, .output_padding = 1});
        }) ==
        "[ConvTranspose2d] output_padding [1,1], stride [1,1], dilation [1,1]. Hint: "
        "output_padding must be less than stride or less than dilation");
  CHECK(message_of([] {
          nn::ConvTranspose1d({.in_channels = 1,
                               .out_channels = 1,
                               .kernel_size = 3,
                               .padding_mode = PadMode::reflect});
        }).starts_with("[ConvTranspose1d] padding_mode must be zeros"));
  nn::Sequential net;
  net.add("stem", nn::Conv1d({.in_channels = 2, .out_channels = 1, .kernel_size = 3}));
  CHECK(message_of([&] {
          net(ones({1, 3, 8}));
        })
            .starts_with(
                "[conv1d] (stem) expected 2 input channels, got 3: input [1,3,8], weight [1,2,3]"));
}

TEST_CASE("layers of all dimensions print their options") {
  std::ostringstream text;
  text << nn::Conv1d({.in_channels = 1, .out_channels = 2, .kernel_size = 3})
       << nn::ConvTranspose3d(
              {.in_channels = 1, .out_channels = 1, .kernel_size = {1, 2, 3}, .bias = false})
       << nn::AdaptiveAvgPool3d({.output_size = {1, std::nullopt, 2}}) << nn::ZeroPad2d({1});
  CHECK(text.str() ==
        "Conv1d(in_channels=1, out_channels=2, kernel_size=3, stride=1, padding=0, dilation=1, "
        "groups=1, bias=true, padding_mode=zeros, winograd=true)  8\n"
        "ConvTranspose3d(in_channels=1, out_channels=1, kernel_size=[1,2,3], stride=1, padding=0, "
        "output_padding=0, groups=1, bias=false, dilation=1, padding_mode=zeros)  6\n"
        "AdaptiveAvgPool3d(output_size=[1,none,2])\n"
        "ZeroPad2d(padding=1)\n");
}

TEST_CASE("a net over sequences has a summary, and its batch norm folds away") {
  nn::Sequential net(nn::Conv1d({.in_channels = 2, .out_channels = 3, .kernel_size = 3}),
                     nn::BatchNorm1d(3), nn::ReLU(), nn::AdaptiveAvgPool1d(1), nn::Flatten(),
                     nn::Linear(3, 2));
  const std::string text = nn::summary(net, {4, 2, 10});
  CHECK(text.find("[4,3,8]") != std::string::npos);
  CHECK(text.find("note: the bias of 0 has no effect") != std::string::npos);
  Rng generator(1);
  for (int i = 0; i < 3; ++i) net(randn({4, 2, 10}, generator));
  net.eval();
  const auto folded = nn::fold_batch_norm(net);
  CHECK(folded->size() == 5);
  const Tensor x = randn({4, 2, 10}, generator);
  CHECK(largest((*folded)(x)-net(x)) < 1e-5);
}

TEST_CASE("padding layers add what their names say") {
  CHECK(nn::ZeroPad1d({{1, 2}})(row).to_vector<float>() == std::vector<float>{0, 1, 2, 4, 0, 0});
  CHECK(nn::ConstantPad1d({.padding = {1, 0}, .value = 7})(row).to_vector<float>() ==
        std::vector<float>{7, 1, 2, 4});
  CHECK(nn::ReflectionPad1d({{2, 1}})(row).to_vector<float>() ==
        std::vector<float>{4, 2, 1, 2, 4, 2});
  CHECK(nn::ReplicationPad1d({{2, 1}})(row).to_vector<float>() ==
        std::vector<float>{1, 1, 1, 2, 4, 4});
  CHECK(nn::CircularPad1d({{2, 1}})(row).to_vector<float>() ==
        std::vector<float>{2, 4, 1, 2, 4, 1});
  CHECK(nn::ZeroPad1d({{-1, 1}})(row).to_vector<float>() == std::vector<float>{2, 4, 0});
  CHECK(nn::ZeroPad2d({{1, 2, 3, 4}})(ones({1, 1, 2, 2})).shape() == Shape{1, 1, 9, 5});
  CHECK(nn::ReflectionPad3d({1})(ones({1, 2, 3, 4})).shape() == Shape{1, 4, 5, 6});
}

TEST_CASE("padding layers name themselves in errors of dimensions") {
  CHECK(message_of([] {
          nn::ReflectionPad2d({1})(ones({2, 3}));
        }) ==
        "[ReflectionPad2d] expected [N,C,H,W] or [C,H,W], got [2,3]. Hint: unsqueeze(x, 0) adds "
        "channels or a batch of one, flatten() joins dimensions");
  CHECK(message_of([] {
          nn::ReplicationPad1d({1})(ones({2, 3, 4, 5}));
        }) ==
        "[ReplicationPad1d] expected [N,C,L] or [C,L], got [2,3,4,5]. Hint: unsqueeze(x, 0) adds "
        "channels or a batch of one, flatten() joins dimensions");
  CHECK(message_of([] { nn::ReflectionPad1d({3})(row); }).starts_with("[pad] pads (3, 3)"));
  CHECK(message_of([] {
          nn::ZeroPad2d({{1, 2, 3}});
        }) == "[sizes] expected 4 numbers, got 3. Hint: one number per spatial dimension");
}

TEST_CASE("max pools give their indices to unpools") {
  nn::MaxPool1d pool(2);
  nn::MaxUnpool1d unpool(2);
  const Tensor x = tensor({3.0F, 1.0F, 2.0F, 5.0F, 9.0F}, {1, 1, 5});
  const auto [y, indices] = pool.with_indices(x);
  CHECK(unpool(y, indices).to_vector<float>() == std::vector<float>{3, 0, 0, 5});
  CHECK(unpool(y, indices, Size1(5)).to_vector<float>() == std::vector<float>{3, 0, 0, 5, 0});
  CHECK_THROWS_AS(unpool(y), ValueError);
  const auto [largest_one, place] =
      nn::AdaptiveMaxPool2d(1).with_indices(tensor({1.0F, 4.0F, 2.0F, 4.0F}, {1, 2, 2}));
  CHECK(largest_one.item() == 4);
  CHECK(place.item() == 1);
}

TEST_CASE("pools of all dimensions are layers") {
  CHECK(nn::MaxPool1d({.kernel_size = 3, .stride = 1, .dilation = 2})(ones({2, 3, 9})).shape() ==
        Shape{2, 3, 5});
  CHECK(nn::MaxPool3d(2)(ones({2, 3, 4, 5, 6})).shape() == Shape{2, 3, 2, 2, 3});
  CHECK(nn::AvgPool1d({.kernel_size = 2, .ceil_mode = true})(row).to_vector<float>() ==
        std::vector<float>{1.5, 4});
  CHECK(nn::AvgPool3d({.kernel_size = 2, .divisor_override = 4})(ones({1, 2, 2, 2})).item() == 2);
  CHECK(nn::AdaptiveAvgPool3d({.output_size = {std::nullopt, 1, 2}})(ones({1, 4, 5, 6})).shape() ==
        Shape{1, 4, 1, 2});
  CHECK(nn::AdaptiveMaxPool1d(2)(row).to_vector<float>() == std::vector<float>{2, 4});
  CHECK(nn::LPPool1d({.norm_type = 1, .kernel_size = 3})(row).item() == 7);
  CHECK(message_of([] {
          nn::MaxPool3d({.kernel_size = 3, .padding = {0, 2, 0}});
        }).starts_with("[MaxPool3d] padding [0,2,0] is more than half of kernel_size [3,3,3]"));
  CHECK(
      message_of([] { nn::MaxPool1d({.kernel_size = 2, .dilation = 0}); }) ==
      "[MaxPool1d] dilation must be at least 1, got [0]. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] { nn::AdaptiveMaxPool1d(-1); }) ==
        "[AdaptiveMaxPool1d] output_size must be at least 0, got -1. Hint: 0 is none");
  CHECK(message_of([] { nn::LPPool2d({.norm_type = -1, .kernel_size = 2}); }) ==
        "[LPPool2d] norm_type must be positive, got -1. Hint: 2 is the Euclidean norm");
}

TEST_CASE("dropout1d and dropout3d drop channels, also of a single sample") {
  nn::Dropout1d one(0.5);
  nn::Dropout3d three(0.5);
  const auto check = [](const Tensor& y, int64_t channels) {
    const Tensor rows = reshape(y, {channels, -1});
    const auto lowest = amin(rows, {1}).to_vector<float>();
    CHECK(lowest == amax(rows, {1}).to_vector<float>());
    for (const float v : lowest) CHECK((v == 0 || v == 2));
  };
  check(one(ones({4, 8, 5})), 32);
  check(one(ones({32, 5})), 32);
  check(three(ones({4, 8, 2, 2, 2})), 32);
  check(three(ones({32, 2, 2, 2})), 32);
  CHECK(message_of([&] { one(ones({4})); }) ==
        "[Dropout1d] expected [N,C,L] or [C,L], got [4]. Hint: unsqueeze(x, 0) adds channels or a "
        "batch of one, flatten() joins dimensions");
  one.eval();
  CHECK(one(row).is_same(row));
}

TEST_CASE("alpha dropout works in training only, and draws from the dropout stream") {
  nn::AlphaDropout drop(0.3);
  const RandomState before = random_state();
  Rng generator = default_rng(Stream::dropout);
  const Tensor x = ones({50});
  CHECK(drop(x).to_vector<float>() == alpha_dropout(x, 0.3, generator).to_vector<float>());
  CHECK(random_state().streams[static_cast<size_t>(Stream::init)] ==
        before.streams[static_cast<size_t>(Stream::init)]);
  drop.eval();
  CHECK(drop(x).is_same(x));
  CHECK(message_of([] { nn::AlphaDropout(2); }) ==
        "[AlphaDropout] p must be in [0, 1], got 2. Hint: it is a probability: 0.5 is every second "
        "time");
}

TEST_CASE("upsample is a layer whose linear modes know their dimensions") {
  nn::Upsample up({.scale_factor = 2, .mode = nn::Interpolation::bilinear});
  CHECK(up(ones({2, 3, 4, 5})).shape() == Shape{2, 3, 8, 10});
  CHECK(message_of([&] {
          up(row);
        }).starts_with("[Upsample] a linear mode for 2 spatial dimensions, got [1,1,3]. Hint: "));
  CHECK(nn::Upsample({.size = {5}})(row).shape() == Shape{1, 1, 5});
  CHECK(message_of([] { nn::Upsample({.size = {5}, .scale_factor = 2}); }) ==
        "[Upsample] needs either a size or a scale_factor. Hint: give one of the two");
}

TEST_CASE("unflatten and identity") {
  CHECK(nn::Unflatten({.dim = 1, .unflattened_size = {2, -1}})(ones({3, 8})).shape() ==
        Shape{3, 2, 4});
  CHECK(nn::Identity()(row).is_same(row));
}
