// The table of experiments. Each is a function in a file of its own in experiments/.
#include <gradus/core/base/error.h>

#include <vector>

#include "experiment.h"

namespace gradus::lab {

Experiment depth_law();

std::span<const Experiment> experiments() {
  static const std::vector<Experiment> table = {
      // At initialization
      depth_law(),
  };
  return table;
}

const Experiment& find_experiment(const std::string& name) {
  std::vector<std::string> names;
  for (const Experiment& experiment : experiments()) {
    if (experiment.name == name) return experiment;
    names.emplace_back(experiment.name);
  }
  const std::string meant = nearest_word(name, names);
  throw ValueError("norm_lab", str("there is no experiment ", name),
                   meant.empty() ? "`norm_lab list` shows all" : "did you mean " + meant + "?");
}

}  // namespace gradus::lab
