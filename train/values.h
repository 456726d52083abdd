// Named numbers, in order: the results of training steps and epochs.
#pragma once

#include <string>
#include <vector>

namespace gradus::training {

/// A number and what it is: {"loss", 0.31}. Accuracies are shares, from 0 to 1.
struct Value {
  std::string name;
  double number = 0;
};

/// Several of them: `training::Values{{"loss", 0.31}, {"accuracy", 0.97}}`.
using Values = std::vector<Value>;

/// "loss 0.3100", and "accuracy 97.00 %" for names that end in "accuracy".
std::string value_text(const Value& value);

/// All of them in one line. A common prefix of names, up to a '_', appears once: "train loss
/// 0.3100, accuracy 97.00 % test loss 0.2900".
std::string summary(const Values& values);

}  // namespace gradus::training
