// What an experiment of the normalization lab is: a row of a table, a function that measures and
// one that draws what was measured.
#pragma once

#include <gradus/datasets/dataset.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "../report/report.h"
#include "results.h"

namespace gradus::lab {

class Runner;

/// What an experiment gets: sizes, images, and functions that measure.
///
/// `run` of an experiment is called twice, first to count what there is to do, then to do it. So
/// whatever takes time belongs into the function that is measured.
class Lab {
 public:
  explicit Lab(Runner& runner) : runner_(runner) {}

  /// Measures `f(seed)` for each seed whose result is not in the experiment's file yet, seeds in
  /// parallel, after manual_seed(seed). It returns an object of numbers and arrays of numbers; NaN
  /// and infinities become null. The names and values in `settings` tell measurements apart.
  ///
  ///     lab.measure({{"norm", name_of(norm)}, {"batch", batch}},
  ///                 [&](uint64_t seed) -> json { ... return {{"error", error}}; });
  ///
  /// @{
  using Measurement = std::function<json(uint64_t seed)>;
  void measure(const json& settings, const Measurement& f) { measure(settings, seeds(), f); }
  /// With so many seeds rather than seeds().
  void measure(const json& settings, int64_t seeds, const Measurement& f);
  /// @}
  /// The same for what depends on no seed: a definition, an identity.
  void define(const json& settings, const std::function<json()>& f);

  bool full() const;  ///< a full run, as opposed to a preview
  /// The first for a preview, the second for a full run.
  template <class T>
  T pick(T quick, T full_value) const {
    return full() ? full_value : quick;
  }
  int64_t seeds() const;  ///< of one measurement: numbers 1, 2 ... seeds()

  /// The first n images to train on, or to test with: x [n, 1, 28, 28], normalized, and y [n].
  /// Several threads may read them; nobody may write to them. Throws IoError if there are not so
  /// many.
  /// @{
  data::Batch train_images(int64_t n) const;
  data::Batch test_images(int64_t n) const;
  /// @}

 private:
  Runner& runner_;
};

/// One experiment.
struct Experiment {
  const char* name;     ///< "batch-size": what `run` takes
  const char* title;    ///< "Error against batch size"
  const char* paper;    ///< "Wu & He 2018"; what it goes back to
  const char* smaller;  ///< by how much it is smaller than there; empty for a definition
  void (*run)(Lab& lab);
  void (*draw)(const Results& results, report::Section& section);  ///< from the results alone
};

/// All of them, in the order of the report. To add one: a file in experiments/, a row in
/// experiments.cpp.
std::span<const Experiment> experiments();
/// The one with this name. Throws ValueError, with what was probably meant.
const Experiment& find_experiment(const std::string& name);

}  // namespace gradus::lab
