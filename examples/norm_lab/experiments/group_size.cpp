// Group norm with one group is layer norm, with a group per channel instance norm. In between?
#include <gradus/nn/norm.h>
#include <gradus/optim/sgd.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace group_size_parts {

constexpr int64_t channels = 16;

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1280, 5120), epochs = lab.pick<int64_t>(1, 3);
  const auto measure = [&](const json& settings, const auto& make_net) {
    lab.measure(settings, [&](uint64_t seed) -> json {
      nn::Sequential net = make_net();
      optim::SGD sgd(net.named_parameters(), {.lr = 0.02, .momentum = 0.9});
      train(net, sgd, lab.train_images(images),
            {.batch = 32, .steps = epochs * images / 32, .seed = seed});
      return {{"error", 100 * error_of(net, lab.test_images(lab.pick(1000, 2000)))}};
    });
  };
  for (const int64_t groups : {1, 2, 4, 8, 16}) {
    measure({{"norm", "group"}, {"groups", groups}, {"images", images}}, [groups] {
      return cnn([groups](int64_t maps,
                          const Shape&) { return std::make_unique<nn::GroupNorm>(groups, maps); },
                 {channels, channels});
    });
  }
  for (const Norm norm : {Norm::batch, Norm::none}) {
    measure({{"norm", name_of(norm)}, {"images", images}}, [norm] {
      return cnn(norm, {channels, channels});
    });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("group-size-error", "Test error against the number of groups");
  figure.x = {.label = "groups of 16 channels: 1 is layer norm, 16 instance norm", .log = true};
  figure.y = {.label = "test error, %"};
  figure.see =
      "From layer norm to instance norm, the number of groups makes no difference on digits.";
  figure.published =
      "ImageNet, 64 / 32 / 16 / 8 / 4 / 2 / 1 groups: 24.6, 24.1, 24.6, 24.4, 24.6, 24.7, 25.3 %; "
      "instance norm 28.4, batch norm 23.6 % (Wu & He 2018)";
  figure.line("group", results.where({{"norm", "group"}}).over("groups", "error"));
  for (const char* norm : {"batch", "none"}) {
    figure.level(norm, results.where({{"norm", norm}}).mean("error").mean);
  }
}

}  // namespace group_size_parts

Experiment group_size() {
  return {.name = "group-size",
          .title = "From layer norm to instance norm: the number of groups",
          .paper = "Wu & He 2018, Group normalization, Table 3",
          .smaller =
              "Two convolutions of 16 channels, 5,120 digits, 3 epochs; a preview has 1,280 "
              "digits and 1 epoch.",
          .run = group_size_parts::run,
          .draw = group_size_parts::draw};
}

}  // namespace gradus::lab
