// One call to get training and test data, from wherever they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "known_datasets.h"

namespace gradus::data {

/// Which data set open_dataset opens, and where it looks.
struct OpenOptions {
  /// "auto", "synthetic", or the key of a known data set: "mnist", "fashion-mnist", "kmnist",
  /// "qmnist", "emnist-letters" and the other splits of EMNIST, "cifar10" or "cifar100".
  std::string name = "auto";
  /// Where the files are; empty: the environment variable GRADUS_DATA_DIR, else they are searched
  /// for.
  std::filesystem::path directory = {};
  /// Skip the training data: Found::train is null, and its files need not exist.
  bool test_only = false;
  bool allow_download = true;  ///< with false, only what is on this machine
  /// Where downloads are kept, each data set in a folder named after it; empty:
  /// $XDG_CACHE_HOME/gradus, else ~/.cache/gradus.
  std::filesystem::path cache = {};
  /// Where the system's packages put data sets.
  std::filesystem::path system = "/usr/share/datasets";
  /// Addresses to use in place of the usual ones.
  std::vector<std::string> mirrors = {};
  /// Called with one line of progress, "downloading ...".
  std::function<void(const std::string&)> notify = {};
  int64_t synthetic_train = 60000;  ///< number of synthetic images to train on
  int64_t synthetic_test = 10000;   ///< number of others, to test with
  uint64_t synthetic_seed = 0;      ///< of all of them
};

/// Data to train on: samples are x float32 [C, H, W], normalized, and y int64 [].
struct Found {
  DatasetPtr train, test;
  std::string key;        ///< its name in OpenOptions; empty for files that are none of them
  std::string name;       ///< "MNIST", "Fashion-MNIST", "synthetic digits", or what was given
  bool verified = false;  ///< the files have the published checksums
  /// Where its files are; empty for synthetic data.
  std::filesystem::path folder = {};
  /// One line if some of the files are the published ones of a known data set and others are not:
  /// which. It is part of `why`.
  std::string doubt;
  std::string why;  ///< one line: where it comes from, why from there, and what to know about it
  std::vector<std::string> classes;          ///< names, in the order of the labels; may be empty
  std::vector<Normalization> normalization;  ///< that has been applied; one, or one per channel
};

/// Finds a data set by name.
///
/// Known data sets come from `directory`, or else from the cache, the system's packages or a
/// download. EMNIST and CIFAR are not downloaded: each comes as one archive, and the error says
/// which one to unpack where. If no checksums are known for files, `why` says so. "auto" uses what
/// is in `directory`; without one, MNIST from the cache or a download, else Fashion-MNIST from the
/// system's packages, else synthetic digits; `why` says which and why. If a directory was given, a
/// problem with it is an error: nothing else is used instead. Throws IoError, and ValueError for an
/// unknown name.
Found open_dataset(const OpenOptions& options = {});

/// All names that open_dataset knows.
std::vector<std::string> dataset_names();

/// $XDG_CACHE_HOME/gradus or ~/.cache/gradus; empty if neither variable is set.
std::filesystem::path default_cache();

}  // namespace gradus::data
