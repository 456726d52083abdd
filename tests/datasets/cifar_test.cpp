#include "../../datasets/cifar.h"

#include "../../core/ops.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

namespace fs = std::filesystem;

/// A record: its labels, then 1024 bytes each of red, green and blue, whose first pixels count up.
ByteVector record(std::initializer_list<int> labels, int red) {
  ByteVector all = bytes(labels);
  for (int channel = 0; channel < 3; ++channel) {
    ByteVector plane(1024, static_cast<std::byte>(red + 10 * channel));
    plane[1] = std::byte{255};  // row 0, column 1
    all = std::move(all) + plane;
  }
  return all;
}

void write_cifar10(const fs::path& folder) {
  fs::create_directories(folder);
  for (int i = 1; i <= 5; ++i) {
    write_bytes(folder / str("data_batch_", i, ".bin"), record({i}, i) + record({9}, 100 + i));
  }
  write_bytes(folder / "test_batch.bin", record({7}, 70));
}

std::string load_error(const fs::path& folder, Split split, const KnownDataset& dataset) {
  return error_of<IoError>([&] { load_cifar(folder, split, dataset); });
}

}  // namespace

TEST_CASE("CIFAR-10 is read as red, green and blue planes, batch after batch") {
  const TemporaryFolder folder;
  write_cifar10(folder.path());
  const CifarData train = load_cifar(folder.path(), Split::train);
  CHECK(train.images.shape() == Shape{10, 3, 32, 32});
  CHECK(train.images.dtype() == uint8);
  CHECK(train.labels.to_vector<int64_t>() == std::vector<int64_t>{1, 9, 2, 9, 3, 9, 4, 9, 5, 9});
  CHECK_FALSE(train.coarse_labels.defined());
  const Tensor last = train.images.select(0, 9);
  for (int64_t c = 0; c < 3; ++c) {
    CHECK(last.select(0, c).select(0, 0).to_vector<uint8_t>()[1] == 255);
    CHECK(last.select(0, c).select(0, 31).to_vector<uint8_t>()[31] == 105 + 10 * c);
  }
  const CifarData test = load_cifar(folder.path(), Split::test);
  CHECK(test.labels.to_vector<int64_t>() == std::vector<int64_t>{7});
}

TEST_CASE("CIFAR is found in the folder that its archive unpacks to") {
  const TemporaryFolder folder;
  write_cifar10(folder / "cifar-10-batches-bin");
  CHECK(load_cifar(folder.path(), Split::train).labels.shape() == Shape{10});
}

TEST_CASE("CIFAR-100 has coarse and fine labels") {
  const TemporaryFolder folder;
  write_bytes(folder / "train.bin", record({19, 99}, 1) + record({0, 4}, 2) + record({3, 0}, 3));
  const CifarData data = load_cifar(folder.path(), Split::train, cifar100());
  CHECK(data.labels.to_vector<int64_t>() == std::vector<int64_t>{99, 4, 0});
  CHECK(data.coarse_labels.to_vector<int64_t>() == std::vector<int64_t>{19, 0, 3});
  CHECK(data.images.select(0, 1).select(0, 2).to_vector<uint8_t>()[0] == 22);
  CHECK(cifar100().classes.size() == 100);
  CHECK(cifar100().classes[99] == "worm");
  CHECK(cifar100_coarse_classes().size() == 20);
  CHECK(cifar100_coarse_classes()[0] == "aquatic_mammals");
}

TEST_CASE("as a data set, each channel is normalized by its own mean and deviation") {
  const TemporaryFolder folder;
  write_cifar10(folder.path());
  const TensorDataset dataset =
      as_dataset(load_cifar(folder.path(), Split::test), cifar10().normalization);
  const auto [x, y] = dataset.get(0);
  CHECK(x.shape() == Shape{3, 32, 32});
  CHECK(y.item() == 7);
  const std::vector<float> v = x.to_vector<float>();
  CHECK(v[0] == doctest::Approx((70 / 255.0 - 0.4914) / 0.2470));
  CHECK(v[1024] == doctest::Approx((80 / 255.0 - 0.4822) / 0.2435));
  CHECK(v[2048] == doctest::Approx((90 / 255.0 - 0.4465) / 0.2616));
}

TEST_CASE("a missing CIFAR file is named with where to get it") {
  const TemporaryFolder folder;
  const std::string text = load_error(folder.path(), Split::train, cifar10());
  CHECK(contains(text, "there is no file data_batch_1.bin in "));
  CHECK(contains(text, "cifar-10-binary.tar.gz"));
  fs::create_directories(folder / "cifar-100-python");
  CHECK(
      contains(load_error(folder.path(), Split::test, cifar100()), "the Python version, pickled"));
  CHECK_THROWS_AS(load_cifar(folder.path(), Split::train, mnist()), ValueError);
}

TEST_CASE("damaged CIFAR files are recognized") {
  const ByteVector two = record({1}, 1) + record({10}, 2);
  const auto parse = [](const ByteVector& content, Format format) {
    return error_of<IoError>([&] { parse_cifar(content, format, "batch"); });
  };
  CHECK(contains(parse(two, Format::cifar10), "batch: a label of record 1 is 10"));
  CHECK(contains(parse(record({20, 3}, 1), Format::cifar100), "label of record 0 is 20"));
  CHECK(contains(parse(record({1, 100}, 1), Format::cifar100), "label of record 0 is 100"));
  CHECK(contains(parse(ByteVector(two.begin(), two.end() - 1), Format::cifar10),
                 "has 6145 bytes, which is no number of records of 3073 bytes"));
  CHECK(contains(parse({}, Format::cifar10), "has 0 bytes"));
  CHECK(contains(parse(record({1}, 1), Format::cifar100), "records of 3074 bytes"));
}
