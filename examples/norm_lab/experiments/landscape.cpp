// The loss along the gradient, as Santurkar et al. look at it: how much it varies, how far the
// gradient at the start predicts the one further on, and how smooth it is.
#include <gradus/core/jacobian.h>
#include <gradus/core/ops.h>
#include <gradus/core/tape.h>
#include <gradus/optim/sgd.h>

#include <algorithm>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace landscape_parts {

constexpr double rate = 0.05;
constexpr std::array step_sizes = {0.5, 1.0, 2.0, 4.0};  // times the rate

struct Probe {
  double loss_low, loss_high;      // over the step sizes
  double change_low, change_high;  // of the gradient, its length
  double smoothness;               // the largest change per distance
};

std::vector<Tensor> difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  std::vector<Tensor> result;
  for (size_t i = 0; i < a.size(); ++i) result.push_back(a[i] - b[i]);
  return result;
}

/// Looks along the gradient of a batch, and leaves the weights as they are.
Probe probed(nn::Module& net, const data::Batch& batch) {
  const std::vector<Tensor> weights = weights_of(net);
  std::vector<Tensor> before;
  before.reserve(weights.size());
  for (const Tensor& weight : weights) before.push_back(weight.detach().clone());
  const std::vector<Tensor> start = gradient_of(net, batch);
  const double length = norm(start).item();
  Probe probe{1e30, 0, 1e30, 0, 0};
  for (const double size : step_sizes) {
    move(weights, -rate * size, start);
    double loss = 0;
    const double change = norm(difference(gradient_of(net, batch, &loss), start)).item();
    for (size_t i = 0; i < weights.size(); ++i) {
      const NoGrad no_grad;
      Tensor weight = weights[i];
      weight.copy_(before[i]);
    }
    probe = {std::min(probe.loss_low, loss), std::max(probe.loss_high, loss),
             std::min(probe.change_low, change), std::max(probe.change_high, change),
             std::max(probe.smoothness, change / (rate * size * length))};
  }
  return probe;
}

json trained(Norm norm, int64_t steps, uint64_t seed, const data::Batch& images,
             const data::Batch& test) {
  nn::Sequential net = mlp(norm, {.widths = {784, 100, 100, 100, 100, 100, 100, 10}});
  he_initialize(net);
  optim::SGD sgd(net.named_parameters(), {.lr = rate});
  Rng rng(seed, Stream::general);
  json at, loss_low, loss_high, change_low, change_high, smoothness;
  std::vector<double> variation, changes, smooth;
  const auto each = [&](int64_t step, double) {
    if (step % 10 != 0) return true;
    std::vector<int64_t> numbers(64);
    const auto count = static_cast<uint64_t>(images.x.size(0));
    for (int64_t& i : numbers) i = static_cast<int64_t>(rng.below(count));
    const Probe p = probed(net, rows(images, numbers));
    at.push_back(step);
    loss_low.push_back(p.loss_low);
    loss_high.push_back(p.loss_high);
    change_low.push_back(p.change_low);
    change_high.push_back(p.change_high);
    smoothness.push_back(p.smoothness);
    variation.push_back(p.loss_high - p.loss_low);
    changes.push_back(p.change_high);
    smooth.push_back(p.smoothness);
    return true;
  };
  const std::vector<double> losses =
      train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed, .each = each});
  return {{"step", at},
          {"loss_low", loss_low},
          {"loss_high", loss_high},
          {"change_low", change_low},
          {"change_high", change_high},
          {"smoothness", smoothness},
          {"median_variation", median(variation)},
          {"median_change", median(changes)},
          {"median_smoothness", median(smooth)},
          {"error", 100 * error_of(net, test)}};
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(60, 600), images = lab.pick<int64_t>(2000, 10000);
  for (const Norm norm : vector_norms) {
    lab.measure({{"norm", name_of(norm)}, {"steps", steps}, {"images", images}},
                [&](uint64_t seed) {
                  return trained(norm, steps, seed, lab.train_images(images),
                                 lab.test_images(lab.pick<int64_t>(500, 2000)));
                });
  }
}

void draw(const Results& results, report::Section& section) {
  const auto figure = [&](const char* id, const char* title, const char* label, const char* low,
                          const char* high, const char* see) {
    auto& drawn = section.figure(id, title);
    drawn.x = {.label = "step"};
    drawn.y = {.label = label, .log = true};
    drawn.see = see;
    drawn.published = "Curves without printed numbers: VGG on CIFAR-10 (Santurkar et al. 2018)";
    for (const json& norm : results.distinct("norm")) {
      const Results some = results.where({{"norm", norm}});
      report::Curve band = some.curve("step", high);
      if (std::string(low) != high) {
        band.low = some.curve("step", low).y;
        band.high = band.y;
        drawn.seeds =
            "means over the seeds; the band is the range over step sizes 1/2 to 4 times "
            "the rate";
      }
      drawn.line(norm.get<std::string>(), band);
    }
  };
  figure("landscape-loss", "Loss along the gradient", "loss", "loss_low", "loss_high",
         "The narrower the band, the further a step may go.");
  figure("landscape-gradient", "Change of the gradient along itself", "length of the change",
         "change_low", "change_high", "The lower, the better the gradient predicts the next one.");
  figure("landscape-smoothness", "Effective smoothness", "largest change per distance",
         "smoothness", "smoothness", "The lower, the smoother the loss along the path.");
}

}  // namespace landscape_parts

Experiment landscape() {
  return {.name = "landscape",
          .title = "The loss along the gradient",
          .paper = "Santurkar et al. 2018, How does batch normalization help optimization?, Fig. 4",
          .smaller =
              "Six hidden layers of 100 units on 10,000 digits, 600 steps, rather than a VGG "
              "on CIFAR-10.",
          .run = landscape_parts::run,
          .draw = landscape_parts::draw};
}

}  // namespace gradus::lab
