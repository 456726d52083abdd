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
