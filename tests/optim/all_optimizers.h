// Every optimizer of the library, for tests that apply to all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../../optim/adadelta.h"
#include "../../optim/adagrad.h"
#include "../../optim/adam.h"
#include "../../optim/adamax.h"
#include "../../optim/lion.h"
#include "../../optim/nadam.h"
#include "../../optim/radam.h"
#include "../../optim/rmsprop.h"
#include "../../optim/sgd.h"

namespace gradus::test {

struct OptimizerCase {
  std::string name;
  bool has_momentum, has_l1_decay;
  std::unique_ptr<optim::Optimizer> (*make)(const std::vector<optim::ParameterGroup>& groups,
                                            bool maximize);
};

template <class Optimizer, class Options>
std::unique_ptr<optim::Optimizer> make_with(const std::vector<optim::ParameterGroup>& groups,
                                            Options options, bool maximize) {
  options.lr = 0.05;
  options.maximize = maximize;
  return std::make_unique<Optimizer>(groups, options);
}

inline const std::vector<OptimizerCase>& all_optimizers() {
  using Groups = const std::vector<optim::ParameterGroup>&;
  static const std::vector<OptimizerCase> cases = {
      {"SGD", false, true,
       [](Groups g, bool maximize) {
         return make_with<optim::SGD>(g, optim::SGDOptions(), maximize);
       }},
      {"SGD, momentum", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::SGD>(g, optim::SGDOptions{.momentum = 0.9, .nesterov = true},
                                      maximize);
       }},
      {"Adam", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::Adam>(g, optim::AdamOptions(), maximize);
       }},
      {"Adam, amsgrad", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::Adam>(g, optim::AdamOptions{.amsgrad = true}, maximize);
       }},
      {"AdamW", true, false,
       [](Groups g, bool maximize) {
         return make_with<optim::AdamW>(g, optim::AdamWOptions(), maximize);
       }},
      {"Adamax", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::Adamax>(g, optim::AdamaxOptions(), maximize);
       }},
      {"NAdam", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::NAdam>(g, optim::NAdamOptions(), maximize);
       }},
      {"RAdam", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::RAdam>(g, optim::RAdamOptions(), maximize);
       }},
      {"Lion", true, false,
       [](Groups g, bool maximize) {
         return make_with<optim::Lion>(g, optim::LionOptions(), maximize);
       }},
      {"RMSprop", false, true,
       [](Groups g, bool maximize) {
         return make_with<optim::RMSprop>(g, optim::RMSpropOptions(), maximize);
       }},
      {"RMSprop, centered", false, true,
       [](Groups g, bool maximize) {
         return make_with<optim::RMSprop>(g, optim::RMSpropOptions{.centered = true}, maximize);
       }},
      {"RMSprop, centered, momentum", true, true,
       [](Groups g, bool maximize) {
         return make_with<optim::RMSprop>(
             g, optim::RMSpropOptions{.momentum = 0.9, .centered = true}, maximize);
       }},
      {"Adagrad", false, true,
       [](Groups g, bool maximize) {
         return make_with<optim::Adagrad>(
             g, optim::AdagradOptions{.lr_decay = 0.1, .initial_accumulator_value = 0.5}, maximize);
       }},
      {"Adadelta", false, true,
       [](Groups g, bool maximize) {
         return make_with<optim::Adadelta>(g, optim::AdadeltaOptions(), maximize);
       }},
  };
  return cases;
}

}  // namespace gradus::test
