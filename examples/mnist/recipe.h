// How `mnist train` trains: recipes, optimizers and schedules by name.
#pragma once

#include <gradus/optim/schedule.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gradus::examples {

struct TrainOptions;

/// Options that go together: "default"; "fast", 99 % of MNIST in seconds; "best", the most that a
/// net of moderate size reaches in minutes.
TrainOptions recipe(const std::string& name);
std::vector<std::string> recipe_names();

std::vector<std::string> optimizer_names();
std::vector<std::string> schedule_names();

/// Where no peak rate is given, one that suits the optimizer and small nets.
std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, std::optional<double> lr,
                                                 const NamedTensors& parameters);

/// That rate.
double usual_lr(const std::string& optimizer);

/// A schedule of so many steps, whose peak is the rate of the optimizer.
optim::Curve make_schedule(const std::string& name, const optim::Optimizer& optimizer,
                           int64_t steps);

}  // namespace gradus::examples
