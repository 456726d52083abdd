#include "../../datasets/open_dataset.h"

#include "../../core/ops.h"
#include "../../datasets/fetch.h"
#include "../../datasets/idx.h"
#include "local_server.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

namespace fs = std::filesystem;

const fs::path fashion_folder = "/usr/share/datasets/fashion-mnist";

bool has_fashion() {
  if (fs::exists(fashion_folder)) return true;
  MESSAGE("skipped: needs the Debian package dataset-fashion-mnist");
  return false;
}

/// Your own data: six training images and two test images of 8 x 8 pixels.
void write_own_data(const fs::path& folder) {
  write_idx(folder / "train-images-idx3-ubyte", full({6, 8, 8}, 50, uint8));
  write_idx(folder / "train-labels-idx1-ubyte", full({6}, 3, uint8));
  write_idx(folder / "t10k-images-idx3-ubyte.gz", full({2, 8, 8}, 60, uint8));
  write_idx(folder / "t10k-labels-idx1-ubyte.gz", full({2}, 4, uint8));
}

/// Options under which nothing of this machine is seen.
OpenOptions isolated(const TemporaryFolder& folder) {
  return {.allow_download = false,
          .cache = folder / "cache",
          .system = folder / "system",
          .synthetic_train = 30,
          .synthetic_test = 20};
}

/// No data folder of the person who runs the tests.
struct NoDataDirectory {
  ScopedEnvironment unset{"GRADUS_DATA_DIR", nullptr};
};

bool one_line(const std::string& text) {
  return text.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE_FIXTURE(NoDataDirectory, "test data alone needs no training files") {
  const TemporaryFolder folder;
  write_own_data(folder.path());
  std::filesystem::remove(folder / "train-images-idx3-ubyte");
  const Found found = open_dataset({.directory = folder.path(), .test_only = true});
  CHECK(found.train == nullptr);
  CHECK(found.test->size() == 2);
  CHECK(found.folder == folder.path());
  CHECK_THROWS_AS(open_dataset({.directory = folder.path()}), IoError);
  OpenOptions synthetic = isolated(folder);
  synthetic.test_only = true;
  CHECK(open_dataset(synthetic).train == nullptr);
  CHECK(open_dataset(synthetic).folder.empty());
}

TEST_CASE_FIXTURE(NoDataDirectory, "synthetic digits are there when nothing else is") {
  const TemporaryFolder folder;
  const Found found = open_dataset(isolated(folder));
  CHECK(found.name == "synthetic digits");
  CHECK(found.why == str("synthetic digits, because no directory was given, nothing is cached, "
                         "downloading was not allowed and there is no ",
                         (folder / "system/fashion-mnist").string()));
  CHECK(found.train->size() == 30);
  CHECK(found.test->size() == 20);
  CHECK(found.classes.size() == 10);
  CHECK(found.train->get(0).x.shape() == Shape{1, 28, 28});
  CHECK(found.train->get(0).x.dtype() == float32);
}

TEST_CASE("synthetic digits on request need no reason") {
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.name = "synthetic";
  CHECK(open_dataset(options).why == "synthetic digits, as asked for");
}

TEST_CASE_FIXTURE(NoDataDirectory,
                  "a failed download is told in one line, then the next is taken") {
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.allow_download = true;
  options.mirrors = {dead_mirror};
  const Found found = open_dataset(options);
  CHECK(found.name == "synthetic digits");
  CHECK(one_line(found.why));
  CHECK(contains(found.why, can_download() ? "the download failed: no mirror delivers"
                                           : "this build cannot download"));
  if (can_download()) CHECK(contains(found.why, dead_mirror));      // and the mirror's own reason
  CHECK(contains(open_dataset(options).why, "nothing is cached"));  // what failed left nothing
}

TEST_CASE_FIXTURE(NoDataDirectory, "a directory is taken as it is given") {
  const TemporaryFolder folder;
  write_own_data(folder.path());
  OpenOptions options = isolated(folder);
  options.directory = folder.path();
  const Found found = open_dataset(options);
  CHECK(found.train->size() == 6);
  CHECK(found.test->get(1).x.shape() == Shape{1, 8, 8});
  CHECK(found.test->get(1).y.item() == 4);
  CHECK(contains(found.why, "data in the format of MNIST from " + folder.path().string() +
                                ", given by the directory option"));
}

TEST_CASE("GRADUS_DATA_DIR is a directory too, but an option comes first") {
  const TemporaryFolder folder, other;
  write_own_data(folder.path());
  const ScopedEnvironment variable("GRADUS_DATA_DIR", folder.path().c_str());
  OpenOptions options = isolated(other);
  CHECK(contains(open_dataset(options).why, "given by GRADUS_DATA_DIR"));
  options.directory = other.path();
  CHECK_THROWS_AS(open_dataset(options), IoError);
}

TEST_CASE_FIXTURE(NoDataDirectory, "a problem with a given directory is an error") {
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.directory = folder / "none";
  CHECK(contains(error_of<IoError>([&] { open_dataset(options); }), "there is no folder"));
  write_own_data(folder.path());
  write_bytes(folder / "train-labels-idx1-ubyte", {});
  options.directory = folder.path();
  CHECK(contains(error_of<IoError>([&] { open_dataset(options); }), "the file is empty"));
}

TEST_CASE_FIXTURE(NoDataDirectory, "a named data set that is nowhere is an error") {
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.name = "mnist";
  CHECK(contains(error_of<IoError>([&] { open_dataset(options); }),
                 "cannot find MNIST: no directory was given, nothing is cached"));
  if (can_download()) {
    options.allow_download = true;
    options.mirrors = {dead_mirror};
    const std::string text = error_of<IoError>([&] { open_dataset(options); });
    CHECK(contains(text, "train-images-idx3-ubyte.gz  9912422 bytes  https://"));
  }
  options.name = "imagenet";
  CHECK(contains(error_of<ValueError>([&] { open_dataset(options); }),
                 "known are auto, synthetic, mnist, fashion-mnist, kmnist"));
}

TEST_CASE_FIXTURE(NoDataDirectory, "what is cached must have the right checksums") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "cache/mnist");
  write_own_data(folder / "cache/mnist");
  const Found found = open_dataset(isolated(folder));
  CHECK(found.name == "synthetic digits");
  CHECK(contains(found.why, "the cache cannot be used"));
  CHECK(contains(found.why, "does not hold MNIST: the checksums differ"));
}

TEST_CASE("the cache follows XDG_CACHE_HOME, then HOME") {
  const ScopedEnvironment home("HOME", "/home/ada");
  {
    const ScopedEnvironment xdg("XDG_CACHE_HOME", "/var/ada");
    CHECK(default_cache() == "/var/ada/gradus");
  }
  const ScopedEnvironment xdg("XDG_CACHE_HOME", nullptr);
  CHECK(default_cache() == "/home/ada/.cache/gradus");
  const ScopedEnvironment homeless("HOME", nullptr);
  CHECK(default_cache().empty());
}

TEST_CASE_FIXTURE(NoDataDirectory, "Fashion-MNIST of the system is better than synthetic digits") {
  if (!has_fashion()) return;
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.system = fashion_folder.parent_path();
  const Found found = open_dataset(options);
  CHECK(found.name == "Fashion-MNIST");
  CHECK(contains(found.why,
                 "Fashion-MNIST from /usr/share/datasets/fashion-mnist, because no directory"));
  CHECK(found.train->size() == 60000);
  CHECK(found.classes[9] == "Ankle boot");
  CHECK(found.normalization[0].mean == 0.2860);
}

TEST_CASE_FIXTURE(NoDataDirectory, "a download is kept in the cache") {
  if (!has_fashion() || !can_test_downloads()) return;
  const LocalServer server(fashion_folder);
  if (!server.runs()) return;
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.name = "fashion-mnist";
  options.allow_download = true;
  options.mirrors = {server.address()};
  CHECK(contains(open_dataset(options).why, "Fashion-MNIST downloaded to "));
  options.allow_download = false;
  CHECK(open_dataset(options).why == str("Fashion-MNIST from ",
                                         (folder / "cache/fashion-mnist").string(),
                                         ", because no directory was given"));
}

TEST_CASE_FIXTURE(
    NoDataDirectory,
    "data without published checksums is taken by its name, and said to be unverified") {
  const TemporaryFolder folder;
  for (const char* part : {"train", "test"}) {
    const std::string start = str("emnist-letters-", part);
    write_idx(folder / (start + "-images-idx3-ubyte"), full({3, 28, 28}, 1, uint8));
    write_idx(folder / (start + "-labels-idx1-ubyte"), tensor<uint8_t>({1, 26, 9}));
  }
  OpenOptions options = isolated(folder);
  options.name = "emnist-letters";
  options.directory = folder.path();
  const Found found = open_dataset(options);
  CHECK(found.key == "emnist-letters");
  CHECK(found.classes.size() == 27);
  CHECK_FALSE(found.verified);
  CHECK(contains(found.why, "no checksums are known"));
  CHECK(found.train->get(1).y.item() == 26);
}

TEST_CASE_FIXTURE(NoDataDirectory, "CIFAR is opened by name, in colour") {
  const TemporaryFolder folder;
  const ByteVector records(3 * 3074);
  fs::create_directories(folder / "cache/cifar100/cifar-100-binary");
  for (const char* name : {"train.bin", "test.bin"}) {
    write_bytes(folder / "cache/cifar100/cifar-100-binary" / name, records);
  }
  OpenOptions options = isolated(folder);
  options.name = "cifar100";
  const Found found = open_dataset(options);
  CHECK(found.key == "cifar100");
  CHECK(found.normalization.size() == 3);
  CHECK(found.classes.size() == 100);
  CHECK(found.test->get(2).x.shape() == Shape{3, 32, 32});
}

TEST_CASE_FIXTURE(NoDataDirectory, "what comes as an archive is asked for, not downloaded") {
  const TemporaryFolder folder;
  OpenOptions options = isolated(folder);
  options.allow_download = true;
  for (const char* name : {"cifar10", "emnist-balanced"}) {
    options.name = name;
    const std::string text = error_of<IoError>([&] { open_dataset(options); });
    CHECK(contains(text, "it comes as one archive, https://www."));
    CHECK(contains(text, "Hint: unpack the archive in " + (folder / "cache" / name).string()));
  }
}

TEST_CASE_FIXTURE(NoDataDirectory,
                  "three published files and another one are not taken in silence") {
  if (!has_fashion()) return;
  const TemporaryFolder folder;
  for (const char* name :
       {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"}) {
    fs::create_symlink(fs::path("/usr/share/datasets/fashion-mnist") / name, folder / name);
  }
  write_idx(folder / "t10k-labels-idx1-ubyte", zeros({10000}, uint8));
  OpenOptions options = isolated(folder);
  options.directory = folder.path();
  const Found found = open_dataset(options);
  CHECK(!found.verified);
  CHECK(found.name == "data in the format of Fashion-MNIST");
  CHECK(contains(found.why,
                 "; t10k-labels-idx1-ubyte is not the published file, although "
                 "t10k-images-idx3-ubyte.gz holds the test images of Fashion-MNIST"));
}
