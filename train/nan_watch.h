// Training steps that give NaN or infinity: detected, undone and explained. What looks at each
// value and gradient is Tape::check_finite (core/tape.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/tape.h"

namespace gradus::training {

/// A NaN or an infinity with which training cannot continue.
struct NotFinite : Error {
  using Error::Error;
};

/// The first tensor that holds a NaN or an infinity; nullptr if none does. Integer and undefined
/// tensors are skipped.
const NamedTensor* first_not_finite(const NamedTensors& tensors);

/// What can be done about a NaN: parts of a hint.
struct Advice {
  std::string always = "try a smaller learning rate";
  std::string to_skip = {};  ///< ", or ...": if skipping this one step may help
};

/// Watches training steps, of one net or several. A Loop has one.
///
///     training::NanWatch watch;
///     watch.add(net.named_parameters(), net.named_buffers());
///     watch.step("at step 7", {{"the images", x}}, [&] {
///       Tape tape(watch.tape_options());
///       const Tensor loss = nn::cross_entropy(net(x), y);
///       tape.backward(loss);
///       if (watch.accept(loss)) adam.step();
///       adam.zero_grad();
///     });
class NanWatch {
 public:
  /// Called for a bad step that has been undone, with "the loss is nan at step 7". If it returns
  /// true, the step is skipped; otherwise it ends in an error.
  std::function<bool(const std::string& what)> skip = {};
  /// The hint of that error.
  std::function<Advice()> advice = {};

  void add(const NamedTensors& parameters, const NamedTensors& buffers);

  /// Runs `body`, one step. `when` and `inputs` are for errors.
  void step(const std::string& when, const NamedTensors& inputs, const std::function<void()>& body);
  /// For the tape of the body, which may run once more to find where a NaN first appears.
  TapeOptions tape_options() const { return {.detect_anomaly = is_repeating_}; }
  /// In the body, before weights are updated: whether the loss and all gradients are finite. If
  /// not, restores buffers (running statistics) and random streams to the start of the step, and
  /// calls skip(). False: the step is skipped. Otherwise throws NotFinite, which says where the NaN
  /// first appears: in the inputs, in the weights, or else in the operation and module that a
  /// repetition in anomaly mode finds.
  bool accept(const Tensor& loss);
  /// Whether the last step was skipped.
  bool skipped() const { return skipped_; }

 private:
  [[noreturn]] void explain(const std::string& what);

  NamedTensors parameters_, buffers_, inputs_;
  std::string when_;
  std::function<void()> body_;
  std::vector<Tensor> values_;  // of the buffers, before the step
  RandomState random_ = random_state();
  bool skipped_ = false, is_repeating_ = false;
};

}  // namespace gradus::training
