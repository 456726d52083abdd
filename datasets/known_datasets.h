// Well-known data sets: files, checksums, classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataset.h"

namespace gradus::data {

/// The two parts that data sets come in.
enum class Split { train, test };

/// "training" or "test", for messages.
const char* name_of(Split split);

/// How the files of a data set are to be read.
enum class Format {
  idx,       ///< images and labels, for training and for testing: four IDX files
  cifar10,   ///< records of a label and an image
  cifar100,  ///< records of a coarse label, a fine label and an image
};

/// One file of a data set. Checksums are the published ones; without one, only structure and sizes
/// of a file are checked.
struct KnownFile {
  std::string name;              ///< with a hyphen and without .gz: "train-images-idx3-ubyte"
  int64_t bytes = 0;             ///< compressed, as on the mirrors; 0 if unknown
  std::string sha256 = {};       ///< of the uncompressed file; empty if unknown
  std::string gzip_sha256 = {};  ///< of the compressed file on the mirrors; or empty

  /// The decisive one; empty if there is none. Copies may be recompressed, so that is the
  /// content's; for some data sets only the checksums of the compressed files are published.
  const std::string& digest() const { return sha256.empty() ? gzip_sha256 : sha256; }
};

/// A data set that can be opened by name, and how its files are recognized.
struct KnownDataset {
  std::string key;    ///< "mnist"; also its folder's name in the cache
  std::string title;  ///< "MNIST"
  /// The folder where users have the files: "MNIST" (which contains "raw"), "cifar-10-batches-bin".
  std::string folder;
  Format format = Format::idx;            ///< how the files are read
  std::vector<std::string> classes = {};  ///< their names, in the order of the labels
  /// Mean and standard deviation of the training pixels / 255: one, or one per channel.
  std::vector<Normalization> normalization = {};
  std::vector<std::string> mirrors = {};  ///< addresses that end in "/", tried in this order
  std::string archive = {};  ///< address of one archive with all files, if there are no mirrors
  bool transposed = false;   ///< rows and columns of the images are exchanged in the files
  /// IDX: images and labels for training, then for testing. CIFAR: training files, then the test
  /// file.
  std::vector<KnownFile> files = {};

  const KnownFile& images(Split split) const { return files[split == Split::train ? 0 : 2]; }
  const KnownFile& labels(Split split) const { return files[split == Split::train ? 1 : 3]; }
};

/// All known data sets.
std::span<const KnownDataset> known_datasets();
/// The one with this key; nullptr for others.
const KnownDataset* find_dataset(std::string_view key);

/// Handwritten digits (LeCun and Cortes, derived from NIST's Special Databases 1 and 3).
inline const KnownDataset& mnist() {
  return *find_dataset("mnist");
}
/// Zalando's pictures of clothes (Xiao, Rasul and Vollgraf, arXiv 1708.07747); MIT license.
inline const KnownDataset& fashion_mnist() {
  return *find_dataset("fashion-mnist");
}
/// Kuzushiji-MNIST, ten cursive Japanese characters (Clanuwat et al., arXiv 1812.01718);
/// CC BY-SA 4.0. Its files have the names of MNIST's and are distinguished by checksums, which are
/// published only for the compressed files.
inline const KnownDataset& kmnist() {
  return *find_dataset("kmnist");
}
/// MNIST rebuilt from NIST's data, with 60,000 test images (Yadav and Bottou, arXiv 1905.10498).
/// Its label files contain more than the digit: see read_qmnist_labels. Checksums are known only
/// for the compressed files.
inline const KnownDataset& qmnist() {
  return *find_dataset("qmnist");
}
/// Letters and digits (Cohen et al., arXiv 1702.05373) in one of its six splits: "byclass",
/// "bymerge", "balanced", "letters", "digits" or "mnist". The files store images with rows and
/// columns exchanged, and they are turned upright when read; the labels of "letters" start at 1,
/// class 0 is "N/A" as in torchvision. It comes as one archive; no checksums are known for the
/// files in it. Throws ValueError for another split.
const KnownDataset& emnist(const std::string& split);
/// Colour pictures of 32 x 32 pixels in 10 or 100 classes (Krizhevsky, "Learning multiple layers of
/// features from tiny images", 2009), binary version. Each comes as one archive; no checksums are
/// known for the files in it.
/// @{
inline const KnownDataset& cifar10() {
  return *find_dataset("cifar10");
}
inline const KnownDataset& cifar100() {
  return *find_dataset("cifar100");
}
/// @}
/// The 20 coarse classes of CIFAR-100.
std::span<const std::string> cifar100_coarse_classes();

}  // namespace gradus::data
