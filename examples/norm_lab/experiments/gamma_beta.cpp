// Nets of random weights in which only the weights and biases of batch norm are trained.
#include <gradus/core/ops.h>
#include <gradus/nn/norm.h>
#include <gradus/optim/adam.h>

#include <algorithm>
#include <cmath>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace gamma_beta_parts {

/// Leaves only some parameters to be trained.
void choose(nn::Sequential& net, const std::string& trained) {
  if (trained == "everything") return;
  net.requires_grad_(false);
  if (trained != "head") nn::freeze_norms(net, {.affine = false});
  if (trained != "gammas and betas") net.get_submodule("head").requires_grad_(true);
}

std::vector<double> gammas_of(const nn::Module& net) {
  std::vector<double> gammas;
  for (const auto& [path, module] : net.named_modules()) {
    if (const auto* norm = dynamic_cast<const nn::NormLayer*>(module)) {
      const std::vector<double> some = norm->weight.detach().to(float64).to_vector<double>();
      gammas.insert(gammas.end(), some.begin(), some.end());
    }
  }
  return gammas;
}

/// The share of features that are hardly used.
double share_near_zero(const std::vector<double>& gammas) {
  const auto near = std::ranges::count_if(gammas, [](double g) { return std::abs(g) < 0.01; });
  return static_cast<double>(near) / static_cast<double>(gammas.size());
}

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1024, 5120), steps = lab.pick<int64_t>(40, 240);
  const std::vector<int64_t> widths =
      lab.full() ? std::vector<int64_t>{4, 8, 16, 32} : std::vector<int64_t>{4, 16};
  for (const std::string trained :
       {"gammas and betas", "head", "gammas, betas and head", "everything"}) {
    for (const int64_t width : widths) {
      lab.measure({{"trained", trained}, {"width", width}, {"steps", steps}},
                  [&](uint64_t seed) -> json {
                    nn::Sequential net = cnn(Norm::batch, {width, 2 * width}, false);
                    choose(net, trained);
                    optim::Adam adam(net.named_parameters(), {.lr = 1e-2});
                    train(net, adam, lab.train_images(images), {.steps = steps, .seed = seed});
                    const std::vector<double> gammas = gammas_of(net);
                    return {{"error", 100 * error_of(net, lab.test_images(lab.pick(1000, 2000)))},
                            {"gammas", gammas},
                            {"near_zero", share_near_zero(gammas)}};
                  });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("gamma-beta-error", "Test error by what is trained");
  figure.x = {.label = "channels of the first convolution (the second has twice as many)",
              .log = true};
  figure.y = {.label = "test error, %", .log = true};
  figure.see =
      "Gammas and betas of random convolutions learn more the wider the net is, without any other "
      "weight; with a trained head they come close to training everything.";
  figure.published =
      "CIFAR-10, ResNets of 14 to 866 layers: gamma and beta alone reach 48 to 82 % accuracy "
      "(Frankle, Schwab & Morcos 2021)";
  draw_lines(figure, results, "trained", "width", "error");

  auto& zeros = section.figure("gamma-beta-zeros", "Share of gammas within 0.01 of zero");
  zeros.x = figure.x;
  zeros.y = {.label = "share of gammas", .from = 0};
  zeros.see =
      "Hardly any gamma ends near zero: in nets of two layers no features are switched off.";
  zeros.published = "A third of the features switched off (Frankle, Schwab & Morcos 2021)";
  for (const char* trained : {"gammas and betas", "everything"}) {
    zeros.line(trained, results.where({{"trained", trained}}).over("width", "near_zero"));
  }
}

}  // namespace gamma_beta_parts

Experiment gamma_beta() {
  return {.name = "gamma-beta",
          .title = "Training gamma and beta alone",
          .paper = "Frankle, Schwab & Morcos 2021, Training BatchNorm and only BatchNorm",
          .smaller = "Two convolutions, 240 steps of 64 digits; a preview makes 40.",
          .run = gamma_beta_parts::run,
          .draw = gamma_beta_parts::draw};
}

}  // namespace gradus::lab
