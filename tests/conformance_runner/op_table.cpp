#include "op_table.h"

namespace gradus::conformance {

const OpFunction& find_op(const std::string& name) {
  static const OpTable table = [] {
    OpTable all = elementwise_ops();
    all.merge(reduction_ops());
    all.merge(shape_ops());
    all.merge(window_ops());
    all.merge(clipping_ops());
    return all;
  }();
  const auto found = table.find(name);
  if (found == table.end()) throw Unsupported("operation '" + name + "'");
  return found->second;
}

const OpFunction* find_loss(const std::string& name) {
  static const OpTable table = loss_ops();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : &found->second;
}

Tensors call_op(const OpFunction& f, const Tensors& inputs, Options options) {
  Tensors outputs = f(inputs, options);
  options.check_all_read();
  return outputs;
}

}  // namespace gradus::conformance
