// Which samples of a batch touch which: only batch norm in training couples them.
#include <gradus/core/jacobian.h>

#include "../experiment.h"
#include "../microscope.h"

namespace gradus::lab {

namespace coupling_parts {

const Shape shape = {4, 4, 2, 2};
constexpr int64_t samples = 4, features = 16;

/// Root of the sum of squares of the derivatives of sample i's outputs by sample j's inputs.
json measured(const std::string& norm) {
  Rng rng(1, Stream::general);
  const Tensor x = randn(shape, rng, float64);
  const auto f = [&](const Tensor& input) {
    if (norm == "batch, evaluation") {
      return batch_norm_eval(input, zeros({4}, float64), ones({4}, float64));
    }
    for (const Norm each : set_norms) {
      if (norm == name_of(each)) return normalized(input, each, 1e-5, 2);
    }
    return input;
  };
  const Tensor j = jacobian(f, x).reshape({samples, features, samples, features});
  const std::vector<double> influence = sqrt(sum(square(j), {1, 3})).to_vector<double>();
  double between = 0;
  for (size_t i = 0; i < influence.size(); ++i) {
    const bool same = i / samples == i % samples;
    if (!same) between = std::max(between, influence[i]);
  }
  return {{"influence", influence}, {"between", between}};
}

void run(Lab& lab) {
  for (const char* norm : {"none", "batch", "layer", "instance", "group", "batch, evaluation"}) {
    lab.define({{"norm", norm}}, [&] { return measured(norm); });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure =
      section.figure("coupling", "Influence of each sample's input on each one's output");
  figure.see = "Only batch norm in training has entries off the diagonal.";
  figure.settings = "float64, [4, 4, 2, 2]; length of the block of the Jacobian";
  for (const json& norm : results.distinct("norm")) {
    figure.add(report::HeatMap{.title = norm.get<std::string>(),
                               .x = "input of sample",
                               .y = "output of sample",
                               .columns = {"1", "2", "3", "4"},
                               .rows = {"1", "2", "3", "4"},
                               .values = results.where({{"norm", norm}}).all("influence")});
  }
}

}  // namespace coupling_parts

Experiment coupling() {
  return {.name = "coupling",
          .title = "Samples that touch each other",
          .paper = "docs/normalization.md, What always holds, 8",
          .smaller = "",
          .run = coupling_parts::run,
          .draw = coupling_parts::draw};
}

}  // namespace gradus::lab
