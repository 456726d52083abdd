// What to do with a case of each kind. Each function reports differences to the checker and throws
// Unsupported where the library lacks something.
#pragma once

#include "checker.h"

namespace gradus::conformance {

void run_op(const Case& item, Checker& checker);
void run_module(const Case& item, Checker& checker);
void run_module_steps(const Case& item, Checker& checker);
void run_double_backward(const Case& item, Checker& checker);
void run_optimizer(const Case& item, Checker& checker);
void run_lr_scheduler(const Case& item, Checker& checker);
void run_training(const Case& item, Checker& checker);
void run_init(const Case& item, Checker& checker);
void run_net(const Case& item, Checker& checker);
void run_state_dict(const Case& item, Checker& checker);
void run_error(const Case& item, Checker& checker);    ///< must be rejected
void run_accepts(const Case& item, Checker& checker);  ///< must work

}  // namespace gradus::conformance
