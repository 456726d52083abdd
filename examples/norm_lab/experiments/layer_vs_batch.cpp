// Layer norm against batch norm in a fully connected net, with large batches and small ones.
#include <gradus/optim/adam.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace layer_vs_batch_parts {

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1024, 6016), epochs = lab.pick<int64_t>(3, 8);
  const auto width = lab.pick<int64_t>(64, 256);
  for (const int64_t batch : {128, 4}) {
    for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
      lab.measure({{"norm", name_of(norm)}, {"batch", batch}, {"images", images}, {"width", width}},
                  [&](uint64_t seed) -> json {
                    nn::Sequential net = mlp(norm, {.widths = {784, width, width, 10}});
                    optim::Adam adam(net.named_parameters(), {.lr = 1e-3});
                    const data::Batch tests = lab.test_images(lab.pick(1000, 5000));
                    std::vector<double> errors, losses;
                    for (int64_t epoch = 0; epoch < epochs; ++epoch) {
                      train(net, adam, lab.train_images(images),
                            {.batch = batch,
                             .steps = images / batch,
                             .seed = seed * 1000 + static_cast<uint64_t>(epoch)});
                      errors.push_back(100 * error_of(net, tests));
                      losses.push_back(loss_of(net, tests));
                    }
                    return {{"errors", errors}, {"losses", losses}, {"error", errors.back()}};
                  });
    }
  }
}

void draw_by_batch(report::Figure& figure, const Results& results, const std::string& value) {
  figure.x = {.label = "epoch, from 0"};
  for (const json& batch : results.distinct("batch")) {
    figure.chart("batches of " + batch.dump());
    draw_curves(figure, results.where({{"batch", batch}}), "norm", "", value);
  }
}

void draw(const Results& results, report::Section& section) {
  auto& errors = section.figure("layer-vs-batch-error", "Test error by epoch");
  errors.y = {.label = "test error, %"};
  errors.see =
      "With 128 images in a batch both norms are ahead of none; with 4, batch norm learns the "
      "slowest of the three, and layer norm stays ahead.";
  errors.published =
      "784-1000-1000-10, 60 epochs: layer norm is robust to the batch size and learns faster than "
      "batch norm applied to all layers (Ba, Kiros & Hinton 2016, Figure 6)";
  draw_by_batch(errors, results, "errors");
  auto& losses = section.figure("layer-vs-batch-loss", "Negative log likelihood by epoch");
  losses.y = {.label = "test loss"};
  losses.see =
      "At batches of 4, the likelihood of batch norm lags behind that of layer norm in the first "
      "epochs; later its noise keeps it from the overfitting of the others.";
  draw_by_batch(losses, results, "losses");
}

}  // namespace layer_vs_batch_parts

Experiment layer_vs_batch() {
  return {.name = "layer-vs-batch",
          .title = "Layer norm against batch norm, with 128 images and with 4",
          .paper = "Ba, Kiros & Hinton 2016, Layer normalization, section 6.6",
          .smaller =
              "784-256-256-10, 6,016 digits, 8 epochs; norms in hidden layers only. A "
              "preview has 64 units, 1,024 digits, 3 epochs.",
          .run = layer_vs_batch_parts::run,
          .draw = layer_vs_batch_parts::draw};
}

}  // namespace gradus::lab
