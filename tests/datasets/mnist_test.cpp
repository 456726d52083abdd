#include "../../datasets/mnist.h"

#include "../../core/ops.h"
#include "../../datasets/idx.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

const std::filesystem::path fashion_folder = "/usr/share/datasets/fashion-mnist";

bool has_fashion() {
  if (std::filesystem::exists(fashion_folder)) return true;
  MESSAGE("skipped: needs the Debian package dataset-fashion-mnist");
  return false;
}

constexpr const char* images_name = "train-images-idx3-ubyte";
constexpr const char* labels_name = "train-labels-idx1-ubyte";

/// Three images of 4 x 5 pixels, all of the value 7.
Tensor three_images() {
  return full({3, 4, 5}, 7, uint8);
}
Tensor three_labels() {
  return tensor<uint8_t>({5, 0, 9});
}

void write_pair(const std::filesystem::path& folder, const Tensor& images = three_images(),
                const Tensor& labels = three_labels()) {
  std::filesystem::create_directories(folder);
  write_idx(folder / images_name, images);
  write_idx(folder / labels_name, labels);
}

std::string load_error(const std::filesystem::path& folder, const MnistOptions& options = {}) {
  return error_of<IoError>([&] { load_mnist(folder, Split::train, options); });
}

}  // namespace

TEST_CASE("images of any size and their labels are read") {
  const TemporaryFolder folder;
  write_pair(folder.path());
  const MnistData data = load_mnist(folder.path(), Split::train);
  CHECK(data.images.shape() == Shape{3, 4, 5});
  CHECK(data.images.dtype() == uint8);
  CHECK(data.labels.to_vector<int64_t>() == std::vector<int64_t>{5, 0, 9});
  CHECK(data.known == nullptr);
}

TEST_CASE("every spelling in every place is accepted") {
  for (const char* place : {"", "MNIST/raw", "FashionMNIST/raw"}) {
    for (const char* dot : {"-", "."}) {
      for (const char* ending : {"", ".gz"}) {
        CAPTURE(place);
        CAPTURE(dot);
        CAPTURE(ending);
        const TemporaryFolder folder;
        std::filesystem::create_directories(folder / place);
        const std::string d = dot, e = ending;
        write_idx(folder / place / ("t10k-images" + d + "idx3-ubyte" + e), three_images());
        write_idx(folder / place / ("t10k-labels" + d + "idx1-ubyte" + e), three_labels());
        CHECK(load_mnist(folder.path(), Split::test).labels.shape() == Shape{3});
      }
    }
  }
}

TEST_CASE("an expected data set is not looked for in the folder of another") {
  const TemporaryFolder folder;
  write_pair(folder / "FashionMNIST/raw");
  CHECK(contains(load_error(folder.path(), {.expected = &mnist()}), "there is no file"));
  CHECK(load_mnist(folder.path(), Split::train, {.expected = &fashion_mnist()}).images.defined());
}

TEST_CASE("a missing file is named with the places and spellings that were tried") {
  const TemporaryFolder folder;
  const std::string text = load_error(folder.path());
  CHECK(contains(text, "[load_mnist] there is no file train-images-idx3-ubyte in "));
  CHECK(contains(text, "MNIST/raw"));
  CHECK(contains(text, "train-images.idx3-ubyte"));
  CHECK(contains(load_error(folder / "none"), "there is no folder"));
}

TEST_CASE("images and labels taken for each other are recognized") {
  const TemporaryFolder folder;
  write_pair(folder.path(), three_labels());
  CHECK(contains(load_error(folder.path()), "is a label file (magic 2049)"));
  write_pair(folder.path(), three_images(), three_images());
  CHECK(contains(load_error(folder.path()), "is an image file (magic 2051)"));
  write_pair(folder.path(), zeros({3, 4, 5}, float32));
  CHECK(contains(load_error(folder.path()), "does not hold images: float32 [3,4,5]"));
  write_pair(folder.path(), three_images(), zeros({3, 2}, int32));
  CHECK(contains(load_error(folder.path()), "does not hold labels: int32 [3,2]"));
}

TEST_CASE("images and labels must be as many") {
  const TemporaryFolder folder;
  write_pair(folder.path(), full({2, 4, 5}, 1, uint8));
  const std::string text = load_error(folder.path());
  CHECK(contains(text, "has 2 images"));
  CHECK(contains(text, "has 3 labels"));
}

TEST_CASE("a label beyond the classes is an error that says where") {
  const TemporaryFolder folder;
  write_pair(folder.path(), three_images(), tensor<uint8_t>({1, 10, 2}));
  CHECK(contains(load_error(folder.path()), "label 1 is 10, but there are 10 classes"));
  CHECK(load_mnist(folder.path(), Split::train, {.num_classes = 11}).labels.shape() == Shape{3});
}

TEST_CASE("a damaged file is named") {
  const TemporaryFolder folder;
  write_pair(folder.path());
  write_bytes(folder / images_name, bytes("<!DOCTYPE html>"));
  CHECK(contains(load_error(folder.path()), "HTML page"));
}

TEST_CASE("as a data set, images have a channel and are normalized") {
  const TemporaryFolder folder;
  write_pair(folder.path(), full({3, 4, 5}, 255, uint8));
  const TensorDataset dataset =
      as_dataset(load_mnist(folder.path(), Split::train), mnist().normalization);
  const auto [x, y] = dataset.get(2);
  CHECK(x.shape() == Shape{1, 4, 5});
  CHECK(x.to_vector<float>()[0] == doctest::Approx((1 - 0.1307) / 0.3081));
  CHECK(y.item() == 9);
}

TEST_CASE("Fashion-MNIST is recognized by its checksums") {
  if (!has_fashion()) return;
  const MnistData data = load_mnist(fashion_folder, Split::test);
  CHECK(data.known == &fashion_mnist());
  CHECK(data.images.shape() == Shape{10000, 28, 28});
  CHECK(data.known->classes[static_cast<size_t>(data.labels.data<int64_t>()[0])] == "Ankle boot");
}

TEST_CASE("Fashion-MNIST is not taken for MNIST, nor test images for training images") {
  if (!has_fashion()) return;
  const std::string text =
      error_of<IoError>([] { load_mnist(fashion_folder, Split::test, {.expected = &mnist()}); });
  CHECK(contains(text, "holds the test images of Fashion-MNIST, but MNIST was asked for"));
  CHECK(contains(text, "Hint: ask for fashion-mnist"));

  const TemporaryFolder folder;
  std::filesystem::create_symlink(fashion_folder / "t10k-images-idx3-ubyte.gz",
                                  folder / "train-images-idx3-ubyte.gz");
  write_idx(folder / labels_name, zeros({10000}, uint8));
  CHECK(contains(load_error(folder.path()), "holds the test images of Fashion-MNIST"));
}

// --- Relatives of MNIST --------------------------------------------------------------------------

namespace {

/// One split of EMNIST: three images of 2 x 3 pixels as they lie in the file, labels 1, 26 and 5.
void write_letters(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_idx(folder / "emnist-letters-train-images-idx3-ubyte.gz",
            tensor<uint8_t>({1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 9}, {3, 2, 3}));
  write_idx(folder / "emnist-letters-train-labels-idx1-ubyte.gz", tensor<uint8_t>({1, 26, 5}));
}

}  // namespace

TEST_CASE("EMNIST's images are turned upright, and letters keep their labels from 1") {
  for (const char* place : {"", "EMNIST/raw", "gzip"}) {
    CAPTURE(place);
    const TemporaryFolder folder;
    write_letters(folder / place);
    const MnistData data =
        load_mnist(folder.path(), Split::train, {.expected = &emnist("letters")});
    CHECK(data.images.shape() == Shape{3, 3, 2});
    CHECK(data.images.select(0, 0).to_vector<uint8_t>() == std::vector<uint8_t>{1, 4, 2, 5, 3, 6});
    CHECK(data.images.is_contiguous());
    CHECK(data.labels.to_vector<int64_t>() == std::vector<int64_t>{1, 26, 5});
    CHECK(data.known == nullptr);  // no checksums are published
  }
}

TEST_CASE("EMNIST's splits have their classes") {
  CHECK(emnist("letters").classes.size() == 27);
  CHECK(emnist("letters").classes[0] == "N/A");
  CHECK(emnist("letters").classes[26] == "z");
  CHECK(emnist("byclass").classes.size() == 62);
  CHECK(emnist("byclass").classes[10] == "A");
  CHECK(emnist("byclass").classes[61] == "z");
  CHECK(emnist("bymerge").classes.size() == 47);
  CHECK(emnist("balanced").classes[46] == "t");
  CHECK(emnist("digits").classes.size() == 10);
  CHECK(emnist("mnist").files[3].name == "emnist-mnist-test-labels-idx1-ubyte");
  CHECK(contains(error_of<ValueError>([] { emnist("words"); }), "there is no split 'words'"));
}

TEST_CASE("a missing file of EMNIST is named with the archive that has it") {
  const TemporaryFolder folder;
  const std::string text = load_error(folder.path(), {.expected = &emnist("balanced")});
  CHECK(contains(text, "there is no file emnist-balanced-train-images-idx3-ubyte in "));
  CHECK(contains(text, "/gzip"));
  CHECK(contains(text, "EMNIST/gzip.zip, to be unpacked in " + folder.path().string()));
}

TEST_CASE("of QMNIST's labels the digit is taken, and the others can be read") {
  const TemporaryFolder folder;
  write_idx(folder / "qmnist-test-images-idx3-ubyte", full({2, 4, 4}, 1, uint8));
  write_idx(
      folder / "qmnist-test-labels-idx2-int.gz",
      tensor<int32_t>({5, 0, 2099, 17, 53, 1234, 0, 0, 8, 4, 700, 3, 56, 99999, 1, 0}, {2, 8}));
  const MnistData data = load_mnist(folder.path(), Split::test, {.expected = &qmnist()});
  CHECK(data.labels.to_vector<int64_t>() == std::vector<int64_t>{5, 8});

  const QmnistLabels labels = read_qmnist_labels(folder / "qmnist-test-labels-idx2-int.gz");
  CHECK(labels.digit.to_vector<int32_t>() == std::vector<int32_t>{5, 8});
  CHECK(labels.hsf_series.to_vector<int32_t>() == std::vector<int32_t>{0, 4});
  CHECK(labels.writer.to_vector<int32_t>() == std::vector<int32_t>{2099, 700});
  CHECK(labels.writer_digit.to_vector<int32_t>() == std::vector<int32_t>{17, 3});
  CHECK(labels.nist_class.to_vector<int32_t>() == std::vector<int32_t>{53, 56});
  CHECK(labels.global_digit.to_vector<int32_t>() == std::vector<int32_t>{1234, 99999});
  CHECK(labels.duplicate.to_vector<int32_t>() == std::vector<int32_t>{0, 1});
  CHECK(labels.unused.to_vector<int32_t>() == std::vector<int32_t>{0, 0});
  CHECK(contains(
      error_of<IoError>([&] { read_qmnist_labels(folder / "qmnist-test-images-idx3-ubyte"); }),
      "holds uint8 [2,4,4], not int32 [N,8]"));
}

TEST_CASE("a label of QMNIST that is no digit is an error") {
  const TemporaryFolder folder;
  write_idx(folder / "qmnist-train-images-idx3-ubyte", full({1, 4, 4}, 1, uint8));
  write_idx(folder / "qmnist-train-labels-idx2-int",
            tensor<int32_t>({-1, 0, 0, 0, 0, 0, 0, 0}, {1, 8}));
  CHECK(contains(load_error(folder.path(), {.expected = &qmnist()}), "label 0 is -1"));
}

TEST_CASE("known data sets have names and files of their own") {
  for (const KnownDataset& known : known_datasets()) {
    CAPTURE(known.key);
    CHECK(find_dataset(known.key) == &known);
    CHECK(known.classes.size() >= 10);
    CHECK(known.mirrors.empty() != known.archive.empty());
    CHECK((known.normalization.size() == 1) == (known.format == Format::idx));
    for (const KnownFile& file : known.files) {
      CHECK(file.sha256.size() % 64 == 0);
      CHECK(file.gzip_sha256.size() % 64 == 0);
      CHECK((file.sha256.empty() && file.gzip_sha256.empty()) == known.mirrors.empty());
    }
  }
  CHECK(find_dataset("imagenet") == nullptr);
  CHECK_THROWS_AS(load_mnist(".", Split::train, {.expected = &cifar10()}), ValueError);
}

TEST_CASE("one file that is not the published one, beside one that is, is named") {
  if (!has_fashion()) return;
  const TemporaryFolder folder;
  std::filesystem::create_symlink(fashion_folder / "t10k-images-idx3-ubyte.gz",
                                  folder / "t10k-images-idx3-ubyte.gz");
  write_idx(folder / "t10k-labels-idx1-ubyte", zeros({10000}, uint8));
  const MnistData data = load_mnist(folder.path(), Split::test);
  CHECK(data.known == nullptr);
  CHECK(data.doubt ==
        "t10k-labels-idx1-ubyte is not the published file, although "
        "t10k-images-idx3-ubyte.gz holds the test images of Fashion-MNIST");
  CHECK(load_mnist(fashion_folder, Split::test).doubt.empty());
}
