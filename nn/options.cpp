#include "options.h"

#include "../core/base/error.h"

namespace gradus::nn {

Padding2::Padding2(std::string_view rule) : same_(rule == "same") {
  if (rule == "same" || rule == "valid") return;
  throw ValueError("padding", str("unknown rule \"", rule, "\""),
                   "give a number, one number per dimension, \"same\" or \"valid\"");
}

void check_at_least(const char* type, const char* option, int64_t value, int64_t least) {
  if (value >= least) return;
  throw ValueError(type, str(option, " must be at least ", least, ", got ", value));
}

void check_at_least(const char* type, const char* option, const Size2& value, int64_t least) {
  if (value[0] >= least && value[1] >= least) return;
  throw ValueError(type, str(option, " must be at least ", least, ", got ", Shape(value)));
}

void check_probability(const char* type, const char* option, double p) {
  if (p >= 0 && p <= 1) return;  // false for NaN too
  throw ValueError(type, str(option, " must be in [0, 1], got ", p));
}

}  // namespace gradus::nn
