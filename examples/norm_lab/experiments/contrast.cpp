// Nets that were trained on ordinary digits see digits of other contrast, of other brightness, and
// inverted ones. Norms of single images remove contrast by themselves; batch norm does not.
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace contrast_parts {

/// A change of every image p, whose pixels run from 0, black, to 1.
struct Shift {
  const char* name;
  const char* axis;
  bool log;
  std::vector<double> sizes;
  Tensor (*apply)(const Tensor& p, double size);
};

const Shift shifts[] = {
    {"contrast",
     "factor of all pixels",
     true,
     {0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.5, 2, 3, 5},
     [](const Tensor& p, double size) { return p * size; }},
    {"brightness",
     "added to all pixels",
     false,
     {-0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8},
     [](const Tensor& p, double size) { return p + size; }},
    {"inversion",
     "share of the negative",
     false,
     {0, 0.2, 0.4, 0.6, 0.8, 1},
     [](const Tensor& p, double size) { return p * (1 - 2 * size) + size; }},
};

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1024, 5120), epochs = lab.pick<int64_t>(1, 4);
  for (const Norm norm : all_norms) {
    lab.measure({{"norm", name_of(norm)}, {"images", images}}, [&](uint64_t seed) -> json {
      nn::Sequential net = cnn(norm);
      optim::SGD sgd(net.named_parameters(), {.lr = 0.02, .momentum = 0.9});
      const data::Batch given = lab.train_images(images);
      train(net, sgd, given, {.batch = 32, .steps = epochs * images / 32, .seed = seed});
      const auto [x, y] = lab.test_images(lab.pick(500, 2000));
      const double black = min(x).item(), range = max(x).item() - black;
      const Tensor pixels = (x - black) / range;
      json values;
      for (const Shift& shift : shifts) {
        std::vector<double> accuracies;
        for (const double size : shift.sizes) {
          const Tensor changed = shift.apply(pixels, size) * range + black;
          accuracies.push_back(100 * (1 - error_of(net, {changed, y})));
        }
        values[shift.name] = accuracies;
        values[str(shift.name, " sizes")] = shift.sizes;
      }
      return values;
    });
  }
}

void draw(const Results& results, report::Section& section) {
  const char* const sees[] = {
      "Higher contrast harms nobody. Low contrast ruins nets without a norm and with batch norm "
      "first; instance norm, which divides it out per channel, last.",
      "Instance norm hardly notices brightness: it subtracts the mean of each channel of each "
      "image. "
      "Batch norm, whose statistics are those of training, is the most sensitive.",
      "A share of the negative below a half is less contrast; instance norm takes it the longest. "
      "Beyond a half strokes are dark on bright, and no norm helps."};
  for (size_t i = 0; i < std::size(shifts); ++i) {
    const Shift& shift = shifts[i];
    auto& figure =
        section.figure(str("contrast-", shift.name), str("Accuracy against ", shift.name));
    figure.x = {.label = shift.axis, .log = shift.log};
    figure.y = {.label = "accuracy on changed test images, %", .from = 0, .to = 100};
    figure.see = sees[i];
    draw_curves(figure, results, "norm", str(shift.name, " sizes"), shift.name);
  }
}

}  // namespace contrast_parts

Experiment contrast() {
  return {.name = "contrast",
          .title = "Contrast, brightness and inversion of single images",
          .paper = "Ulyanov, Vedaldi & Lempitsky 2016, Instance normalization",
          .smaller =
              "Two convolutions of 8 and 16 channels, 5,120 digits, 4 epochs; a preview has "
              "1,024 digits and 1 epoch.",
          .run = contrast_parts::run,
          .draw = contrast_parts::draw};
}

}  // namespace gradus::lab
