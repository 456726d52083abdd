// The same net evaluated with its moving averages and with the statistics of batches like those of
// training: their difference, by batch size and momentum, and with statistics frozen halfway.
#include <gradus/core/ops.h>
#include <gradus/nn/norm.h>
#include <gradus/optim/sgd.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace train_eval_gap_parts {

/// The error in training mode: each batch is normalized with its own statistics. Changes the
/// running ones.
double error_in_training_mode(nn::Module& net, const data::Batch& images, int64_t batch) {
  net.train();
  double right = 0;
  const int64_t count = images.x.size(0) / batch * batch;
  for (int64_t i = 0; i < count; i += batch) {
    const Tensor answers = argmax(net(images.x.narrow(0, i, batch)), 1);
    right += sum(to(answers == images.y.narrow(0, i, batch), int64)).item();
  }
  return 100 * (1 - right / static_cast<double>(count));
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(40, 160);
  for (const int64_t batch : {2, 8, 32, 128}) {
    for (const double momentum : {0.001, 0.01, 0.1, 0.5}) {
      for (const bool frozen : {false, true}) {
        if (frozen && momentum != 0.1) continue;
        lab.measure(
            {{"batch", batch}, {"momentum", momentum}, {"frozen", frozen}, {"steps", steps}},
            [&](uint64_t seed) -> json {
              nn::Sequential net = mlp([&](int64_t units, const Shape&) {
                return std::make_unique<nn::BatchNorm1d>(
                    nn::BatchNorm1dOptions{.num_features = units, .momentum = momentum});
              });
              const double rate = 0.03 * static_cast<double>(batch) / 64;
              optim::SGD sgd(net.named_parameters(), {.lr = rate, .momentum = 0.9});
              const auto each = [&](int64_t step, double) {
                if (frozen && step == steps / 2) nn::freeze_norms(net, {.statistics = true});
                return true;
              };
              train(net, sgd, lab.train_images(lab.pick(1024, 5120)),
                    {.batch = batch, .steps = steps, .seed = seed, .each = each});
              const data::Batch tests = lab.test_images(lab.pick(512, 2048));
              const double evaluated = 100 * error_of(net, tests);
              const double trained = error_in_training_mode(net, tests, batch);
              return {
                  {"evaluation", evaluated}, {"training", trained}, {"gap", evaluated - trained}};
            });
      }
    }
  }
}

void draw(const Results& results, report::Section& section) {
  const Results free = results.where({{"frozen", false}});
  auto& figure = section.figure("train-eval-gap-error", "Test error in both modes");
  figure.x = {.label = "momentum: the share of a new batch", .log = true};
  figure.y = {.label = "test error, %"};
  figure.see =
      "A moving average that is slower than the training (momentum 0.001 for 160 steps) ruins "
      "evaluation. With small batches it is training mode that errs more: each batch has its own "
      "noise.";
  for (const json& batch : results.distinct("batch")) {
    const Results some = free.where({{"batch", batch}});
    figure.chart("batches of " + batch.dump());
    figure.line("batch, evaluation mode", some.over("momentum", "evaluation"));
    figure.line("batch, training mode", some.over("momentum", "training"));
  }
  auto& frozen = section.figure("train-eval-gap-frozen", "Statistics frozen halfway");
  frozen.x = {.label = "images per batch", .log = true};
  frozen.y = {.label = "test error in evaluation mode, %"};
  frozen.see =
      "Freezing halfway closes the gap between the modes, but too early: the statistics were "
      "those of a net half trained, and the error is higher.";
  const Results usual = results.where({{"momentum", 0.1}});
  for (const bool is_frozen : {false, true}) {
    frozen.line(is_frozen ? "batch, frozen halfway" : "batch, never frozen",
                usual.where({{"frozen", is_frozen}}).over("batch", "evaluation"));
  }
}

}  // namespace train_eval_gap_parts

Experiment train_eval_gap() {
  return {.name = "train-eval-gap",
          .title = "The gap between training and evaluation mode",
          .paper = "Wu & Johnson 2021, Rethinking \"Batch\" in BatchNorm",
          .smaller = "784-100-100-100-10, 160 steps; a preview makes 40.",
          .run = train_eval_gap_parts::run,
          .draw = train_eval_gap_parts::draw};
}

}  // namespace gradus::lab
