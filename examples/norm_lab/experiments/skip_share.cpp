// Why batch norm makes residual nets trainable: it makes the skip branches dominate, so that a deep
// net starts out shallow. A zero in front of every residual branch does the same without a norm.
#include <gradus/core/ops.h>
#include <gradus/nn/init.h>
#include <gradus/nn/linear.h>
#include <gradus/optim/sgd.h>

#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace skip_share_parts {

constexpr int64_t width = 64;

/// x + linear(relu(norm(x))); with `skip_init`, a factor that starts at 0 is before the branch.
struct Block : nn::Module {
  Block(Norm norm, bool skip_init)
      : normalize(register_child("norm", norm_layer(norm, width, {}))),
        factor(parameter("factor", skip_init ? zeros({1}) : Tensor())) {
    nn::kaiming_normal_(linear.weight);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor branch = linear(relu(normalize(x)));
    Tensor y = x + (factor.defined() ? branch * factor : branch);
    const double of_branch = var(branch.detach()).item();
    share = of_branch / (of_branch + var(x.detach()).item());
    return y;
  }

  nn::Module& normalize;
  nn::Linear& linear = child<nn::Linear>("linear", {.in_features = width, .out_features = width});
  Tensor& factor;
  double share = 0;  // of the variance, the last time
};

json measured(const std::string& kind, int64_t blocks, int64_t steps, uint64_t seed,
              const data::Batch& images) {
  const Norm norm = kind == "batch" ? Norm::batch : kind == "layer" ? Norm::layer : Norm::none;
  json shares, places;
  double best = 1;
  for (const double rate : {0.003, 0.03}) {  // the better of the two counts
    manual_seed(seed);
    nn::Sequential net = mlp(Norm::none, {.widths = {784, width}});
    std::vector<const Block*> all;
    for (int64_t i = 0; i < blocks; ++i) {
      all.push_back(&net.add(str("block", i), Block(norm, kind == "skip init")));
    }
    net.add("last", nn::Linear(width, 10));
    net(images.x.narrow(0, 0, 256));
    shares = json::array();
    for (size_t i = 0; i < all.size(); ++i) shares.push_back(all[i]->share);
    optim::SGD sgd(net.named_parameters(), {.lr = rate, .momentum = 0.9});
    train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed});
    best = std::min(best, error_of(net, images));
  }
  for (int64_t i = 0; i < blocks; ++i) places.push_back(i + 1);
  return {
      {"block", places}, {"share", shares}, {"last_share", shares.back()}, {"error", 100 * best}};
}

void run(Lab& lab) {
  const auto depths = lab.pick<std::vector<int64_t>>({4, 32}, {4, 16, 64, 128});
  const auto steps = lab.pick<int64_t>(30, 200), images = lab.pick<int64_t>(1000, 4000);
  for (const char* kind : {"none", "batch", "layer", "skip init"}) {
    for (const int64_t blocks : depths) {
      lab.measure({{"net", kind}, {"blocks", blocks}, {"steps", steps}}, [&](uint64_t seed) {
        return measured(kind, blocks, steps, seed, lab.train_images(images));
      });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& share = section.figure("skip-share-variance",
                               "Share of the residual branch in the variance, before training");
  share.x = {.label = "block", .log = true};
  share.y = {.label = "share", .log = true};
  share.see =
      "With a norm on the residual branch it falls as 1/l: the skip branch carries the rest.";
  share.published =
      "With batch norm the skip branch carries all but 1/l of the variance at depth l "
      "(De & Smith 2020)";
  auto& errors = section.figure("skip-share-error", "Training error against the number of blocks");
  errors.x = {.label = "residual blocks", .log = true};
  errors.y = {.label = "training error, %"};
  errors.see = "A zero before each residual branch trains as deep as batch norm does.";
  const auto depths = results.distinct("blocks");
  for (const json& kind : results.distinct("net")) {
    const Results some = results.where({{"net", kind}});
    errors.line(kind.get<std::string>(), some.over("blocks", "error"));
    if (kind == "skip init") continue;  // its share is 0
    share.line(kind.get<std::string>(),
               some.where({{"blocks", depths.back()}}).curve("block", "share"));
  }
  report::Curve theory;
  for (double l = 1; l <= depths.back().get<double>(); l *= 2) {
    theory.x.push_back(l);
    theory.y.push_back(1 / (l + 1));
  }
  share.dashed("1 / (l + 1)", theory);
}

}  // namespace skip_share_parts

Experiment skip_share() {
  return {.name = "skip-share",
          .title = "Residual branches at the start, and SkipInit",
          .paper =
              "De & Smith 2020, Batch normalization biases residual blocks towards the "
              "identity function",
          .smaller =
              "Blocks of norm, relu and one linear layer with 64 units; 200 steps of 64 on "
              "4,000 digits, at the better of the rates 0.003 and 0.03.",
          .run = skip_share_parts::run,
          .draw = skip_share_parts::draw};
}

}  // namespace gradus::lab
