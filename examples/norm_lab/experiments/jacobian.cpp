// The Jacobian of a norm: its picture, and its eigenvalues against theory. In a set of M elements
// it is r times the identity without two directions, the constant one and that of x^:
//
//     r (delta_ij - (1 + x^_i x^_j) / M)   with eigenvalues r (M - 2 times), 0, and r eps / (v +
//     eps)
#include <gradus/core/jacobian.h>
#include <gradus/core/linalg/linalg.h>

#include <algorithm>

#include "../experiment.h"
#include "../microscope.h"

namespace gradus::lab {

namespace jacobian_parts {

const Shape shape = {2, 4, 2, 2};  // 32 elements

std::vector<double> sorted(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values;
}

/// What theory gives for all sets.
std::vector<double> theory_of(const Parts& parts, int64_t m, double eps) {
  std::vector<double> values;
  const std::vector<double> rs = parts.r.to_vector<double>();
  const std::vector<double> variances = parts.variance.to_vector<double>();
  for (size_t set = 0; set < rs.size(); ++set) {
    for (int64_t i = 0; i < m - 2; ++i) values.push_back(rs[set]);
    values.push_back(0);
    values.push_back(rs[set] * eps / (variances[set] + eps));
  }
  return sorted(values);
}

json measured(Norm norm, double eps) {
  Rng rng(1, Stream::general);
  const Tensor x = randn(shape, rng, float64);
  const Sets sets{norm, shape};
  const auto f = [&](const Tensor& input) { return normalized(input, norm, eps, sets.groups); };
  const Tensor j = jacobian(f, x).reshape({32, 32});
  const std::vector<double> found = sorted(eigh(j).values.to_vector<double>());
  const Tensor rows = sets.rows(x);
  const std::vector<double> theory = theory_of(parts_of(rows, eps), rows.size(1), eps);
  double distance = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    distance = std::max(distance, std::abs(found[i] - theory[i]));
  }
  return {{"jacobian", j.contiguous().to_vector<double>()},
          {"eigenvalues", found},
          {"theory", theory},
          {"distance", distance},
          {"zeros", std::count_if(found.begin(), found.end(),
                                  [](double value) { return std::abs(value) < 1e-10; })},
          {"asymmetry", max(abs(j - j.T())).item()}};
}

void run(Lab& lab) {
  for (const Norm norm : set_norms) {
    for (const double eps : {0.0, 1e-5, 1e-1}) {
      lab.define({{"norm", name_of(norm)}, {"eps", eps}}, [&] { return measured(norm, eps); });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& picture = section.figure("jacobian-picture", "Jacobians of [2, 4, 2, 2] by norm");
  picture.see =
      "Each set is a block: batch norm's reach across the two samples, the others' do not.";
  picture.settings =
      "float64, eps 0; rows are outputs, columns inputs, in the order of the memory: "
      "the first sample is the upper left quarter";
  auto& values = section.figure("jacobian-eigenvalues", "Eigenvalues of the Jacobian");
  values.x = {.label = "number, in ascending order"};
  values.y = {.label = "eigenvalue"};
  values.see =
      "Two per set are 0: the directions that a norm removes. The others are r of the set.";
  values.published = "r, M - 2 times, and 0 twice per set (the formula above)";
  double largest = 0;
  for (const json& norm : results.distinct("norm")) {
    const Results some = results.where({{"norm", norm}, {"eps", 0.0}});
    picture.add(report::HeatMap{.title = norm.get<std::string>(),
                                .x = "input",
                                .y = "output",
                                .width = 32,
                                .values = some.all("jacobian"),
                                .diverging = true});
    auto& chart = values.chart(norm.get<std::string>());
    chart.points(norm.get<std::string>(), some.curve("", "eigenvalues"));
    chart.dashed("theory", some.curve("", "theory"));
    for (const json& eps : results.distinct("eps")) {
      largest =
          std::max(largest, results.where({{"norm", norm}, {"eps", eps}}).mean("distance").mean);
    }
  }
  values.ours =
      str("largest distance from theory, over all norms and eps: ", report::number(largest, 2));
}

}  // namespace jacobian_parts

Experiment jacobian_of_norms() {
  return {.name = "jacobian",
          .title = "The Jacobian of a norm",
          .paper = "docs/normalization.md, Backward",
          .smaller = "",
          .run = jacobian_parts::run,
          .draw = jacobian_parts::draw};
}

}  // namespace gradus::lab
