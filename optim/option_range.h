// Checks of options: "[StepLR] step_size must be at least 1, got 0. Hint: ...".
#pragma once

#include <cmath>
#include <cstddef>
#include <string_view>

#include "../core/base/error.h"

namespace gradus::optim {

class PerGroup;

/// Values that an option may have, in the words of errors.
struct OptionRange {
  const char* text;
  const char* hint;
  bool (*has)(double value);
};

/// The usual ranges.
/// @{
inline constexpr OptionRange finite = {"a number", "0 is none",
                                       [](double v) { return std::isfinite(v); }};
inline constexpr OptionRange not_negative = {"a number of at least 0", "0 is none",
                                             [](double v) { return v >= 0 && std::isfinite(v); }};
inline constexpr OptionRange positive = {"a positive number", "give a rate above 0",
                                         [](double v) { return v > 0 && std::isfinite(v); }};
inline constexpr OptionRange share = {"in [0, 1]", "it is a share: 0.1 is a tenth",
                                      [](double v) { return v >= 0 && v <= 1; }};
inline constexpr OptionRange share_below_1 = {"in [0, 1)", "it is a share: 0.1 is a tenth",
                                              [](double v) { return v >= 0 && v < 1; }};
inline constexpr OptionRange count = {"at least 1", "counts of steps start at 1",
                                      [](double v) { return v >= 1; }};
/// @}

/// Throws ValueError in the name of `who` unless the range contains this value.
template <class Number>
void check_option(std::string_view who, const char* option, Number number, const OptionRange& range,
                  const char* hint = nullptr) {
  const auto value = static_cast<double>(number);
  require(range.has(value), who, hint == nullptr ? range.hint : hint, option, " must be ",
          range.text, ", got ", value);
}

/// The same for numbers of at least 0, one for all groups or one for each.
void check_per_group(std::string_view who, const char* option, const PerGroup& values,
                     size_t groups, const char* hint = nullptr);

}  // namespace gradus::optim
