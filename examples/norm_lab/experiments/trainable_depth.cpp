// How deep a plain relu net can be and still learn. With batch norm gradients grow by a factor in
// every layer, so that there is a depth beyond which no learning rate helps.
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace trainable_depth_parts {

json trained(Norm norm, int64_t depth, int64_t batch, int64_t steps, uint64_t seed,
             const data::Batch& images) {
  MlpShape shape{.widths = {784}};
  shape.widths.insert(shape.widths.end(), static_cast<size_t>(depth), 96);
  shape.widths.push_back(10);
  double best = 1;
  for (const double rate : {0.003, 0.03}) {  // the better of the two counts
    manual_seed(seed);
    nn::Sequential net = mlp(norm, shape);
    he_initialize(net);
    optim::SGD sgd(net.named_parameters(), {.lr = rate, .momentum = 0.9});
    train(net, sgd, images, {.batch = batch, .steps = steps, .seed = seed});
    best = std::min(best, error_of(net, images));
  }
  return {{"error", 100 * best}};
}

void run(Lab& lab) {
  const auto depths = lab.pick<std::vector<int64_t>>({4, 32}, {4, 8, 16, 32, 64});
  const auto steps = lab.pick<int64_t>(30, 200), images = lab.pick<int64_t>(1000, 4000);
  for (const Norm norm : vector_norms) {
    for (const int64_t batch : {16, 64}) {
      for (const int64_t depth : depths) {
        lab.measure({{"norm", name_of(norm)}, {"batch", batch}, {"depth", depth}, {"steps", steps}},
                    [&](uint64_t seed) {
                      return trained(norm, depth, batch, steps, seed, lab.train_images(images));
                    });
      }
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("trainable-depth", "Training error against depth");
  figure.x = {.label = "layers", .log = true};
  figure.y = {.label = "training error, %"};
  figure.see =
      "Without skip connections every norm stops learning at some depth, and no norm goes further "
      "than the plain net, whose initialization keeps gradients level.";
  figure.published =
      "MNIST, 384 units, batch norm: untrainable beyond some 50 layers whatever the "
      "batch size (Yang et al. 2019, Fig. 2)";
  for (const json& batch : results.distinct("batch")) {
    auto& chart = figure.chart(str("batches of ", batch.get<int64_t>()));
    for (const json& norm : results.distinct("norm")) {
      chart.line(norm.get<std::string>(),
                 results.where({{"norm", norm}, {"batch", batch}}).over("depth", "error"));
    }
  }
}

}  // namespace trainable_depth_parts

Experiment trainable_depth() {
  return {.name = "trainable-depth",
          .title = "Trainable depth",
          .paper = "Yang et al. 2019, A mean field theory of batch normalization",
          .smaller =
              "96 units rather than 384, 200 steps of momentum 0.9 at the better of the rates "
              "0.003 and 0.03, rather than 10 epochs at 1e-5 times the batch size.",
          .run = trainable_depth_parts::run,
          .draw = trainable_depth_parts::draw};
}

}  // namespace gradus::lab
