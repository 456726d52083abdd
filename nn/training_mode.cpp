#include "training_mode.h"

#include "../core/base/error.h"

namespace gradus::nn {

ModeScope::ModeScope(Module& net, Mode mode) {
  for (const auto& [path, module] : net.named_modules()) {
    before_.emplace_back(module, module->is_training());
  }
  net.train(mode == Mode::training);
}

ModeScope::~ModeScope() {
  // Setting a mode also sets it below, so parents come first here too.
  for (const auto& [module, training] : before_) module->train(training);
}

std::vector<std::string> training_modules(const Module& net) {
  std::vector<std::string> paths;
  for (const auto& [path, module] : net.named_modules()) {
    if (module->is_training() && module->depends_on_mode()) {
      paths.push_back(path.empty() ? module->type() : path);
    }
  }
  return paths;
}

std::string evaluation_warning(const Module& net) {
  const std::vector<std::string> paths = training_modules(net);
  if (paths.empty()) return "";
  constexpr size_t shown = 3;
  const size_t more = paths.size() > shown ? paths.size() - shown : 0;
  const std::string list = joined(std::span(paths).first(paths.size() - more)) +
                           (more > 0 ? str(" and ", more, " more") : "");
  return str("evaluated in training mode, which changes what these layers do: ", list,
             ". Call eval() first");
}

}  // namespace gradus::nn
