// The bits of a sample do not depend on the batch that it is in.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../../core/base/parallel_for.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../nn/model_json.h"
#include "../../nn/pool.h"
#include "../support/isa.h"
#include "../support/threads.h"
#include "layer_output.h"

using namespace gradus;

namespace {

// --- Layers ---

/// Layers whose type begins like this, and a sample for them. Samples have odd sizes, so that their
/// places in vectors differ from batch to batch.
struct Family {
  std::string_view begin;
  const char* options = "{}";
  Shape sample = {};         ///< where it is not the usual one
  int batch_dim = 0;         ///< of the input
  int output_batch_dim = 0;  ///< of the output
};

const Family families[] = {
    {"Linear", R"({"in_features": 7, "out_features": 5})", {7}},
    {"Linear", R"({"in_features": 301, "out_features": 33})", {301}},
    {"Linear", R"({"in_features": 7, "out_features": 1, "bias": false})", {3, 7}},
    {"Embedding", R"({"num_embeddings": 5, "embedding_dim": 3})", {3}},
    {"RNN", R"({"input_size": 5, "hidden_size": 7, "batch_first": true})", {2, 5}},
    {"LSTM", R"({"input_size": 5, "hidden_size": 7})", {2, 5}, 1, 1},
    {"LSTM",
     R"({"input_size": 5, "hidden_size": 7, "bidirectional": true, "batch_first": true})",
     {2, 5}},
    {"GRU", R"({"input_size": 5, "hidden_size": 9, "num_layers": 2})", {2, 5}, 1, 1},
    {"LastStep", "{}", {3, 5}, 1, 0},
    {"Conv1d", R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3, "padding": 1})", {3, 9}},
    {"Conv2d", R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3})", {3, 7, 5}},
    {"Conv2d", R"({"in_channels": 16, "out_channels": 17, "kernel_size": 3})", {16, 6, 6}},
    {"Conv2d",
     R"({"in_channels": 17, "out_channels": 16, "kernel_size": 3, "padding": 1})",
     {17, 3, 5}},
    {"Conv2d",
     R"({"in_channels": 16, "out_channels": 16, "kernel_size": 3, "padding": 1})",
     {16, 1, 2}},
    {"Conv2d",
     R"({"in_channels": 4, "out_channels": 7, "kernel_size": 3, "stride": 2})",
     {4, 7, 7}},
    {"Conv2d",
     R"({"in_channels": 40, "out_channels": 3, "kernel_size": 3, "padding": 3})",
     {40, 2, 3}},
    {"Conv2d", R"({"in_channels": 5, "out_channels": 7, "kernel_size": 1})", {5, 3, 3}},
    {"Conv2d",
     R"({"in_channels": 4, "out_channels": 6, "kernel_size": 3, "groups": 2})",
     {4, 5, 5}},
    {"Conv3d", R"({"in_channels": 2, "out_channels": 3, "kernel_size": 2})", {2, 3, 4, 3}},
    {"ConvTranspose1d", R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3})", {3, 5}},
    {"ConvTranspose2d", R"({"in_channels": 16, "out_channels": 16, "kernel_size": 3})", {16, 4, 4}},
    {"ConvTranspose2d",
     R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3, "stride": 2})",
     {3, 4, 3}},
    {"ConvTranspose3d", R"({"in_channels": 2, "out_channels": 3, "kernel_size": 2})", {2, 2, 3, 3}},
    {"MaxPool", R"({"kernel_size": 2})"},
    {"MaxUnpool", R"({"kernel_size": 2})"},
    {"AvgPool", R"({"kernel_size": 2})"},
    {"LPPool", R"({"norm_type": 2, "kernel_size": 2})"},
    {"AdaptiveAvgPool", R"({"output_size": 2})"},
    {"AdaptiveMaxPool", R"({"output_size": 2})"},
    {"ConstantPad", R"({"padding": 1, "value": 0.5})"},
    {"ZeroPad", R"({"padding": 1})"},
    {"ReflectionPad", R"({"padding": 1})"},
    {"ReplicationPad", R"({"padding": 1})"},
    {"CircularPad", R"({"padding": 1})"},
    {"Upsample", R"({"scale_factor": 2, "mode": "linear"})", {3, 5}},
    {"Upsample", R"({"scale_factor": 1.7, "mode": "bilinear"})", {3, 5, 5}},
    {"Identity"},
    {"Flatten", "{}", {3, 5}},
    {"Unflatten", R"({"dim": 1, "unflattened_size": [3, 5]})", {15}},
    {"Dropout"},
    {"AlphaDropout"},
    {"Softmax", R"({"dim": 1})"},
    {"Softmax", R"({"dim": 0})", {5}, 1, 1},
    {"LogSoftmax", R"({"dim": 1})"},
    {"LogSoftmax", R"({"dim": 0})", {5}, 1, 1},
    {"Softmin", R"({"dim": 1})"},
    {"Threshold", R"({"threshold": 0.1, "value": 2})"},
    {"GLU", "{}", {3, 10}},
    {"BatchNorm1d", R"({"num_features": 3})", {3}},
    {"BatchNorm", R"({"num_features": 3})"},
    {"InstanceNorm", R"({"num_features": 3, "affine": true})"},
    {"LayerNorm", R"({"normalized_shape": [5]})", {3, 5}},
    {"LayerNorm", R"({"normalized_shape": [37]})", {37}},
    {"RMSNorm", R"({"normalized_shape": [5]})", {3, 5}},
    {"GroupNorm", R"({"num_groups": 2, "num_channels": 6})", {6, 5}},
    {"LocalResponseNorm", R"({"size": 3})", {5, 3}},
    {"GhostBatchNorm", R"({"num_features": 3, "virtual_batch_size": 4})"},
    {"BatchRenorm", R"({"num_features": 3})"},
    {"FilterResponseNorm", R"({"num_features": 3})"},
    {"DynamicTanh", R"({"normalized_shape": [5]})", {3, 5}},
    {"WeightNormLinear", R"({"in_features": 7, "out_features": 5})", {7}},
    {"WeightNormConv2d", R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3})", {3, 5, 5}},
    {"SpectralNormLinear", R"({"in_features": 7, "out_features": 5})", {7}},
    {"SpectralNormConv2d", R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3})", {3, 5, 5}},
    {"WeightStandardizationLinear", R"({"in_features": 7, "out_features": 5})", {7}},
    {"WeightStandardizationConv2d",
     R"({"in_channels": 3, "out_channels": 5, "kernel_size": 3})",
     {3, 5, 5}},
};

/// Layers that act on each number, and need neither options nor a certain shape.
const std::vector<std::string> activations = {
    "ReLU",     "LeakyReLU", "ELU",         "GELU",      "SiLU",       "Sigmoid",    "Tanh",
    "Softplus", "SELU",      "CELU",        "Mish",      "LogSigmoid", "Softsign",   "Tanhshrink",
    "Hardtanh", "ReLU6",     "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "PReLU"};

std::vector<Family> families_of(const std::string& type) {
  std::vector<Family> found;
  if (std::ranges::count(activations, type) > 0) found.push_back({.begin = type});
  for (const Family& family : families) {
    if (type == family.begin) found.push_back(family);
  }
  for (const Family& family : families) {
    if (found.empty() && type.starts_with(family.begin)) found.push_back(family);
  }
  for (Family& family : found) {
    if (!family.sample.empty()) continue;
    family.sample = type.ends_with("1d")   ? Shape{3, 7}
                    : type.ends_with("2d") ? Shape{3, 5, 7}
                    : type.ends_with("3d") ? Shape{3, 4, 3, 5}
                                           : Shape{17};
  }
  return found;
}

// --- What comes out of a batch ---

struct Results {
  Tensor y, dx;
};

using Function = std::function<Tensor(const Tensor&)>;

/// f(x) and the gradient of x for a random gradient of each output, the same for a sample in every
/// batch.
Results results_of(const Function& f, const Tensor& input, const Tensor& cotangents, int batch_dim,
                   int64_t first) {
  manual_seed(8);  // dropout begins with the same words
  const Tape tape;
  Tensor x = input.detach().clone();
  const bool differentiable = x.dtype() == float32 || x.dtype() == float64;
  if (differentiable) x.requires_grad_();
  const Tensor y = f(x);
  if (!differentiable) return {y.detach(), {}};
  // One number for each sample and place in the output.
  const Tensor g = narrow(cotangents, batch_dim, first, y.size(batch_dim));
  return {y.detach(), grad(sum(y * g), {x})[0].detach()};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = contiguous(a), y = contiguous(b);
  if (x.shape() != y.shape() || x.dtype() != y.dtype()) return false;
  return dispatch_all("same_bits", x.dtype(), [&]<class T>() {
    return std::memcmp(x.data<T>(), y.data<T>(), static_cast<size_t>(x.numel()) * sizeof(T)) == 0;
  });
}

struct Slice {
  int64_t first, count;
};

/// Compares samples alone and in batches of 7 and 64 with the same ones in a batch of 1000, which
/// is computed on two threads.
void check_batches(const Function& f, const Tensor& x, int batch_dim, int output_batch_dim,
                   bool random = false) {
  const test::ThreadsScope threads(2);
  Rng generator(9);
  const Tensor cotangents = [&] {
    const Tensor y = f(x);
    return randn(y.shape(), generator, x.dtype() == float64 ? float64 : float32);
  }();
  const Results all = results_of(f, x, cotangents, output_batch_dim, 0);
  set_num_threads(1);
  for (const Slice& s : {Slice{0, 1}, {3, 1}, {999, 1}, {0, 7}, {993, 7}, {101, 64}}) {
    if (random && s.first != 0) continue;  // the first samples draw the first numbers
    CAPTURE(s.first);
    CAPTURE(s.count);
    const Results some = results_of(f, narrow(x, batch_dim, s.first, s.count), cotangents,
                                    output_batch_dim, s.first);
    CHECK(same_bits(some.y, narrow(all.y, output_batch_dim, s.first, s.count)));
    if (all.dx.defined()) CHECK(same_bits(some.dx, narrow(all.dx, batch_dim, s.first, s.count)));
  }
}

/// A thousand samples with the batch as dimension batch_dim.
Shape with_batch(const Shape& sample, int batch_dim) {
  Shape shape;
  for (int d = 0; d <= sample.dim(); ++d) {
    if (d == batch_dim) shape.push_back(1000);
    if (d < sample.dim()) shape.push_back(sample[d]);
  }
  return shape;
}

void check_layer(const std::string& type, const Family& family, DType dtype, bool training) {
  manual_seed(3);
  const auto layer = nn::make_layer(type, family.options);
  layer->to(dtype);
  layer->train(training);
  Rng generator(7);
  const Shape shape = with_batch(family.sample, family.batch_dim);
  const Tensor x =
      type == "Embedding" ? randint(0, 5, shape, generator) : randn(shape, generator, dtype);
  // A copy for each call: what a forward changes in the layer is no part of the question.
  const Function forward = [&](const Tensor& input) {
    return test::output_of(*nn::clone(*layer), input);
  };
  const bool random = training && type.find("Dropout") != std::string::npos;
  check_batches(forward, x, family.batch_dim, family.output_batch_dim, random);
}

}  // namespace

TEST_CASE("every type of layer: a sample has the same bits alone and in every batch") {
  test::with_every_isa([] {
    for (const std::string& type : nn::layer_types()) {
      CAPTURE(type);
      const std::vector<Family> cases = families_of(type);
      REQUIRE_MESSAGE(!cases.empty(), "no case for the layer " << type);
      for (const Family& family : cases) {
        CAPTURE(family.options);
        for (const DType dtype : {float32, float64}) {
          CAPTURE(name_of(dtype));
          check_layer(type, family, dtype, false);
          // In training, the samples of batch norm and its variants depend on each other.
          const bool couples = type.find("BatchNorm") != std::string::npos ||
                               type.find("BatchRenorm") != std::string::npos;
          if (!couples) check_layer(type, family, dtype, true);
        }
      }
    }
  });
}

TEST_CASE("functions of samples: the same bits alone and in every batch") {
  struct Case {
    std::string name;
    Shape sample;
    int batch_dim;
    int output_batch_dim;
    std::function<Tensor(const Tensor&)> f;
  };
  Rng generator(4);
  const auto constant = [&](const Shape& shape) { return randn(shape, generator, float64); };
  const Tensor w = constant({7, 5}), wide = constant({5, 300}), images = constant({16, 16, 3, 3});
  const auto attention = [](const Tensor& x) {
    return matmul(softmax(matmul(x, transpose(x, -2, -1)), -1), x);
  };
  const std::vector<Case> cases = {
      {"matmul", {7}, 0, 0, [&](const Tensor& x) { return matmul(x, w.to(x.dtype())); }},
      {"matmul of a transpose",
       {5},
       0,
       0,
       [&](const Tensor& x) { return matmul(x, transpose(w.to(x.dtype()), 0, 1)); }},
      {"matmul of a transposed batch",
       {5},
       1,
       0,
       [&](const Tensor& x) { return matmul(transpose(x, 0, 1), wide.to(x.dtype())); }},
      {"matmul of rows", {3, 7}, 0, 0, [&](const Tensor& x) { return matmul(x, w.to(x.dtype())); }},
      {"matmul by a vector",
       {7},
       0,
       0,
       [&](const Tensor& x) { return matmul(x, select(w.to(x.dtype()), 1, 0)); }},
      {"attention", {3, 5}, 0, 0, attention},
      {"einsum",
       {3, 7},
       0,
       0,
       [&](const Tensor& x) {
         return einsum("nij,jk->nik", {x, w.to(x.dtype())});
       }},
      {"conv2d",
       {16, 5, 6},
       0,
       0,
       [&](const Tensor& x) { return conv2d(x, images.to(x.dtype()), {}, {.padding = 1}); }},
      {"sum of a row", {19}, 0, 0, [](const Tensor& x) { return sum(x, {1}); }},
      {"sum of steps", {19}, 1, 0, [](const Tensor& x) { return sum(x, {0}); }},
      {"sum of many steps", {101}, 1, 0, [](const Tensor& x) { return sum(x, {0}); }},
      {"mean around the batch",
       {19, 3},
       1,
       0,
       [](const Tensor& x) {
         return mean(x, {0, 2});
       }},
      {"sum of steps of features", {19, 3}, 1, 0, [](const Tensor& x) { return sum(x, {0}); }},
      {"variance",
       {19, 3},
       1,
       0,
       [](const Tensor& x) {
         return var(x, {0, 2});
       }},
      {"largest of steps", {19}, 1, 0, [](const Tensor& x) { return amax(x, {0}); }},
      {"cumsum", {19}, 1, 1, [](const Tensor& x) { return cumsum(x, 0); }},
      {"softmax of steps", {19}, 1, 1, [](const Tensor& x) { return softmax(x, 0); }},
      {"logsumexp of steps", {19}, 1, 0, [](const Tensor& x) { return logsumexp(x, {0}); }},
      {"chain",
       {5},
       0,
       0,
       [](const Tensor& x) { return tanh(x) * sigmoid(x) + exp(x * 0.3) * x - pow(abs(x), 1.7); }},
      {"chain on a transpose",
       {5},
       1,
       0,
       [](const Tensor& x) {
         const Tensor t = transpose(x, 0, 1);
         return gelu(t) * 0.7 + t * t;
       }},
  };
  test::with_every_isa([&] {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      for (const DType dtype : {float32, float64}) {
        CAPTURE(name_of(dtype));
        Rng inputs(5);
        const Tensor x = randn(with_batch(c.sample, c.batch_dim), inputs, dtype);
        check_batches(c.f, x, c.batch_dim, c.output_batch_dim);
      }
    }
  });
}
