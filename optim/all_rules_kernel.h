// Every update rule.
#pragma once

#include "adadelta_kernel.h"
#include "adagrad_kernel.h"
#include "adam_kernel.h"
#include "adamax_kernel.h"
#include "ema_kernel.h"
#include "lion_kernel.h"
#include "nadam_kernel.h"
#include "radam_kernel.h"
#include "rmsprop_kernel.h"
#include "sgd_kernel.h"

namespace gradus::optim {

/// The rules in a table; an optimizer of the library adds its own.
template <class T>
using AllRules = RuleTable<T, SGDRule, AdamRule, AdamaxRule, NAdamRule, RAdamRule, LionRule,
                           RMSpropRule, AdagradRule, AdadeltaRule, AverageRule>;

}  // namespace gradus::optim
