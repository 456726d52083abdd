#include "recipe.h"

#include <gradus/gradus.h>

#include <algorithm>

#include "train.h"

namespace gradus::examples {

namespace {

using Made = std::unique_ptr<optim::Optimizer>;

struct NamedOptimizer {
  const char* name;
  double lr;
  Made (*make)(const NamedTensors& parameters, double lr);
};

template <class Optimizer, class Options>
Made make(const NamedTensors& parameters, double lr) {
  Options options;
  options.lr = lr;
  return std::make_unique<Optimizer>(parameters, options);
}

Made make_sgd(const NamedTensors& parameters, double lr) {
  return std::make_unique<optim::SGD>(
      parameters, optim::SGDOptions{.lr = lr, .momentum = 0.9, .nesterov = true});
}

constexpr NamedOptimizer optimizers[] = {
    {"adam", 3e-3, make<optim::Adam, optim::AdamOptions>},
    {"adamw", 3e-3, make<optim::AdamW, optim::AdamWOptions>},
    {"nadam", 3e-3, make<optim::NAdam, optim::NAdamOptions>},
    {"radam", 3e-3, make<optim::RAdam, optim::RAdamOptions>},
    {"adamax", 3e-3, make<optim::Adamax, optim::AdamaxOptions>},
    {"lion", 3e-4, make<optim::Lion, optim::LionOptions>},
    {"sgd", 0.05, make_sgd},
    {"rmsprop", 1e-3, make<optim::RMSprop, optim::RMSpropOptions>},
    {"adagrad", 0.02, make<optim::Adagrad, optim::AdagradOptions>},
    {"adadelta", 1, make<optim::Adadelta, optim::AdadeltaOptions>},
};

struct NamedSchedule {
  const char* name;
  optim::Curve (*make)(const optim::Optimizer& optimizer, int64_t steps);
};

/// A short warm-up, then linearly down to 0.
optim::Curve linear(const optim::Optimizer&, int64_t steps) {
  return optim::LambdaLR{{[steps](int64_t t) {
    constexpr double warm_up = 0.1;
    const double done = static_cast<double>(t) / static_cast<double>(steps);
    return done < warm_up ? 0.1 + 0.9 * done / warm_up : (1 - done) / (1 - warm_up);
  }}};
}

/// The same warm-up, then along a cosine.
optim::Curve cosine(const optim::Optimizer&, int64_t steps) {
  const int64_t warm_up = std::max<int64_t>(1, steps / 10);
  return optim::SequentialLR{
      .schedules = {optim::LinearLR{.start_factor = 0.1, .total_iters = warm_up},
                    optim::CosineAnnealingLR{.T_max = std::max<int64_t>(1, steps - warm_up)}},
      .milestones = {warm_up}};
}

optim::Curve one_cycle(const optim::Optimizer& optimizer, int64_t steps) {
  return optim::OneCycleLR{
      .max_lr = optimizer.lr(), .total_steps = steps, .cycle_momentum = optimizer.has_momentum()};
}

/// A tenth after half of the steps, a hundredth after three quarters.
optim::Curve steps_down(const optim::Optimizer&, int64_t steps) {
  return optim::MultiStepLR{.milestones = {steps / 2, steps * 3 / 4}};
}

optim::Curve constant(const optim::Optimizer&, int64_t) {
  return optim::ConstantLR{.factor = 1};
}

struct NamedRecipe {
  const char* name;
  TrainOptions options;
};

const NamedRecipe recipes[] = {
    {"default", {}},
    {"fast", {.model = "small", .epochs = 1, .lr = 0.01, .schedule = "onecycle", .validation = 0}},
    {"best",
     {.model = "deep",
      .epochs = 12,
      .batch_size = 128,
      .lr = 0.01,
      .schedule = "onecycle",
      .ema = 0.995,
      .augment = "shift,rotate,scale"}},
};

constexpr NamedSchedule schedules[] = {{"linear", linear},
                                       {"cosine", cosine},
                                       {"onecycle", one_cycle},
                                       {"step", steps_down},
                                       {"constant", constant}};

template <class Row, size_t N>
std::vector<std::string> names_of(const Row (&rows)[N]) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}

template <class Row, size_t N>
const Row& find(const Row (&rows)[N], const std::string& name, const char* option) {
  for (const Row& row : rows) {
    if (row.name == name) return row;
  }
  throw ValueError("train", str("unknown ", option, " ", name), "see mnist train --help");
}

}  // namespace

TrainOptions recipe(const std::string& name) {
  return find(recipes, name, "--recipe").options;
}

std::vector<std::string> recipe_names() {
  return names_of(recipes);
}

std::vector<std::string> optimizer_names() {
  return names_of(optimizers);
}

std::vector<std::string> schedule_names() {
  return names_of(schedules);
}

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, std::optional<double> lr,
                                                 const NamedTensors& parameters) {
  const NamedOptimizer& row = find(optimizers, name, "--optimizer");
  return row.make(parameters, lr.value_or(row.lr));
}

double usual_lr(const std::string& optimizer) {
  return find(optimizers, optimizer, "--optimizer").lr;
}

optim::Curve make_schedule(const std::string& name, const optim::Optimizer& optimizer,
                           int64_t steps) {
  return find(schedules, name, "--schedule").make(optimizer, steps);
}

}  // namespace gradus::examples
