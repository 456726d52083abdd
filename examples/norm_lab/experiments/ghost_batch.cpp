// Is a large batch worse because its statistics are too good? Ghost batch norm normalizes parts of
// a large batch as if they were small ones, and leaves the steps as they are.
#include <gradus/nn/norm_variants.h>
#include <gradus/optim/sgd.h>

#include <cmath>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace ghost_batch_parts {

void run(Lab& lab) {
  const int64_t images = lab.pick(1024, 5120), epochs = 16;
  const auto large = lab.pick<int64_t>(256, 512);
  const auto measure = [&](int64_t batch, int64_t part) {
    lab.measure({{"batch", batch}, {"part", part}, {"images", images}}, [&](uint64_t seed) -> json {
      nn::Sequential net = mlp([&](int64_t units, const Shape&) {
        return std::make_unique<nn::GhostBatchNorm1d>(units, part);
      });
      // A rate that grows with the root of the batch, as Hoffer et al. propose.
      const double rate = 0.01 * std::sqrt(static_cast<double>(batch) / 32);
      optim::SGD sgd(net.named_parameters(), {.lr = rate, .momentum = 0.9});
      const data::Batch train_images = lab.train_images(images);
      train(net, sgd, train_images,
            {.batch = batch, .steps = epochs * images / batch, .seed = seed});
      return {{"error", 100 * error_of(net, lab.test_images(lab.pick(1000, 2000)))},
              {"train_error", 100 * error_of(net, train_images)}};
    });
  };
  for (int64_t part = large; part >= 4; part /= lab.pick(8, 2)) measure(large, part);
  measure(32, 32);
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("ghost-batch-error", "Error against the size of the parts");
  figure.x = {.label = "images per part of the batch", .log = true};
  figure.y = {.label = "error, %"};
  figure.see =
      "The size of the parts makes no difference to the test error, down to 8 images; with 4 "
      "the noise is too much. The gain of the paper does not show at this scale.";
  figure.published = "Gains of 0 to 3 points of accuracy on small data sets (Hoffer et al. 2017)";
  const auto batches = results.distinct("batch");
  if (batches.size() < 2) return;
  const Results large = results.where({{"batch", batches[0]}});
  const Results small = results.where({{"batch", batches[1]}});
  figure.line("test, batches of " + batches[0].dump(), large.over("part", "error"));
  figure.line("training images", large.over("part", "train_error"));
  figure.level("test, batches of " + batches[1].dump(), small.mean("error").mean);
}

}  // namespace ghost_batch_parts

Experiment ghost_batch() {
  return {.name = "ghost-batch",
          .title = "Ghost batch norm at a large batch",
          .paper = "Hoffer, Hubara & Soudry 2017, Train longer, generalize better",
          .smaller =
              "784-100-100-100-10, 5,120 digits, batches of 512, 16 "
              "epochs; a preview has batches of 256 and 1,024 digits.",
          .run = ghost_batch_parts::run,
          .draw = ghost_batch_parts::draw};
}

}  // namespace gradus::lab
