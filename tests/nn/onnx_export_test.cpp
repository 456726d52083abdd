// What save_onnx writes and refuses. That runtimes compute the same: tests/onnx.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/flatten.h"
#include "../../nn/lambda.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/onnx/onnx.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"
#include "../support/temporary_folder.h"

using namespace gradus;
using test::message_of;

namespace {

struct Masked : nn::Module {
  nn::Linear& fc = child<nn::Linear>("fc", {.in_features = 4, .out_features = 4});
  Tensor forward(const Tensor& x) override {
    const Tensor y = fc(x);
    return masked_fill(y, lt(y, 0.1), 0);
  }
};

struct Sorted : nn::Module {
  nn::Linear& fc = child<nn::Linear>("fc", {.in_features = 4, .out_features = 4});
  Tensor forward(const Tensor& x) override { return max(dropout(fc(x), 0.5), 1).values; }
};

nn::Sequential small_net() {
  return nn::Sequential(nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3}),
                        nn::BatchNorm2d(4), nn::ReLU(), nn::Dropout(), nn::Flatten(),
                        nn::Linear({.in_features = 4 * 6 * 6, .out_features = 3}));
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a file has evaluation in it and PyTorch's names, in whichever mode the net is") {
  const test::TemporaryFolder folder;
  nn::Sequential net = small_net();
  nn::save_onnx(folder / "training.onnx", net, zeros({2, 1, 8, 8}));
  CHECK(net.is_training());
  CHECK(net.get_submodule("1").is_training());
  net.eval();
  nn::save_onnx(folder / "evaluating.onnx", net, zeros({2, 1, 8, 8}));
  const std::string file = bytes_of(folder / "training.onnx");
  CHECK(file == bytes_of(folder / "evaluating.onnx"));
  for (const char* word :
       {"0.weight", "1.running_mean", "5.bias", "BatchNormalization", "Gemm", "Flatten", "batch"}) {
    CHECK_MESSAGE(file.find(word) != std::string::npos, word);
  }
  CHECK(file.find("Dropout") == std::string::npos);
}

TEST_CASE("running statistics and parameters are as they were after an export") {
  const test::TemporaryFolder folder;
  nn::Sequential net = small_net();
  const NamedTensors before = net.state_dict();
  nn::save_onnx(folder / "net.onnx", net, randn({4, 1, 8, 8}));
  const NamedTensors after = net.state_dict();
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(before[i].tensor.to(float64).sum().item() == after[i].tensor.to(float64).sum().item());
  }
}

TEST_CASE("the size of the example's batch does not matter") {
  const test::TemporaryFolder folder;
  nn::Sequential net = small_net();
  nn::save_onnx(folder / "one.onnx", net, zeros({1, 1, 8, 8}));
  nn::save_onnx(folder / "nine.onnx", net, randn({9, 1, 8, 8}));
  CHECK(bytes_of(folder / "one.onnx") == bytes_of(folder / "nine.onnx"));
}

TEST_CASE("what depends on the input without the tape is refused, also for an example of zeros") {
  const test::TemporaryFolder folder;
  Masked net;
  for (const Tensor& example : {zeros({1, 4}), randn({3, 4})}) {
    const std::string message =
        message_of([&] { nn::save_onnx(folder / "net.onnx", net, example); });
    CHECK(message.starts_with("[save_onnx] a tensor ["));
    CHECK(message.find("depends on the input or its batch, and is not on the tape") !=
          std::string::npos);
  }
  CHECK(folder.files().empty());
}

TEST_CASE("what depends on the batch in another way than in proportion is refused") {
  const test::TemporaryFolder folder;
  const auto message = [&](Tensor (*forward)(const Tensor&), int64_t samples) {
    nn::Lambda net(forward);
    return message_of([&] { nn::save_onnx(folder / "net.onnx", net, randn({samples, 4})); });
  };
  for (const int64_t samples : {2, 3, 4, 8}) {
    CAPTURE(samples);
    const auto half = [](const Tensor& x) { return narrow(x, 0, 0, (x.size(0) + 1) / 2) * 2; };
    CHECK(message(half, samples).find("does not grow in proportion") != std::string::npos);
    const auto square = [](const Tensor& x) { return expand(sum(x), {x.size(0) * x.size(0)}) * 2; };
    CHECK(message(square, samples).find("does not grow in proportion") != std::string::npos);
    const auto last = [](const Tensor& x) { return select(x, 0, -1) * 2; };
    CHECK(message(last, samples).find("slice has a start that depends on the batch") !=
          std::string::npos);
    const auto mean_by_hand = [](const Tensor& x) {
      return sum(x, {0}) / static_cast<double>(x.size(0));
    };
    CHECK(message(mean_by_hand, samples).find("depends on the input or its batch") !=
          std::string::npos);
    CHECK(message([](const Tensor& x) { return mean(x, {0}) * 2; }, samples) == "no error");
  }
}

TEST_CASE("all that has no equivalent is named at once, with its module") {
  const test::TemporaryFolder folder;
  nn::Sequential net;
  net.add("first", Sorted());
  CHECK(message_of([&] {
          nn::save_onnx(folder / "net.onnx", net, zeros({2, 4}));
        }) ==
        "[save_onnx] (first) dropout has no equivalent. Hint: write this part of the net with "
        "other operations, or leave it out of the file");
  CHECK(folder.files().empty());
}

TEST_CASE("an example needs the dimension that counts samples") {
  const test::TemporaryFolder folder;
  nn::ReLU net;
  CHECK(message_of([&] { nn::save_onnx(folder / "net.onnx", net, full({}, 1.0)); }) ==
        "[save_onnx] the example [] has no batch dimension. Hint: give a batch as the example, or "
        "set batch_dim to nothing");
  CHECK(message_of([&] {
          nn::save_onnx(folder / "net.onnx", net, zeros({2}), {.batch_dim = 1});
        }).starts_with("[save_onnx] "));
  nn::save_onnx(folder / "net.onnx", net, zeros({2}), {.batch_dim = std::nullopt});
  CHECK(bytes_of(folder / "net.onnx").find("batch") == std::string::npos);
}

TEST_CASE("a normalization has a number for all channels, or one for each") {
  const test::TemporaryFolder folder;
  nn::ReLU net;
  const auto save = [&](const nn::PixelNormalization& pixels) {
    return message_of([&] {
      nn::save_onnx(folder / "net.onnx", net, zeros({2, 3, 4, 4}), {.normalization = pixels});
    });
  };
  CHECK(save({{0.5}, {0.5}}) == "no error");
  CHECK(save({{0.5, 0.4, 0.3}, {0.5}}) == "no error");
  CHECK(save({{0.5, 0.4}, {0.5}}) ==
        "[save_onnx] a normalization of 2 channels for the input [2,3,4,4]. Hint: give one number "
        "for all, or one for each channel");
  CHECK(save({{0.5}, {0}}) ==
        "[save_onnx] the standard deviation of pixels must be positive, got 0. Hint: give what the "
        "training data were divided by");
}
