// The table of experiments. Each is a function in a file of its own in experiments/.
#include <gradus/core/base/error.h>

#include <vector>

#include "experiment.h"

namespace gradus::lab {

Experiment depth_law();
Experiment heavy_tails();
Experiment largest_lr();
Experiment lr_decades();
Experiment rank();
Experiment rate_decay();
Experiment sigmoid_mlp();
Experiment skip_share();
Experiment trainable_depth();

std::span<const Experiment> experiments() {
  static const std::vector<Experiment> table = {
      // Before training
      depth_law(),
      rank(),
      skip_share(),
      heavy_tails(),
      // Why it helps
      sigmoid_mlp(),
      trainable_depth(),
      // Learning rates
      largest_lr(),
      lr_decades(),
      rate_decay(),
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
