// Optimizers by their names in the cases.
#pragma once

#include <memory>

#include "../../optim/optimizer.h"
#include "options.h"

namespace gradus::conformance {

/// Throws Unsupported for an optimizer or option that the library does not have.
std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& type,
                                                 const std::vector<optim::ParameterGroup>& groups,
                                                 Options options);

}  // namespace gradus::conformance
