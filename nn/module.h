// Modules: layers and nets with named parameters, buffers and children.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/ops.h"
#include "../core/tensor.h"
#include "options.h"

namespace gradus::nn {

class Module;
class FusedLayers;

/// Options of Module::load_state_dict.
struct LoadOptions {
  /// With false, missing or unexpected names are not an error (wrong shapes always are).
  bool strict = true;
};

/// What a forward hook sees: the module, its input and its output.
using ForwardHook = std::function<void(Module& module, const Tensor& x, const Tensor& y)>;
/// What a gradient hook sees: the gradient of the output of its module.
using GradientHook = std::function<void(const Tensor& gradient)>;
/// Names a hook of a module, to remove it.
using HookId = int64_t;

/// Base of layers and nets.
///
/// Declaring is registering: parameters, buffers and children are created by the functions below
/// and held as references, so that a member is what is registered under its name:
///
///     struct Net : nn::Module {
///       nn::Conv2d& conv = child<nn::Conv2d>(
///           "conv", {.in_channels = 1, .out_channels = 8, .kernel_size = 3});
///       Tensor& scale = parameter("scale", ones({8, 1, 1}));
///       Tensor forward(const Tensor& x) override { return relu(conv(x)) * scale; }
///     };
///
/// Modules can be moved (references stay valid) but not copied. Names, shapes and meaning of
/// parameters and buffers are PyTorch's, so weights can be exchanged.
class Module {
 public:
  Module();
  virtual ~Module();
  Module(Module&&) noexcept;
  Module& operator=(Module&&) = delete;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// The computation. The base class throws ValueError: a module that takes something other than
  /// one tensor has a function of its own.
  virtual Tensor forward(const Tensor& x);
  /// Calls forward under this module's name, on the tape and in errors.
  Tensor operator()(const Tensor& x) {
    return call(x, [&] { return forward(x); });
  }

  /// The name of the class in printouts and model files, "Conv2d": by default that in the source,
  /// without its namespace.
  virtual std::string type() const;
  /// Visits the options that the module was built with.
  virtual void describe(OptionVisitor&) const {}

  /// Calls `hook` after each forward of this module, for inspecting activations, until it is
  /// removed. Hooks are called in the order in which they were added. If one adds or removes hooks,
  /// itself included, this takes effect with the next forward; the running one runs to its end.
  HookId add_forward_hook(ForwardHook hook);
  /// Calls `hook` with the gradient of the module's output, whenever a tape replays a forward that
  /// it recorded from now on, until the hook is removed or the module destroyed.
  HookId add_gradient_hook(GradientHook hook);
  /// Does nothing if there is no such hook (any longer).
  void remove_hook(HookId id);
  /// Sets the one hook that needs no id, which is called before the others, and returns the
  /// previous one. An empty function removes it.
  ForwardHook set_forward_hook(ForwardHook hook);
  /// Whether it has a hook of either kind.
  bool has_hooks() const { return !forward_hooks_.empty() || !gradient_hooks_.empty(); }

  // --- Modes: one flag, nothing else ---

  /// Training (the default) or evaluation, for this module and all below it.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }
  /// Whether the mode makes a difference to the forward of this module (not of those below it).
  virtual bool depends_on_mode() const { return false; }

  /// Makes all parameters require gradients (or freezes them).
  void requires_grad_(bool on = true);
  /// Clears all gradients.
  void zero_grad();
  /// Converts floating-point parameters, their gradients and buffers to float32 or float64. They
  /// stay the same tensors, so that an optimizer built before sees the converted ones; one that has
  /// made a step keeps its state in the old type, and its next step throws. Throws DTypeError for
  /// other types, TapeError under a recording tape, and then converts nothing.
  void to(DType dtype);

  // --- Names ---

  /// The name under which the parent registered this module; empty for the outermost.
  const std::string& name() const { return name_; }
  /// Handles to all parameters below, in order of declaration, "layer1.conv.weight".
  NamedTensors named_parameters() const { return named_tensors(Role::parameter); }
  NamedTensors named_buffers() const { return named_tensors(Role::buffer); }
  /// The parameter, buffer or module with this dotted name, "layer1.conv.weight". Throws ValueError
  /// if there is none.
  /// @{
  Tensor get_parameter(std::string_view name) const;
  Tensor get_buffer(std::string_view name) const;
  Module& get_submodule(std::string_view path);
  const Module& get_submodule(std::string_view path) const;
  /// @}
  /// Direct children in order of declaration.
  std::span<const std::unique_ptr<Module>> children() const { return children_; }
  /// This module and all below it with their paths, parents first; its own path is "".
  detail::List<std::pair<std::string, Module*>> named_modules();
  detail::List<std::pair<std::string, const Module*>> named_modules() const;
  int64_t parameter_count() const;

  /// Copies of all parameters and buffers, as they go into a file: for each module its parameters,
  /// its buffers, then those of its children.
  NamedTensors state_dict() const;
  /// Copies values into parameters and buffers by name. Throws one Error that lists everything
  /// missing, unexpected, or of wrong shape or type, and then changes nothing.
  void load_state_dict(const NamedTensors& state, const LoadOptions& options = {});

 protected:
  /// Whether a file must have a tensor; a buffer that may be absent then keeps its value.
  enum class InFile { required, optional };

  /// Registers `value` as a parameter that requires a gradient. Throws ValueError for an empty
  /// name, one with a dot, or one already used. Pass an undefined tensor for a parameter that an
  /// option disables: it stays undefined and is not listed. To change a parameter later, write into
  /// it (`copy_` under NoGrad) rather than assign: optimizers hold the tensor.
  ///
  /// The tape shows it by its name, after the path of the module that used it first:
  /// "conv1.weight". A tensor that several modules register (tied weights) keeps the name that it
  /// got first.
  Tensor& parameter(std::string_view name, Tensor value);
  /// Registers a tensor that is saved with the module but not trained. The tape shows its name.
  Tensor& buffer(std::string_view name, Tensor value, InFile in_file = InFile::required);
  /// Builds and registers a child.
  template <class T, class... Args>
  T& child(std::string_view name, Args&&... args) {
    return static_cast<T&>(register_child(name, std::make_unique<T>(std::forward<Args>(args)...)));
  }
  /// The same with the options of a layer: `child<nn::Linear>("head", {.in_features = 8 ...})`.
  template <class T>
  T& child(std::string_view name, const typename T::Options& options) {
    return static_cast<T&>(register_child(name, std::make_unique<T>(options)));
  }
  Module& register_child(std::string_view name, std::unique_ptr<Module> module);
  /// To be called after a change of what describe() visits. The tape gets the options of registered
  /// modules as a text that is not made again for each call.
  void options_changed();
  /// Runs `compute` under this module's name, on the tape and in errors, and returns its result.
  /// For a module whose call operator takes or returns something other than one tensor:
  ///
  ///     Tensor operator()(const Tensor& a, const Tensor& b) {
  ///       return call([&] { return left(a) + right(b); });
  ///     }
  template <class F>
  auto call(F compute) {
    using Result = std::invoke_result_t<F&>;
    if constexpr (std::is_void_v<Result>) {
      run_named(compute);
    } else {
      std::optional<std::decay_t<Result>> result;
      run_named([&] { result.emplace(compute()); });
      return std::decay_t<Result>(*std::move(result));
    }
  }
  /// The same for one tensor x as the input and one as the output, which hooks see.
  template <class F>
  Tensor call(const Tensor& x, F compute) {
    return call([&] {
      Tensor y = compute();
      finish_call(x, y);
      return y;
    });
  }
  /// The same for a result of several tensors, of which hooks see `output`.
  template <class Result, class F>
  Result call(const Tensor& x, Tensor Result::*output, F compute) {
    Result result;
    call(x, [&] {
      result = compute();
      return result.*output;
    });
    return result;
  }

 private:
  friend class FusedLayers;  // calls several layers as one of them

  enum class Role { parameter, buffer };
  struct Slot {
    std::string name;
    Tensor tensor;
    Role role;
    InFile in_file;
  };
  template <class Function>
  struct Hook {
    HookId id;
    std::shared_ptr<const Function> run;  // shared with the call that runs it
  };

  void run_named(const std::function<void()>& compute);
  /// Notes the result on the tape, and runs the hooks.
  void finish_call(const Tensor& x, const Tensor& y);
  void check_name(std::string_view name) const;
  Tensor& add_slot(Slot slot);
  /// Calls `visit(full name, slot)` for every defined tensor, in the order of state_dict.
  void visit_slots(const std::function<void(const std::string&, Slot&)>& visit) const;
  NamedTensors named_tensors(Role role) const;

  std::string name_;
  std::set<std::string, std::less<>> names_;  // of slots and children
  std::optional<std::string> options_text_;   // of a registered module
  bool training_ = true;
  std::vector<Hook<ForwardHook>> forward_hooks_;
  std::vector<Hook<GradientHook>> gradient_hooks_;
  HookId last_hook_ = 0;  // 0 is the one of set_forward_hook
  // Pointers, so that references stay valid when the module moves or registers more.
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::unique_ptr<Module>> children_;
};

/// A module that is built from a struct of options, which has `static constexpr const char* type`,
/// the name of the layer, `void describe(OptionVisitor&)`, and optionally `void check() const`,
/// which throws ValueError for invalid options. `Base` is Module or a class derived
/// from it that several layers share, which gets the other arguments.
template <class OptionsType, class Base = Module>
class Layer : public Base {
 public:
  using Options = OptionsType;
  template <class... BaseArgs>
  explicit Layer(const Options& options, const BaseArgs&... base_args)
      : Base(base_args...), options_(options) {
    if constexpr (requires { options.check(); }) options.check();
  }
  const Options& options() const { return options_; }
  std::string type() const override { return Options::type; }
  void describe(OptionVisitor& visit) const override {
    Options copy = options_;
    copy.describe(visit);
  }

 private:
  Options options_;
};

/// "name=value, name=value", as they are printed.
std::string options_text(const Module& module);

/// The tree of modules with their options and parameter counts.
std::ostream& operator<<(std::ostream& out, const Module& module);

}  // namespace gradus::nn
