// The rank of a batch of hidden vectors in a net before training: a product of many random matrices
// sends all inputs into one direction, unless batch norm keeps them apart.
#include <gradus/core/ops.h>

#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace rank_parts {

/// tr(G)^2 / tr(G^2) for the Gram matrix of the rows: n for orthogonal rows of the same length, 1
/// for parallel ones.
double effective_rank(const Tensor& x) {
  const Tensor gram = matmul(x, x.T());
  const double trace = sum(square(x)).item();
  return trace * trace / sum(square(gram)).item();
}

json measured(Norm norm, bool with_relu, int64_t width, int64_t depth) {
  Tensor x = randn({width, width}, DType::float64);
  json ranks;
  for (int64_t layer = 0; layer <= depth; ++layer) {
    ranks.push_back(effective_rank(x));
    const double gain = with_relu ? 2 : 1;
    const Tensor w =
        randn({width, width}, DType::float64) * std::sqrt(gain / static_cast<double>(width));
    x = normalized(linear(x, w), norm, 1e-12);
    if (with_relu) x = relu(x);
  }
  return {
      {"ranks", ranks}, {"final", ranks.back()}, {"log", std::log2(ranks.back().get<double>())}};
}

void run(Lab& lab) {
  const auto depth = lab.pick<int64_t>(30, 200);
  for (const bool with_relu : {false, true}) {
    for (const Norm norm : vector_norms) {
      for (const int64_t width : {16, 32, 64}) {
        lab.measure({{"activation", with_relu ? "relu" : "linear"},
                     {"norm", name_of(norm)},
                     {"width", width},
                     {"depth", depth}},
                    [&](uint64_t) { return measured(norm, with_relu, width, depth); });
      }
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& ranks = section.figure("rank-depth", "Effective rank of 64 hidden vectors against depth");
  ranks.x = {.label = "layer"};
  ranks.y = {.label = "effective rank", .log = true};
  ranks.see = "With batch norm the vectors stay apart; with the others they become parallel.";
  ranks.published =
      "Linear nets: without batch norm the rank goes to 1, with it it stays at least "
      "of the order of the root of the width (Daneshmand et al. 2020)";
  auto& widths = section.figure("rank-width", "Effective rank after the last layer against width");
  widths.x = {.label = "width, and number of vectors", .log = true};
  widths.y = {.label = "effective rank", .log = true};
  widths.see = "With batch norm it grows with the width, faster than its root.";
  for (const json& activation : results.distinct("activation")) {
    auto& by_depth = ranks.chart(activation.get<std::string>());
    auto& by_width = widths.chart(activation.get<std::string>());
    report::Curve root;
    for (const json& norm : results.distinct("norm")) {
      const Results some = results.where({{"activation", activation}, {"norm", norm}});
      by_depth.line(norm.get<std::string>(), some.where({{"width", 64}}).curve("", "ranks"));
      by_width.line(norm.get<std::string>(), some.over("width", "final"));
      root.x = some.over("width", "final").x;
    }
    for (const double width : root.x) root.y.push_back(std::sqrt(width));
    by_width.dashed("root of the width", root);
  }
}

}  // namespace rank_parts

Experiment rank() {
  return {.name = "rank",
          .title = "Rank of the hidden batch",
          .paper = "Daneshmand et al. 2020, Batch normalization provably avoids rank collapse",
          .smaller = "As many random vectors as units: 16, 32 and 64; 200 layers.",
          .run = rank_parts::run,
          .draw = rank_parts::draw};
}

}  // namespace gradus::lab
