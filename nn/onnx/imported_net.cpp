#include "imported_net.h"

#include <algorithm>

#include "../../core/base/error.h"
#include "../../core/tape.h"

namespace gradus::onnx {

Tensor ImportedNet::forward(const Tensor& x) {
  check_input(x);
  const DType type = current_type(x);
  if (type != constants_type_) {
    for (size_t i = 0; i < fixed_.size(); ++i) {
      const auto& [tensor, constant] = fixed_[i];
      if (constant && tensor.defined() && tensor.dtype() == file_type_)
        constants_[i] = tensor.to(type);
    }
    constants_type_ = type;
  }
  Tensors computed(static_cast<size_t>(values_) - fixed_.size());
  computed[0] = x;
  for (const Step& step : steps_) {
    run(step, computed,
        {.inputs = {}, .training = is_training(), .file_type = file_type_, .net_type = type});
  }
  return value(result_, computed);
}

void ImportedNet::run(const Step& step, Tensors& computed, Call call) const {
  Tape* const tape = step.scope.empty() ? nullptr : Tape::current();
  const Tape::Scope scope(tape, step.scope);
  Tensors inputs;
  for (const int number : step.inputs) inputs.push_back(value(number, computed));
  call.inputs = inputs;
  const auto place = [this](int number) { return static_cast<size_t>(number) - fixed_.size(); };
  try {
    const Tensors outputs = step.compute(call);
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      if (step.outputs[i] >= 0) computed[place(step.outputs[i])] = outputs.at(i);
    }
  } catch (Error& error) {
    error.add_module(step.node);
    throw;
  }
  for (const int number : step.unneeded) computed[place(number)] = {};
}

const Tensor& ImportedNet::value(int number, const Tensors& computed) const {
  static const Tensor none;
  if (number < 0) return none;
  const auto i = static_cast<size_t>(number);
  if (i >= fixed_.size()) return computed[i - fixed_.size()];
  return fixed_[i].constant ? constants_[i] : fixed_[i].tensor;
}

void ImportedNet::check_input(const Tensor& x) const {
  require<DTypeError>(is_floating(x.dtype()) == is_floating(input_.dtype), type(),
                      "convert it with .to(dtype)", "input '", printable(input_.name), "' is ",
                      input_.dtype, " in the file, got ", x.dtype());
  if (input_.shape.empty()) return;
  std::string sizes;
  for (const auto& size : input_.shape) {
    const auto* const number = std::get_if<int64_t>(&size);
    const auto* const name = std::get_if<std::string>(&size);
    sizes += str(sizes.empty() ? "[" : ",", number != nullptr ? str(*number)
                                            : name->empty()   ? "?"
                                                              : *name);
  }
  require<ShapeError>(x.dim() == static_cast<int>(input_.shape.size()), type(),
                      "the file says what the net takes", "input '", printable(input_.name),
                      "' is ", printable(sizes), "], got ", x.shape());
}

DType ImportedNet::current_type(const Tensor& x) const {
  if (first_floating_.defined()) return first_floating_.dtype();
  return is_floating(x.dtype()) ? x.dtype() : file_type_;
}

}  // namespace gradus::onnx
