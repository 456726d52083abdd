#include "progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "../core/base/text.h"

namespace gradus::training {

namespace {

constexpr double seconds_between_draws = 0.1;
constexpr int least_bar = 10, longest_bar = 24;

/// `number` in at least so many characters, filled up at the left.
std::string padded(int64_t number, size_t width, char fill) {
  const std::string digits = str(number);
  return std::string(width - std::min(width, digits.size()), fill) + digits;
}

std::string bar(double part, int width) {
  const int filled = static_cast<int>(part * width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < filled ? "█" : "░";
  return text;
}

/// What follows the percentage: the rate, the values, the time that is left.
std::vector<std::string> items(const ProgressState& s) {
  std::vector<std::string> parts = {str("  ", fixed(s.rate, 0), " ", s.unit, "/s")};
  for (const Value& value : s.values) parts.push_back("  " + value_text(value));
  parts.push_back("  left " + clock_text(s.seconds_left));
  return parts;
}

}  // namespace

std::string progress_line(const ProgressState& state, std::optional<int> width) {
  const std::string start = state.label + "  ";
  const std::string done = padded(static_cast<int64_t>(100 * state.part), 3, ' ') + "%";
  auto parts = items(state);
  if (!width) return start + done + joined(parts, "");
  const int room = *width - 1;
  const auto free_columns = [&] {
    return room - columns_of(start) - columns_of(done) - columns_of(joined(parts, ""));
  };
  if (free_columns() < 1 + least_bar) parts.front().clear();
  const int for_bar = std::min(free_columns() - 1, longest_bar);
  const std::string shown_bar = for_bar < least_bar ? "" : bar(state.part, for_bar) + " ";
  for (size_t i = parts.size() - 2; i > 1 && free_columns() < 0; --i) parts[i].clear();
  if (free_columns() < 0) parts.back().clear();
  if (free_columns() < 0) parts[1].clear();  // the first value, if there is one
  if (free_columns() < 0) return room < columns_of(done) ? "" : done;
  return start + shown_bar + done + joined(parts, "");
}

Progress::Progress(Console& console, std::string label, int64_t total, int64_t before,
                   std::string unit)
    : console_(console),
      state_{.label = std::move(label), .unit = std::move(unit)},
      total_(std::max<int64_t>(total, 1)),
      before_(before) {}

void Progress::update(int64_t done, const Values& values) {
  const double seconds = watch_.seconds();
  const int64_t tenths = 10 * done / total_;
  const bool is_due =
      console_.is_terminal() ? seconds >= next_draw_ || done >= total_ : tenths != tenths_done_;
  if (!is_due) return;
  next_draw_ = seconds + seconds_between_draws;
  tenths_done_ = tenths;
  state_.part = static_cast<double>(done) / static_cast<double>(total_);
  state_.rate = seconds > 0 ? static_cast<double>(done - before_) / seconds : 0;
  state_.values = values;
  state_.seconds_left = state_.rate > 0 ? static_cast<double>(total_ - done) / state_.rate : 0;
  console_.is_terminal() ? console_.draw(progress_line(state_, console_.width()))
                         : console_.print(progress_line(state_) + "\n");
}

std::string clock_text(double seconds) {
  const int64_t total = std::llround(seconds), minutes = total / 60, hours = minutes / 60;
  const std::string end = ":" + padded(total % 60, 2, '0');
  return hours > 0 ? str(hours, ":", padded(minutes % 60, 2, '0'), end) : str(minutes, end);
}

}  // namespace gradus::training
