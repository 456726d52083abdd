#include "mnist.h"

#include <algorithm>
#include <optional>

#include "../core/ops.h"
#include "idx.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* op = "load_mnist";

// --- Finding the files ---------------------------------------------------------------------------

/// The names under which people have a file; uncompressed ones first, they are read faster.
std::vector<std::string> spellings(const std::string& name) {
  std::vector<std::string> names = {name};
  if (const size_t hyphen = name.rfind("-idx"); hyphen != std::string::npos) {
    names.push_back(name);
    names.back()[hyphen] = '.';  // as some programs unpack it, after the name inside the .gz
  }
  for (size_t i = 0, plain = names.size(); i < plain; ++i) names.push_back(names[i] + ".gz");
  return names;
}

std::vector<fs::path> folders_below(const fs::path& folder, const KnownDataset* expected) {
  if (expected != nullptr) return {folder, folder / expected->folder / "raw"};
  std::vector<fs::path> folders = {folder};
  for (const KnownDataset& known : known_datasets())
    folders.push_back(folder / known.folder / "raw");
  return folders;
}

fs::path find_file(const fs::path& folder, const std::string& name, const KnownDataset* expected) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw IoError(op, str("there is no folder ", folder.string()),
                  "give the folder that holds train-images-idx3-ubyte.gz and its siblings");
  }
  for (const fs::path& place : folders_below(folder, expected)) {
    for (const std::string& spelling : spellings(name)) {
      if (fs::is_regular_file(place / spelling, error)) return place / spelling;
    }
  }
  std::string places;
  for (const fs::path& place : folders_below(folder, expected)) {
    places += (places.empty() ? "" : ", ") + place.string();
  }
  throw IoError(op, str("there is no file ", name, " in ", places),
                str("accepted names are ", spellings(name)[0], " and ", spellings(name)[1],
                    ", each also with .gz"));
}

// --- Telling what a file is ----------------------------------------------------------------------

struct Identity {
  const KnownDataset* dataset;
  size_t file;  ///< index into KnownDataset::files

  std::string describe() const {
    return str("the ", file < 2 ? "training " : "test ", file % 2 == 0 ? "images" : "labels",
               " of ", dataset->title);
  }
};

std::optional<Identity> identify(const Tensor& payload) {
  const std::string digest = payload_sha256(payload);
  for (const KnownDataset& known : known_datasets()) {
    for (size_t i = 0; i < known.files.size(); ++i) {
      if (known.files[i].sha256 == digest) return Identity{&known, i};
    }
  }
  return std::nullopt;
}

/// Throws where a file is known to be something else than what it is taken for.
void check_identity(const fs::path& path, const std::optional<Identity>& found, size_t file,
                    const KnownDataset* expected) {
  if (!found) return;
  if (found->file != file) {
    throw IoError(op, str(path.string(), " holds ", found->describe()),
                  "its content belongs under another name; get the files again");
  }
  if (expected != nullptr && found->dataset != expected) {
    throw IoError(
        op,
        str(path.string(), " holds ", found->describe(), ", but ", expected->title,
            " was asked for"),
        str("ask for ", found->dataset->key, ", or give the folder of ", expected->title));
  }
}

// --- Checking the contents -----------------------------------------------------------------------

void check_images(const fs::path& path, const Tensor& images) {
  if (images.dtype() == uint8 && images.dim() == 3) return;
  const bool labels = images.dtype() == uint8 && images.dim() == 1;
  throw IoError(op,
                str(path.string(),
                    labels ? " is a label file (magic 2049) where images (2051) "
                             "are expected: "
                           : " does not hold images: ",
                    name_of(images.dtype()), " ", images.shape()),
                "image files hold bytes of shape [N, height, width]");
}

void check_labels(const fs::path& path, const Tensor& labels, int64_t num_classes) {
  if (labels.dtype() != uint8 || labels.dim() != 1) {
    const bool images = labels.dtype() == uint8 && labels.dim() == 3;
    throw IoError(op,
                  str(path.string(),
                      images ? " is an image file (magic 2051) where labels "
                               "(2049) are expected: "
                             : " does not hold labels: ",
                      name_of(labels.dtype()), " ", labels.shape()),
                  "label files hold bytes of shape [N]");
  }
  const uint8_t* begin = labels.data<uint8_t>();
  const uint8_t* end = begin + labels.numel();
  const uint8_t* bad =
      std::find_if(begin, end, [&](uint8_t label) { return label >= num_classes; });
  if (bad != end) {
    throw IoError(op,
                  str(path.string(), ": label ", bad - begin, " is ", int{*bad}, ", but there are ",
                      num_classes, " classes, numbered from 0"),
                  "the file is damaged or belongs to a data set with other classes");
  }
}

}  // namespace

MnistData load_mnist(const fs::path& folder, Split split, const MnistOptions& options) {
  const KnownDataset& names = options.expected != nullptr ? *options.expected : mnist();
  const fs::path images_path = find_file(folder, names.images(split).name, options.expected);
  const fs::path labels_path = find_file(folder, names.labels(split).name, options.expected);
  const size_t first_file = split == Split::train ? 0 : 2;

  MnistData data;
  data.images = read_idx(images_path);
  check_images(images_path, data.images);
  const Tensor labels = read_idx(labels_path);
  check_labels(labels_path, labels, options.num_classes);
  data.labels = labels.to(int64);

  const std::optional<Identity> images_are = identify(data.images), labels_are = identify(labels);
  check_identity(images_path, images_are, first_file, options.expected);
  check_identity(labels_path, labels_are, first_file + 1, options.expected);
  if (images_are && labels_are && images_are->dataset != labels_are->dataset) {
    throw IoError(op,
                  str(images_path.string(), " holds ", images_are->describe(), ", but ",
                      labels_path.string(), " holds ", labels_are->describe()),
                  "files of two data sets were mixed; keep each in a folder of its own");
  }
  if (data.images.shape()[0] != labels.shape()[0]) {
    throw IoError(op,
                  str(images_path.string(), " has ", data.images.shape()[0], " images, but ",
                      labels_path.string(), " has ", labels.shape()[0], " labels"),
                  "the two files do not belong together; get both again");
  }
  if (images_are && labels_are) data.known = images_are->dataset;
  return data;
}

TensorDataset as_dataset(const MnistData& data, const Normalization& normalization) {
  const Shape& shape = data.images.shape();
  return {data.images.reshape({shape[0], 1, shape[1], shape[2]}), data.labels, normalization};
}

}  // namespace gradus::data
