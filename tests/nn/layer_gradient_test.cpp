// First and second derivatives of every type of layer, with respect to its input and parameters.
#include <doctest/doctest.h>

#include <cmath>

#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../nn/model_json.h"
#include "../../nn/pool.h"
#include "layer_output.h"

using namespace gradus;

namespace {

/// What layers whose type begins like this are built with.
struct Family {
  std::string_view begin;
  const char* options;
  Shape input = {};  ///< where it is not the usual one
};

const Family families[] = {
    {"Linear", R"({"in_features": 4, "out_features": 2})"},
    {"Embedding", R"({"num_embeddings": 5, "embedding_dim": 3})"},
    {"RNN", R"({"input_size": 4, "hidden_size": 3})"},
    {"LSTM", R"({"input_size": 4, "hidden_size": 3, "bidirectional": true})"},
    {"GRU", R"({"input_size": 4, "hidden_size": 3, "num_layers": 2})"},
    {"Conv", R"({"in_channels": 2, "out_channels": 4, "kernel_size": 2, "groups": 2})"},
    {"MaxPool", R"({"kernel_size": 2})"},
    {"MaxUnpool", R"({"kernel_size": 2})"},
    {"AvgPool", R"({"kernel_size": 2})"},
    {"LPPool", R"({"norm_type": 2, "kernel_size": 2})"},
    {"Adaptive", R"({"output_size": 2})"},
    {"ConstantPad", R"({"padding": 1, "value": 0.5})"},
    {"ZeroPad", R"({"padding": 1})"},
    {"ReflectionPad", R"({"padding": 1})"},
    {"ReplicationPad", R"({"padding": 1})"},
    {"CircularPad", R"({"padding": 1})"},
    {"Upsample", R"({"scale_factor": 2, "mode": "linear"})", {2, 2, 3}},
    {"Unflatten", R"({"dim": 1, "unflattened_size": [2, 2]})"},
    {"Softmax", R"({"dim": 1})"},
    {"LogSoftmax", R"({"dim": 1})"},
    {"Softmin", R"({"dim": 1})"},
    {"Threshold", R"({"threshold": 0.1, "value": 2})"},
    {"BatchNorm", R"({"num_features": 2})"},
    {"InstanceNorm", R"({"num_features": 2, "affine": true})"},
    {"LayerNorm", R"({"normalized_shape": [4]})"},
    {"RMSNorm", R"({"normalized_shape": [4]})"},
    {"GroupNorm", R"({"num_groups": 2, "num_channels": 4})"},
    {"LocalResponseNorm", R"({"size": 2})", {2, 3, 4}},
    {"GhostBatchNorm1d", R"({"num_features": 2, "virtual_batch_size": 2})", {5, 2, 3}},
    {"GhostBatchNorm2d", R"({"num_features": 2, "virtual_batch_size": 2})", {5, 2, 3, 2}},
    // Other limits make its r and d depend on the input, which its gradient denies.
    {"BatchRenorm", R"({"num_features": 2, "r_max": 1, "d_max": 0})"},
    {"FilterResponseNorm2d", R"({"num_features": 2})"},
    {"DynamicTanh", R"({"normalized_shape": [4]})"},
    {"WeightNormLinear", R"({"in_features": 4, "out_features": 2})"},
    {"WeightNormConv2d",
     R"({"in_channels": 4, "out_channels": 2, "kernel_size": 2})",
     {1, 4, 3, 3}},
    {"SpectralNormLinear", R"({"in_features": 4, "out_features": 2})"},
    {"SpectralNormConv2d",
     R"({"in_channels": 4, "out_channels": 2, "kernel_size": 2})",
     {1, 4, 3, 3}},
    {"WeightStandardizationLinear", R"({"in_features": 4, "out_features": 2})"},
    {"WeightStandardizationConv2d",
     R"({"in_channels": 4, "out_channels": 2, "kernel_size": 2})",
     {1, 4, 3, 3}},
};

Family family_of(const std::string& type) {
  for (const Family& family : families) {
    if (type.starts_with(family.begin)) return family;
  }
  return {.begin = "", .options = "{}"};
}

Shape input_shape(const std::string& type) {
  const Family family = family_of(type);
  if (!family.input.empty()) return family.input;
  if (type.ends_with("1d")) return {2, 2, 5};
  if (type.ends_with("2d")) return {2, 2, 4, 5};
  if (type.ends_with("3d")) return {1, 2, 4, 3, 5};
  return {3, 4};
}

/// A scalar that is computed anew at each call, from leaves that may have changed.
using Scalar = std::function<Tensor()>;

double value_of(const Scalar& scalar) {
  const Tape tape;
  return scalar().item();
}

/// The slope of `scalar` along a random direction of each leaf, by the tape and by differences.
void check_slopes(const std::string& what, const Scalar& scalar,
                  const std::vector<Tensor>& leaves) {
  std::vector<Tensor> gradients;
  {
    const Tape tape;
    gradients = grad(scalar(), leaves, {.allow_unused = true});
  }
  Rng generator(5);
  constexpr double step = 1e-5;
  for (size_t i = 0; i < leaves.size(); ++i) {
    Tensor leaf = leaves[i];
    const Tensor start = leaf.detach().clone(), direction = randn_like(start, generator);
    const auto moved = [&](double distance) {
      {
        const NoGrad pause;
        leaf.copy_(start + direction * distance);
      }
      return value_of(scalar);
    };
    const double found = gradients[i].defined() ? sum(gradients[i] * direction).item() : 0;
    const double expected = (moved(step) - moved(-step)) / (2 * step);
    moved(0);
    CHECK_MESSAGE(std::abs(found - expected) <= 1e-6 * std::max(1.0, std::abs(expected)),
                  what << ", leaf " << i << " " << leaf.shape() << ": the tape gives " << found
                       << ", differences " << expected);
  }
}

/// Checks y = forward() for first derivatives, and those for theirs.
void check_layer(const std::string& type, const Scalar& forward, std::vector<Tensor> leaves) {
  Rng generator(6);
  Tensor weights = randn(forward().shape(), generator, float64);  // of the outputs in the sum
  leaves.push_back(weights.requires_grad_());
  const Scalar total = [&] { return sum(forward() * weights); };
  check_slopes(type + ", first order", total, leaves);

  std::vector<Tensor> directions;
  for (const Tensor& leaf : leaves) directions.push_back(randn_like(leaf.detach(), generator));
  const Scalar slope = [&] {
    const auto gradients = grad(total(), leaves, {.create_graph = true, .allow_unused = true});
    Tensor result = zeros({}, float64);
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (gradients[i].defined()) result = result + sum(gradients[i] * directions[i]);
    }
    return result;
  };
  check_slopes(type + ", second order", slope, leaves);
}

/// The same numbers at each call: dropout drops the same.
Tensor repeated_output_of(nn::Module& layer, const Tensor& x) {
  manual_seed(8);
  return test::output_of(layer, x);
}

}  // namespace

TEST_CASE("every type of layer: derivatives by input and parameters, first and second order") {
  manual_seed(3);
  for (const std::string& type : nn::layer_types()) {
    CAPTURE(type);
    const auto layer = nn::make_layer(type, family_of(type).options);
    layer->to(float64);
    layer->train(!type.starts_with("SpectralNorm"));  // whose vectors move in training
    Rng generator(7);
    std::vector<Tensor> leaves;
    for (const NamedTensor& p : layer->named_parameters()) leaves.push_back(p.tensor);
    Tensor x = randn(input_shape(type), generator, float64);
    if (type == "Embedding") {
      x = randint(0, 5, {3, 4}, generator);
    } else {
      leaves.push_back(x.requires_grad_());
    }
    check_layer(
        type, [&] { return repeated_output_of(*layer, x); }, leaves);
  }
}
