// Learning rate schedules by their names in the cases.
#pragma once

#include <functional>

#include "../../optim/optimizer.h"
#include "options.h"

namespace gradus::conformance {

/// A schedule, as what its step does; the metric is for those that look at one.
using SchedulerStep = std::function<void(double metric)>;

/// From {"op", "options", "schedulers"?}; sets the rates of the optimizer's first step, and must
/// not outlive it. Throws Unsupported for a schedule or option that the library does not have.
SchedulerStep make_scheduler(const Json& description, optim::Optimizer& optimizer);

}  // namespace gradus::conformance
