#include "step_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "../core/base/error.h"
#include "parse_json.h"

namespace gradus::training {

namespace {

using nlohmann::json;

/// Appends steps to those of a range.
void merge(StepRange& range, const StepRange& next) {
  range.last = next.last;
  range.steps += next.steps;
  for (StepValue& value : range.values) {
    const auto other = std::ranges::find(next.values, value.name, &StepValue::name);
    if (other == next.values.end()) continue;
    value.min = std::min(value.min, other->min);
    value.max = std::max(value.max, other->max);
    value.mean += (other->mean - value.mean) * static_cast<double>(next.steps) /
                  static_cast<double>(range.steps);
  }
}

/// Throws json::exception unless it is a range that begins after step `before`.
StepRange range_of(const json& line, int64_t before) {
  constexpr int64_t last_step = int64_t{1} << 40;
  StepRange range;
  for (const auto& [key, value] : line.items()) {
    if (key == "first") {
      range.first = value;
    } else if (key == "last") {
      range.last = value;
    } else if (key == "steps") {
      range.steps = value;
    } else {
      range.values.push_back({key, value.at(0), value.at(1), value.at(2)});
    }
  }
  const bool is_range = before < range.first && range.first <= range.last &&
                        range.last <= last_step && range.steps >= 1 &&
                        range.steps <= range.last - range.first + 1;
  if (!is_range) throw json::other_error::create(501, "not a range of steps", nullptr);
  return range;
}

}  // namespace

void StepLog::add(int64_t step, const Values& values) {
  StepRange range{.first = step, .last = step, .steps = 1};
  for (const Value& v : values) range.values.push_back({v.name, v.number, v.number, v.number});
  if (!ranges_.empty() && (ranges_.back().first - 1) / width_ == (step - 1) / width_) {
    return merge(ranges_.back(), range);
  }
  ranges_.push_back(std::move(range));
  if (ranges_.size() > max_ranges) widen();
}

/// Doubles the width: two neighbours become one.
void StepLog::widen() {
  width_ *= 2;
  std::vector<StepRange> wider;
  for (StepRange& range : ranges_) {
    if (!wider.empty() && (wider.back().first - 1) / width_ == (range.first - 1) / width_) {
      merge(wider.back(), range);
    } else {
      wider.push_back(std::move(range));
    }
  }
  ranges_ = std::move(wider);
}

StepLog StepLog::thinned(size_t most) const {
  StepLog log = *this;
  while (log.ranges_.size() > std::max<size_t>(most, 1)) log.widen();
  return log;
}

std::string StepLog::to_jsonl() const {
  std::string text;
  for (const StepRange& range : ranges_) {
    // Values of a JSON object are sorted by name; an ordered one keeps those of the steps in order.
    nlohmann::ordered_json line = {
        {"first", range.first}, {"last", range.last}, {"steps", range.steps}};
    for (const StepValue& v : range.values) line[v.name] = {v.min, v.mean, v.max};
    text += line.dump() + "\n";
  }
  return text;
}

StepLog StepLog::from_jsonl(const std::string& text) {
  StepLog log;
  int64_t number = 0;
  for (const json& line : parse_json_lines(text)) {
    ++number;
    try {
      log.ranges_.push_back(range_of(line, log.ranges_.empty() ? 0 : log.ranges_.back().last));
    } catch (const json::exception&) {
      throw IoError("steps", str("line ", number, " is not one of steps"),
                    "the file is damaged; it is made anew when the run is resumed");
    }
  }
  const auto reaches = [&](const StepRange& range) {
    return (range.first - 1) / log.width_ == (range.last - 1) / log.width_;
  };
  while (!std::ranges::all_of(log.ranges_, reaches)) log.width_ *= 2;
  return log;
}

}  // namespace gradus::training
