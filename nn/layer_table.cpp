#include "layer_table.h"

#include <array>

#include "../core/base/error.h"
#include "activation.h"
#include "conv.h"
#include "dropout.h"
#include "embedding.h"
#include "flatten.h"
#include "linear.h"
#include "norm.h"
#include "norm_variants.h"
#include "padding.h"
#include "pool.h"
#include "recurrent.h"
#include "reparametrization.h"
#include "upsample.h"

namespace gradus::nn {

namespace {

template <class... Layers>
constexpr std::array<LayerType, sizeof...(Layers)> rows() {
  return {layer_type<Layers>(Layers::Options::type)...};
}

constexpr auto table = rows<
    // clang-format off
    Linear, Embedding, RNN, LSTM, GRU, LastStep,
    Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d,
    MaxPool1d, MaxPool2d, MaxPool3d, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d,
    AvgPool1d, AvgPool2d, AvgPool3d, LPPool1d, LPPool2d,
    AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d,
    AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d,
    ZeroPad1d, ZeroPad2d, ZeroPad3d, ConstantPad1d, ConstantPad2d, ConstantPad3d,
    ReflectionPad1d, ReflectionPad2d, ReflectionPad3d,
    ReplicationPad1d, ReplicationPad2d, ReplicationPad3d,
    CircularPad1d, CircularPad2d, CircularPad3d,
    Upsample, Identity, Flatten, Unflatten,
    Dropout, Dropout1d, Dropout2d, Dropout3d, AlphaDropout,
    ReLU, LeakyReLU, ELU, GELU, SiLU, Sigmoid, Tanh, Softplus, Softmax, LogSoftmax, Softmin, SELU,
    CELU, Mish, LogSigmoid, Softsign, Tanhshrink, Hardtanh, ReLU6, Hardsigmoid, Hardswish,
    Hardshrink, Softshrink, Threshold, GLU, PReLU,
    BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d,
    LayerNorm, GroupNorm, RMSNorm, LocalResponseNorm,
    GhostBatchNorm1d, GhostBatchNorm2d, BatchRenorm1d, BatchRenorm2d,
    FilterResponseNorm2d, DynamicTanh,
    WeightNorm<Linear>, WeightNorm<Conv2d>, SpectralNorm<Linear>, SpectralNorm<Conv2d>,
    WeightStandardization<Linear>, WeightStandardization<Conv2d>
    // clang-format on
    >();

}  // namespace

std::span<const LayerType> layer_table() {
  return table;
}

std::vector<std::string> layer_types() {
  return LayerTypes().names();
}

const LayerType* LayerTypes::find(std::string_view name) const {
  for (const std::span<const LayerType> types : {layer_table(), std::span(own_)}) {
    for (const LayerType& type : types) {
      if (name == type.name) return &type;
    }
  }
  return nullptr;
}

std::vector<std::string> LayerTypes::names() const {
  std::vector<std::string> names;
  names.reserve(std::size(table) + own_.size());
  for (const LayerType& type : table) names.emplace_back(type.name);
  for (const LayerType& type : own_) names.emplace_back(type.name);
  return names;
}

LayerTypes& LayerTypes::add(const LayerType& type) {
  const std::string_view name = type.name;
  require(find(name) == nullptr && name != "Sequential" && name != "Residual", "LayerTypes",
          "a type of layer has one meaning in a model file", "there is a layer of type \"", name,
          "\"");
  own_.push_back(type);
  return *this;
}

}  // namespace gradus::nn
