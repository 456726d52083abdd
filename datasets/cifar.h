// CIFAR-10 and CIFAR-100, binary version.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "known_datasets.h"

namespace gradus::data {

/// One split of CIFAR-10 or CIFAR-100.
struct CifarData {
  Tensor images;         ///< uint8 [N, 3, 32, 32]: red, green, blue
  Tensor labels;         ///< int64 [N]; the fine labels of CIFAR-100
  Tensor coarse_labels;  ///< int64 [N] for CIFAR-100; undefined for CIFAR-10
};

/// Reads one split of `dataset`, cifar10() or cifar100(), from its folder or from the one that
/// holds it: "data_batch_1.bin" to "data_batch_5.bin" and "test_batch.bin" in cifar-10-batches-bin,
/// "train.bin" and "test.bin" in cifar-100-binary, as the archives unpack.
///
/// No checksums of these files are published: the check is that they are complete records with
/// labels in range. Throws IoError if a file is missing or has another form, and ValueError for a
/// data set that is not CIFAR.
CifarData load_cifar(const std::filesystem::path& folder, Split split,
                     const KnownDataset& dataset = cifar10());

/// Reads records from memory: a label (CIFAR-100: the coarse, then the fine one) and 3072 bytes of
/// image each. `name` stands for the file in errors.
CifarData parse_cifar(std::span<const std::byte> bytes, Format format, const std::string& name);

/// Images and labels (the fine ones) as a data set: samples are x float32 [3, 32, 32], y int64 [].
TensorDataset as_dataset(const CifarData& data, const std::vector<Normalization>& normalization);

}  // namespace gradus::data
