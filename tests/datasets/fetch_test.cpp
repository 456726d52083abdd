#include "../../datasets/fetch.h"

#include <atomic>
#include <thread>

#include "../../core/io/input_file.h"
#include "../../core/io/sha256.h"
#include "../../core/ops.h"
#include "../../datasets/download.h"
#include "../../datasets/idx.h"
#include "../support/process.h"
#include "local_server.h"
#include "scripted_server.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

namespace fs = std::filesystem;

/// A data set of four small files, written to `folder` for a server to hand out.
KnownDataset publish(const fs::path& folder) {
  KnownDataset dataset{.key = "tiny", .title = "Tiny", .folder = "Tiny"};
  const std::array<Tensor, 4> contents = {full({3, 2, 2}, 1, uint8), tensor<uint8_t>({1, 2, 3}),
                                          full({2, 2, 2}, 9, uint8), tensor<uint8_t>({4, 5})};
  const std::array<const char*, 4> names = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                            "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  for (size_t i = 0; i < 4; ++i) {
    const fs::path path = folder / (std::string(names[i]) + ".gz");
    write_idx(path, contents[i]);
    dataset.files.push_back({.name = names[i],
                             .bytes = static_cast<int64_t>(fs::file_size(path)),
                             .sha256 = payload_sha256(contents[i])});
  }
  return dataset;
}

/// Fetches into `folder` and returns how many downloads were started.
int fetch_counting(const KnownDataset& dataset, const fs::path& folder,
                   const std::vector<std::string>& mirrors) {
  int downloads = 0;
  fetch(dataset, folder, {.mirrors = mirrors, .notify = [&](const std::string&) { ++downloads; }});
  return downloads;
}

std::string fetch_error(const KnownDataset& dataset, const fs::path& folder,
                        const FetchOptions& options) {
  return error_of<IoError>([&] { fetch(dataset, folder, options); });
}

/// Names in a folder, without the lock.
std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != ".lock") names.push_back(entry.path().filename().string());
  }
  return names;
}

}  // namespace

TEST_CASE("a download brings the bytes of an address, or says why not") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site;
  write_bytes(site / "a", bytes("hello"));
  const LocalServer server(site.path());
  if (!server.runs()) return;
  CHECK(download(server.address() + "a") == bytes("hello"));
  CHECK(contains(error_of<IoError>([&] { download(server.address() + "b"); }), "404"));
  CHECK(contains(error_of<IoError>([&] { download(server.address() + "a", {.max_bytes = 4}); }),
                 "more than 4 bytes"));
  CHECK(contains(error_of<IoError>([&] { download("file:///etc/hostname"); }), "file"));
  CHECK(contains(error_of<IoError>([&] { download(dead_mirror); }), dead_mirror));
}

TEST_CASE("fetching gets four verified files, and nothing the second time") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const LocalServer server(site.path());
  if (!server.runs()) return;
  const fs::path folder = cache / "not/yet/there";
  CHECK(fetch_counting(dataset, folder, {server.address()}) == 4);
  CHECK(files_in(folder).size() == 4);
  CHECK(read_idx(folder / "train-labels-idx1-ubyte.gz").shape() == Shape{3});
  CHECK(fetch_counting(dataset, folder, {dead_mirror}) == 0);
}

TEST_CASE("what a killed process left half written is removed by the next that fetches") {
  const TemporaryFolder cache;
  const KnownDataset dataset = publish(cache.path());  // all there: nothing to download
  const std::string killed = ".gradus-" + std::to_string(test::ended_process());
  const std::string half = killed + "-0-train-labels-idx1-ubyte.gz.tmp";
  const std::string of_another = killed + "-0-weights.safetensors.tmp";
  write_bytes(cache / half, bytes("half"));
  write_bytes(cache / of_another, bytes("half"));
  write_bytes(cache / "notes.tmp", bytes("mine"));
  CHECK(fetch_counting(dataset, cache.path(), {dead_mirror}) == 0);
  CHECK_FALSE(fs::exists(cache / half));
  CHECK(fs::exists(cache / of_another));
  CHECK(fs::exists(cache / "notes.tmp"));
}

TEST_CASE("the next mirror is asked where one fails, and the good one is kept") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const LocalServer server(site.path());
  if (!server.runs()) return;
  std::string without_slash = server.address();
  without_slash.pop_back();
  const std::vector<std::string> mirrors = {dead_mirror, server.address() + "nothing/here/",
                                            without_slash};
  CHECK(fetch_counting(dataset, cache.path(), mirrors) == 2 + 4);
}

TEST_CASE("an error page, a wrong file and a truncated file are never put in place") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const fs::path victim = site / "train-images-idx3-ubyte.gz";
  const char* expected = nullptr;
  SUBCASE("error page") {
    write_bytes(victim, bytes("<!DOCTYPE html><html>Sorry</html>"));
    expected = "HTML page";
  }
  SUBCASE("wrong content") {
    write_idx(victim, full({3, 2, 2}, 2, uint8));
    expected = "wrong content: SHA-256";
  }
  SUBCASE("truncated") {
    fs::resize_file(victim, fs::file_size(victim) - 1);
    expected = "the gzip data ends early";
  }
  const LocalServer server(site.path());
  if (!server.runs()) return;
  const std::string text = fetch_error(dataset, cache.path(), {.mirrors = {server.address()}});
  CHECK(contains(text, "no mirror delivers train-images-idx3-ubyte.gz of Tiny"));
  CHECK(contains(text, expected));
  CHECK(files_in(cache.path()).empty());
}

TEST_CASE("a file compressed in another way is the same file") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const fs::path file = site / "t10k-labels-idx1-ubyte.gz";
  write_idx(site / "raw", read_idx(file));
  fs::rename(site / "raw", file);  // not compressed at all
  const LocalServer server(site.path());
  if (!server.runs()) return;
  CHECK(fetch_counting(dataset, cache.path(), {server.address()}) == 4);
}

TEST_CASE("a damaged file in the cache is downloaded again, the others are not") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const LocalServer server(site.path());
  if (!server.runs()) return;
  fetch(dataset, cache.path(), {.mirrors = {server.address()}});
  fs::resize_file(cache / "t10k-images-idx3-ubyte.gz", 20);
  CHECK(fetch_counting(dataset, cache.path(), {server.address()}) == 1);
  CHECK(read_idx(cache / "t10k-images-idx3-ubyte.gz").shape() == Shape{2, 2, 2});
}

TEST_CASE("without a network the message says what to put where") {
  const TemporaryFolder site, cache;
  KnownDataset dataset = publish(site.path());
  dataset.mirrors = {dead_mirror};
  const std::string text = fetch_error(dataset, cache.path(), {});
  CHECK(contains(text, "Hint: without a network, put these files into " + cache.path().string()));
  for (const KnownFile& file : dataset.files) {
    CHECK(contains(text, str(file.name, ".gz  ", file.bytes, " bytes  ", dead_mirror, file.name)));
  }
}

TEST_CASE("a mirror that is silent is given up") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const ScriptedServer server([](const Exchange& exchange) { exchange.stall(); });
  const std::string text =
      fetch_error(dataset, cache.path(), {.mirrors = {server.address()}, .stall_seconds = 1});
  CHECK(contains(text, "no mirror delivers"));
  CHECK_THROWS_AS(fetch(dataset, cache.path(), {.stall_seconds = 0}), ValueError);
}

TEST_CASE("two at the same time download once") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  const LocalServer server(site.path());
  if (!server.runs()) return;
  std::atomic<int> downloads = 0;
  const auto run = [&] {
    fetch(dataset, cache.path(),
          {.mirrors = {server.address()}, .notify = [&](const std::string& line) {
             downloads += line.starts_with("downloading");
           }});
  };
  std::thread other(run);
  run();
  other.join();
  CHECK(downloads == 4);
}

TEST_CASE("a folder that cannot be made is an error") {
  const TemporaryFolder site, cache;
  const KnownDataset dataset = publish(site.path());
  write_bytes(cache / "file", bytes("x"));
  CHECK(contains(fetch_error(dataset, cache / "file/below", {}), "cannot make the folder"));
}

TEST_CASE("a data set can be verified by the checksums of its compressed files") {
  if (!can_test_downloads()) return;
  const TemporaryFolder site, cache;
  KnownDataset dataset = publish(site.path());
  for (KnownFile& file : dataset.files) {
    file.gzip_sha256 = sha256(read_file("test", site / (file.name + ".gz")));
    file.sha256.clear();
    file.bytes = 0;  // not known either
  }
  const LocalServer server(site.path());
  if (!server.runs()) return;
  CHECK(fetch_counting(dataset, cache.path(), {server.address()}) == 4);
  CHECK(fetch_counting(dataset, cache.path(), {dead_mirror}) == 0);
  dataset.files[1].gzip_sha256[0] = dataset.files[1].gzip_sha256[0] == 'a' ? 'b' : 'a';
  CHECK(contains(fetch_error(dataset, cache.path(), {.mirrors = {server.address()}}),
                 "wrong content: SHA-256 "));
}

TEST_CASE("nothing is fetched that cannot be verified") {
  const TemporaryFolder cache;
  CHECK(contains(error_of<ValueError>([&] { fetch(emnist("digits"), cache.path()); }),
                 "no checksum is known for emnist-digits-train-images-idx3-ubyte"));
  KnownDataset own{.key = "own", .title = "Own", .folder = "Own"};
  own.files.push_back({.name = "images"});
  CHECK(error_of<ValueError>([&] { fetch(own, cache.path()); }) ==
        "[fetch] no checksum is known for images of Own. Hint: give its sha256 or gzip_sha256");
  CHECK(files_in(cache.path()).empty());
}
