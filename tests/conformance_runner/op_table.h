// Which function of the library stands for which name in the cases. To support one more operation,
// add a row to the table of its kind.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "options.h"

namespace gradus::conformance {

using OpFunction = std::function<Tensors(const Tensors& inputs, Options& options)>;
using OpTable = std::map<std::string, OpFunction>;

OpTable elementwise_ops();
OpTable reduction_ops();
OpTable shape_ops();
OpTable window_ops();    ///< convolutions and pools
OpTable clipping_ops();  ///< inputs are gradients, outputs what becomes of them
OpTable loss_ops();      ///< under the names of their modules, "CrossEntropyLoss"

/// Throws Unsupported for a name that is in none of the tables but the last.
const OpFunction& find_op(const std::string& name);
/// nullptr for what is no loss.
const OpFunction* find_loss(const std::string& name);

/// Calls `f` and sees to it that it read every option.
Tensors call_op(const OpFunction& f, const Tensors& inputs, Options options);

}  // namespace gradus::conformance
