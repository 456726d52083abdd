#include "nets.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/random.h>
#include <gradus/core/grad.h>
#include <gradus/core/ops.h>
#include <gradus/core/tape.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/flatten.h>
#include <gradus/nn/init.h>
#include <gradus/nn/lambda.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/norm.h>
#include <gradus/nn/pool.h>
#include <gradus/nn/training_mode.h>

#include <algorithm>
#include <cmath>

namespace gradus::lab {

namespace {

constexpr int64_t groups_of_channels = 4;
constexpr int64_t evaluation_batch = 500;

/// Sums `f(logits, labels)` over all images, in evaluation mode.
template <class Function>
double evaluated_sum(nn::Module& net, const data::Batch& images, const Function& f) {
  const nn::ModeScope evaluating(net, nn::Mode::evaluation);
  const int64_t n = images.x.size(0);
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += evaluation_batch) {
    const int64_t count = std::min(evaluation_batch, n - begin);
    sum += f(net(images.x.narrow(0, begin, count)), images.y.narrow(0, begin, count));
  }
  return sum;
}

}  // namespace

const char* name_of(Norm norm) {
  constexpr std::array names = {"none", "batch", "layer", "instance", "group"};
  return names.at(static_cast<size_t>(norm));
}

std::unique_ptr<nn::Module> norm_layer(Norm norm, int64_t channels, const Shape& positions,
                                       bool affine) {
  const bool is_image = positions.dim() > 0;
  switch (norm) {
    case Norm::batch:
      if (is_image) {
        return std::make_unique<nn::BatchNorm2d>(
            nn::BatchNorm2dOptions{.num_features = channels, .affine = affine});
      }
      return std::make_unique<nn::BatchNorm1d>(
          nn::BatchNorm1dOptions{.num_features = channels, .affine = affine});
    case Norm::layer: {
      nn::LayerNormOptions options{.normalized_shape = {channels}, .elementwise_affine = affine};
      if (is_image) options.normalized_shape = {channels, positions[0], positions[1]};
      return std::make_unique<nn::LayerNorm>(options);
    }
    case Norm::instance:
      require(is_image, "norm_layer", "take another norm", "an instance norm needs positions");
      return std::make_unique<nn::InstanceNorm2d>(
          nn::InstanceNorm2dOptions{.num_features = channels, .affine = affine});
    case Norm::group:
      return std::make_unique<nn::GroupNorm>(nn::GroupNormOptions{
          .num_groups = groups_of_channels, .num_channels = channels, .affine = affine});
    case Norm::none:
      break;
  }
  return std::make_unique<nn::Identity>();
}

Tensor normalized(const Tensor& x, Norm norm, double eps, int64_t groups) {
  switch (norm) {
    case Norm::batch:
      return batch_norm_train(x, {}, {}, eps).y;
    case Norm::layer:
      return group_norm(x, 1, {}, {}, eps);
    case Norm::instance:
      return instance_norm(x, {}, {}, eps).y;
    case Norm::group:
      return group_norm(x, groups, {}, {}, eps);
    case Norm::none:
      break;
  }
  return x;
}

nn::Sequential mlp(Norm norm, const MlpShape& shape) {
  return mlp([norm](int64_t units, const Shape& none) { return norm_layer(norm, units, none); },
             shape);
}

nn::Sequential mlp(const MakeNorm& norm, const MlpShape& shape) {
  nn::Sequential net;
  net.add("flatten", nn::Flatten());
  const std::vector<int64_t>& widths = shape.widths;
  for (size_t i = 1; i + 1 < widths.size(); ++i) {
    net.add(
        str("fc", i),
        nn::Linear({.in_features = widths[i - 1], .out_features = widths[i], .bias = shape.bias}));
    net.add(str("norm", i), norm(widths[i], {}));
    if (shape.after_norm) net.add(str("after", i), nn::Lambda(shape.after_norm));
    net.add(str("act", i), nn::Lambda(shape.activation ? shape.activation
                                                       : [](const Tensor& x) { return relu(x); }));
  }
  net.add("head", nn::Linear(widths[widths.size() - 2], widths.back()));
  return net;
}

nn::Sequential cnn(Norm norm, const std::vector<int64_t>& channels, bool bias) {
  return cnn([norm](int64_t maps, const Shape& sides) { return norm_layer(norm, maps, sides); },
             channels, bias);
}

nn::Sequential cnn(const MakeNorm& norm, const std::vector<int64_t>& channels, bool bias) {
  return cnn_of(
      [&](nn::Sequential& net, const Stage& s) {
        net.add(str("conv", s.number), nn::Conv2d({.in_channels = s.in,
                                                   .out_channels = s.out,
                                                   .kernel_size = 3,
                                                   .padding = 1,
                                                   .bias = bias}));
        net.add(str("norm", s.number), norm(s.out, {s.side, s.side}));
        net.add(str("act", s.number), nn::ReLU());
      },
      channels);
}

nn::Sequential cnn_of(const std::function<void(nn::Sequential& net, const Stage& stage)>& add,
                      const std::vector<int64_t>& channels, int64_t side) {
  nn::Sequential net;
  Stage stage{.number = 0, .in = 1, .out = 1, .side = side};
  for (const int64_t out : channels) {
    stage = {.number = stage.number + 1, .in = stage.out, .out = out, .side = stage.side};
    add(net, stage);
    net.add(str("pool", stage.number), nn::MaxPool2d(2));
    stage.side /= 2;
  }
  net.add("flatten", nn::Flatten());
  net.add("head", nn::Linear(stage.out * stage.side * stage.side, 10));
  return net;
}

void he_initialize(nn::Module& net) {
  for (const NamedTensor& parameter : net.named_parameters()) {
    const bool is_hidden = parameter.name.starts_with("fc") && parameter.tensor.dim() == 2;
    if (is_hidden) nn::kaiming_normal_(parameter.tensor, {.nonlinearity = nn::Nonlinearity::relu});
  }
}

std::vector<Tensor> weights_of(const nn::Module& net) {
  std::vector<Tensor> weights;
  for (const NamedTensor& parameter : net.named_parameters()) weights.push_back(parameter.tensor);
  return weights;
}

std::vector<Tensor> gradient_of(nn::Module& net, const data::Batch& images, double* loss) {
  Tape tape;
  const Tensor value = cross_entropy(net(images.x), images.y);
  if (loss != nullptr) *loss = value.item();
  return grad(value, weights_of(net));
}

void move(const std::vector<Tensor>& weights, double step, const std::vector<Tensor>& direction) {
  const NoGrad no_grad;
  for (size_t i = 0; i < weights.size(); ++i) {
    Tensor weight = weights[i];
    weight.add_(direction[i], step);
  }
}

data::Batch rows(const data::Batch& images, const std::vector<int64_t>& numbers) {
  const Tensor index = tensor(numbers);
  return {index_select(images.x, 0, index), index_select(images.y, 0, index)};
}

std::vector<double> train(nn::Module& net, optim::Optimizer& optimizer, const data::Batch& images,
                          const Training& training) {
  net.train();
  std::vector<double> losses;
  std::vector<int64_t> order;
  Rng rng(training.seed, Stream::shuffle);
  size_t next = 0;
  const auto batch = static_cast<size_t>(training.batch);
  for (int64_t step = 0; step < training.steps; ++step) {
    if (next + batch > order.size()) {
      const int64_t count = images.x.size(0);
      order = (training.shuffled ? randperm(count, rng) : arange(count)).to_vector<int64_t>();
      next = 0;
    }
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(next);
    const auto [x, y] = rows(images, {first, first + static_cast<std::ptrdiff_t>(batch)});
    next += batch;
    Tape tape;
    const Tensor loss = cross_entropy(net(x), y);
    losses.push_back(loss.item());
    if (!std::isfinite(losses.back())) break;
    optimizer.zero_grad();
    tape.backward(loss);
    if (training.each && !training.each(step, losses.back())) break;
    optimizer.step();
  }
  return losses;
}

double error_of(nn::Module& net, const data::Batch& images) {
  bool is_finite = true;
  const double right = evaluated_sum(net, images, [&](const Tensor& logits, const Tensor& labels) {
    is_finite = is_finite && std::isfinite(sum(logits).item());
    return sum(to(argmax(logits, 1) == labels, int64)).item();
  });
  return is_finite ? 1 - right / static_cast<double>(images.x.size(0)) : 0.9;
}

double loss_of(nn::Module& net, const data::Batch& images) {
  return evaluated_sum(net, images,
                       [](const Tensor& logits, const Tensor& labels) {
                         return cross_entropy(logits, labels, {.reduction = Reduction::sum}).item();
                       }) /
         static_cast<double>(images.x.size(0));
}

}  // namespace gradus::lab
