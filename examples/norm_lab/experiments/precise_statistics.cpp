// How many images it takes to estimate batch norm's statistics for evaluation, compared with the
// moving average that training leaves.
#include <gradus/core/ops.h>
#include <gradus/nn/running_statistics.h>
#include <gradus/optim/sgd.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace precise_statistics_parts {

nn::Sequential net_of(const std::string& kind, double momentum) {
  if (kind == "fully connected") {
    return mlp([=](int64_t units, const Shape&) {
      return std::make_unique<nn::BatchNorm1d>(
          nn::BatchNorm1dOptions{.num_features = units, .momentum = momentum});
    });
  }
  return cnn([=](int64_t maps, const Shape&) {
    return std::make_unique<nn::BatchNorm2d>(
        nn::BatchNorm2dOptions{.num_features = maps, .momentum = momentum});
  });
}

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1024, 5120), epochs = lab.pick<int64_t>(1, 2);
  std::vector<int64_t> counts = {4, 8, 16, 32, 64, 128, 256, 512, 1024};
  if (lab.full()) counts.insert(counts.end(), {2048, 4096});
  for (const std::string kind : {"fully connected", "convolutional"}) {
    for (const double momentum : {0.1, 0.01}) {
      lab.measure({{"net", kind}, {"momentum", momentum}, {"images", images}, {"epochs", epochs}},
                  [&](uint64_t seed) -> json {
                    nn::Sequential net = net_of(kind, momentum);
                    optim::SGD sgd(net.named_parameters(), {.lr = 0.02, .momentum = 0.9});
                    const data::Batch given = lab.train_images(images);
                    const data::Batch tests = lab.test_images(lab.pick(1000, 2000));
                    train(net, sgd, given,
                          {.batch = 32, .steps = epochs * images / 32, .seed = seed});
                    const double moving = 100 * error_of(net, tests);
                    std::vector<double> errors;
                    for (const int64_t count : counts) {
                      const Tensor x = given.x.narrow(0, 0, count);
                      nn::recompute_statistics(net, split(x, std::min<int64_t>(count, 128), 0));
                      errors.push_back(100 * error_of(net, tests));
                    }
                    return {{"moving", moving}, {"counts", counts}, {"errors", errors}};
                  });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("precise-statistics-error",
                                "Test error against the number of images that statistics are of");
  figure.x = {.label = "images", .log = true};
  figure.y = {.label = "test error, %", .log = true};
  figure.see =
      "With one value per image and unit, the fully connected net needs some 1,000 images for "
      "statistics as good as the moving average; in the convolutional one 4 images, of 196 values "
      "or more each, suffice.";
  figure.published = "1,000 to 10,000 images suffice (Wu & Johnson 2021)";
  for (const json& net : results.distinct("net")) {
    for (const json& momentum : results.distinct("momentum")) {
      const Results some = results.where({{"net", net}, {"momentum", momentum}});
      figure.chart(name_of_setting(net) + ", momentum " + momentum.dump());
      figure.line("batch, recomputed", some.curve("counts", "errors"));
      figure.level("batch, moving average", some.mean("moving").mean);
    }
  }
}

}  // namespace precise_statistics_parts

Experiment precise_statistics() {
  return {.name = "precise-statistics",
          .title = "Precise statistics against the moving average",
          .paper = "Wu & Johnson 2021, Rethinking \"Batch\" in BatchNorm",
          .smaller =
              "784-100-100-100-10, and two convolutions of 8 and 16 channels; 5,120 digits, 2 "
              "epochs. A preview has 1,024 digits and 1 epoch.",
          .run = precise_statistics_parts::run,
          .draw = precise_statistics_parts::draw};
}

}  // namespace gradus::lab
