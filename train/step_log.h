// Numbers of every training step, thinned so that a run of any length has a few of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "values.h"

namespace gradus::training {

/// What a value was in a range of steps.
struct StepValue {
  std::string name;
  double min = 0, mean = 0, max = 0;
};

/// Steps first ... last, counted from 1, and their values.
struct StepRange {
  int64_t first = 0, last = 0;
  int64_t steps = 0;  ///< with values: a step that was skipped has none
  std::vector<StepValue> values = {};
};

/// The values of all steps of a run, as means, least and largest values of ranges of steps. Ranges
/// begin at multiples of their width, which is a power of two: it doubles whenever there are more
/// than `max_ranges`. So what is kept depends only on the values, not on when a process stopped and
/// another one continued.
///
///     training::StepLog log;
///     log.add(1, {{"loss", 2.31}, {"lr", 0.001}});
///     log.to_jsonl();  // {"first":1,"last":1,"steps":1,"loss":[2.31,2.31,2.31],"lr":[...]}
class StepLog {
 public:
  static constexpr size_t max_ranges = 2000;

  /// Adds a step; steps come in ascending order. Values keep the names of the first step of their
  /// range.
  void add(int64_t step, const Values& values);
  /// In order. None is empty.
  const std::vector<StepRange>& ranges() const { return ranges_; }
  /// How many steps a range covers.
  int64_t width() const { return width_; }
  /// The same steps in ranges that are as wide or wider, at most so many of them.
  StepLog thinned(size_t most) const;

  /// One JSON object per range: first, last, steps, and for each value [min, mean, max].
  std::string to_jsonl() const;
  /// Reads it back, exactly. A last line that was cut off is left out. Throws IoError for any other
  /// text.
  static StepLog from_jsonl(const std::string& text);

 private:
  void widen();

  int64_t width_ = 1;
  std::vector<StepRange> ranges_;
};

}  // namespace gradus::training
