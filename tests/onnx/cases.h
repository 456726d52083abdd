// What the tests export: every type of layer, many of their options, every row of the op table, and
// nets as people build them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../../nn/module.h"

namespace gradus::onnx_test {

struct Case {
  std::string name;  ///< unique
  std::shared_ptr<nn::Module> net;
  std::function<Tensor(int64_t samples)> input;
  /// The first dimension of the input does not count samples.
  bool fixed = false;
};

std::vector<Case> layer_cases();
std::vector<Case> net_cases();
std::vector<Case> row_cases();

/// Names of cases that save_onnx refuses, with a part of the message.
const std::vector<std::pair<std::string, std::string>>& refusals();

}  // namespace gradus::onnx_test
