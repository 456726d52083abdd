// Safetensors files: what is read, what is refused, and that writing is all or nothing.
#include "../../core/io/safetensors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "../../core/base/error.h"
#include "../../core/ops.h"
#include "../../core/storage.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "../support/paths.h"
#include "../support/processor_time.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

using test::message_of;
using test::read_text;
using test::TemporaryFolder;
using test::without;

/// A file with this header and data.
std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

SafeTensors parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes.data(), bytes.size())), "test");
}

constexpr std::string_view usual_hint =
    ". Hint: copy it anew if it was damaged on the way, or save it again";

std::string error_of(const std::string& header, const std::string& data = "") {
  return without(message_of([&] { parse(file_of(header, data)); }), usual_hint);
}

std::string one_tensor(const std::string& dtype, const std::string& shape,
                       const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

DType dtype_named(const std::string& name) {
  const std::map<std::string, DType> types{{"F32", float32}, {"F64", float64}, {"I64", int64},
                                           {"I32", int32},   {"U8", uint8},    {"BOOL", boolean}};
  return types.at(name);
}

std::vector<double> values_of(const Tensor& t) {
  return t.to(float64).to_vector<double>();
}

void check_equal(const SafeTensors& found, const nlohmann::json& expected) {
  CHECK(found.tensors.size() == expected.size());
  for (const auto& item : expected.items()) {
    CAPTURE(item.key());
    const nlohmann::json& want = item.value();
    const Tensor& t = found.at(item.key());
    CHECK(t.dtype() == dtype_named(want["dtype"]));
    CHECK(std::vector<int64_t>(t.shape().begin(), t.shape().end()) == want["shape"]);
    std::vector<double> values;
    for (const auto& v : want["values"]) {
      values.push_back(v.is_boolean() ? (v.get<bool>() ? 1.0 : 0.0) : v.get<double>());
    }
    CHECK(values_of(t) == values);
  }
}

NamedTensors all_types() {
  return {{"mask", tensor({true, false, true})},
          {"half.weight", tensor({1.5F, -2.0F, 3.25F, 0.0F}, {2, 2})},
          {"wide", tensor({1e300, -0.0, std::numeric_limits<double>::infinity()})},
          {"steps", tensor(std::initializer_list<int64_t>{1LL << 60}, {})},
          {"small", tensor(std::initializer_list<int32_t>{-1, 2})},
          {"bytes", tensor(std::initializer_list<uint8_t>{0, 255, 7})},
          {"none", Tensor::empty({0, 4})}};
}

}  // namespace

TEST_CASE("the files of the conformance suite are accepted or refused as it says") {
  const fs::path folder = fs::path(test::source_folder()) / "tests/conformance";
  std::ifstream in(folder / "safetensors_files.json");
  const auto manifest = nlohmann::json::parse(in);
  CHECK(manifest["cases"].size() == 32);
  for (const auto& item : manifest["cases"]) {
    const std::string file = item["file"];
    CAPTURE(file);
    if (item["kind"] == "accepts") {
      check_equal(load_safetensors(folder / file), item["tensors"]);
    } else {
      CHECK_THROWS_AS(load_safetensors(folder / file), IoError);
      CHECK_THROWS_WITH(load_safetensors(folder / file), doctest::Contains(file.c_str()));
    }
  }
}

TEST_CASE("what is saved comes back: every type, shape, name and text") {
  const TemporaryFolder folder;
  const NamedTensors tensors = all_types();
  save_safetensors(folder / "a.safetensors", tensors, {{"epoch", "3"}, {"note", "\"ü\"\n"}});
  const SafeTensors loaded = load_safetensors(folder / "a.safetensors");
  CHECK(loaded.metadata == std::map<std::string, std::string>{{"epoch", "3"}, {"note", "\"ü\"\n"}});
  CHECK(loaded.tensors.size() == tensors.size());
  for (const NamedTensor& saved : tensors) {
    CAPTURE(saved.name);
    const Tensor& t = saved.tensor;
    const Tensor& back = loaded.at(saved.name);
    CHECK(back.dtype() == t.dtype());
    CHECK(back.shape() == t.shape());
    CHECK(std::memcmp(back.raw_data(), t.raw_data(), static_cast<size_t>(t.nbytes())) == 0);
    CHECK_FALSE(back.requires_grad());
  }
  CHECK_THROWS_WITH_AS(
      loaded.at("nope"),
      "[safetensors] no tensor 'nope' among 7. Hint: names are those of the file, as in .tensors",
      IoError);
}

TEST_CASE("a view is saved as the elements it shows, and nothing is recorded") {
  const TemporaryFolder folder;
  Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  x.requires_grad_();
  const Tape tape;
  const Tensor y = transpose(x, 0, 1);
  const size_t entries = tape.size();
  save_safetensors(folder / "a", {{"y", y}});
  CHECK(tape.size() == entries);
  CHECK(load_safetensors(folder / "a").at("y").to_vector<double>() ==
        std::vector<double>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("the bytes of a file depend on its contents alone, and data is aligned") {
  const TemporaryFolder folder;
  save_safetensors(folder / "a", all_types(), {{"b", "1"}, {"a", "2"}});
  save_safetensors(folder / "b", all_types(), {{"a", "2"}, {"b", "1"}});
  CHECK(read_text(folder / "a") == read_text(folder / "b"));
  const SafeTensors loaded = load_safetensors(folder / "a");
  std::vector<std::string> order;
  for (const NamedTensor& t : loaded.tensors) order.push_back(t.name);
  CHECK(order ==
        std::vector<std::string>{"wide", "steps", "half.weight", "small", "none", "mask", "bytes"});
  save_safetensors(folder / "none", {});
  CHECK(load_safetensors(folder / "none").tensors.empty());
}

TEST_CASE("a bad header says what is wrong with it") {
  const std::string f32 = R"("F32")";
  CHECK(error_of(one_tensor(f32, "[2]", "[0,8]"), "12345678") == "no error");
  CHECK(message_of([] { parse(file_of("[]", "")); }).ends_with(usual_hint));
  CHECK(error_of(one_tensor(R"("BF16")", "[2]", "[0,4]"), "1234") ==
        "[load_safetensors] 'test': tensor 'a' has the unsupported type 'BF16'. Hint: F32, F64, "
        "I64, I32, U8 and BOOL can be read");
  CHECK(error_of(one_tensor(R"("f32")", "[2]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': tensor 'a' has the unknown type 'f32'. Hint: F32, F64, I64, "
        "I32, U8 and BOOL can be read");
  CHECK(error_of(one_tensor(f32, "[3]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': tensor 'a' of shape [3] and type F32 needs 12 bytes, its "
        "offsets give 8");
  CHECK(error_of(one_tensor(f32, "[0,4611686018427387904,4]", "[0,0]")) ==
        "[load_safetensors] 'test': the shape of tensor 'a' overflows 63 bits");
  CHECK(error_of(one_tensor(f32, "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': 'shape' of tensor 'a' has more than 8 entries. Hint: reshape "
        "it before saving");
  CHECK(error_of(one_tensor(f32, "[2]", "[0,4,8]"), "12345678") ==
        "[load_safetensors] 'test': tensor 'a' has no data_offsets [begin, end]");
  CHECK(error_of(one_tensor(f32, "[-2]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': found the negative number -2 for 'shape' of tensor 'a'");
  CHECK(error_of(one_tensor(f32, "[2.0]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': found the number 2.0 for 'shape' of tensor 'a'");
  CHECK(error_of(one_tensor(f32, "[[2]]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': found a list for 'shape' of tensor 'a'");
  CHECK(error_of(one_tensor("1", "[2]", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': found the number 1 for 'dtype' of tensor 'a'");
  CHECK(error_of(one_tensor(f32, "null", "[0,8]"), "12345678") ==
        "[load_safetensors] 'test': found null for 'shape' of tensor 'a'");
  CHECK(error_of(one_tensor(R"("BOOL")", "[2]", "[0,2]"), "\1\2") ==
        "[load_safetensors] 'test': tensor 'a' of type BOOL has a byte other than 0 and 1");
  CHECK(error_of(R"({"a":{"dtype":"F32","dtype":"F32"}})") ==
        "[load_safetensors] 'test': the name 'dtype' appears twice");
  CHECK(error_of(R"({"a":{"colour":"red"}})") ==
        "[load_safetensors] 'test': tensor 'a' has an unknown field 'colour'");
  CHECK(error_of(R"({"__metadata__":{"a":1}})") ==
        "[load_safetensors] 'test': found the number 1 for 'a' in __metadata__");
  CHECK(error_of(R"({"__metadata__":"a"})") ==
        "[load_safetensors] 'test': found text for '__metadata__'");
  CHECK(error_of(" {}").find("does not begin with '{'") != std::string::npos);
  CHECK(error_of("{} x").find("not complete and valid JSON") != std::string::npos);
  // A zero byte, which parsers of C strings take for the end.
  CHECK(error_of(std::string("{}\0x", 4)).find("not complete and valid JSON in UTF-8, at byte 3") !=
        std::string::npos);
  CHECK(error_of("").find("does not begin with '{'") != std::string::npos);
}

TEST_CASE("deeply nested and very long lists are refused before they take memory") {
  const std::string deep(1'000'000, '[');
  CHECK(error_of(R"({"a":)" + deep) == "[load_safetensors] 'test': found a list for 'a'");
  std::string longs = "[1";
  for (int i = 0; i < 100'000; ++i) longs += ",1";
  CHECK(error_of(one_tensor(R"("F32")", longs + "]", "[0,4]"), "1234") ==
        "[load_safetensors] 'test': 'shape' of tensor 'a' has more than 8 entries. Hint: reshape "
        "it before saving");
}

TEST_CASE("tensors that overlap, leave gaps or do not fill the data are refused") {
  const auto two = [](const char* first, const char* second) {
    return str(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)", first,
               R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)", second, "}}");
  };
  CHECK(error_of(two("[0,4]", "[4,8]"), "12345678") == "no error");
  CHECK(error_of(two("[4,8]", "[0,4]"), "12345678") == "no error");
  CHECK(error_of(two("[0,4]", "[3,7]"), "12345678") ==
        "[load_safetensors] 'test': tensor 'b' overlaps another one");
  CHECK(error_of(two("[0,4]", "[0,4]"), "1234") ==
        "[load_safetensors] 'test': tensor 'b' overlaps another one");
  CHECK(error_of(two("[0,4]", "[5,9]"), "123456789") ==
        "[load_safetensors] 'test': bytes 4 to 5 of the data belong to no tensor");
  CHECK(error_of(two("[0,4]", "[4,8]"), "123456789") ==
        "[load_safetensors] 'test': bytes 8 to 9 of the data belong to no tensor");
  CHECK(error_of(two("[0,4]", "[4,8]"), "1234567") ==
        "[load_safetensors] 'test': tensor 'b' ends at byte 8 of the data, which has 7");
  CHECK(error_of(two("[0,4]", "[8,4]"), "12345678") ==
        "[load_safetensors] 'test': tensor 'b' ends at 4, before it begins at 8");
  CHECK(error_of(two("[0,4]", "[18446744073709551612,18446744073709551615]"), "12345678")
            .find("ends at byte 18446744073709551615 of the data, which has 8") !=
        std::string::npos);
  CHECK(error_of(two("[0,4]", "[18446744073709551616,18446744073709551620]"), "12345678")
            .find("found the number 18446744073709551616") != std::string::npos);
}

TEST_CASE("names that are no UTF-8 or appear twice are refused, however they are written") {
  const std::string entry = R"(:{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(error_of("{\"a\"" + entry + ",\"b\"" + entry + "}") == "no error");
  CHECK(error_of("{\"a\"" + entry + ",\"a\"" + entry + "}") ==
        "[load_safetensors] 'test': the name 'a' appears twice");
  CHECK(error_of("{\"a\"" + entry + R"(,"\u0061")" + entry + "}") ==
        "[load_safetensors] 'test': the name 'a' appears twice");
  for (const std::string bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\\ud800"}) {
    CAPTURE(bad);
    CHECK(error_of("{\"" + bad + "\"" + entry + "}")
              .find("the header is not complete and valid JSON in UTF-8, at byte ") !=
          std::string::npos);
  }
}

TEST_CASE("a header that is longer than the file, or than the format allows, is never read") {
  const TemporaryFolder folder;
  const int64_t before = live_bytes();
  const auto message = [&](uint64_t length, uint64_t file_size) {
    std::ofstream(folder / "a", std::ios::binary).write(reinterpret_cast<char*>(&length), 8);
    fs::resize_file(folder / "a", file_size);  // sparse: takes no space
    try {
      load_safetensors(folder / "a");
    } catch (const IoError& error) {
      return error.detail();
    }
    return std::string("accepted");
  };
  const std::string name = "'" + (folder / "a").string() + "': ";
  CHECK(message(100, 107) ==
        name + "the header's length, 100, goes beyond the end of the file of 107 bytes");
  CHECK(message(UINT64_MAX, 1000) ==
        name +
            "the header's length, 18446744073709551615, goes beyond the end of the file of 1000 "
            "bytes");
  CHECK(message(100'000'001, 200'000'000) ==
        name + "the header's length, 100000001, is above the limit of 100000000");
  CHECK(live_bytes() == before);
}

TEST_CASE("very many names are read in linear time") {
  std::string header = R"({"__metadata__":{"-":"")";
  for (int i = 0; i < 50'000; ++i) header += str(",\"", i, "\":\"\"");
  header += "}";
  for (int i = 0; i < 10'000; ++i) {
    header += str(",\"", i, R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
  }
  const auto read = [&] { CHECK(error_of(header + "}") == "no error"); };
  CHECK(test::processor_seconds(read) < 5);
}

TEST_CASE("cutting a good file anywhere, or adding a byte, makes it bad") {
  const TemporaryFolder folder;
  save_safetensors(folder / "a", {{"x", tensor({1.0F, 2.0F})}, {"m", tensor({true})}});
  const std::string good = read_text(folder / "a");
  CHECK(parse(good).tensors.size() == 2);
  for (size_t n = 0; n < good.size(); ++n) {
    CAPTURE(n);
    CHECK_THROWS_AS(parse(good.substr(0, n)), IoError);
  }
  CHECK_THROWS_AS(parse(good + '\0'), IoError);
}

TEST_CASE("any changed byte of the header gives an error or a valid file, never a crash") {
  const TemporaryFolder folder;
  save_safetensors(folder / "a", {{"x", tensor({1.0F, 2.0F})}, {"m", tensor({true})}},
                   {{"k", "v"}});
  const std::string good = read_text(folder / "a");
  int refused = 0;
  for (size_t i = 0; i + 9 < good.size(); ++i) {
    for (int change : {1, 4, 16, 64, 128}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      try {
        parse(bad);
      } catch (const IoError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 300);
}

TEST_CASE("loading what is not a readable file says so") {
  const TemporaryFolder folder;
  const auto text = [](const fs::path& path, const char* what) {
    return "[load_safetensors] '" + path.string() + "': " + what;
  };
  CHECK_THROWS_WITH_AS(
      load_safetensors(folder / "missing"),
      text(folder / "missing", "the file does not exist. Hint: check the name").c_str(), IoError);
  CHECK_THROWS_WITH_AS(
      load_safetensors(folder.path()),
      text(folder.path(),
           "it is not a regular file. Hint: folders, devices and pipes cannot be read")
          .c_str(),
      IoError);
}

TEST_CASE("a refused file leaves no tensor behind") {
  const int64_t before = live_tensors();
  error_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
           R"("b":{"dtype":"BOOL","shape":[1],"data_offsets":[4,5]}})",
           "12345");
  CHECK(live_tensors() == before);
}

TEST_CASE("what cannot be written is refused before anything is") {
  const TemporaryFolder folder;
  const auto save = [&](const NamedTensors& tensors) { save_safetensors(folder / "a", tensors); };
  const Tensor x = ones({2});
  CHECK_THROWS_WITH_AS(
      save({{"x", x}, {"x", x}}),
      "[save_safetensors] the name 'x' appears twice. Hint: each tensor needs a name of its own",
      ValueError);
  CHECK_THROWS_WITH_AS(
      save({{"x", Tensor()}}),
      "[save_safetensors] tensor 'x' is undefined. Hint: leave out what is not there", ValueError);
  CHECK_THROWS_WITH_AS(save({{"__metadata__", x}}),
                       "[save_safetensors] no tensor can be named '__metadata__'. Hint: the format "
                       "keeps this name for text",
                       ValueError);
  CHECK_THROWS_WITH_AS(save({{"\xff", x}}),
                       "[save_safetensors] a name or a metadata text is not valid UTF-8. Hint: use "
                       "UTF-8, or plain ASCII",
                       ValueError);
  CHECK(folder.files().empty());
}

TEST_CASE("saving into a missing or closed folder, or onto a folder, is an error") {
  const TemporaryFolder folder;
  const NamedTensors x{{"x", ones({2})}};
  const fs::path missing = folder / "no" / "a";
  CHECK_THROWS_WITH_AS(save_safetensors(missing, x),
                       ("[save_safetensors] cannot create '" + missing.string() +
                        "': No such file or directory. Hint: check that the folder exists, is "
                        "writable and has space")
                           .c_str(),
                       IoError);
  CHECK_THROWS_WITH_AS(save_safetensors(folder.path(), x),
                       ("[save_safetensors] '" + folder.path().string() +
                        "' exists and is not a regular file. Hint: choose another name; only "
                        "regular files are replaced")
                           .c_str(),
                       IoError);
  CHECK_THROWS_AS(save_safetensors(folder.path() / "", x), IoError);
  CHECK_THROWS_AS(save_safetensors("/dev/null", x), IoError);
  if (::geteuid() != 0) {  // nothing is closed to the superuser
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    CHECK_THROWS_AS(save_safetensors(folder / "a", x), IoError);
    fs::permissions(folder.path(), fs::perms::owner_all);
  }
  CHECK(folder.files().empty());
}

TEST_CASE("where the disk is full, the old file stays and nothing half-written does") {
  const TemporaryFolder folder;
  save_safetensors(folder / "a", {{"x", ones({2})}});
  const std::string before = read_text(folder / "a");

  // A limit on the size of files makes write() fail as a full disk does.
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = old.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    save_safetensors(folder / "a", {{"x", ones({10'000})}});
  } catch (const IoError& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);

  CHECK(message.find("[save_safetensors] cannot write '") == 0);
  CHECK(folder.files() == std::vector<std::string>{"a"});
  CHECK(read_text(folder / "a") == before);
}

TEST_CASE("a new file replaces the old one, keeps its permissions, and goes through links") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", std::string("old"));
  ::chmod((folder / "a").c_str(), 0640);
  fs::create_symlink("a", folder / "link");
  write_file_atomically(folder / "link", std::string("new"));
  CHECK(read_text(folder / "a") == "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK((fs::status(folder / "a").permissions() & fs::perms::mask) == fs::perms{0640});
  CHECK(folder.files() == std::vector<std::string>{"a", "link"});
}

TEST_CASE("what could not be read again is not written") {
  const TemporaryFolder folder;
  const Tensor x = zeros({0, int64_t{1} << 40, int64_t{1} << 40});
  CHECK(message_of([&] {
          save_safetensors(folder / "x", {{"w", x}});
        }) ==
        "[save_safetensors] tensor 'w' of shape [0,1099511627776,1099511627776] cannot be written: "
        "its sizes other than 0 overflow 63 bits. Hint: a size is wrong");
  CHECK(std::filesystem::is_empty(folder.path()));
}
