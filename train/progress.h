// Progress of training: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "console.h"
#include "values.h"

namespace gradus::training {

/// Seconds since construction.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The progress of an epoch.
struct ProgressState {
  std::string label;             ///< "epoch 1/3"
  double part = 0;               ///< of the epoch, in [0, 1]
  double rate = 0;               ///< samples per second
  Values values = {};            ///< running averages, the most important first
  double seconds_left = 0;       ///< of the epoch
  std::string unit = "samples";  ///< what is counted
};

/// All of it in plain words; or with a bar, for a terminal of so many columns, the last of which
/// stays free: in some terminals a character there begins a new line. If there is not enough room,
/// these are omitted, one after the other: the rate, the bar, the values from the last to the
/// second, the remaining time, the first value, the label.
std::string progress_line(const ProgressState& state, std::optional<int> width = {});

/// Shows the progress of an epoch. On a terminal one line is redrawn a few times a second during
/// the object's lifetime; elsewhere a plain line appears for every tenth of the epoch.
///
///     training::Console console;
///     training::Progress progress(console, "epoch 1/3", 60000);
///     ...
///     progress.update(done, {{"loss", loss}});
class Progress {
 public:
  /// `total` counts samples, `before` those already done by an earlier process.
  Progress(Console& console, std::string label, int64_t total, int64_t before = 0,
           std::string unit = "samples");
  ~Progress() { console_.erase(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` samples so far, with running averages.
  void update(int64_t done, const Values& values);

 private:
  Console& console_;
  ProgressState state_;
  const int64_t total_, before_;
  const Stopwatch watch_;
  double next_draw_ = 0;     // in seconds, on a terminal
  int64_t tenths_done_ = 0;  // elsewhere
};

/// 75.3 as "1:15", 4000 as "1:06:40".
std::string clock_text(double seconds);

}  // namespace gradus::training
