// MNIST, and data sets that come in the same four files.
#pragma once

#include <filesystem>

#include "catalog.h"

namespace gradus::data {

struct MnistOptions {
  /// The data set that the files should be. Files recognized as another one are an error; files
  /// that are not recognized at all are taken as your own data.
  const KnownDataset* expected = nullptr;
  int64_t num_classes = 10;
};

struct MnistData {
  Tensor images;  ///< uint8 [N, H, W]; 0 is background, 255 ink
  Tensor labels;  ///< int64 [N]
  /// The data set these are, told by their checksums; nullptr for others.
  const KnownDataset* known = nullptr;
};

/// Reads images and labels of one split from a folder.
///
/// Takes the names people have: "train-images-idx3-ubyte" or "train-images.idx3-ubyte", with or
/// without ".gz", in `folder` itself or in MNIST/raw or FashionMNIST/raw below it. Throws IoError
/// where a file is missing, damaged, no image or label file, does not belong to the other file or
/// the split, where images and labels differ in number, and where a label is not below
/// `num_classes`.
MnistData load_mnist(const std::filesystem::path& folder, Split split,
                     const MnistOptions& options = {});

/// Images and labels as a data set: samples are x float32 [1, H, W], y int64 [].
TensorDataset as_dataset(const MnistData& data, const Normalization& normalization);

}  // namespace gradus::data
