// Nets as people write them: of layers, and as code.
#include "../../core/ops.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/embedding.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/pool.h"
#include "../../nn/recurrent.h"
#include "../../nn/reparametrization.h"
#include "../../nn/sequential.h"
#include "cases.h"

namespace gradus::onnx_test {

namespace {

using namespace nn;

struct LeNet : Module {
  Conv2d& conv1 =
      child<Conv2d>("conv1", {.in_channels = 1, .out_channels = 6, .kernel_size = 5, .padding = 2});
  Conv2d& conv2 = child<Conv2d>("conv2", {.in_channels = 6, .out_channels = 16, .kernel_size = 5});
  Linear& fc1 = child<Linear>("fc1", {.in_features = 400, .out_features = 120});
  Linear& fc2 = child<Linear>("fc2", {.in_features = 120, .out_features = 10});
  Tensor forward(const Tensor& x) override {
    Tensor y = max_pool2d(relu(conv1(x)), {.kernel_size = 2});
    y = max_pool2d(relu(conv2(y)), {.kernel_size = 2});
    return log_softmax(fc2(tanh(fc1(y.reshape({x.size(0), -1})))), 1);
  }
};

template <class Norm>
struct Block : Module {
  Conv2d& conv1;
  Norm& norm1;
  Conv2d& conv2;
  Norm& norm2;
  Block(int64_t channels, std::function<typename Norm::Options(int64_t)> norm)
      : conv1(child<Conv2d>("conv1", {.in_channels = channels,
                                      .out_channels = channels,
                                      .kernel_size = 3,
                                      .padding = 1,
                                      .bias = false})),
        norm1(child<Norm>("norm1", norm(channels))),
        conv2(child<Conv2d>("conv2", {.in_channels = channels,
                                      .out_channels = channels,
                                      .kernel_size = 3,
                                      .padding = 1,
                                      .bias = false})),
        norm2(child<Norm>("norm2", norm(channels))) {}
  Tensor forward(const Tensor& x) override { return relu(x + norm2(conv2(relu(norm1(conv1(x)))))); }
};

template <class Norm>
struct ResNet : Module {
  Conv2d& stem = child<Conv2d>(
      "stem", {.in_channels = 1, .out_channels = 8, .kernel_size = 3, .stride = 2, .padding = 1});
  Block<Norm>&block1, &block2;
  Linear& head = child<Linear>("head", {.in_features = 8, .out_features = 10});
  explicit ResNet(const std::function<typename Norm::Options(int64_t)>& norm)
      : block1(child<Block<Norm>>("block1", 8, norm)),
        block2(child<Block<Norm>>("block2", 8, norm)) {}
  Tensor forward(const Tensor& x) override { return head(mean(block2(block1(stem(x))), {2, 3})); }
};

struct Attention : Module {
  Linear& qkv = child<Linear>("qkv", {.in_features = 12, .out_features = 36});
  Linear& out = child<Linear>("out", {.in_features = 12, .out_features = 12});
  LayerNorm& norm = child<LayerNorm>("norm", {.normalized_shape = {12}});
  Tensor forward(const Tensor& x) override {  // [N,T,12], three heads, looking back only
    const int64_t n = x.size(0), steps = x.size(1);
    const auto parts = chunk(qkv(norm(x)), 3, -1);
    const auto heads = [&](const Tensor& t) { return t.reshape({n, steps, 3, 4}).transpose(1, 2); };
    const Tensor scores = matmul(heads(parts[0]), heads(parts[1]).transpose(-2, -1)) / 2.0;
    const Tensor later = triu(ones({steps, steps}), 1).to(boolean);
    const Tensor weights = softmax(masked_fill(scores, later, -1e9), -1);
    return x + out(matmul(weights, heads(parts[2])).transpose(1, 2).reshape({n, steps, 12}));
  }
};

struct Transformer : Module {
  Embedding& words = child<Embedding>("words", {.num_embeddings = 10, .embedding_dim = 12});
  Tensor& places = parameter("places", randn({6, 12}));
  Attention& attention = child<Attention>("attention");
  Linear& wide = child<Linear>("wide", {.in_features = 12, .out_features = 24});
  Linear& narrow_ = child<Linear>("narrow", {.in_features = 24, .out_features = 12});
  Tensor forward(const Tensor& index) override {
    const Tensor x = attention(words(index) + places);
    return x + narrow_(gelu(wide(x)));
  }
};

struct Tagger : Module {
  LSTM& lstm = child<LSTM>(
      "lstm", {.input_size = 7, .hidden_size = 6, .batch_first = true, .bidirectional = true});
  Linear& head = child<Linear>("head", {.in_features = 12, .out_features = 3});
  Tensor forward(const Tensor& x) override { return head(lstm(x).output.select(1, -1)); }
};

/// Takes pixels as they are in files.
struct OfPixels : Module {
  Linear& fc = child<Linear>("fc", {.in_features = 16, .out_features = 4});
  Tensor forward(const Tensor& x) override { return fc(flatten(x, 1).to(float32) / 255.0); }
};

/// Both halves of a batch of pairs, merged by reshapes in which two sizes grow with the batch.
struct Merged : Module {
  Linear& fc = child<Linear>("fc", {.in_features = 5, .out_features = 4});
  Tensor forward(const Tensor& x) override {  // [N,3,5]
    const Tensor y = fc(x.reshape({-1, 5})).reshape({x.size(0), 3, 4});
    const Tensor similar = matmul(y.reshape({-1, 4}), y.reshape({-1, 4}).T());  // [3N,3N]
    return similar.reshape({x.size(0), 3, x.size(0), 3}).mean({2, 3});
  }
};

template <class Norm>
std::shared_ptr<Module> normed(const typename Norm::Options& norm) {
  return std::make_shared<Sequential>(
      Conv2d({.in_channels = 1, .out_channels = 8, .kernel_size = 3, .padding = 1}), Norm(norm),
      ReLU(), MaxPool2d({.kernel_size = 2}), Dropout2d({.p = 0.3}), Flatten(),
      Linear({.in_features = 1568, .out_features = 10}));
}

std::shared_ptr<Module> generator() {
  return std::make_shared<Sequential>(
      Linear({.in_features = 16, .out_features = 32 * 7 * 7}), BatchNorm1d(32 * 7 * 7), ReLU(),
      Unflatten({.dim = 1, .unflattened_size = {32, 7, 7}}),
      ConvTranspose2d({.in_channels = 32,
                       .out_channels = 16,
                       .kernel_size = 4,
                       .stride = 2,
                       .padding = 1,
                       .bias = false}),
      BatchNorm2d(16), LeakyReLU({.negative_slope = 0.2}),
      ConvTranspose2d(
          {.in_channels = 16, .out_channels = 1, .kernel_size = 4, .stride = 2, .padding = 1}),
      Tanh());
}

template <class Net, class... Arguments>
std::shared_ptr<Module> make(const Arguments&... arguments) {
  return std::make_shared<Net>(arguments...);
}

}  // namespace

std::vector<Case> net_cases() {
  const auto images = [](int64_t n) { return randn({n, 1, 28, 28}); };
  const auto rows = [](int64_t n) { return randn({n, 6, 7}); };
  std::vector<Case> cases = {
      {"net lenet", make<LeNet>(), images},
      {"net resnet with batch norm",
       make<ResNet<BatchNorm2d>>([](int64_t c) { return BatchNorm2d::Options{c}; }), images},
      {"net resnet with group norm", make<ResNet<GroupNorm>>([](int64_t c) {
         return GroupNorm::Options{.num_groups = 4, .num_channels = c};
       }),
       images},
      {"net with batch norm", normed<BatchNorm2d>({.num_features = 8}), images},
      {"net with instance norm", normed<InstanceNorm2d>({.num_features = 8}), images},
      {"net with layer norm", normed<LayerNorm>({.normalized_shape = {8, 28, 28}}), images},
      {"net with group norm", normed<GroupNorm>({.num_groups = 2, .num_channels = 8}), images},
      {"net generator", generator(),
       [](int64_t n) {
         return randn({n, 16});
       }},
      {"net transformer", make<Transformer>(),
       [](int64_t n) {
         return (rand({n, 6}) * 9.99).to(int64);
       }},
      {"net tagger", make<Tagger>(), rows},
      {"net of pixels", make<OfPixels>(),
       [](int64_t n) {
         return (rand({n, 1, 4, 4}) * 255.9).to(uint8);
       }},
      {"net merged", make<Merged>(),
       [](int64_t n) {
         return randn({n, 3, 5});
       }},
  };
  for (Case& c : cases) {
    for (int i = 0; i < 3; ++i) (*c.net)(c.input(4));
  }
  return cases;
}

}  // namespace gradus::onnx_test
