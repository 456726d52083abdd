#include "progress.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace gradus::examples {

namespace {
constexpr double seconds_between_draws = 0.1;
constexpr int bar_width = 24;
}  // namespace

Progress::Progress(std::ostream& out, bool terminal, std::string label, int64_t total,
                   int64_t before)
    : out_(out), terminal_(terminal), label_(std::move(label)), total_(total), before_(before) {}

void Progress::update(int64_t done, double loss, double accuracy) {
  if (terminal_) {
    if (watch_.seconds() < next_draw_ && done < total_) return;
    next_draw_ = watch_.seconds() + seconds_between_draws;
    out_ << '\r' << line(done, loss, accuracy) << "\x1b[K" << std::flush;
    return;
  }
  const int64_t tenths = 10 * done / std::max<int64_t>(total_, 1);
  if (tenths == tenths_done_) return;
  tenths_done_ = tenths;
  out_ << line(done, loss, accuracy) << '\n' << std::flush;
}

void Progress::finish() {
  if (terminal_) out_ << "\r\x1b[K" << std::flush;
}

std::string Progress::line(int64_t done, double loss, double accuracy) const {
  const double part = static_cast<double>(done) / static_cast<double>(std::max<int64_t>(total_, 1));
  const double seconds = watch_.seconds();
  const double rate = seconds > 0 ? static_cast<double>(done - before_) / seconds : 0;
  std::ostringstream text;
  text << label_ << "  ";
  if (terminal_) {
    const int filled = static_cast<int>(part * bar_width);
    for (int i = 0; i < bar_width; ++i) text << (i < filled ? "█" : "░");
    text << ' ';
  }
  text << std::fixed << std::setw(3) << static_cast<int>(100 * part) << "%  "
       << std::setprecision(0) << rate << " images/s  loss " << std::setprecision(4) << loss
       << "  accuracy " << std::setprecision(2) << 100 * accuracy << " %  left "
       << clock_text(rate > 0 ? static_cast<double>(total_ - done) / rate : 0);
  return std::move(text).str();
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
