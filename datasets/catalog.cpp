#include "catalog.h"

#include <algorithm>

#include "../core/base/error.h"

namespace gradus::data {

namespace {

constexpr const char* train_images = "train-images-idx3-ubyte";
constexpr const char* train_labels = "train-labels-idx1-ubyte";
constexpr const char* test_images = "t10k-images-idx3-ubyte";
constexpr const char* test_labels = "t10k-labels-idx1-ubyte";

std::vector<std::string> digits() {
  return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

KnownDataset describe_mnist() {
  return {
      .key = "mnist",
      .title = "MNIST",
      .folder = "MNIST",
      .classes = digits(),
      .normalization = {{.mean = 0.1307, .std = 0.3081}},
      .mirrors = {"https://ossci-datasets.s3.amazonaws.com/mnist/",
                  "https://storage.googleapis.com/cvdf-datasets/mnist/",
                  "https://raw.githubusercontent.com/fgnt/mnist/master/"},
      .files = {
          {train_images, 9912422,
           "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
          {train_labels, 28881, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
          {test_images, 1648877,
           "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
          {test_labels, 4542, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}};
}

KnownDataset describe_fashion_mnist() {
  return {
      .key = "fashion-mnist",
      .title = "Fashion-MNIST",
      .folder = "FashionMNIST",
      .classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                  "Sneaker", "Bag", "Ankle boot"},
      .normalization = {{.mean = 0.2860, .std = 0.3530}},
      .mirrors = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/"
                  "fashion/"},
      .files = {
          {train_images, 26421880,
           "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
          {train_labels, 29515, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
          {test_images, 4422102,
           "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
          {test_labels, 5148, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}}};
}

KnownDataset describe_kmnist() {
  return {.key = "kmnist",
          .title = "KMNIST",
          .folder = "KMNIST",
          .classes = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"},
          .normalization = {{.mean = 0.1904, .std = 0.3475}},
          .mirrors = {"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
          .files = {{train_images, 18165135, "",
                     "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"},
                    {train_labels, 29497, "",
                     "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"},
                    {test_images, 3041136, "",
                     "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"},
                    {test_labels, 5120, "",
                     "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}}};
}

KnownDataset describe_qmnist() {
  return {.key = "qmnist",
          .title = "QMNIST",
          .folder = "QMNIST",
          .classes = digits(),
          .normalization = describe_mnist().normalization,  // the same digits
          .mirrors = {"https://raw.githubusercontent.com/facebookresearch/qmnist/master/"},
          .files = {{"qmnist-train-images-idx3-ubyte", 0, "",
                     "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d"},
                    {"qmnist-train-labels-idx2-int", 0, "",
                     "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f"},
                    {"qmnist-test-images-idx3-ubyte", 0, "",
                     "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375"},
                    {"qmnist-test-labels-idx2-int", 0, "",
                     "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06"}}};
}

std::vector<std::string> letters(std::string_view text) {
  std::vector<std::string> all;
  for (const char c : text) all.emplace_back(1, c);
  return all;
}

std::vector<std::string> emnist_classes(std::string_view split) {
  constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view digits_and_upper = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (split == "byclass") return letters(std::string(digits_and_upper) + std::string(lower));
  // The other lower-case letters look like their capitals and are merged with them.
  if (split == "bymerge" || split == "balanced") {
    return letters(std::string(digits_and_upper) + "abdefghnqrt");
  }
  if (split != "letters") return digits();
  std::vector<std::string> classes = letters(lower);
  classes.insert(classes.begin(), "N/A");  // labels start at 1
  return classes;
}

KnownDataset describe_emnist(const std::string& split) {
  const std::string start = "emnist-" + split;
  return {.key = start,
          .title = "EMNIST " + split,
          .folder = "EMNIST",
          .classes = emnist_classes(split),
          .normalization = {{.mean = 0.1722, .std = 0.3309}},
          .archive = "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
          .transposed = true,
          .files = {{.name = start + "-train-images-idx3-ubyte"},
                    {.name = start + "-train-labels-idx1-ubyte"},
                    {.name = start + "-test-images-idx3-ubyte"},
                    {.name = start + "-test-labels-idx1-ubyte"}}};
}

KnownDataset describe_cifar10() {
  return {.key = "cifar10",
          .title = "CIFAR-10",
          .folder = "cifar-10-batches-bin",
          .format = Format::cifar10,
          .classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
                      "ship", "truck"},
          .normalization = {{.mean = 0.4914, .std = 0.2470},
                            {.mean = 0.4822, .std = 0.2435},
                            {.mean = 0.4465, .std = 0.2616}},
          .archive = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
          .files = {{.name = "data_batch_1.bin"},
                    {.name = "data_batch_2.bin"},
                    {.name = "data_batch_3.bin"},
                    {.name = "data_batch_4.bin"},
                    {.name = "data_batch_5.bin"},
                    {.name = "test_batch.bin"}}};
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
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

KnownDataset describe_cifar100() {
  return {.key = "cifar100",
          .title = "CIFAR-100",
          .folder = "cifar-100-binary",
          .format = Format::cifar100,
          .classes = words(cifar100_fine),
          .normalization = {{.mean = 0.5071, .std = 0.2673},
                            {.mean = 0.4865, .std = 0.2564},
                            {.mean = 0.4409, .std = 0.2762}},
          .archive = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
          .files = {{.name = "train.bin"}, {.name = "test.bin"}}};
}

std::vector<KnownDataset> describe_all() {
  std::vector<KnownDataset> all = {describe_mnist(), describe_fashion_mnist(), describe_kmnist(),
                                   describe_qmnist()};
  for (const char* split : {"byclass", "bymerge", "balanced", "letters", "digits", "mnist"}) {
    all.push_back(describe_emnist(split));
  }
  all.push_back(describe_cifar10());
  all.push_back(describe_cifar100());
  return all;
}

}  // namespace

const char* name_of(Split split) {
  return split == Split::train ? "training" : "test";
}

const KnownDataset& mnist() {
  return *find_dataset("mnist");
}

const KnownDataset& fashion_mnist() {
  return *find_dataset("fashion-mnist");
}

const KnownDataset& kmnist() {
  return *find_dataset("kmnist");
}

const KnownDataset& qmnist() {
  return *find_dataset("qmnist");
}

const KnownDataset& emnist(const std::string& split) {
  if (const KnownDataset* found = find_dataset("emnist-" + split)) return *found;
  throw ValueError("emnist", str("there is no split '", split, "'"),
                   "the splits are byclass, bymerge, balanced, letters, digits and mnist");
}

const KnownDataset& cifar10() {
  return *find_dataset("cifar10");
}

const KnownDataset& cifar100() {
  return *find_dataset("cifar100");
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
  for (const KnownDataset& known : known_datasets()) {
    if (known.key == key) return &known;
  }
  return nullptr;
}

}  // namespace gradus::data
