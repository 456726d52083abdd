// Parts of a batch that are no fair sample: few images, or images of one or two classes. Batch norm
// then sees other statistics in training than in evaluation; batch renormalization corrects that.
//
// Every step has the gradient of 80 images, in parts that are normalized one by one. So nets differ
// in their norms alone, and not in what the classes of a batch do to a gradient.
#include <gradus/core/base/random.h>
#include <gradus/core/ops.h>
#include <gradus/core/tape.h>
#include <gradus/nn/norm_variants.h>
#include <gradus/nn/running_statistics.h>
#include <gradus/optim/sgd.h>

#include <algorithm>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace renorm_parts {

constexpr int64_t images_per_step = 80;

/// How the images of a step are divided.
struct Parts {
  const char* name;
  int64_t size;
  bool sorted;  ///< by class, so that a part has images of one or two
};
constexpr Parts all_parts[] = {{"16 images", 16, false},
                               {"4 images", 4, false},
                               {"16 images of one or two classes", 16, true}};

/// Random images, sorted by class if so requested.
data::Batch draw_images(const data::Batch& images, bool sorted, Rng& rng) {
  const Tensor order = randperm(images.x.size(0), rng).narrow(0, 0, images_per_step);
  data::Batch drawn = rows(images, order.to_vector<int64_t>());
  if (!sorted) return drawn;
  return rows(drawn, argsort(drawn.y, 0).to_vector<int64_t>());
}

nn::Sequential net_of(const std::string& norm) {
  if (norm == "group") return mlp(Norm::group);
  if (norm == "batch") return mlp(Norm::batch);
  return mlp([](int64_t units, const Shape&) {
    return std::make_unique<nn::BatchRenorm1d>(
        nn::BatchRenorm1dOptions{.num_features = units, .r_max = 1, .d_max = 0});
  });
}

/// Batch norm for the first quarter of the training, then wider and wider limits.
void relax(nn::Module& net, double progress) {
  const double share = std::clamp((progress - 0.25) / 0.5, 0.0, 1.0);
  for (const auto& [path, module] : net.named_modules()) {
    if (auto* norm = dynamic_cast<nn::BatchRenorm1d*>(module)) {
      norm->set_limits(1 + 2 * share, 5 * share);
    }
  }
}

void train_in_parts(nn::Sequential& net, const data::Batch& images, const Parts& parts,
                    int64_t steps, uint64_t seed) {
  optim::SGD sgd(net.named_parameters(), {.lr = 0.03, .momentum = 0.9});
  Rng rng(seed);
  for (int64_t step = 0; step < steps; ++step) {
    relax(net, static_cast<double>(step) / static_cast<double>(steps));
    const auto [x, y] = draw_images(images, parts.sorted, rng);
    sgd.zero_grad();
    for (int64_t i = 0; i < images_per_step; i += parts.size) {
      Tape tape;
      const Tensor loss = cross_entropy(net(x.narrow(0, i, parts.size)), y.narrow(0, i, parts.size),
                                        {.reduction = Reduction::sum});
      tape.backward(loss / static_cast<double>(images_per_step));
    }
    sgd.step();
  }
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(40, 256);
  for (const Parts& parts : all_parts) {
    for (const std::string norm : {"batch", "renormalized", "group"}) {
      lab.measure({{"parts", parts.name}, {"norm", norm}, {"steps", steps}},
                  [&](uint64_t seed) -> json {
                    nn::Sequential net = net_of(norm);
                    const data::Batch images = lab.train_images(lab.pick(1024, 5120));
                    train_in_parts(net, images, parts, steps, seed);
                    const data::Batch tests = lab.test_images(lab.pick(1000, 2000));
                    const double error = 100 * error_of(net, tests);
                    nn::recompute_statistics(net, split(images.x.narrow(0, 0, 1024), 128, 0));
                    return {{"error", error}, {"recomputed", 100 * error_of(net, tests)}};
                  });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("renorm-error", "Test error by what is normalized together");
  figure.y = {.label = "test error, %", .log = true};
  figure.see =
      "With parts of few images or of few classes batch norm is worse than group norm, which sees "
      "single images; batch renormalization makes up for a good part of it.";
  for (const json& parts : results.distinct("parts")) {
    auto& bars = figure.add(report::Bars{
        .title = parts,
        .link = {},
        .value = {},
        .groups = {},
        .series = {{.name = "running statistics"}, {.name = "statistics recomputed"}}});
    for (const json& norm : results.distinct("norm")) {
      const Results some = results.where({{"parts", parts}, {"norm", norm}});
      bars.groups.push_back(norm);
      add_interval(bars.series[0].curve, some.mean("error"));
      add_interval(bars.series[1].curve, some.mean("recomputed"));
    }
  }
}

}  // namespace renorm_parts

Experiment renorm() {
  return {.name = "renorm",
          .title = "Batch renormalization with few images and with few classes",
          .paper = "Ioffe 2017, Batch renormalization",
          .smaller =
              "784-100-100-100-10, 256 steps of 80 digits, limits relaxed "
              "within them; a preview makes 40 steps.",
          .run = renorm_parts::run,
          .draw = renorm_parts::draw};
}

}  // namespace gradus::lab
