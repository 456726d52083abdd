// Calls of tensor operations.
#include "../../core/tape.h"
#include "gradients.h"
#include "kinds.h"
#include "op_table.h"

namespace gradus::conformance {

void run_op(const Case& item, Checker& checker) {
  Tensors inputs = item.tensors(item["inputs"]);
  ask_for_gradients(inputs, item["grads"]);
  const Tape tape;
  const Options options(item["options"], item.named_tensors(item["option_tensors"]));
  const Tensors outputs = call_op(find_op(item["op"]), inputs, options);
  Json expected = {{"outputs", item["outputs"]}};
  if (item.has("grads")) {
    expected["grads"] = item["grads"];
    expected["grad_outputs"] = item["grad_outputs"];
  }
  check_call(item, expected, "", inputs, outputs, {}, checker);
}

}  // namespace gradus::conformance
