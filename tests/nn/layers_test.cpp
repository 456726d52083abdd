// Layers without statistics: options, shapes, initial values, modes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/loss.h"
#include "../../nn/pool.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

TEST_CASE("linear is x W^T + b over any leading dimensions") {
  nn::Linear layer(2, 3);
  layer.weight.detach().copy_(tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {3, 2}));
  layer.bias.detach().copy_(tensor({10.0F, 20.0F, 30.0F}));
  const Tensor y = layer(tensor({1.0F, 1.0F, 0.0F, 2.0F}, {2, 1, 2}));
  CHECK(y.shape() == Shape{2, 1, 3});
  CHECK(y.to_vector<float>() == std::vector<float>{13, 27, 41, 14, 28, 42});
}

TEST_CASE("a batch of one keeps its shape") {
  CHECK(nn::Linear(4, 2)(ones({1, 4})).shape() == Shape{1, 2});
  nn::Conv2d conv({.in_channels = 1, .out_channels = 2, .kernel_size = 1});
  CHECK(conv(ones({1, 1, 1, 1})).shape() == Shape{1, 2, 1, 1});
}

TEST_CASE("conv2d has PyTorch's parameter shapes") {
  nn::Conv2d conv({.in_channels = 4, .out_channels = 6, .kernel_size = {3, 2}, .groups = 2});
  CHECK(conv.weight.shape() == Shape{6, 2, 3, 2});
  CHECK(conv.bias.shape() == Shape{6});
  CHECK(conv(ones({2, 4, 5, 5})).shape() == Shape{2, 6, 3, 4});
}

TEST_CASE("padding same keeps height and width, also of even kernels") {
  for (const int64_t kernel : {1, 2, 3, 4}) {
    for (const int64_t dilation : {1, 2, 3}) {
      nn::Conv2d conv({.in_channels = 1,
                       .out_channels = 1,
                       .kernel_size = {kernel, 3},
                       .padding = "same",
                       .dilation = dilation});
      CHECK(conv(ones({1, 1, 6, 7})).shape() == Shape{1, 1, 6, 7});
    }
  }
  // The larger half goes to the right: the last output of a kernel of two sees one zero.
  nn::Conv2d conv({.in_channels = 1,
                   .out_channels = 1,
                   .kernel_size = {1, 2},
                   .padding = "same",
                   .bias = false});
  conv.weight.detach().fill_(1);
  CHECK(conv(tensor({1.0F, 2.0F, 3.0F}, {1, 1, 1, 3})).to_vector<float>() ==
        std::vector<float>{3, 5, 3});
}

TEST_CASE("padding modes take values from the image") {
  nn::Conv2d conv({.in_channels = 1,
                   .out_channels = 1,
                   .kernel_size = {1, 3},
                   .padding = {0, 1},
                   .bias = false,
                   .padding_mode = PadMode::circular});
  conv.weight.detach().fill_(1);
  CHECK(conv(tensor({1.0F, 2.0F, 4.0F}, {1, 1, 1, 3})).to_vector<float>() ==
        std::vector<float>{7, 7, 7});
}

TEST_CASE("options that make no sense are refused when a layer is built") {
  using nn::Conv2d;
  CHECK(
      message_of([] { nn::Linear(-3, 2); }) ==
      "[Linear] in_features must be at least 1, got -3. Hint: sizes, steps and counts start at 1");
  CHECK(message_of(
            [] { Conv2d({.in_channels = 3, .out_channels = 4, .kernel_size = 3, .groups = 2}); }) ==
        "[Conv2d] in_channels 3 is not divisible by groups 2. Hint: all groups have the same "
        "number of channels");
  CHECK(message_of(
            [] { Conv2d({.in_channels = 4, .out_channels = 7, .kernel_size = 3, .groups = 2}); }) ==
        "[Conv2d] out_channels 7 is not divisible by groups 2. Hint: all groups have the same "
        "number of channels");
  CHECK(message_of(
            [] { Conv2d({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .stride = 0}); }) ==
        "[Conv2d] stride must be at least 1, got [0,0]. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] {
          Conv2d({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .padding = {0, -1}});
        }) == "[Conv2d] padding must be at least 0, got [0,-1]. Hint: 0 is none");
  CHECK(message_of(
            [] { Conv2d({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .groups = 0}); }) ==
        "[Conv2d] groups must be at least 1, got 0. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] {
          Conv2d({.in_channels = 1,
                  .out_channels = 1,
                  .kernel_size = 3,
                  .stride = 2,
                  .padding = "same"});
        }).starts_with("[Conv2d] padding \"same\" needs stride 1, got [2,2]. Hint: "));
  CHECK(message_of([] {
          Conv2d({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .padding = "full"});
        }).starts_with("[padding] unknown rule \"full\". Hint: "));
  CHECK(message_of([] {
          nn::MaxPool2d({.kernel_size = 2, .padding = 2});
        }).starts_with("[MaxPool2d] padding [2,2] is more than half of kernel_size [2,2]"));
  CHECK(message_of([] { nn::MaxPool2d(0); }) ==
        "[MaxPool2d] kernel_size must be at least 1, got [0,0]. Hint: sizes, steps and counts "
        "start at 1");
  CHECK(
      message_of([] { nn::MaxPool2d({.kernel_size = 2, .stride = 0}); }) ==
      "[MaxPool2d] stride must be at least 1, got [0,0]. Hint: sizes, steps and counts start at 1");
  CHECK(message_of([] { nn::AvgPool2d({.kernel_size = 2, .divisor_override = 0}); }) ==
        "[AvgPool2d] divisor_override must not be 0. Hint: leave it empty to divide by the number "
        "of elements");
  CHECK(message_of([] { nn::Dropout(-0.278); }) ==
        "[Dropout] p must be in [0, 1], got -0.278. Hint: it is a probability: 0.5 is every second "
        "time");
  CHECK(message_of([] { nn::Dropout2d(std::nan("")); }) ==
        "[Dropout2d] p must be in [0, 1], got nan. Hint: it is a probability: 0.5 is every second "
        "time");
}

TEST_CASE("pools") {
  const Tensor x = tensor({1.0F, 2.0F, 3.0F, 4.0F}, {1, 1, 2, 2});
  CHECK(nn::MaxPool2d(2)(x).item() == 4);
  CHECK(nn::AvgPool2d(2)(x).item() == 2.5);
  CHECK(nn::AvgPool2d({.kernel_size = 2, .divisor_override = 5})(x).item() == 2);
  CHECK(nn::AdaptiveAvgPool2d(1)(x).item() == 2.5);
  nn::AdaptiveAvgPool2d keep_height({.output_size = {std::nullopt, 1}});
  CHECK(keep_height(x).to_vector<float>() == std::vector<float>{1.5, 3.5});
  CHECK_THROWS_AS(keep_height(ones({3})), ShapeError);
  CHECK(nn::MaxPool2d({.kernel_size = 3, .stride = 2, .padding = 1})(x).shape() ==
        Shape{1, 1, 1, 1});
}

TEST_CASE("activations with options compute what ops.h says") {
  const Tensor x = tensor({-2.0F, 0.0F, 3.0F});
  CHECK(nn::ReLU()(x).to_vector<float>() == std::vector<float>{0, 0, 3});
  CHECK(nn::LeakyReLU({.negative_slope = 0.5})(x).to_vector<float>() ==
        std::vector<float>{-1, 0, 3});
  CHECK(nn::GELU({.approximate = Gelu::tanh})(x).to_vector<float>() ==
        gelu(x, Gelu::tanh).to_vector<float>());
  CHECK(nn::Softplus({.beta = 2, .threshold = 1})(x).to_vector<float>() ==
        softplus(x, 2, 1).to_vector<float>());
  CHECK(nn::Softmax({.dim = 0})(x).to_vector<float>() == softmax(x, 0).to_vector<float>());
  CHECK(nn::LeakyReLU().type() == "LeakyReLU");
}

TEST_CASE("flatten merges all but the batch, or what it is told") {
  CHECK(nn::Flatten()(ones({2, 3, 4, 5})).shape() == Shape{2, 60});
  CHECK(nn::Flatten({.start_dim = 0, .end_dim = 1})(ones({2, 3, 4})).shape() == Shape{6, 4});
}

TEST_CASE("dropout drops in training only, and draws from its own stream") {
  manual_seed(3);
  nn::Dropout drop(0.25);
  const Tensor x = ones({100, 100});
  const RandomState before = random_state();
  const std::vector<float> y = drop(x).to_vector<float>();
  const double zeros =
      static_cast<double>(std::count(y.begin(), y.end(), 0.0F)) / static_cast<double>(y.size());
  CHECK(zeros == doctest::Approx(0.25).epsilon(0.1));
  for (const float v : y) CHECK((v == 0 || v == 1.0F / 0.75F));
  const RandomState after = random_state();
  for (size_t s = 0; s < after.streams.size(); ++s) {
    CHECK((after.streams[s] == before.streams[s]) == (s != static_cast<size_t>(Stream::dropout)));
  }
  drop.eval();
  CHECK(drop(x).is_same(x));
  CHECK(nn::Dropout(0)(x).is_same(x));
  CHECK(random_state().streams == after.streams);
}

TEST_CASE("dropout2d drops whole channels; p = 1 drops all") {
  nn::Dropout2d drop(0.5);
  const std::vector<float> y = drop(ones({8, 8, 2, 2})).to_vector<float>();
  for (size_t i = 0; i < y.size(); i += 4) {
    CHECK((y[i] == 0 || y[i] == 2));
    CHECK(std::equal(y.begin() + static_cast<long>(i), y.begin() + static_cast<long>(i) + 4,
                     std::vector<float>(4, y[i]).begin()));
  }
  CHECK(sum(nn::Dropout(1)(ones({50}))).item() == 0);
}

TEST_CASE("a sequential takes layers over and names them by number") {
  nn::Sequential net(nn::Conv2d({.in_channels = 1, .out_channels = 2, .kernel_size = 3}),
                     nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(2 * 4, 3));
  CHECK(net.size() == 5);
  CHECK(net[4].name() == "4");
  CHECK(net.named_parameters()[2].name == "4.weight");
  CHECK(net(ones({5, 1, 6, 6})).shape() == Shape{5, 3});
  nn::Sequential moved(std::move(net));
  CHECK(moved(ones({5, 1, 6, 6})).shape() == Shape{5, 3});
  CHECK(message_of([&] { moved[5]; }) ==
        "[Sequential] no layer 5, there are 5. Hint: layers go from 0 to 4");
  CHECK(message_of([] { nn::Sequential()[0]; }) ==
        "[Sequential] no layer 0, there are 0. Hint: it has no layers");
}

TEST_CASE("a sequential can be built by name, and nested") {
  nn::Sequential net;
  nn::Linear& fc = net.add("fc", nn::Linear(2, 2));
  net.add("rest", nn::Sequential(nn::ReLU(), nn::Linear(2, 1)));
  CHECK(fc.name() == "fc");
  CHECK(net.named_parameters()[2].name == "rest.1.weight");
  CHECK(message_of([&] { net.add("fc", nn::ReLU()); }) ==
        "[Sequential] cannot register \"fc\": this name is taken. Hint: names are unique in a "
        "module and have no dot");
}

TEST_CASE("a residual adds its shortcut, by default the input itself") {
  nn::Residual same(nn::Sequential{nn::ReLU()});
  CHECK(same(tensor({-1.0F, 2.0F})).to_vector<float>() == std::vector<float>{-1, 4});

  nn::Sequential body, shortcut;
  body.add("fc", nn::Linear(2, 3));
  shortcut.add("0", nn::Linear(2, 3));
  nn::Residual block(std::move(body), std::move(shortcut));
  CHECK(block.named_parameters()[0].name == "body.fc.weight");
  CHECK(block.named_parameters()[2].name == "shortcut.0.weight");
  CHECK(block(ones({4, 2})).shape() == Shape{4, 3});

  nn::Residual wrong(nn::Sequential{nn::Linear(2, 3)});
  CHECK(message_of([&] {
          wrong(ones({4, 2}));
        }).starts_with("[Residual] body gives [4,3], shortcut [4,2] for input [4,2]"));
}

TEST_CASE("losses are functions, or objects with options") {
  const Tensor logits = tensor({1.0F, 2.0F, 3.0F, 0.0F}, {2, 2});
  const Tensor target = tensor({int64_t{1}, int64_t{0}});
  const nn::CrossEntropyLoss smooth{{.label_smoothing = 0.1}};
  CHECK(smooth(logits, target).item() ==
        cross_entropy(logits, target, {.label_smoothing = 0.1}).item());
  CHECK(nn::NLLLoss{}(log_softmax(logits, 1), target).item() ==
        doctest::Approx(nn::cross_entropy(logits, target).item()));
  CHECK(nn::MSELoss{Reduction::sum}(logits, logits).item() == 0);
}

TEST_CASE("loss objects hand their options to the functions") {
  const Tensor x = tensor({0.2F, 0.9F, 0.4F}), y = tensor({0.5F, 0.3F, 0.4F});
  const Tensor signs = tensor({1.0F, -1.0F, 1.0F}), first = full({}, 0, int64), one = full({}, 1);
  constexpr Reduction total = Reduction::sum;
  const auto same = [](const Tensor& a, const Tensor& b) { CHECK(a.item() == b.item()); };
  same(nn::L1Loss{total}(x, y), l1_loss(x, y, total));
  same(nn::SmoothL1Loss{{.beta = 0.1}}(x, y), smooth_l1_loss(x, y, {.beta = 0.1}));
  same(nn::HuberLoss{{.delta = 0.1}}(x, y), huber_loss(x, y, {.delta = 0.1}));
  same(nn::BCELoss{{.weight = x}}(x, y), binary_cross_entropy(x, y, {.weight = x}));
  same(nn::BCEWithLogitsLoss{{.pos_weight = x}}(x, y),
       binary_cross_entropy_with_logits(x, y, {.pos_weight = x}));
  same(nn::KLDivLoss{{.log_target = true}}(x, y), kl_div(x, y, {.log_target = true}));
  same(nn::GaussianNLLLoss{{.full = true}}(x, y, x), gaussian_nll_loss(x, y, x, {.full = true}));
  same(nn::PoissonNLLLoss{{.log_input = false}}(x, y),
       poisson_nll_loss(x, y, {.log_input = false}));
  same(nn::MarginRankingLoss{{.margin = 1}}(x, y, signs),
       margin_ranking_loss(x, y, signs, {.margin = 1}));
  same(nn::HingeEmbeddingLoss{{.margin = 2}}(x, signs),
       hinge_embedding_loss(x, signs, {.margin = 2}));
  same(nn::SoftMarginLoss{total}(x, signs), soft_margin_loss(x, signs, total));
  same(nn::CosineEmbeddingLoss{{.reduction = total}}(x, y, one),
       cosine_embedding_loss(x, y, one, {.reduction = total}));
  same(nn::MultiMarginLoss{{.p = 2}}(x, first), multi_margin_loss(x, first, {.p = 2}));
}
