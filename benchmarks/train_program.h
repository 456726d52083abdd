// The program that measures training and inference of whole nets, without the framework.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "cases.h"

namespace gradus::bench {

struct TrainOptions {
  std::string net = "basic";
  int64_t batch_size = 64;
  int threads = 1;
  double seconds = 3;     ///< of measuring, for training and inference together
  double started_at = 0;  ///< seconds since 1970 when the process was started; 0: ask the system
  bool json = false;

  /// Images that are held in memory: random ones, [samples(), 1, 28, 28] in float32.
  int64_t samples() const { return std::max<int64_t>(4096, 4 * batch_size); }
};

struct TrainFigures {
  double train_seconds = 0;  ///< of a step
  double infer_seconds = 0;
  double first_step_seconds = 0;  ///< from the start of the process to the end of the first step
  double peak_rss_mib = 0;
};

/// A net in training. Each step takes the next batch_size images in a shuffled order.
class Trainee {
 public:
  Trainee() = default;
  virtual ~Trainee() = default;
  Trainee(const Trainee&) = delete;
  Trainee& operator=(const Trainee&) = delete;

  virtual void train_step() = 0;
  /// A forward pass in evaluation mode.
  virtual void infer_step() = 0;
  /// Further output after measuring.
  virtual void report(std::ostream&, const TrainFigures&) {}
};

/// What a framework has to provide. make_trainee also sets the number of threads.
struct TrainBackend {
  const char* name;
  std::unique_ptr<Trainee> (*make_trainee)(const TrainOptions& options);
};

/// Measures, prints, and returns the exit status.
int run_train_program(int argc, char** argv, const TrainBackend& backend);

}  // namespace gradus::bench
