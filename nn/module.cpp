#include "module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <typeinfo>

#include "../core/base/error.h"
#include "../core/base/option_text.h"
#include "../core/io/state_loader.h"
#include "../core/tape.h"

namespace gradus::nn {

Module::Module() = default;
Module::~Module() = default;
Module::Module(Module&&) noexcept = default;

std::string Module::type() const {
  const char* const mangled = typeid(*this).name();
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr), &std::free);
  std::string name = demangled ? demangled.get() : mangled;
  int depth = 0;  // within the arguments of a template, or of the function that has the class
  for (size_t i = name.size(); i-- > 1;) {
    if (name[i] == '>' || name[i] == ')') ++depth;
    if (name[i] == '<' || name[i] == '(') --depth;
    if (depth == 0 && name[i] == ':') return name.substr(i + 1);
  }
  return name;
}

// --- Calling ---

Tensor Module::forward(const Tensor&) {
  throw ValueError(type(), "has no forward from one tensor to one tensor",
                   "override Tensor forward(const Tensor&), or call the module's own function");
}

void Module::run_named(const std::function<void()>& compute) {
  Tape* const tape = Tape::current();
  const Tape::Scope scope(name_.empty() ? nullptr : tape, name_);
  const auto options = [&] { return options_text_ ? *options_text_ : options_text(*this); };
  const Tape::Span span(tape, tape ? type() : "", tape ? options() : "", true);
  try {
    compute();
  } catch (Error& error) {
    if (!name_.empty()) error.add_module(name_);
    throw;
  }
}

void Module::finish_call(const Tensor& x, const Tensor& y) {
  Tape* const tape = Tape::current();
  if (tape != nullptr) tape->set_span_result(y);
  if (forward_hooks_.empty() && gradient_hooks_.empty()) return;
  const gradus::detail::TapeSlot slot = y.tape_slot();  // by value: y may move on to another tape
  const bool will_have_gradient = tape != nullptr && tape->tracks("hook", inputs(y));
  for (const auto& hook : gradient_hooks_) {
    if (!will_have_gradient || slot.index < 0) break;
    tape->on_replay([slot, run = std::weak_ptr(hook.run)](const ReplayEvent& event) {
      const bool is_output = event.index == slot.index && event.entry.generation == slot.generation;
      const auto function = is_output ? run.lock() : nullptr;
      if (function) (*function)(event.output_gradient);
    });
  }
  const auto hooks = forward_hooks_;  // one of them may change the list
  for (const auto& hook : hooks) (*hook.run)(*this, x, y);
}

namespace {

template <class Hooks, class Function>
void append_hook(Hooks& hooks, HookId id, Function hook, const std::string& type) {
  require(hook != nullptr, type, "give a function that looks at what it gets", "a hook is empty");
  hooks.push_back({id, std::make_shared<const Function>(std::move(hook))});
}

}  // namespace

HookId Module::add_forward_hook(ForwardHook hook) {
  append_hook(forward_hooks_, ++last_hook_, std::move(hook), type());
  return last_hook_;
}

HookId Module::add_gradient_hook(GradientHook hook) {
  append_hook(gradient_hooks_, ++last_hook_, std::move(hook), type());
  return last_hook_;
}

void Module::remove_hook(HookId id) {
  const auto has_id = [id](const auto& hook) { return hook.id == id; };
  std::erase_if(forward_hooks_, has_id);
  std::erase_if(gradient_hooks_, has_id);
}

ForwardHook Module::set_forward_hook(ForwardHook hook) {
  constexpr HookId own = 0;
  const bool has_one = !forward_hooks_.empty() && forward_hooks_.front().id == own;
  ForwardHook before = has_one ? *forward_hooks_.front().run : ForwardHook();
  remove_hook(own);
  if (hook) {
    forward_hooks_.insert(forward_hooks_.begin(),
                          {own, std::make_shared<const ForwardHook>(std::move(hook))});
  }
  return before;
}

// --- Registration ---

void Module::check_name(std::string_view name) const {
  const auto refuse = [&](const char* why) {
    throw ValueError(type(), str("cannot register \"", name, "\": ", why),
                     "names are unique in a module and have no dot");
  };
  if (name.empty()) refuse("a name must not be empty");
  if (name.find('.') != std::string_view::npos) refuse("a name must not contain a dot");
  if (names_.contains(name)) refuse("this name is taken");
}

Tensor& Module::add_slot(Slot slot) {
  check_name(slot.name);
  if (slot.tensor.defined() && !slot.tensor.is_named_in_module()) {
    slot.tensor.set_name_in_module(slot.name);
  }
  names_.insert(slot.name);
  slots_.push_back(std::make_unique<Slot>(std::move(slot)));
  return slots_.back()->tensor;
}

Tensor& Module::parameter(std::string_view name, Tensor value) {
  if (value.defined()) value.requires_grad_();
  return add_slot({std::string(name), std::move(value), Role::parameter, InFile::required});
}

Tensor& Module::buffer(std::string_view name, Tensor value, InFile in_file) {
  return add_slot({std::string(name), std::move(value), Role::buffer, in_file});
}

Module& Module::register_child(std::string_view name, std::unique_ptr<Module> module) {
  require(module != nullptr, type(), "make it first, or leave it out", "cannot register \"", name,
          "\": no module given");
  check_name(name);
  module->name_ = name;
  module->options_text_ = options_text(*module);
  names_.insert(module->name_);
  children_.push_back(std::move(module));
  return *children_.back();
}

void Module::options_changed() {
  if (options_text_) options_text_ = options_text(*this);
}

// --- Modes ---

void Module::train(bool on) {
  training_ = on;
  for (const auto& c : children_) c->train(on);
}

void Module::requires_grad_(bool on) {
  for (NamedTensor& p : named_parameters()) p.tensor.requires_grad_(on);
}

void Module::zero_grad() {
  for (NamedTensor& p : named_parameters()) p.tensor.set_grad({});
}

void Module::to(DType dtype) {
  require<DTypeError>(is_floating(dtype), type(), "parameters are float32 or float64",
                      "cannot convert parameters to ", dtype);
  struct Conversion {
    Tensor tensor, data, gradient;
  };
  std::vector<Conversion> conversions;
  visit_slots([&](const std::string&, Slot& slot) {
    const Tensor& t = slot.tensor;
    if (!is_floating(t.dtype()) || t.dtype() == dtype) return;
    check_in_place("to", t);
    const Tensor gradient = t.grad();
    conversions.push_back(
        {t, t.detach().to(dtype), gradient.defined() ? gradient.detach().to(dtype) : Tensor()});
  });
  for (Conversion& each : conversions) {  // nothing here can fail
    each.tensor.set_data(std::move(each.data));
    each.tensor.set_grad(std::move(each.gradient));
  }
}

// --- Names ---

namespace {

template <class M>
void list_modules(const std::string& path, M& module,
                  std::vector<std::pair<std::string, M*>>& list) {
  list.emplace_back(path, &module);
  for (const auto& c : module.children()) {
    list_modules<M>(path.empty() ? c->name() : path + "." + c->name(), *c, list);
  }
}

}  // namespace

gradus::detail::List<std::pair<std::string, Module*>> Module::named_modules() {
  decltype(named_modules()) list;
  list_modules<Module>("", *this, list);
  return list;
}

gradus::detail::List<std::pair<std::string, const Module*>> Module::named_modules() const {
  decltype(named_modules()) list;
  list_modules<const Module>("", *this, list);
  return list;
}

void Module::visit_slots(const std::function<void(const std::string&, Slot&)>& visit) const {
  for (const auto& [path, module] : named_modules()) {
    for (const Role role : {Role::parameter, Role::buffer}) {
      for (const auto& slot : module->slots_) {
        if (slot->role != role || !slot->tensor.defined()) continue;
        visit(path.empty() ? slot->name : path + "." + slot->name, *slot);
      }
    }
  }
}

NamedTensors Module::named_tensors(Role role) const {
  NamedTensors list;
  visit_slots([&](const std::string& name, const Slot& slot) {
    if (slot.role == role) list.push_back({name, slot.tensor});
  });
  return list;
}

namespace {

/// The element of `list` whose name is `name`. Throws in the name of `caller`.
template <class List>
auto named(const char* caller, const std::string& type, std::string_view name, const List& list,
           const char* hint) {
  for (const auto& [own_name, value] : list) {
    if (own_name == name) return value;
  }
  std::string names;
  constexpr size_t shown = 20;
  for (size_t i = 0; i < std::min(list.size(), shown); ++i) {
    const auto& [own_name, value] = list[i];
    names += str(i == 0 ? "" : ", ", own_name.empty() ? "\"\"" : own_name);
  }
  if (list.size() > shown) names += ", ...";
  throw ValueError(caller, str(type, " has no \"", name, "\""),
                   list.empty() ? str("there are none; ", hint) : str("there are ", names));
}

}  // namespace

Tensor Module::get_parameter(std::string_view name) const {
  return named("get_parameter", type(), name, named_parameters(),
               "parameter() and child() register them");
}
Tensor Module::get_buffer(std::string_view name) const {
  return named("get_buffer", type(), name, named_buffers(), "buffer() and child() register them");
}
Module& Module::get_submodule(std::string_view path) {
  return *named("get_submodule", type(), path, named_modules(), "child() registers them");
}
const Module& Module::get_submodule(std::string_view path) const {
  return *named("get_submodule", type(), path, named_modules(), "child() registers them");
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const NamedTensor& p : named_parameters()) count += p.tensor.numel();
  return count;
}

// --- Saving and loading ---

NamedTensors Module::state_dict() const {
  NamedTensors state;
  visit_slots([&](const std::string& name, const Slot& slot) {
    state.push_back({name, slot.tensor.detach().clone()});
  });
  return state;
}

void Module::load_state_dict(const NamedTensors& state, const LoadOptions& options) {
  StateLoader loader(state);
  std::vector<std::pair<Tensor, Tensor>> copies;  // made when all is known to fit
  visit_slots([&](const std::string& name, Slot& slot) {
    const bool needed = options.strict && slot.in_file == InFile::required;
    if (!needed && !loader.has(name)) return;
    const Tensor &own = slot.tensor, other = loader.take(name);
    if (!other.defined()) return;
    if (other.shape() != own.shape()) {
      loader.problem("wrong shape: ", name, " is ", other.shape(), ", expected ", own.shape());
    } else if (other.dtype() != own.dtype()) {
      loader.problem("wrong dtype: ", name, " is ", other.dtype(), ", expected ", own.dtype());
    }
    copies.emplace_back(own, other);
  });
  if (!options.strict) loader.ignore_rest();
  loader.finish(type(),
                "names and shapes must be those of state_dict(); .strict = false passes over "
                "missing and unexpected names, Module::to(dtype) converts the module");
  const NoGrad pause;
  for (auto& [own, other] : copies) own.copy_(other);
}

// --- Printing ---

std::string options_text(const Module& module) {
  OptionText text;
  OptionLister printer([&](const char* name, const auto& value) { text(name, value); });
  module.describe(printer);
  return text.text();
}

namespace {

void print_tree(std::ostream& out, const Module& module, const std::string& indent) {
  out << indent;
  if (!module.name().empty()) out << module.name() << ": ";
  out << module.type() << "(" << options_text(module) << ")";
  if (const int64_t count = module.parameter_count(); count > 0) out << str("  ", count);
  out << "\n";
  for (const auto& child : module.children()) print_tree(out, *child, indent + "  ");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Module& module) {
  print_tree(out, module, "");
  return out;
}

}  // namespace gradus::nn
