// Evaluating and using a saved run.
#pragma once

#include <string>
#include <vector>

namespace gradus::examples {

struct SavedRunOptions {
  std::string run;      ///< folder that `mnist train --out` wrote
  std::string dataset;  ///< empty: the one it was trained on
  std::string data_directory;
  bool json = false;
  bool show = false;  ///< predict: also print and keep what the net saw
};

/// Prints accuracy and loss of the saved net on the test images.
void evaluate_run(const SavedRunOptions& options);

/// Prints what the saved net sees in each file: a PNG, JPEG or PGM picture, or "FILE:NUMBER" for an
/// image of an IDX file.
void predict(const SavedRunOptions& options, const std::vector<std::string>& files);

}  // namespace gradus::examples
