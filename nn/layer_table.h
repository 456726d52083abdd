// The layers that model files support, by the names of their types: those of the library, and your
// own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "module.h"

namespace gradus::nn {

/// A type of layer and how to build one.
struct LayerType {
  const char* name;  ///< PyTorch's, "Conv2d"
  /// Builds a layer with the options that `visitor` sets.
  std::unique_ptr<Module> (*build)(OptionVisitor& visitor);
};

/// The type of layer `T`, which is built from its `T::Options`, or without any if it has none.
template <class T>
constexpr LayerType layer_type(const char* name) {
  return {name, [](OptionVisitor& visitor) -> std::unique_ptr<Module> {
            if constexpr (requires { typename T::Options; }) {
              typename T::Options options;
              options.describe(visitor);
              visitor.finish();
              return std::make_unique<T>(options);
            } else {
              visitor.finish();
              return std::make_unique<T>();
            }
          }};
}

/// All types of the library; models have Sequential and Residual as well.
std::span<const LayerType> layer_table();
/// Their names.
std::vector<std::string> layer_types();

/// The types of the library and those that you add, for functions that read and write models:
///
///     struct SwishOptions {
///       static constexpr const char* type = "Swish";
///       double beta = 1;
///       void describe(nn::OptionVisitor& visit) { visit("beta", beta); }
///       Tensor apply(const Tensor& x) const { return x * sigmoid(x * beta); }
///     };
///     using Swish = nn::FunctionLayer<SwishOptions>;
///
///     nn::LayerTypes types;
///     types.add<Swish>("Swish");
///     const auto net = nn::from_json(text, types);
class LayerTypes {
 public:
  /// Adds layer `T` under `name`, a string literal, which its type() must return. Throws ValueError
  /// for a name that is already used.
  template <class T>
  LayerTypes& add(const char* name) {
    return add(layer_type<T>(name));
  }
  /// The type with this name; nullptr if there is none.
  const LayerType* find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  LayerTypes& add(const LayerType& type);

  std::vector<LayerType> own_;
};

}  // namespace gradus::nn
