#include "catalog.h"

namespace gradus::data {

namespace {

constexpr const char* train_images = "train-images-idx3-ubyte";
constexpr const char* train_labels = "train-labels-idx1-ubyte";
constexpr const char* test_images = "t10k-images-idx3-ubyte";
constexpr const char* test_labels = "t10k-labels-idx1-ubyte";

KnownDataset describe_mnist() {
  return {.key = "mnist",
          .title = "MNIST",
          .folder = "MNIST",
          .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
          .normalization = {.mean = 0.1307, .std = 0.3081},
          .mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                      "https://storage.googleapis.com/cvdf-datasets/mnist/",
                      "https://raw.githubusercontent.com/fgnt/mnist/master/"},
          .files = {{{train_images, 9912422,
                      "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
                     {train_labels, 28881,
                      "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
                     {test_images, 1648877,
                      "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
                     {test_labels, 4542,
                      "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}}};
}

KnownDataset describe_fashion_mnist() {
  return {.key = "fashion-mnist",
          .title = "Fashion-MNIST",
          .folder = "FashionMNIST",
          .classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                      "Sneaker", "Bag", "Ankle boot"},
          .normalization = {.mean = 0.2860, .std = 0.3530},
          .mirrors = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/"
                      "fashion/"},
          .files = {{{train_images, 26421880,
                      "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
                     {train_labels, 29515,
                      "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
                     {test_images, 4422102,
                      "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
                     {test_labels, 5148,
                      "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}}}};
}

}  // namespace

const char* name_of(Split split) {
  return split == Split::train ? "training" : "test";
}

const KnownDataset& mnist() {
  return known_datasets()[0];
}

const KnownDataset& fashion_mnist() {
  return known_datasets()[1];
}

std::span<const KnownDataset> known_datasets() {
  static const std::array<KnownDataset, 2> all = {describe_mnist(), describe_fashion_mnist()};
  return all;
}

}  // namespace gradus::data
