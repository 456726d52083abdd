#include "progress.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace gradus::examples {

namespace {

constexpr double seconds_between_draws = 0.1;
constexpr int least_bar = 10, longest_bar = 24;

std::string percent(const ProgressState& s) {
  const std::string number = str(static_cast<int>(100 * s.part));
  return str(std::string(number.size() < 3 ? 3 - number.size() : 0, ' '), number, "%");
}

std::string bar(double part, int width) {
  const int filled = static_cast<int>(part * width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < filled ? "█" : "░";
  return text;
}

/// What follows the percentage, in the order in which it is shown.
enum Item : size_t { rate, loss, accuracy, left };
constexpr std::array<Item, 4> dropped_in_turn = {rate, accuracy, left, loss};

std::array<std::string, 4> items(const ProgressState& s) {
  return {str("  ", fixed(s.rate, 0), " images/s"), "  loss " + fixed(s.loss, 4),
          str("  accuracy ", fixed(100 * s.accuracy, 2), " %"),
          "  left " + clock_text(s.seconds_left)};
}

}  // namespace

std::string progress_line(const ProgressState& state) {
  const auto parts = items(state);
  return str(state.label, "  ", percent(state), parts[rate], parts[loss], parts[accuracy],
             parts[left]);
}

std::string progress_line(const ProgressState& state, int width) {
  const int room = width - 1;
  const std::string start = state.label + "  ", done = percent(state);
  auto parts = items(state);
  const auto free_columns = [&] {
    int columns = columns_of(start) + columns_of(done);
    for (const std::string& part : parts) columns += columns_of(part);
    return room - columns;
  };
  constexpr int with_space = 1 + least_bar;
  if (free_columns() < with_space) parts[rate].clear();
  const int for_bar = std::min(free_columns() - 1, longest_bar);
  const std::string shown_bar = for_bar < least_bar ? "" : bar(state.part, for_bar) + " ";
  for (const Item item : dropped_in_turn) {
    if (free_columns() < 0) parts[item].clear();
  }
  if (free_columns() < 0) return room < columns_of(done) ? "" : done;
  return start + shown_bar + done + parts[rate] + parts[loss] + parts[accuracy] + parts[left];
}

Progress::Progress(Console& console, std::string label, int64_t total, int64_t before)
    : console_(console), label_(std::move(label)), total_(total), before_(before) {}

void Progress::update(int64_t done, double loss, double accuracy) {
  if (console_.is_terminal()) {
    if (watch_.seconds() < next_draw_ && done < total_) return;
    next_draw_ = watch_.seconds() + seconds_between_draws;
    console_.draw(progress_line(state(done, loss, accuracy), console_.width()));
    return;
  }
  const int64_t tenths = 10 * done / std::max<int64_t>(total_, 1);
  if (tenths == tenths_done_) return;
  tenths_done_ = tenths;
  console_.print(progress_line(state(done, loss, accuracy)) + "\n");
}

ProgressState Progress::state(int64_t done, double loss, double accuracy) const {
  const double seconds = watch_.seconds();
  const double rate = seconds > 0 ? static_cast<double>(done - before_) / seconds : 0;
  return {.label = label_,
          .part = static_cast<double>(done) / static_cast<double>(std::max<int64_t>(total_, 1)),
          .rate = rate,
          .loss = loss,
          .accuracy = accuracy,
          .seconds_left = rate > 0 ? static_cast<double>(total_ - done) / rate : 0};
}

std::string clock_text(double seconds) {
  const auto total = static_cast<int64_t>(std::llround(seconds));
  std::ostringstream text;
  text << std::setfill('0');
  if (total >= 3600) text << total / 3600 << ':' << std::setw(2);
  text << total / 60 % 60 << ':' << std::setw(2) << total % 60;
  return std::move(text).str();
}

}  // namespace gradus::examples
