// Does batch norm help since it reduces internal covariate shift? Santurkar et al. measure the
// shift, and put it back by noise after the norm.
#include <gradus/core/jacobian.h>
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace covariate_shift_parts {

/// Another mean and scale for each unit, drawn anew in every step.
Tensor with_noise(const Tensor& x) {
  const Shape per_unit = {1, x.size(1)};
  const Tensor shift = rand(per_unit) * 2.0 - 1.0, scale = rand(per_unit) * 1.5 + 0.5;
  return x * scale + shift;
}

nn::Sequential net_with(const std::string& norm) {
  MlpShape shape{.widths = {784, 100, 100, 100, 100, 100, 100, 10}};
  if (norm == "batch, noise") shape.after_norm = with_noise;
  return mlp(norm == "none" ? Norm::none : norm == "layer" ? Norm::layer : Norm::batch, shape);
}

/// The gradients of the layers from the fourth on: before, and after the layers below have moved.
struct Shift {
  double length = 0, cosine = 0;
};

/// How the gradient of the layers above changes by what a step does to the layers below.
Shift shift_of(nn::Module& net, const data::Batch& batch) {
  const std::vector<Tensor> weights = weights_of(net);
  const size_t half = weights.size() / 2;
  const std::vector<Tensor> lower(weights.begin(),
                                  weights.begin() + static_cast<std::ptrdiff_t>(half));
  const RandomScope no_trace;  // of the noise that is drawn here
  const std::vector<Tensor> before = gradient_of(net, batch);
  move(lower, -0.05, before);
  const std::vector<Tensor> after = gradient_of(net, batch);
  move(lower, 0.05, before);
  std::vector<Tensor> a, b, change;
  for (size_t i = half; i < weights.size(); ++i) {
    a.push_back(before[i]);
    b.push_back(after[i]);
    change.push_back(after[i] - before[i]);
  }
  const double length = norm(a).item();
  return {norm(change).item() / length, dot(a, b).item() / (length * norm(b).item())};
}

json trained(const std::string& norm, int64_t steps, uint64_t seed, const data::Batch& images,
             const data::Batch& test) {
  nn::Sequential net = net_with(norm);
  optim::SGD sgd(net.named_parameters(), {.lr = 0.05});
  json at, loss_at, shift, cosine;
  std::vector<double> shifts, cosines;
  double recent = 0;
  const auto each = [&](int64_t step, double loss) {
    recent = step == 0 ? loss : 0.9 * recent + 0.1 * loss;
    if (step % 10 != 0) return true;
    const Shift now = shift_of(net, rows(images, data::count_from(0, 64)));
    at.push_back(step);
    loss_at.push_back(recent);
    shift.push_back(now.length);
    cosine.push_back(now.cosine);
    shifts.push_back(now.length);
    cosines.push_back(now.cosine);
    return true;
  };
  train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed, .each = each});
  return {{"step", at},
          {"loss", loss_at},
          {"shift", shift},
          {"cosine", cosine},
          {"median_shift", median(shifts)},
          {"median_cosine", median(cosines)},
          {"final_loss", recent},
          {"error", 100 * error_of(net, test)}};
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(60, 600), images = lab.pick<int64_t>(2000, 10000);
  for (const char* norm : {"none", "batch", "batch, noise", "layer"}) {
    lab.measure({{"norm", norm}, {"steps", steps}, {"images", images}}, [&](uint64_t seed) {
      return trained(norm, steps, seed, lab.train_images(images),
                     lab.test_images(lab.pick<int64_t>(500, 2000)));
    });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& loss = section.figure("covariate-shift-loss", "Training loss, with and without noise");
  loss.x = {.label = "step"};
  loss.y = {.label = "cross entropy, running mean", .log = true};
  loss.see = "With noise after every batch norm the net still learns faster than without a norm.";
  loss.published =
      "VGG on CIFAR-10: noisy batch norm trains as fast as batch norm (Santurkar et al. "
      "2018, Fig. 2; curves without printed numbers)";
  auto& shift = section.figure("covariate-shift-gradient",
                               "Change of the upper layers' gradient by a step of the lower ones");
  shift.x = {.label = "step"};
  shift.y = {.label = "relative length of the change", .log = true};
  shift.see =
      "What the paper calls internal covariate shift: batch norm does not make it small, and "
      "without a norm, where it is small, the net hardly learns.";
  for (const json& norm : results.distinct("norm")) {
    const Results some = results.where({{"norm", norm}});
    loss.line(norm.get<std::string>(), some.curve("step", "loss"));
    shift.line(norm.get<std::string>(), some.curve("step", "shift"));
  }
}

}  // namespace covariate_shift_parts

Experiment covariate_shift() {
  return {.name = "covariate-shift",
          .title = "Internal covariate shift, and noise that restores it",
          .paper = "Santurkar et al. 2018, Fig. 2 and Definition 2.1",
          .smaller =
              "Six hidden layers of 100 units, initialized by default, on 10,000 digits, 600 "
              "steps. The noise: for "
              "each unit and step a scale from 0.5 to 2 and a shift from -1 to 1.",
          .run = covariate_shift_parts::run,
          .draw = covariate_shift_parts::draw};
}

}  // namespace gradus::lab
