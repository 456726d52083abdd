#include "mnist.h"

#include <algorithm>
#include <optional>

#include "../core/ops.h"
#include "digests.h"
#include "file.h"
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

/// Data sets whose files have the same names as those of `dataset`.
std::vector<const KnownDataset*> namesakes(const KnownDataset& dataset) {
  std::vector<const KnownDataset*> found;
  for (const KnownDataset& known : known_datasets()) {
    if (known.files.front().name == dataset.files.front().name) found.push_back(&known);
  }
  return found;
}

std::vector<fs::path> folders_below(const fs::path& folder, const KnownDataset* expected) {
  std::vector<fs::path> folders = {folder};
  if (expected == nullptr) {
    for (const KnownDataset* known : namesakes(mnist())) {
      folders.push_back(folder / known->folder / "raw");
    }
    return folders;
  }
  folders.push_back(folder / expected->folder / "raw");
  if (!expected->archive.empty()) folders.push_back(folder / "gzip");  // as it is unpacked
  return folders;
}

[[noreturn]] void fail_missing(const fs::path& folder, const std::string& name,
                               const KnownDataset* expected) {
  std::string places;
  for (const fs::path& place : folders_below(folder, expected)) {
    places += (places.empty() ? "" : ", ") + place.string();
  }
  std::string hint = str("accepted names are ", spellings(name)[0], " and ", spellings(name)[1],
                         ", each also with .gz");
  if (expected != nullptr && !expected->archive.empty()) {
    hint += str("; they come in ", expected->archive, ", to be unpacked in ", folder.string());
  }
  throw IoError(op, str("there is no file ", name, " in ", places), hint);
}

fs::path find_file(const fs::path& folder, const KnownFile& file, const KnownDataset* expected) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw IoError(op, str("there is no folder ", folder.string()),
                  str("give the folder that holds ", file.name, ".gz and its siblings"));
  }
  for (const fs::path& place : folders_below(folder, expected)) {
    for (const std::string& spelling : spellings(file.name)) {
      if (fs::is_regular_file(place / spelling, error)) return place / spelling;
    }
  }
  fail_missing(folder, file.name, expected);
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

std::optional<Identity> identify(FileDigests digests) {
  for (const KnownDataset& known : known_datasets()) {
    for (size_t i = 0; i < known.files.size(); ++i) {
      if (digests.match(known.files[i])) return Identity{&known, i};
    }
  }
  return std::nullopt;
}

/// An IDX file, and which one it is.
struct Read {
  fs::path path;
  Tensor content;
  std::optional<Identity> identity;
};

Read read(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file("read_idx", path);
  Read file{path, parse_idx(bytes, path.string()), {}};
  file.identity = identify(FileDigests(bytes, file.content));
  return file;
}

/// Throws where a file is known to be something else than what it is taken for.
void check_identity(const Read& read, size_t file, const KnownDataset* expected) {
  const std::optional<Identity>& found = read.identity;
  const fs::path& path = read.path;
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

[[noreturn]] void fail_label(const fs::path& path, int64_t index, int64_t label,
                             int64_t num_classes) {
  throw IoError(op,
                str(path.string(), ": label ", index, " is ", label, ", but there are ",
                    num_classes, " classes, numbered from 0"),
                "the file is damaged or belongs to a data set with other classes");
}

bool is_qmnist_labels(const Tensor& content) {
  return content.dtype() == int32 && content.dim() == 2 && content.size(1) == 8;
}

/// The labels in a file as int64 [N], checked.
Tensor class_labels(const fs::path& path, const Tensor& content, int64_t num_classes) {
  const bool bytes = content.dtype() == uint8 && content.dim() == 1;
  if (!bytes && !is_qmnist_labels(content)) {
    const bool images = content.dtype() == uint8 && content.dim() == 3;
    throw IoError(op,
                  str(path.string(),
                      images ? " is an image file (magic 2051) where labels "
                               "(2049) are expected: "
                             : " does not hold labels: ",
                      name_of(content.dtype()), " ", content.shape()),
                  "label files hold bytes of shape [N], those of QMNIST int32 [N,8]");
  }
  Tensor labels = (bytes ? content : content.select(1, 0)).to(int64).contiguous();
  const int64_t* const begin = labels.data<int64_t>();
  const int64_t* const end = begin + labels.numel();
  const int64_t* const bad =
      std::find_if(begin, end, [&](int64_t y) { return y < 0 || y >= num_classes; });
  if (bad != end) fail_label(path, bad - begin, *bad, num_classes);
  return labels;
}

int64_t class_count(const MnistOptions& options) {
  if (options.num_classes != 0) return options.num_classes;
  return options.expected == nullptr ? 10 : static_cast<int64_t>(options.expected->classes.size());
}

/// Throws where images and labels are not of each other.
void check_pair(const Read& images, const Read& labels) {
  if (images.identity && labels.identity && images.identity->dataset != labels.identity->dataset) {
    throw IoError(op,
                  str(images.path.string(), " holds ", images.identity->describe(), ", but ",
                      labels.path.string(), " holds ", labels.identity->describe()),
                  "files of two data sets were mixed; keep each in a folder of its own");
  }
  if (images.content.size(0) != labels.content.size(0)) {
    throw IoError(op,
                  str(images.path.string(), " has ", images.content.size(0), " images, but ",
                      labels.path.string(), " has ", labels.content.size(0), " labels"),
                  "the two files do not belong together; get both again");
  }
}

std::string doubt_about(const Read& other, const Read& published) {
  return str(other.path.filename().string(), " is not the published file, although ",
             published.path.filename().string(), " holds ", published.identity->describe());
}

}  // namespace

MnistData load_mnist(const fs::path& folder, Split split, const MnistOptions& options) {
  const KnownDataset& names = options.expected != nullptr ? *options.expected : mnist();
  if (names.format != Format::idx) {
    throw ValueError(op, str(names.title, " does not come as IDX files"), "use load_cifar");
  }
  const fs::path images_path = find_file(folder, names.images(split), options.expected);
  const fs::path labels_path = find_file(folder, names.labels(split), options.expected);
  const size_t first_file = split == Split::train ? 0 : 2;

  const Read images = read(images_path);
  check_images(images_path, images.content);
  const Read labels = read(labels_path);
  MnistData data;
  data.labels = class_labels(labels_path, labels.content, class_count(options));
  check_identity(images, first_file, options.expected);
  check_identity(labels, first_file + 1, options.expected);
  check_pair(images, labels);
  data.images = names.transposed ? images.content.transpose(1, 2).contiguous() : images.content;
  if (images.identity && labels.identity) data.known = images.identity->dataset;
  if (images.identity && !labels.identity) data.doubt = doubt_about(labels, images);
  if (!images.identity && labels.identity) data.doubt = doubt_about(images, labels);
  return data;
}

TensorDataset as_dataset(const MnistData& data, const std::vector<Normalization>& normalization) {
  const Shape& shape = data.images.shape();
  return {data.images.reshape({shape[0], 1, shape[1], shape[2]}), data.labels, normalization};
}

QmnistLabels read_qmnist_labels(const fs::path& path) {
  const Tensor all = read_idx(path);
  if (!is_qmnist_labels(all)) {
    throw IoError(
        "read_qmnist_labels",
        str(path.string(), " holds ", name_of(all.dtype()), " ", all.shape(), ", not int32 [N,8]"),
        "give qmnist-train-labels-idx2-int or qmnist-test-labels-idx2-int");
  }
  const auto column = [&](int64_t i) { return all.select(1, i).contiguous(); };
  return {.digit = column(0),
          .hsf_series = column(1),
          .writer = column(2),
          .writer_digit = column(3),
          .nist_class = column(4),
          .global_digit = column(5),
          .duplicate = column(6),
          .unused = column(7)};
}

}  // namespace gradus::data
