// The table of experiments. Each is a function in a file of its own in experiments/.
#include <gradus/core/base/error.h>

#include <vector>

#include "experiment.h"

namespace gradus::lab {

Experiment batch_size();
Experiment contrast();
Experiment cost();
Experiment coupling();
Experiment covariate_shift();
Experiment definitions();
Experiment depth_law();
Experiment float32_statistics();
Experiment frn_dyt();
Experiment gamma_beta();
Experiment ghost_batch();
Experiment gradient_terms();
Experiment group_size();
Experiment heavy_tails();
Experiment inference();
Experiment input_scaling();
Experiment invariants();
Experiment jacobian_of_norms();
Experiment landscape();
Experiment largest_lr();
Experiment layer_vs_batch();
Experiment lr_decades();
Experiment precise_statistics();
Experiment rank();
Experiment rate_decay();
Experiment renorm();
Experiment rms_vs_layer();
Experiment sigmoid_mlp();
Experiment skip_share();
Experiment train_eval_gap();
Experiment trainable_depth();
Experiment wrong_backward();

std::span<const Experiment> experiments() {
  static const std::vector<Experiment> table = {
      // What it is
      definitions(),
      cost(),
      // The gradient of a norm, looked at closely
      gradient_terms(),
      jacobian_of_norms(),
      coupling(),
      invariants(),
      wrong_backward(),
      float32_statistics(),
      // Before training
      depth_law(),
      rank(),
      skip_share(),
      heavy_tails(),
      // Why it helps
      sigmoid_mlp(),
      covariate_shift(),
      landscape(),
      trainable_depth(),
      // Learning rates
      largest_lr(),
      lr_decades(),
      rate_decay(),
      // Use
      inference(),
      // Batches
      batch_size(),
      layer_vs_batch(),
      ghost_batch(),
      renorm(),
      precise_statistics(),
      train_eval_gap(),
      // Norms and what takes their place
      group_size(),
      frn_dyt(),
      rms_vs_layer(),
      gamma_beta(),
      // Inputs
      contrast(),
      input_scaling(),
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
