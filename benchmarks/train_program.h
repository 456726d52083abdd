// The program that measures training and inference of whole nets, without the framework.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "net_cases.h"

namespace gradus::bench {

struct TrainOptions {
  std::string net = "basic";
  NetSize size;
  int64_t batch_size = 64;
  int threads = 1;
  double seconds = 3;     ///< of measuring, for training and inference together
  double started_at = 0;  ///< seconds since 1970 when the process was started; 0: ask the system
  bool channels_last = false;  ///< the layout of images in memory; PyTorch has both
  bool json = false;

  /// Images that are held in memory: random ones, [samples(), 1, 28, 28] in float32.
  int64_t samples() const { return std::max<int64_t>(4096, 4 * batch_size); }
};

struct TrainFigures {
  double train_seconds = 0;        ///< of a step
  double infer_seconds = 0;        ///< of a batch
  double infer_one_seconds = 0;    ///< of a batch of one
  double first_step_seconds = 0;   ///< from the start of the process to the end of the first step
  double first_loss = 0;           ///< mean of the first steps, ten of batches of 64
  double peak_rss_mib = 0;         ///< before inference of one
  double train_limit_seconds = 0;  ///< the least that a step can take on this machine; 0: unknown
  double infer_limit_seconds = 0;
  double infer_one_limit_seconds = 0;
  std::string instruction_set;  ///< empty: unknown
};

/// A net in training. Each step takes the next batch_size images in a shuffled order, inference
/// always the same.
class Trainee {
 public:
  Trainee() = default;
  virtual ~Trainee() = default;
  Trainee(const Trainee&) = delete;
  Trainee& operator=(const Trainee&) = delete;

  /// Returns the loss.
  virtual double train_step() = 0;
  /// A forward pass in evaluation mode, of so many images.
  virtual void infer(int64_t images) = 0;
  virtual int64_t parameter_count() const = 0;
};

/// What a framework has to provide. make_trainee also sets the number of threads.
struct TrainBackend {
  const char* name;
  std::unique_ptr<Trainee> (*make_trainee)(const TrainOptions& options);
  /// After measuring: prints more, and sets the limits. May be null.
  void (*report)(const TrainOptions& options, Trainee& trainee, TrainFigures& figures) = nullptr;
};

/// Measures, prints, and returns the exit status.
int run_train_program(int argc, char** argv, const TrainBackend& backend);

}  // namespace gradus::bench
