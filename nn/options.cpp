#include "options.h"

#include <algorithm>
#include <limits>

#include "../core/base/error.h"

namespace gradus::nn {

bool is_same_padding(std::string_view rule) {
  if (rule == "same" || rule == "valid") return rule == "same";
  throw ValueError("padding", str("unknown rule \"", rule, "\""),
                   "give a number, one number per dimension, \"same\" or \"valid\"");
}

namespace {

/// Products of two sizes and small factors stay within 64 bits.
constexpr int64_t largest = std::numeric_limits<int32_t>::max();

void check_range(const char* type, const char* option, const Shape& values, int64_t least,
                 const std::string& shown) {
  for (const int64_t value : values) {
    if (value >= least && value <= largest) continue;
    const bool small = value < least;
    throw ValueError(type,
                     str(option, " must be at ", small ? "least " : "most ",
                         small ? least : largest, ", got ", shown),
                     !small       ? "layers take sizes of 31 bits"
                     : least == 0 ? "0 is none"
                                  : "sizes, steps and counts start at 1");
  }
}

}  // namespace

void check_at_least(const char* type, const char* option, int64_t value, int64_t least) {
  check_range(type, option, {value}, least, str(value));
}

void check_at_least(const char* type, const char* option, std::span<const int64_t> values,
                    int64_t least) {
  check_range(type, option, Shape(values), least, Shape(values).to_string());
}

void check_given(const char* type, const char* option, int64_t value) {
  check_given(type, option, std::span(&value, 1));
}

void check_given(const char* type, const char* option, std::span<const int64_t> values) {
  const bool missing =
      std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 0; });
  if (missing) {
    throw ValueError(type, str(option, " has to be given, and be at least 1"),
                     str("nn::", type, "({.", option, " = ...})"));
  }
  check_at_least(type, option, values, 1);
}

void check_probability(const char* type, const char* option, double p) {
  if (p >= 0 && p <= 1) return;  // false for NaN too
  throw ValueError(type, str(option, " must be in [0, 1], got ", p),
                   "it is a probability: 0.5 is every second time");
}

}  // namespace gradus::nn
