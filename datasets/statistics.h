// Statistics of a data set.
#pragma once

#include <cstdint>
#include <vector>

#include "dataset.h"

namespace gradus::data {

/// Mean and standard deviation of the elements of x per channel (dimension 0 of a sample), over all
/// samples; the standard deviation is that of the whole population, divided by n.
struct DatasetStatistics {
  int64_t samples = 0;       ///< in the data set
  std::vector<double> mean;  ///< of each channel
  std::vector<double> std;   ///< of each channel
  /// Samples of each class; empty if targets are not single int64 numbers.
  std::vector<int64_t> class_counts;
};

/// Reads every sample once; computes in float64, with the mean subtracted before squaring. Throws
/// ValueError for an empty data set, ShapeError for samples without dimensions.
DatasetStatistics statistics(const Dataset& dataset);

/// Samples of each class, 0 to the largest label. Throws as members_of_classes does.
std::vector<int64_t> class_counts(const Tensor& labels);

}  // namespace gradus::data
