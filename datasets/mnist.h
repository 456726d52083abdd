// MNIST, and data sets that come in the same four files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "known_datasets.h"

namespace gradus::data {

/// What load_mnist expects.
struct MnistOptions {
  /// The data set that the files should be. Files recognized as another one are an error; files
  /// that are not recognized at all are treated as your own data.
  const KnownDataset* expected = nullptr;
  int64_t num_classes = 0;  ///< 0: those of the expected data set, else 10
};

/// One split of MNIST or of a data set in its format.
struct MnistData {
  Tensor images;  ///< uint8 [N, H, W], upright; 0 is background, 255 ink
  Tensor labels;  ///< int64 [N]
  /// The data set these are, by their checksums; nullptr for others.
  const KnownDataset* known = nullptr;
  /// One line if only one of the two files is the published one of a known data set: which file is
  /// not.
  std::string doubt = {};
};

/// Reads images and labels of one split from a folder.
///
/// Accepts the names in common use: "train-images-idx3-ubyte" or "train-images.idx3-ubyte", with or
/// without ".gz", in `folder` itself or in MNIST/raw or FashionMNIST/raw below it. Throws IoError
/// if a file is missing, damaged, not an image or label file, or does not belong to the other file
/// or the split, if images and labels differ in number, and if a label is not below `num_classes`.
MnistData load_mnist(const std::filesystem::path& folder, Split split,
                     const MnistOptions& options = {});

/// Images and labels as a data set: samples are x float32 [1, H, W], y int64 [].
TensorDataset as_dataset(const MnistData& data, const std::vector<Normalization>& normalization);

/// What the label files of QMNIST contain about a digit: one column each, int32 [N].
struct QmnistLabels {
  Tensor digit;         ///< 0 to 9
  Tensor hsf_series;    ///< the partition of NIST's data: 0 to 4, 6 or 7
  Tensor writer;        ///< number of the writer
  Tensor writer_digit;  ///< number of the digit among those of its writer
  Tensor nist_class;    ///< NIST's code of the class, 48 to 57 for digits
  Tensor global_digit;  ///< number of the digit in NIST's data
  Tensor duplicate;     ///< 1 where the same image appears a second time
  Tensor unused;        ///< always 0
};

/// Reads "qmnist-train-labels-idx2-int" or its siblings, IDX of int32 [N, 8]. Throws IoError for a
/// file of another shape or type.
QmnistLabels read_qmnist_labels(const std::filesystem::path& path);

}  // namespace gradus::data
