// The layers that model files know, by the names of their types.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "module.h"

namespace gradus::nn {

/// Shows options to what describes them: calls its argument with a visitor of its own.
using OptionSource = std::function<void(const std::function<void(OptionVisitor&)>& describe)>;

/// A type of layer and how one is made.
struct LayerType {
  const char* name;  ///< PyTorch's, "Conv2d"
  /// Builds a layer with the options that `source` sets.
  std::unique_ptr<Module> (*build)(const OptionSource& source);
};

/// All types.
std::span<const LayerType> layer_table();
/// The one with this name; nullptr for a type that is not in the table.
const LayerType* find_layer_type(std::string_view name);

}  // namespace gradus::nn
