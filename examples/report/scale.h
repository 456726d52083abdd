// Axes: what they cover, and where they have marks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report.h"

namespace gradus::report {

/// Numbers side by side: with the same decimals, unless they are of very different sizes.
std::vector<std::string> numbers(std::span<const double> values, int digits = 3);

/// Takes values to places between 0 and 1.
struct Scale {
  bool log = false;
  double low = 0, high = 1;

  /// Finite, and positive on a logarithmic scale.
  bool can_show(double value) const;
  double operator()(double value) const;
};

/// A mark of an axis. Those without a label are smaller.
struct Tick {
  double value;
  std::string label;
};

/// The scale over all values that it can show (finite, positive on a logarithmic one), from end to
/// end of what the axis asks for. `intervals` around them widen it, but not by far, nor beyond
/// zero: the values are what is to be seen. `round` widens it to round numbers, and to zero if that
/// is near; otherwise it gets a small margin.
Scale scale_over(const Axis& axis, std::span<const double> values, bool round,
                 std::span<const double> intervals = {});

/// At most about `most` labelled marks at round numbers; on a logarithmic scale at powers of ten,
/// and at 2 and 5 between them if it covers few.
std::vector<Tick> ticks_of(const Scale& scale, int most);

/// Marks at the values themselves, if these are few: batch sizes, learning rates. Else none.
std::vector<Tick> ticks_at(std::span<const double> values, int most);

}  // namespace gradus::report
