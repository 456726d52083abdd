// Learning rates, and momentum where it is cycled, step by step.
#include "../../core/base/error.h"
#include "../../core/ops.h"
#include "kinds.h"
#include "optimizers.h"
#include "schedulers.h"

namespace gradus::conformance {
namespace {

/// One group with a parameter of one element for each rate.
std::vector<optim::ParameterGroup> groups_with(const Json& base_lrs) {
  std::vector<optim::ParameterGroup> groups;
  for (const Json& lr : base_lrs) {
    const Tensor p = zeros({1}, float64).requires_grad_();
    groups.push_back(
        {.parameters = {{"p" + std::to_string(groups.size()), p}}, .lr = lr.get<double>()});
  }
  return groups;
}

void check_settings(const optim::Optimizer& optimizer, double optim::GroupSettings::*setting,
                    const char* name, size_t step, const Json& expected, Checker& checker) {
  for (size_t group = 0; group < expected.size(); ++group) {
    checker.check(str(name, " of step ", step, ", group ", group),
                  optimizer.settings(group).*setting, number_from(expected[group]));
  }
}

}  // namespace

void run_lr_scheduler(const Case& item, Checker& checker) {
  const Json& described = item["optimizer"];
  const auto optimizer = make_optimizer(described.at("op"), groups_with(item["base_lrs"]),
                                        Options(described.value("options", Json()), {}));
  const SchedulerStep schedule = make_scheduler(
      {{"op", item["op"]}, {"options", item["options"]}, {"schedulers", item["schedulers"]}},
      *optimizer);
  const Json& lrs = item["lrs"];
  const Json& momentums = item["momentums"];
  for (size_t step = 0; step < lrs.size() && checker.problems().empty(); ++step) {
    check_settings(*optimizer, &optim::GroupSettings::lr, "lr", step, lrs[step], checker);
    if (!momentums.is_null()) {
      check_settings(*optimizer, &optim::GroupSettings::momentum, "momentum", step,
                     momentums.at(step), checker);
    }
    if (step + 1 == lrs.size()) break;
    optimizer->step();
    schedule(item.has("metrics") ? item["metrics"].at(step).get<double>() : 0);
  }
}

}  // namespace gradus::conformance
