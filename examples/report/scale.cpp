#include "scale.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <gradus/core/base/text.h>

namespace gradus::report {

namespace {

// 1, 2 or 5 times a power of ten: the first that is at least `least`.
double round_step(double least) {
  const double decade = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= least * (1 - 1e-9)) return factor * decade;
  }
  return 10 * decade;
}

std::string superscript(int exponent) {
  constexpr std::array<const char*, 10> digits = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "⁻" : "";
  for (const char digit : str(std::abs(exponent))) text += digits[static_cast<size_t>(digit - '0')];
  return text;
}

// A decimal with a minus sign, and with commas from 10,000 on.
std::string decimal(double value, int decimals) {
  std::string text = fixed(std::abs(value), decimals);
  const size_t integer_digits = std::min(text.find('.'), text.size());
  if (integer_digits > 4) {
    for (size_t at = integer_digits; at > 3;) text.insert(at -= 3, ",");
  }
  const bool is_zero = text.find_first_of("123456789") == std::string::npos;
  return (value < 0 && !is_zero ? "−" : "") + text;
}

// Without zeros at the end of its decimals.
std::string trimmed(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// With `digits` significant digits as mantissa and power of ten.
std::string with_power(double value, int digits) {
  int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  double mantissa = value / std::pow(10.0, exponent);
  if (fixed(std::abs(mantissa), digits - 1).starts_with("10")) {  // rounded up
    mantissa /= 10;
    ++exponent;
  }
  const std::string text = trimmed(decimal(mantissa, digits - 1));
  const std::string power = "10" + superscript(exponent);
  return text == "1" ? power : text == "−1" ? "−" + power : text + "×" + power;
}

bool needs_power(double value) {
  return value != 0 && (std::abs(value) >= 1e6 || std::abs(value) < 0.9e-3);
}

// Decimals that show so many significant digits.
int decimals_for(double value, int digits) {
  if (value == 0 || value == std::round(value)) return 0;
  return std::max(0, digits - 1 - static_cast<int>(std::floor(std::log10(std::abs(value)))));
}

std::vector<Tick> linear_ticks(const Scale& scale, int most) {
  const double step = round_step((scale.high - scale.low) / most);
  const double margin = 1e-6 * (scale.high - scale.low);
  std::vector<double> values;
  for (double i = std::ceil((scale.low - margin) / step); i * step <= scale.high + margin; ++i) {
    values.push_back(i * step);
  }
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  const bool powers = std::any_of(values.begin(), values.end(), [&](double value) {
    return std::abs(value) >= 1e6 || decimals > 4;
  });
  std::vector<Tick> ticks;
  for (const double value : values) {
    const bool power = powers && std::abs(value) > step / 2;
    ticks.push_back({value, power ? with_power(value, 3) : decimal(value, powers ? 0 : decimals)});
  }
  return ticks;
}

std::vector<Tick> log_ticks(const Scale& scale, int most) {
  const double low = std::log10(scale.low), high = std::log10(scale.high);
  const int every = std::max(1, static_cast<int>(std::ceil((high - low) / most)));
  const bool few_decades = (high - low) * 3 <= most, many_decades = high - low > 6.5;
  std::vector<Tick> ticks;
  for (int decade = static_cast<int>(std::floor(low)); decade <= static_cast<int>(std::ceil(high));
       ++decade) {
    for (int digit = 1; digit <= (every == 1 ? 9 : 1); ++digit) {
      const double value = digit * std::pow(10.0, decade);
      if (std::log10(value) < low - 1e-9 || std::log10(value) > high + 1e-9) continue;
      const bool labelled =
          digit == 1 ? decade % every == 0 : few_decades && (digit == 2 || digit == 5);
      const std::string label =
          many_decades && decade != 0 ? with_power(value, 1) : number(value, 6);
      ticks.push_back({value, labelled ? label : ""});
    }
  }
  return ticks;
}

}  // namespace

std::string number(double value, int digits) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value < 0 ? "−∞" : "∞";
  if (needs_power(value)) return with_power(value, digits);
  return trimmed(decimal(value, decimals_for(value, digits)));
}

std::vector<std::string> numbers(std::span<const double> values, int digits) {
  // As many decimals as the largest needs; if that hides the small ones, each has its own.
  double smallest = INFINITY, largest = 0;
  int needed = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    largest = std::max(largest, std::abs(value));
    if (value != 0) smallest = std::min(smallest, std::abs(value));
    const std::string text = number(value, digits);
    const size_t point = text.find('.');
    if (point != std::string::npos) {
      needed = std::max(needed, static_cast<int>(text.size() - point) - 1);
    }
  }
  const bool common = largest < 1000 * smallest && !needs_power(smallest) && !needs_power(largest);
  const int decimals = std::min(needed, decimals_for(largest + 1e-9 * largest, digits));
  std::vector<std::string> texts;
  for (const double value : values) {
    texts.push_back(common && value != 0 && std::isfinite(value) ? decimal(value, decimals)
                                                                 : number(value, digits));
  }
  return texts;
}

bool Scale::can_show(double value) const {
  return std::isfinite(value) && (!log || value > 0);
}

double Scale::operator()(double value) const {
  return log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
}

Scale scale_over(const Axis& axis, std::span<const double> values, bool round,
                 std::span<const double> intervals) {
  Scale scale{.log = axis.log, .low = INFINITY, .high = -INFINITY};
  for (const double value : values) {
    if (!scale.can_show(value)) continue;
    scale.low = std::min(scale.low, value);
    scale.high = std::max(scale.high, value);
  }
  if (scale.low > scale.high) scale.low = scale.high = 1;
  const double largest = std::max(std::abs(scale.low), std::abs(scale.high));
  const double reach = axis.log ? std::max(2.0, std::sqrt(scale.high / scale.low))
                                : std::max(scale.high - scale.low, largest / 2);
  double lowest = axis.log ? scale.low / reach : scale.low - reach;
  double highest = axis.log ? scale.high * reach : scale.high + reach;
  if (scale.low >= 0) lowest = std::max(lowest, 0.0);  // what has no sign gets none
  if (scale.high <= 0) highest = std::min(highest, 0.0);
  for (const double value : intervals) {
    if (!scale.can_show(value)) continue;
    scale.low = std::min(scale.low, std::max(value, lowest));
    scale.high = std::max(scale.high, std::min(value, highest));
  }
  // Something to divide by, if all values are equal.
  if (axis.log) {
    if (scale.high / scale.low < 1.05) {
      scale.low /= 1.3;
      scale.high *= 1.3;
    }
  } else if (scale.high - scale.low <= 1e-9 * std::abs(scale.high)) {
    const double margin = scale.low == 0 ? 1 : std::abs(scale.low) / 2;
    scale.low -= margin;
    scale.high += margin;
  }
  if (axis.log) {
    const double margin = std::pow(scale.high / scale.low, round ? 0.03 : 0.02);
    scale.low /= margin;
    scale.high *= margin;
  } else if (round) {
    if (scale.low > 0 && scale.low < 0.5 * scale.high) scale.low = 0;
    if (scale.high < 0 && scale.high > 0.5 * scale.low) scale.high = 0;
    const double step = round_step((scale.high - scale.low) / 5);
    scale.low = std::floor(scale.low / step + 1e-9) * step;
    scale.high = std::ceil(scale.high / step - 1e-9) * step;
  } else {
    const double margin = 0.02 * (scale.high - scale.low);
    scale.low -= margin;
    scale.high += margin;
  }
  scale.low = axis.from.value_or(scale.low);
  scale.high = axis.to.value_or(scale.high);
  return scale;
}

std::vector<Tick> ticks_of(const Scale& scale, int most) {
  if (!scale.log) return linear_ticks(scale, most);
  std::vector<Tick> ticks = log_ticks(scale, most);
  const auto has_label = [](const Tick& tick) { return !tick.label.empty(); };
  // A scale over little has no round powers to show.
  if (std::ranges::count_if(ticks, has_label) < 2) ticks = linear_ticks(scale, most);
  return ticks;
}

std::vector<Tick> ticks_at(std::span<const double> values, int most) {
  std::vector<double> distinct(values.begin(), values.end());
  std::erase_if(distinct, [](double value) { return !std::isfinite(value); });
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<Tick> ticks;
  if (distinct.size() > static_cast<size_t>(most)) return ticks;
  for (const double value : distinct) ticks.push_back({value, number(value, 6)});
  return ticks;
}

}  // namespace gradus::report
