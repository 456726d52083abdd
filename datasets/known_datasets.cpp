#include "known_datasets.h"

#include <algorithm>
#include <array>

#include "../core/base/error.h"

namespace gradus::data {

namespace {

/// "a b c" as a list of words.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

constexpr std::string_view ten_digits = "0 1 2 3 4 5 6 7 8 9";
constexpr std::string_view upper = " A B C D E F G H I J K L M N O P Q R S T U V W X Y Z";
constexpr std::string_view lower = " a b c d e f g h i j k l m n o p q r s t u v w x y z";

using FourTexts = std::array<std::string, 4>;

/// The files of a data set like MNIST: images and labels, for training and for testing.
std::vector<KnownFile> four_files(const FourTexts& names, const std::array<int64_t, 4>& bytes = {},
                                  const FourTexts& sha256 = {}, const FourTexts& gzip_sha256 = {}) {
  std::vector<KnownFile> files;
  for (size_t i = 0; i < 4; ++i) files.push_back({names[i], bytes[i], sha256[i], gzip_sha256[i]});
  return files;
}

std::vector<KnownDataset> relatives_of_mnist() {
  const FourTexts names = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  return {
      {.key = "mnist",
       .title = "MNIST",
       .folder = "MNIST",
       .classes = words(ten_digits),
       .normalization = {{.mean = 0.1307, .std = 0.3081}},
       .mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                   "https://storage.googleapis.com/cvdf-datasets/mnist/",
                   "https://raw.githubusercontent.com/fgnt/mnist/master/"},
       .files = four_files(names, {9912422, 28881, 1648877, 4542},
                           {"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"})},
      {.key = "fashion-mnist",
       .title = "Fashion-MNIST",
       .folder = "FashionMNIST",
       .classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                   "Sneaker", "Bag", "Ankle boot"},
       .normalization = {{.mean = 0.2860, .std = 0.3530}},
       .mirrors =
           {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"},
       .files = four_files(names, {26421880, 29515, 4422102, 5148},
                           {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"})},
      {.key = "kmnist",
       .title = "KMNIST",
       .folder = "KMNIST",
       .classes = words("o ki su tsu na ha ma ya re wo"),
       .normalization = {{.mean = 0.1904, .std = 0.3475}},
       .mirrors = {"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
       .files = four_files(names, {18165135, 29497, 3041136, 5120}, {},
                           {"51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"})},
      {.key = "qmnist",
       .title = "QMNIST",
       .folder = "QMNIST",
       .classes = words(ten_digits),
       .normalization = {{.mean = 0.1307, .std = 0.3081}},  // the same digits
       .mirrors = {"https://raw.githubusercontent.com/facebookresearch/qmnist/master/"},
       .files = four_files({"qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int",
                            "qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"},
                           {}, {},
                           {"9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d",
                            "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
                            "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375",
                            "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06"})}};
}

std::vector<std::string> emnist_classes(std::string_view split) {
  if (split == "byclass") return words(str(ten_digits, upper, lower));
  // The other lower-case letters look like their capitals and are merged with them.
  if (split == "bymerge" || split == "balanced")
    return words(str(ten_digits, upper, " a b d e f g h n q r t"));
  return words(split == "letters" ? str("N/A", lower)
                                  : std::string(ten_digits));  // labels start at 1
}

// As in fine_label_names.txt and coarse_label_names.txt of the archive.
constexpr std::string_view cifar100_fine =
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
    "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
    "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo "
    "keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse "
    "mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy "
    "porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
    "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television "
    "tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm";
constexpr std::string_view cifar100_coarse =
    "aquatic_mammals fish flowers food_containers fruit_and_vegetables "
    "household_electrical_devices household_furniture insects large_carnivores "
    "large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores "
    "medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 "
    "vehicles_2";

std::vector<KnownDataset> describe_all() {
  std::vector<KnownDataset> all = relatives_of_mnist();
  for (const char* split : {"byclass", "bymerge", "balanced", "letters", "digits", "mnist"}) {
    const std::string key = str("emnist-", split);
    all.push_back(
        {.key = key,
         .title = str("EMNIST ", split),
         .folder = "EMNIST",
         .classes = emnist_classes(split),
         .normalization = {{.mean = 0.1722, .std = 0.3309}},
         .archive = "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
         .transposed = true,
         .files = four_files({key + "-train-images-idx3-ubyte", key + "-train-labels-idx1-ubyte",
                              key + "-test-images-idx3-ubyte", key + "-test-labels-idx1-ubyte"})});
  }
  all.push_back({.key = "cifar10",
                 .title = "CIFAR-10",
                 .folder = "cifar-10-batches-bin",
                 .format = Format::cifar10,
                 .classes = words("airplane automobile bird cat deer dog frog horse ship truck"),
                 .normalization = {{0.4914, 0.2470}, {0.4822, 0.2435}, {0.4465, 0.2616}},
                 .archive = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"});
  for (int i = 1; i <= 5; ++i) all.back().files.push_back({str("data_batch_", i, ".bin")});
  all.back().files.push_back({"test_batch.bin"});
  all.push_back({.key = "cifar100",
                 .title = "CIFAR-100",
                 .folder = "cifar-100-binary",
                 .format = Format::cifar100,
                 .classes = words(cifar100_fine),
                 .normalization = {{0.5071, 0.2673}, {0.4865, 0.2564}, {0.4409, 0.2762}},
                 .archive = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                 .files = {{"train.bin"}, {"test.bin"}}});
  return all;
}

}  // namespace

const char* name_of(Split split) {
  return split == Split::train ? "training" : "test";
}

const KnownDataset& emnist(const std::string& split) {
  const KnownDataset* const found = find_dataset("emnist-" + split);
  require(found != nullptr, "emnist",
          "the splits are byclass, bymerge, balanced, letters, digits and mnist",
          "there is no split '", split, "'");
  return *found;
}

std::span<const std::string> cifar100_coarse_classes() {
  static const std::vector<std::string> classes = words(cifar100_coarse);
  return classes;
}

std::span<const KnownDataset> known_datasets() {
  static const std::vector<KnownDataset> all = describe_all();
  return all;
}

const KnownDataset* find_dataset(std::string_view key) {
  const auto all = known_datasets();
  const auto found = std::ranges::find(all, key, &KnownDataset::key);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace gradus::data
