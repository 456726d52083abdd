// Modules: layers and nets with named parameters, buffers and children.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/ops.h"
#include "../core/tensor.h"

namespace gradus::nn {

/// Walks over the options of a module, by the names they have in PyTorch and in model files. One
/// `describe` function per module serves to read options, to write them and to print them.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void operator()(const char* name, bool& value) = 0;
  virtual void operator()(const char* name, int64_t& value) = 0;
  virtual void operator()(const char* name, double& value) = 0;
  virtual void operator()(const char* name, std::string& value) = 0;
  virtual void operator()(const char* name, std::optional<double>& value) = 0;
  virtual void operator()(const char* name, std::optional<int64_t>& value) = 0;
  virtual void operator()(const char* name, Shape& value) = 0;
  virtual void operator()(const char* name, Size2& value) = 0;
  virtual void operator()(const char* name, std::optional<Size2>& value) = 0;
};

struct LoadOptions {
  /// With false, names that are missing or unexpected are no error (wrong shapes always are).
  bool strict = true;
};

/// Base of layers and nets.
///
/// Declaring is registering: parameters, buffers and children are made by the functions below and
/// held as references, so that a member and its registered name can never differ:
///
///     struct Net : nn::Module {
///       nn::Conv2d& conv = child<nn::Conv2d>("conv", nn::Conv2dOptions{1, 8, 3});
///       Tensor& scale = parameter("scale", ones({8, 1, 1}));
///       Tensor forward(const Tensor& x) override { return relu(conv(x)) * scale; }
///       std::string type() const override { return "Net"; }
///     };
///
/// Modules can be moved (references stay valid) and not copied. Names, shapes and meaning of
/// parameters and buffers are PyTorch's, so weights can be exchanged.
class Module {
 public:
  Module();
  virtual ~Module();
  Module(Module&&) noexcept;
  Module& operator=(Module&&) = delete;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// The computation. The base throws ValueError: a module that takes something else than one
  /// tensor has a function of its own.
  virtual Tensor forward(const Tensor& x);
  /// Calls forward under this module's name: on the tape and in errors.
  Tensor operator()(const Tensor& x);

  /// The name of the class in printouts and model files, "Conv2d".
  virtual std::string type() const = 0;
  /// Visits the options that the module was built with.
  virtual void describe(OptionVisitor&) {}
  /// Floating-point operations of one forward from `input` to `output`, where the module itself
  /// (not its children) computes any.
  virtual double flops(const Shape& input, const Shape& output) const;

  // --- Modes: one flag, nothing else ---

  /// Training (the default) or evaluation, for this module and all below it.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }

  /// Asks for gradients of all parameters (or freezes them).
  void requires_grad_(bool on = true);
  /// Clears all gradients.
  void zero_grad();

  // --- Names ---

  /// The name under which the parent registered this module; empty for the outermost.
  const std::string& name() const { return name_; }
  /// Handles to all parameters below, in order of declaration, "layer1.conv.weight".
  NamedTensors named_parameters() const;
  NamedTensors named_buffers() const;
  /// Direct children in order of declaration.
  std::vector<Module*> children() const;
  /// This module and all below it with their paths, parents first; the own path is "".
  std::vector<std::pair<std::string, Module*>> named_modules();
  std::vector<std::pair<std::string, const Module*>> named_modules() const;
  int64_t parameter_count() const;

  /// Copies of all parameters and buffers that belong into a file.
  NamedTensors state_dict() const;
  /// Copies values into parameters and buffers by name. Throws one Error that lists everything
  /// missing, unexpected, or of wrong shape or type, and then changes nothing.
  void load_state_dict(const NamedTensors& state, const LoadOptions& options = {});

 protected:
  /// Registers `value` as a parameter and asks for its gradient. Throws ValueError for an empty
  /// name, one with a dot, or one taken. Pass an undefined tensor for a parameter that an option
  /// has switched off: it stays undefined and is not listed.
  Tensor& parameter(std::string_view name, Tensor value);
  /// Registers a tensor that is saved with the module but not trained.
  Tensor& buffer(std::string_view name, Tensor value);
  /// Builds and registers a child.
  template <class T, class... Args>
  T& child(std::string_view name, Args&&... args) {
    return static_cast<T&>(register_child(name, std::make_unique<T>(std::forward<Args>(args)...)));
  }
  Module& register_child(std::string_view name, std::unique_ptr<Module> module);
  /// Called after the mode changed.
  virtual void on_mode_change() {}

 private:
  struct Slot {
    std::string name;
    Tensor tensor;
    bool is_parameter;
  };
  void check_name(std::string_view name) const;
  Tensor& add_slot(std::string_view name, Tensor value, bool is_parameter);

  std::string name_;
  bool training_ = true;
  // Pointers, so that references stay valid when the module moves or registers more.
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::unique_ptr<Module>> children_;
};

/// The tree of modules with their options and parameter counts.
std::ostream& operator<<(std::ostream& out, const Module& module);

}  // namespace gradus::nn
