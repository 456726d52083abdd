// How `mnist train` trains: optimizers and schedules by name.
#pragma once

#include <gradus/optim/schedule.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gradus::examples {

std::vector<std::string> optimizer_names();
std::vector<std::string> schedule_names();

/// Where no peak rate is given, one that suits the optimizer and small nets.
std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, std::optional<double> lr,
                                                 const NamedTensors& parameters);

/// A schedule of so many steps, whose peak is the rate of the optimizer.
optim::Curve make_schedule(const std::string& name, const optim::Optimizer& optimizer,
                           int64_t steps);

}  // namespace gradus::examples
