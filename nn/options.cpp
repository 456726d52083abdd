#include "options.h"

#include <algorithm>

#include "../core/base/error.h"

namespace gradus::nn {

bool is_same_padding(std::string_view rule) {
  if (rule == "same" || rule == "valid") return rule == "same";
  throw ValueError("padding", str("unknown rule \"", rule, "\""),
                   "give a number, one number per dimension, \"same\" or \"valid\"");
}

void check_at_least(const char* type, const char* option, int64_t value, int64_t least) {
  if (value >= least) return;
  throw ValueError(type, str(option, " must be at least ", least, ", got ", value));
}

void check_at_least(const char* type, const char* option, std::span<const int64_t> values,
                    int64_t least) {
  if (std::all_of(values.begin(), values.end(), [&](int64_t v) { return v >= least; })) return;
  throw ValueError(type, str(option, " must be at least ", least, ", got ", Shape(values)));
}

void check_probability(const char* type, const char* option, double p) {
  if (p >= 0 && p <= 1) return;  // false for NaN too
  throw ValueError(type, str(option, " must be in [0, 1], got ", p));
}

}  // namespace gradus::nn
