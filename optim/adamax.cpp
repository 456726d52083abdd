#include "adamax.h"

#include "update.h"

namespace gradus::optim {

Adamax::Adamax(const std::vector<ParameterGroup>& groups, const AdamaxOptions& options)
    : MomentOptimizer(Kind{.type = "Adamax", .states = {{"exp_avg"}, {"exp_inf"}}}, groups,
                      options) {
  check_groups();
}

void Adamax::update(Entry& entry, const Tensor& gradient, const GroupSettings& s) {
  adamax_update_(entry.parameter.tensor, gradient, entry.state[0], entry.state[1],
                 update_of<MomentUpdate>(entry, s));
}

}  // namespace gradus::optim
