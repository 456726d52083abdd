// What is known about the data sets that come as four IDX files.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataset.h"

namespace gradus::data {

enum class Split { train, test };

/// "training" or "test", for messages.
const char* name_of(Split split);

/// One of the four files.
struct KnownFile {
  std::string name;    ///< with a hyphen and without .gz: "train-images-idx3-ubyte"
  int64_t bytes = 0;   ///< compressed, as the mirrors have it; copies may be compressed differently
  std::string sha256;  ///< of the uncompressed file
};

/// A data set in the format of MNIST.
struct KnownDataset {
  std::string key;     ///< "mnist"; also its folder's name in the cache
  std::string title;   ///< "MNIST"
  std::string folder;  ///< the folder that PyTorch's users have: "MNIST", holding "raw"
  std::vector<std::string> classes;
  Normalization normalization;       ///< mean and standard deviation of the training pixels / 255
  std::vector<std::string> mirrors;  ///< addresses that end in "/", tried in this order
  std::array<KnownFile, 4> files;    ///< images and labels for training, then for testing

  const KnownFile& images(Split split) const { return files[split == Split::train ? 0 : 2]; }
  const KnownFile& labels(Split split) const { return files[split == Split::train ? 1 : 3]; }
};

/// Handwritten digits (LeCun and Cortes, derived from NIST's Special Databases 1 and 3).
const KnownDataset& mnist();
/// Zalando's pictures of clothes (Xiao, Rasul and Vollgraf, arXiv 1708.07747); MIT license.
const KnownDataset& fashion_mnist();
/// All of them.
std::span<const KnownDataset> known_datasets();

}  // namespace gradus::data
