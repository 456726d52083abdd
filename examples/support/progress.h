// Progress of a training: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace gradus::examples {

/// Seconds since construction.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Shows how far an epoch is. On a terminal one line is drawn over and over, a few times a second;
/// elsewhere a plain line appears for every tenth of the epoch.
class Progress {
 public:
  /// `total` counts images, `before` those that an earlier process has done. `label` stands in
  /// front, "epoch 1/3".
  Progress(std::ostream& out, bool terminal, std::string label, int64_t total, int64_t before = 0);

  /// `done` images so far, with running averages of loss and accuracy (in [0, 1]).
  void update(int64_t done, double loss, double accuracy);
  /// Removes the bar, so that a summary can take its place.
  void finish();

 private:
  std::string line(int64_t done, double loss, double accuracy) const;

  std::ostream& out_;
  const bool terminal_;
  const std::string label_;
  const int64_t total_, before_;
  const Stopwatch watch_;
  double next_draw_ = 0;     // in seconds, on a terminal
  int64_t tenths_done_ = 0;  // elsewhere
};

/// 75.3 as "1:15", 4000 as "1:06:40".
std::string clock_text(double seconds);

}  // namespace gradus::examples
