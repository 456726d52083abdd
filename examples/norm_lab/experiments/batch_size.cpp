// Test error against the number of images in a batch.
//
// Batch norm estimates mean and variance from the batch, so its noise grows as batches shrink; the
// others see one image at a time. The learning rate is proportional to the batch, and all nets see
// the same number of images.
#include <gradus/nn/activation.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/norm.h>
#include <gradus/nn/reparametrization.h>
#include <gradus/optim/sgd.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace batch_size_parts {

const char* const standardized = "group, standardized weights";

/// Group norm after convolutions whose weights have mean 0 and variance 1.
nn::Sequential standardized_cnn() {
  return cnn_of(
      [](nn::Sequential& net, const Stage& s) {
        net.add(str("conv", s.number),
                nn::WeightStandardization<nn::Conv2d>(nn::Conv2d(
                    {.in_channels = s.in, .out_channels = s.out, .kernel_size = 3, .padding = 1})));
        net.add(str("norm", s.number), nn::GroupNorm(4, s.out));
        net.add(str("act", s.number), nn::ReLU());
      },
      {8, 16, 16});
}

const char* const convolutional = "convolutional";
const char* const connected = "fully connected";

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1280, 5120), epochs = lab.pick<int64_t>(1, 3);
  const auto measure = [&](const char* kind, const std::string& norm, const auto& make_net) {
    for (const int64_t batch : {64, 16, 4, 2, 1}) {
      if (batch == 1 && kind == connected && norm == "batch") continue;  // one value per unit
      if (batch == 2 && kind == convolutional && !lab.full()) continue;
      lab.measure({{"net", kind}, {"norm", norm}, {"batch", batch}, {"images", images}},
                  [&](uint64_t seed) -> json {
                    nn::Sequential net = make_net();
                    const double rate = 0.03 * static_cast<double>(batch) / 64;
                    optim::SGD sgd(net.named_parameters(), {.lr = rate, .momentum = 0.9});
                    train(net, sgd, lab.train_images(images),
                          {.batch = batch, .steps = epochs * images / batch, .seed = seed});
                    const double error = error_of(net, lab.test_images(lab.pick(1000, 2000)));
                    return {{"error", 100 * error}};
                  });
    }
  };
  for (const Norm norm : all_norms) {
    measure(convolutional, name_of(norm), [norm] { return cnn(norm, {8, 16, 16}); });
  }
  measure(convolutional, standardized, standardized_cnn);
  for (const Norm norm : vector_norms) {
    measure(connected, name_of(norm), [norm] { return mlp(norm); });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("batch-size-error", "Test error against batch size");
  figure.x = {.label = "images per batch", .log = true};
  figure.y = {.label = "test error, %", .log = true};
  figure.see =
      "Batch norm fails at 4 and 2 images where an image is one value, in the fully connected "
      "net. In the convolutional one an image has 49 values or more per channel, and little of "
      "that is left. Group norm with standardized weights does as well with one image as batch "
      "norm with 64.";
  figure.published =
      "ImageNet, ResNet-50, 32 / 16 / 8 / 4 / 2 images: batch norm 23.6, 23.7, 24.8, 27.3, 34.7 %; "
      "group norm 24.1, 24.2, 24.0, 24.2, 24.1 % (Wu & He 2018). With standardized weights group "
      "norm matches or beats large-batch batch norm (Qiao et al. 2019)";
  for (const json& net : results.distinct("net")) {
    figure.chart(net);
    draw_lines(figure, results.where({{"net", net}}), "norm", "batch", "error");
  }
}

}  // namespace batch_size_parts

Experiment batch_size() {
  return {.name = "batch-size",
          .title = "Error against batch size",
          .paper = "Wu & He 2018, Group normalization; Qiao et al. 2019, Weight standardization",
          .smaller =
              "Three convolutions of 8, 16 and 16 channels, and 784-100-100-100-10, rather than "
              "ResNet-50, 5,120 digits "
              "rather than ImageNet, 3 epochs; a preview has 1,280 digits and 1 epoch.",
          .run = batch_size_parts::run,
          .draw = batch_size_parts::draw};
}

}  // namespace gradus::lab
