// NumPy's archives: what is read, and how a hostile one is caught.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "../../core/io/npy.h"
#include "../../core/ops.h"
#include "../../core/storage.h"
#include "../support/errors.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;

namespace {

NamedTensors two_tensors() {
  return {{"layer.weight", reshape(arange(0, 6, 1, float32), {2, 3})},
          {"über", tensor<int64_t>({1, 2, 3})}};
}

std::string file_with(const NamedTensors& tensors, bool compress) {
  const TemporaryFolder folder;
  save_npz(folder / "x.npz", tensors, {.compress = compress});
  return read_text(folder / "x.npz");
}

/// What loading these bytes says, without the name of the file.
constexpr std::string_view usual_hint =
    ". Hint: save it again, or copy it anew if it was damaged on the way";

std::string error_of(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = (folder / "x.npz").string();
  std::ofstream(path, std::ios::binary) << bytes;
  std::string message = without(message_of([&] { load_npz(path); }), usual_hint);
  for (size_t at = message.find(path); at != std::string::npos; at = message.find(path)) {
    message.replace(at, path.size(), "x.npz");
  }
  return message;
}

template <class T>
T number(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
std::string with(std::string bytes, size_t at, T value) {
  REQUIRE(at + sizeof value <= bytes.size());
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

/// Where the directory's line number `i` begins.
size_t directory_line(const std::string& bytes, int i) {
  size_t at = number<uint32_t>(bytes, bytes.size() - 22 + 16);
  for (; i > 0; --i) at += 46 + number<uint16_t>(bytes, at + 28);
  return at;
}

// Fields of a directory line.
constexpr size_t flags = 8, method = 10, checksum = 16, compressed = 20, size = 24, offset = 42,
                 name = 46;

}  // namespace

TEST_CASE("what is saved comes back in order, stored or compressed") {
  const TemporaryFolder folder;
  NamedTensors tensors = two_tensors();
  tensors.push_back({"none", zeros({0, 3})});
  tensors.push_back({"scalar", full({}, 7.5, float64)});
  tensors.push_back({"large", zeros({300, 1000})});
  for (bool compress : {false, true}) {
    save_npz(folder / "x.npz", tensors, {.compress = compress});
    const NamedTensors loaded = load_npz(folder / "x.npz");
    REQUIRE(loaded.size() == tensors.size());
    for (size_t i = 0; i < loaded.size(); ++i) {
      const Tensor &x = loaded[i].tensor, &y = tensors[i].tensor;
      CHECK(loaded[i].name == tensors[i].name);
      CHECK(x.shape() == y.shape());
      CHECK(x.dtype() == y.dtype());
      CHECK(allclose(x, y, {.rtol = 0, .atol = 0}));
    }
    CHECK((std::filesystem::file_size(folder / "x.npz") < 10'000) == compress);
  }
  save_npz(folder / "x.npz", {});
  CHECK(load_npz(folder / "x.npz").empty());
}

TEST_CASE("the same tensors give the same bytes") {
  CHECK(file_with(two_tensors(), true) == file_with(two_tensors(), true));
}

TEST_CASE("a comment behind the archive does no harm") {
  std::string bytes = file_with(two_tensors(), false);
  bytes = with<uint16_t>(bytes, bytes.size() - 2, 5) + "hello";
  CHECK(error_of(bytes) == "no error");
}

TEST_CASE("what is no archive, or a part of one, is refused") {
  CHECK(error_of("") ==
        "[load_npz] 'x.npz': it is no zip archive, or was cut: there is no directory at its end");
  const std::string good = file_with({{"a", ones({2})}}, true);
  const TemporaryFolder folder;
  std::ofstream(folder / "x.npz") << good.substr(1);
  CHECK(message_of([&] { load_npz(folder / "x.npz"); }).ends_with(usual_hint));
  for (size_t n = 0; n < good.size(); ++n) {
    CHECK(error_of(good.substr(0, n)) != "no error");
    CHECK(error_of(good.substr(n + 1)) != "no error");
  }
}

TEST_CASE("any changed byte gives an error or valid tensors, never a crash") {
  for (bool compress : {false, true}) {
    const std::string good = file_with({{"a", ones({2})}, {"b", tensor({true})}}, compress);
    int refused = 0;
    for (size_t i = 0; i < good.size(); ++i) {
      for (int change : {1, 16, 128}) {
        refused += error_of(with(good, i, static_cast<char>(good[i] ^ change))) != "no error";
      }
    }
    CHECK(refused > static_cast<int>(good.size()));
  }
}

TEST_CASE("an entry may not hold more than it declares: no bomb unfolds") {
  const std::string good = file_with({{"a", zeros({1000})}}, true);
  const size_t line = directory_line(good, 0);
  CHECK(error_of(with<uint32_t>(good, line + size, 4127)) ==
        "[load_npz] 'x.npz: a.npy': shape [1000] and type float32 need 4000 bytes, there are 3999. "
        "Hint: save it again with np.save, or copy it anew if it was damaged on the way");
  // An array of 999 in an entry that goes on.
  std::string longer = file_with({{"a", zeros({999})}}, false);
  longer = with<uint32_t>(longer, directory_line(longer, 0) + size, 100);
  CHECK(error_of(longer) == "[load_npz] 'x.npz': entry 'a.npy' of 4124 stored bytes declares 100");
}

TEST_CASE("an entry may not declare more than its bytes can hold: nothing is allocated for it") {
  const std::string good = file_with({{"a", zeros({1000})}}, true);
  const size_t line = directory_line(good, 0);
  const int64_t before = live_bytes();
  const std::string message = error_of(with<uint32_t>(good, line + size, 4'000'000'000));
  CHECK(message.find("entry 'a.npy' declares 4000000000 bytes, more than its ") !=
        std::string::npos);
  CHECK(error_of(with<uint32_t>(good, line + size, 4129)).find("need 4000 bytes, there are 4001") !=
        std::string::npos);
  CHECK(live_bytes() == before);
}

TEST_CASE("an honest archive that unfolds to hundreds of times its size is refused") {
  const std::string bomb =
      file_with({{"a", zeros({10'000'000})}, {"b", zeros({10'000'000})}}, true);
  REQUIRE(bomb.size() < 200'000);
  const int64_t before = live_bytes();
  const std::string message = error_of(bomb);
  CHECK(message.find("its entries declare more than 62914560 bytes") != std::string::npos);
  CHECK(message.ends_with("Hint: if it really holds so much, save it uncompressed"));
  CHECK(live_bytes() == before);
}

TEST_CASE("two names for the same bytes are refused: entries may not overlap") {
  const std::string good = file_with({{"a", zeros({50})}, {"b", zeros({50})}}, false);
  const size_t second = directory_line(good, 1);
  // The second line points at the first entry, and both headers agree on the name.
  std::string bad = with<uint32_t>(good, second + offset, 0);
  CHECK(error_of(bad) == "[load_npz] 'x.npz': entry 'b.npy' is named 'a.npy' in its own header");
  bad = with(bad, second + name, 'a');
  CHECK(error_of(bad) == "[load_npz] 'x.npz': the name 'a.npy' appears twice");
  // The first entry is said to reach into the second.
  bad = with<uint32_t>(good, directory_line(good, 0) + compressed, 400);
  bad = with<uint32_t>(bad, directory_line(good, 0) + size, 400);
  CHECK(error_of(bad) == "[load_npz] 'x.npz': its entries overlap");
}

TEST_CASE("an entry may not lie within the content of another one, whose headers are all right") {
  const std::string inner = file_with({{"b", zeros({50})}}, false);
  const size_t inner_end = directory_line(inner, 0);
  const std::vector<uint8_t> content(inner.begin(),
                                     inner.begin() + static_cast<int64_t>(inner_end));
  const std::string outer = file_with({{"a", tensor(content)}}, false);
  const size_t begin = directory_line(outer, 0), end = outer.size() - 22;
  const std::string line =
      with<uint32_t>(inner.substr(inner_end, inner.size() - 22 - inner_end), offset,
                     static_cast<uint32_t>(outer.find(inner.substr(0, inner_end))));
  std::string both = outer.substr(0, end) + line + outer.substr(end);
  const size_t new_end = both.size() - 22;
  both = with<uint16_t>(with<uint16_t>(both, new_end + 8, 2), new_end + 10, 2);
  both = with<uint32_t>(both, new_end + 12, static_cast<uint32_t>(new_end - begin));
  CHECK(error_of(both) == "[load_npz] 'x.npz': its entries overlap");
}

TEST_CASE("places and sizes beyond the file are refused") {
  const std::string good = file_with({{"a", zeros({50})}}, false);
  const size_t line = directory_line(good, 0), end = good.size() - 22;
  CHECK(error_of(with<uint32_t>(good, line + offset, 4'000'000'000)) ==
        "[load_npz] 'x.npz': entry 'a.npy' does not lie within the archive");
  CHECK(error_of(with<uint32_t>(with<uint32_t>(good, line + size, 4'000'000'000), line + compressed,
                                4'000'000'000)) ==
        "[load_npz] 'x.npz': entry 'a.npy' does not lie within the archive");
  CHECK(error_of(with<uint32_t>(good, line + offset, 1)) ==
        "[load_npz] 'x.npz': entry 'a.npy' has no header where the directory says");
  CHECK(error_of(with<uint32_t>(good, end + 16, 4'000'000'000)) ==
        "[load_npz] 'x.npz': its directory goes beyond the end of the file");
  CHECK(error_of(with<uint32_t>(good, end + 12, 4'000'000'000)) ==
        "[load_npz] 'x.npz': its directory goes beyond the end of the file");
  CHECK(error_of(with<uint16_t>(good, end + 10, 2)) ==
        "[load_npz] 'x.npz': its directory ends within entry 1 of 2");
  CHECK(error_of(with<uint16_t>(good, end + 10, 0)) ==
        "[load_npz] 'x.npz': its directory has 51 bytes too many");
  CHECK(error_of(with<uint16_t>(good, end + 10, 0xffff)) ==
        "[load_npz] 'x.npz': the 64-bit directory is missing");
  CHECK(error_of(with<uint16_t>(good, end + 4, 1)) ==
        "[load_npz] 'x.npz': it is spread over several files. Hint: save it as one file");
}

TEST_CASE("encryption, other methods, wrong checksums and other files are refused") {
  const std::string good = file_with({{"a", zeros({50})}}, false);
  const size_t line = directory_line(good, 0);
  CHECK(error_of(with<uint16_t>(good, line + flags, 1)) ==
        "[load_npz] 'x.npz': entry 'a.npy' is encrypted. Hint: save it without a password");
  CHECK(error_of(with<uint16_t>(good, line + method, 12)) ==
        "[load_npz] 'x.npz': entry 'a.npy' is compressed with method 12; 0 and 8 can be read. "
        "Hint: save it uncompressed");
  CHECK(error_of(with<uint32_t>(good, line + checksum, 0)) ==
        "[load_npz] 'x.npz': entry 'a.npy' is damaged: wrong checksum");
  CHECK(error_of(with(with(good, line + name + 4, 'Y'), 30 + 4, 'Y')) ==
        "[load_npz] 'x.npz': entry 'a.npY' is no .npy. Hint: an archive of arrays holds .npy files "
        "only");
  const std::string zipped = file_with({{"a", zeros({50})}}, true);
  CHECK(error_of(with(zipped, 30 + 5 + 20, char(-1))) != "no error");
}

TEST_CASE("a name is a key and never a path") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "inner");
  const std::string escaping = "../escaped";
  save_npz(folder / "inner" / "x.npz", {{escaping, ones({2})}, {"/absolute", ones({2})}});
  CHECK(load_npz(folder / "inner" / "x.npz")[0].name == escaping);
  CHECK_FALSE(std::filesystem::exists(folder / "escaped.npy"));
  CHECK_FALSE(std::filesystem::exists(folder / "escaped"));
}

TEST_CASE("what cannot be written is refused, and nothing is left behind") {
  const TemporaryFolder folder;
  const auto error = [&](const NamedTensors& tensors) {
    return message_of([&] { save_npz(folder / "x.npz", tensors); });
  };
  const Tensor x = ones({2});
  CHECK(error({{"x", x}, {"x", x}}) ==
        "[save_npz] the name 'x' appears twice. Hint: each array needs a name of its own");
  CHECK(error({{"", x}}) ==
        "[save_npz] a name is empty or has a zero byte. Hint: names become the names of files in "
        "the archive");
  CHECK(error({{std::string("a\0b", 3), x}}) ==
        "[save_npz] a name is empty or has a zero byte. Hint: names become the names of files in "
        "the archive");
  CHECK(error({{"x", Tensor()}}) ==
        "[save_npz] tensor 'x' is undefined. Hint: leave out what is not there");
  CHECK(error({{std::string(70'000, 'x'), x}})
            .find("does not fit any more. Hint: this form of zip") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
}
