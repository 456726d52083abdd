#include "subject.h"

#include <gradus/gradus.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "net_cases.h"

namespace gradus::bench {

namespace {

Tensor random_classes(int64_t count, int64_t classes, Rng& generator) {
  std::vector<int64_t> values(static_cast<size_t>(count));
  for (int64_t& v : values)
    v = static_cast<int64_t>(generator.below(static_cast<uint64_t>(classes)));
  return tensor(values, {count});
}

Subject cross_entropy_subject(const Tensor& scores, Rng& generator) {
  const Tensor classes = random_classes(scores.size(0), scores.size(1), generator);
  return {.forward = [scores, classes] { return cross_entropy(scores, classes); },
          .leaves = {scores}};
}

Subject chain_subject(const Tensor& x, int length) {
  const Tensor step = tensor({1e-6F});
  return {.forward =
              [x, step, length] {
                Tensor y = x;
                for (int i = 0; i < length; ++i) y = add(y, step);
                return y;
              },
          .leaves = {x}};
}

Subject module_subject(const LayerCase& layer, const Tensor& x) {
  const std::shared_ptr<nn::Module> module = nn::make_layer(layer.type, layer.options);
  module->train(!layer.evaluation);
  Subject subject{.forward = [module, x] { return (*module)(x); }};
  if (x.requires_grad()) subject.leaves.push_back(x);
  for (const NamedTensor& p : module->named_parameters()) subject.leaves.push_back(p.tensor);
  return subject;
}

Tensor input_of(const LayerCase& layer, Rng& generator) {
  const Shape shape{std::span<const int64_t>(layer.input)};
  if (layer.type == "Embedding") return random_classes(shape.numel(), 10, generator).reshape(shape);
  return randn(shape, generator).requires_grad_(layer.input_gradient);
}

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& type,
                                                 const NamedTensors& parameters) {
  using namespace optim;
  if (type == "SGD") return std::make_unique<SGD>(parameters, SGDOptions{.momentum = 0.9});
  if (type == "Adam") return std::make_unique<Adam>(parameters);
  if (type == "AdamW") return std::make_unique<AdamW>(parameters);
  if (type == "RMSprop") return std::make_unique<RMSprop>(parameters);
  if (type == "Adagrad") return std::make_unique<Adagrad>(parameters);
  if (type == "Adadelta") return std::make_unique<Adadelta>(parameters);
  if (type == "Adamax") return std::make_unique<Adamax>(parameters);
  if (type == "NAdam") return std::make_unique<NAdam>(parameters);
  if (type == "RAdam") return std::make_unique<RAdam>(parameters);
  if (type == "Lion") return std::make_unique<Lion>(parameters);
  throw std::invalid_argument("there is no optimizer " + type);
}

std::shared_ptr<nn::Module> net_of_optimizer(const LayerCase& layer) {
  const std::string net = nlohmann::json::parse(layer.options).at("net");
  return nn::from_json(net_case(net).parts.at("net"));
}

}  // namespace

void Subject::forward_and_backward() {
  Tape tape;
  tape.backward(forward(), {.gradient = gradient});
  drop_gradients();
}

void Subject::drop_gradients() {
  for (Tensor& leaf : leaves) leaf.set_grad({});
}

Profile Subject::profile() {
  Tape tape({.profile = true});
  const Tensor y = forward();
  if (y.requires_grad()) tape.backward(y, {.gradient = gradient});
  drop_gradients();
  return tape.profile();
}

Subject make_subject(const LayerCase& layer) {
  Rng generator(1);
  const Tensor x = input_of(layer, generator);
  Subject subject;
  if (layer.type == "CrossEntropyLoss") {
    subject = cross_entropy_subject(x, generator);
  } else if (layer.type == "Chain") {
    subject = chain_subject(x, nlohmann::json::parse(layer.options).at("length"));
  } else {
    subject = module_subject(layer, x);
  }
  subject.gradient = randn(subject.forward().shape(), generator);
  return subject;
}

bool is_optimizer(const LayerCase& layer) {
  return nlohmann::json::parse(layer.options).contains("net");
}

int64_t optimizer_parameter_count(const LayerCase& layer) {
  return net_of_optimizer(layer)->parameter_count();
}

std::function<void()> make_optimizer_step(const LayerCase& layer) {
  const std::shared_ptr<nn::Module> module = net_of_optimizer(layer);
  for (const NamedTensor& p : module->named_parameters()) {
    Tensor parameter = p.tensor;
    parameter.set_grad(ones(parameter.shape()));
  }
  const std::shared_ptr<optim::Optimizer> optimizer =
      make_optimizer(layer.type, module->named_parameters());
  return [module, optimizer] { optimizer->step(); };
}

}  // namespace gradus::bench
