#include "radam.h"

#include "update.h"

namespace gradus::optim {

RAdam::RAdam(const std::vector<ParameterGroup>& groups, const RAdamOptions& options)
    : MomentOptimizer(Kind{.type = "RAdam", .states = {{"exp_avg"}, {"exp_avg_sq"}}}, groups,
                      options) {
  check_groups();
}

void RAdam::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  radam_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
                update_of<MomentUpdate>(entry, s));
}

}  // namespace gradus::optim
