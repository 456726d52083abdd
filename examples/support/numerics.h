// Steps of a training that gave NaN or infinity: noticing, undoing and explaining them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gradus/core/base/error.h>
#include <gradus/core/base/random.h>
#include <gradus/core/tape.h>
#include <gradus/core/tensor.h>

namespace gradus::examples {

/// A NaN or an infinity where training cannot go on with one.
struct NotFinite : Error {
  using Error::Error;
};

/// The first tensor that holds a NaN or an infinity; nullptr where none does. Integer and undefined
/// tensors are passed over.
const NamedTensor* first_not_finite(const NamedTensors& tensors);

/// The first parameter whose gradient is not finite.
const NamedTensor* first_gradient_not_finite(const NamedTensors& parameters);

/// What computing a loss changes although no weight is updated: the net's buffers (running
/// statistics) and the random streams. Remembered on construction.
class StepUndo {
 public:
  explicit StepUndo(NamedTensors buffers);
  void undo();

 private:
  NamedTensors buffers_;
  std::vector<Tensor> values_;
  RandomState random_;
};

/// What the user can do about a NaN.
struct Advice {
  std::string always;        ///< "try a smaller --lr"
  std::string to_skip = {};  ///< ", or ...": where leaving out this one step may help
};

/// Where a NaN or infinity came from.
struct Suspects {
  NamedTensors inputs;      ///< of the step
  NamedTensors parameters;  ///< as they were before the step
  /// Computes loss and gradients once more, exactly as before, on a tape with these options.
  std::function<void(const TapeOptions& options)> repeat;
  Advice advice;
};

/// Throws NotFinite: says what was seen (`what`, "the loss is nan at step 7") and where it began:
/// in the inputs, in the weights, or else in the operation and module that a repetition in anomaly
/// mode finds.
[[noreturn]] void throw_not_finite(const std::string& what, const Suspects& suspects);

}  // namespace gradus::examples
