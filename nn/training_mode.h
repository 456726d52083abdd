// Training and evaluation mode of a whole net.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "module.h"

namespace gradus::nn {

/// What train() and eval() switch between.
enum class Mode { training, evaluation };

/// Sets the mode of a net during its lifetime, then restores that of every module:
///
///     const nn::ModeScope evaluating(net, nn::Mode::evaluation);
class ModeScope {
 public:
  ModeScope(Module& net, Mode mode);
  ~ModeScope();
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> before_;  // parents first
};

/// Paths of the modules in training mode for which that makes a difference: norms that use and
/// update statistics, dropout. Empty for a net that is ready to be evaluated.
std::vector<std::string> training_modules(const Module& net);

/// A warning for somebody who is about to evaluate this net; empty if nothing is wrong.
std::string evaluation_warning(const Module& net);

}  // namespace gradus::nn
