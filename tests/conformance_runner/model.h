// From the description of a module, a net or a loss to something that can be called.
#pragma once

#include <memory>

#include "../../nn/module.h"
#include "op_table.h"

namespace gradus::conformance {

/// A net, a layer or a loss. Losses have no module behind them.
class Model {
 public:
  /// From a case's `layers`, or its `op`, `options` and `option_tensors`. Throws Unsupported for
  /// what the library does not have.
  explicit Model(const Case& item);
  /// From {"op", "options"} or {"type", "options"}.
  Model(const Json& description, NamedTensors option_tensors);

  Tensors operator()(const Tensors& inputs);
  void to(DType dtype);
  void set_training(bool on);
  /// Replaces parameters and buffers. All that the module has must be given.
  void load(const NamedTensors& parameters, const NamedTensors& buffers);

  NamedTensors parameters() const;
  NamedTensors buffers() const;
  nn::Module* module() { return module_.get(); }

 private:
  void build(const std::string& type, const Json& options, NamedTensors option_tensors);

  std::unique_ptr<nn::Module> module_;
  const OpFunction* loss_ = nullptr;
  bool returns_indices_ = false;
  Json options_;
  NamedTensors option_tensors_;
};

}  // namespace gradus::conformance
