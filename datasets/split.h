// Splitting a data set into parts: training and validation.
#pragma once

#include <cstdint>
#include <vector>

#include "dataset.h"

namespace gradus::data {

/// Options of random_split.
struct SplitOptions {
  uint64_t seed = 0;  ///< of the draw: the same seed, the same parts
  /// Give every part the class proportions of the whole: targets must be int64 [].
  bool stratify = false;
};

/// Splits a data set at random into parts of these fractions:
///
///     const auto parts = random_split(dataset, {0.9, 0.1}, {.stratify = true});
///     DataLoader train(parts[0]), validation(parts[1], {.shuffle = false});
///
/// Every sample is in exactly one part. With two parts, their sizes, and if stratified their
/// numbers of samples of each class, are exact to within one sample. Parts keep the order of the
/// data set. Throws ValueError if fractions are negative or do not sum to 1; if stratified, also
/// what members_of_classes throws.
std::vector<DatasetPtr> random_split(const DatasetPtr& dataset, const std::vector<double>& shares,
                                     const SplitOptions& options = {});

}  // namespace gradus::data
