#include "mnist.h"

#include <algorithm>

#include "../core/io/deflate.h"
#include "../core/io/input_file.h"
#include "../core/io/sha256.h"
#include "../core/ops.h"
#include "idx.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* mnist_op = "load_mnist";

// --- Finding the files ---------------------------------------------------------------------------

/// The names under which people have a file; uncompressed ones first, they are read faster.
std::vector<std::string> spellings(const std::string& name) {
  std::string dotted = name;  // as some programs unpack it, after the name inside the .gz
  if (const size_t hyphen = name.rfind("-idx"); hyphen != std::string::npos) dotted[hyphen] = '.';
  return {name, dotted, name + ".gz", dotted + ".gz"};
}

/// Where the files of `expected` may be; those of MNIST's namesakes if nothing is expected.
std::vector<fs::path> folders_below(const fs::path& folder, const KnownDataset* expected) {
  std::vector<fs::path> folders = {folder};
  const auto add = [&](const KnownDataset& known) {
    folders.push_back(folder / known.folder / "raw");
    if (!known.archive.empty()) folders.push_back(folder / "gzip");  // as it is unpacked
  };
  if (expected != nullptr) add(*expected);
  for (const KnownDataset& known : known_datasets()) {
    if (expected == nullptr && known.files[0].name == mnist().files[0].name) add(known);
  }
  return folders;
}

fs::path find_file(const fs::path& folder, const KnownFile& file, const KnownDataset* expected) {
  std::error_code error;
  require<IoError>(fs::is_directory(folder, error), mnist_op,
                   str("give the folder that holds ", file.name, ".gz and its siblings"),
                   "there is no folder ", folder.string());
  const std::vector<std::string> names = spellings(file.name);
  std::vector<std::string> places;
  for (const fs::path& place : folders_below(folder, expected)) {
    for (const std::string& name : names) {
      if (fs::is_regular_file(place / name, error)) return place / name;
    }
    places.push_back(place.string());
  }
  std::string hint =
      str("accepted names are ", names[0], " and ", names[1], ", each also with .gz");
  if (expected != nullptr && !expected->archive.empty()) {
    hint += str("; they come in ", expected->archive, ", to be unpacked in ", folder.string());
  }
  throw IoError(mnist_op, str("there is no file ", file.name, " in ", joined(places)), hint);
}

// --- Telling what a file is ----------------------------------------------------------------------

/// An IDX file, and the known one that it is, if it is one.
struct Read {
  fs::path path;
  Tensor content;
  const KnownDataset* dataset = nullptr;
  size_t file = 0;  ///< index into KnownDataset::files

  explicit Read(const fs::path& p) : path(p) {
    const std::vector<std::byte> bytes = read_file("read_idx", path);
    content = parse_idx(bytes, path.string());
    recognize(payload_sha256(content));
    if (dataset == nullptr && is_gzip(bytes)) recognize(sha256(bytes));
  }
  void recognize(const std::string& digest) {
    for (const KnownDataset& known : known_datasets()) {
      const auto found = std::ranges::find(known.files, digest, &KnownFile::digest);
      if (found == known.files.end()) continue;
      dataset = &known;
      file = static_cast<size_t>(found - known.files.begin());
    }
  }
  /// "a/train-images-idx3-ubyte holds the test images of MNIST"; only for a known one.
  std::string describe(const std::string& name) const {
    return str(name, " holds the ", file < 2 ? "training " : "test ",
               file % 2 == 0 ? "images" : "labels", " of ", dataset->title);
  }
};

/// Throws if a file is known to be something else than what it is taken for.
void check_identity(const Read& read, size_t file, const KnownDataset* expected) {
  if (read.dataset == nullptr) return;
  const std::string found = read.describe(read.path.string());
  require<IoError>(read.file == file, mnist_op,
                   "its content belongs under another name; get the files again", found);
  if (expected == nullptr || read.dataset == expected) return;
  throw IoError(mnist_op, str(found, ", but ", expected->title, " was asked for"),
                str("ask for ", read.dataset->key, ", or give the folder of ", expected->title));
}

// --- Checking the contents -----------------------------------------------------------------------

bool is_bytes(const Tensor& content, int dims) {
  return content.dtype() == uint8 && content.dim() == dims;
}

bool is_qmnist_labels(const Tensor& content) {
  return content.dtype() == int32 && content.dim() == 2 && content.size(1) == 8;
}

/// The labels in a file as int64 [N], checked.
Tensor class_labels(const Read& read, int64_t num_classes) {
  const std::string path = read.path.string();
  const bool bytes = is_bytes(read.content, 1);
  const char* const problem =
      is_bytes(read.content, 3)
          ? " is an image file (magic 2051) where labels (2049) are expected: "
          : " does not hold labels: ";
  require<IoError>(bytes || is_qmnist_labels(read.content), mnist_op,
                   "label files hold bytes of shape [N], those of QMNIST int32 [N,8]", path,
                   problem, read.content.dtype(), " ", read.content.shape());
  Tensor labels = (bytes ? read.content : read.content.select(1, 0)).to(int64).contiguous();
  const int64_t* const data = labels.data<int64_t>();
  for (int64_t i = 0; i < labels.numel(); ++i) {
    require<IoError>(data[i] >= 0 && data[i] < num_classes, mnist_op,
                     "the file is damaged or belongs to a data set with other classes", path,
                     ": label ", i, " is ", data[i], ", but there are ", num_classes,
                     " classes, numbered from 0");
  }
  return labels;
}

std::string doubt_about(const Read& other, const Read& published) {
  return str(other.path.filename().string(), " is not the published file, although ",
             published.describe(published.path.filename().string()));
}

}  // namespace

MnistData load_mnist(const fs::path& folder, Split split, const MnistOptions& options) {
  const KnownDataset& names = options.expected != nullptr ? *options.expected : mnist();
  require(names.format == Format::idx, mnist_op, "use load_cifar", names.title,
          " does not come as IDX files");
  const fs::path images_path = find_file(folder, names.images(split), options.expected);
  const fs::path labels_path = find_file(folder, names.labels(split), options.expected);
  const size_t first_file = split == Split::train ? 0 : 2;

  const Read images(images_path);
  const Tensor& x = images.content;
  require<IoError>(is_bytes(x, 3), mnist_op, "image files hold bytes of shape [N, height, width]",
                   images_path.string(),
                   is_bytes(x, 1)
                       ? " is a label file (magic 2049) where images (2051) are expected: "
                       : " does not hold images: ",
                   x.dtype(), " ", x.shape());
  const Read labels(labels_path);
  const auto classes = static_cast<int64_t>(names.classes.size());
  MnistData data;
  data.labels = class_labels(labels, options.num_classes != 0 ? options.num_classes : classes);
  check_identity(images, first_file, options.expected);
  const bool any = options.expected == nullptr;
  check_identity(labels, first_file + 1, any ? images.dataset : options.expected);
  require<IoError>(x.size(0) == labels.content.size(0), mnist_op,
                   "the two files do not belong together; get both again", images_path.string(),
                   " has ", x.size(0), " images, but ", labels_path.string(), " has ",
                   labels.content.size(0), " labels");
  data.images = names.transposed ? x.transpose(1, 2).contiguous() : x;
  if (images.dataset == labels.dataset) {
    data.known = images.dataset;
  } else {
    data.doubt =
        images.dataset != nullptr ? doubt_about(labels, images) : doubt_about(images, labels);
  }
  return data;
}

TensorDataset as_dataset(const MnistData& data, const std::vector<Normalization>& normalization) {
  return {data.images.unsqueeze(1), data.labels, normalization};
}

QmnistLabels read_qmnist_labels(const fs::path& path) {
  const Tensor all = read_idx(path);
  require<IoError>(is_qmnist_labels(all), "read_qmnist_labels",
                   "give qmnist-train-labels-idx2-int or qmnist-test-labels-idx2-int",
                   path.string(), " holds ", all.dtype(), " ", all.shape(), ", not int32 [N,8]");
  const auto column = [&](int64_t i) { return all.select(1, i).contiguous(); };
  return {column(0), column(1), column(2), column(3), column(4), column(5), column(6), column(7)};
}

}  // namespace gradus::data
