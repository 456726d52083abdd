// What figures of many experiments have in common.
#pragma once

#include <string>

#include "results.h"

namespace gradus::lab {

/// A setting's value as a name: text without quotes.
inline std::string name_of_setting(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// A line for each value of the setting `by`, in the last chart: `value` against the setting `x`.
inline void draw_lines(report::Figure& figure, const Results& results, const std::string& by,
                       const std::string& x, const std::string& value) {
  for (const json& name : results.distinct(by)) {
    figure.line(name_of_setting(name), results.where({{by, name}}).over(x, value));
  }
}

/// The same of arrays: array `y` against array `x`, or against 0, 1, 2 ... if `x` is empty.
inline void draw_curves(report::Figure& figure, const Results& results, const std::string& by,
                        const std::string& x, const std::string& y) {
  for (const json& name : results.distinct(by)) {
    figure.line(name_of_setting(name), results.where({{by, name}}).curve(x, y));
  }
}

/// A further point of a curve; bars have no x.
inline void add_interval(report::Curve& curve, const Interval& interval) {
  curve.y.push_back(interval.mean);
  curve.low.push_back(interval.low);
  curve.high.push_back(interval.high);
}

/// Bars of `value`, one for each value of the setting `by`.
inline void draw_bars(report::Figure& figure, const Results& results, const std::string& by,
                      const std::string& value, const std::string& title = {}) {
  auto& bars = figure.add(report::Bars{
      .title = title, .link = {}, .value = {}, .groups = {}, .series = {{.name = value}}});
  for (const json& name : results.distinct(by)) {
    bars.groups.push_back(name_of_setting(name));
    add_interval(bars.series[0].curve, results.where({{by, name}}).mean(value));
  }
}

}  // namespace gradus::lab
