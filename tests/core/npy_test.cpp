// NumPy's files of one array: what is read, what is refused and why.
#include "../../core/io/npy.h"

#include <doctest/doctest.h>

#include <cstring>

#include "../../core/ops.h"
#include "../../core/storage.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Tensor parse(const std::string& file) {
  return parse_npy(bytes_of(file), "x.npy");
}

constexpr std::string_view usual_hint =
    ". Hint: save it again with np.save, or copy it anew if it was damaged on the way";

std::string error_of(const std::string& file) {
  return without(message_of([&] { parse(file); }), usual_hint);
}

std::string bytes(std::initializer_list<int> values) {
  return {values.begin(), values.end()};
}

/// A file of format 1.0 with this header and these elements.
std::string file_of(const std::string& header, const std::string& data) {
  const auto length = static_cast<int>(header.size());
  return "\x93NUMPY" + bytes({1, 0, length & 0xff, length >> 8}) + header + data;
}

std::string header(const std::string& descr, const std::string& shape,
                   const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

}  // namespace

TEST_CASE("what is saved comes back, and the elements are aligned in the file") {
  const TemporaryFolder folder;
  const Tensor all[] = {tensor({1.5F, -2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, {2, 3}),
                        tensor({1e300, -0.0}),
                        tensor<int64_t>({1LL << 60}, {}),
                        tensor<int32_t>({-1, 2, 3}, {3, 1}),
                        tensor<uint8_t>({0, 255}),
                        tensor({true, false}),
                        Tensor::empty({0, 4})};
  for (const Tensor& x : all) {
    CAPTURE(x.dtype());
    save_npy(folder / "x.npy", x);
    const Tensor y = load_npy(folder / "x.npy");
    CHECK(y.shape() == x.shape());
    CHECK(y.dtype() == x.dtype());
    CHECK(std::memcmp(y.raw_data(), x.raw_data(), static_cast<size_t>(x.nbytes())) == 0);
    CHECK((read_text(folder / "x.npy").size() - static_cast<size_t>(x.nbytes())) % 64 == 0);
  }
}

TEST_CASE("the header is the one that NumPy writes") {
  const TemporaryFolder folder;
  const auto header_of = [&](const Tensor& x) {
    save_npy(folder / "x.npy", x);
    const std::string file = read_text(folder / "x.npy");
    return file.substr(0, file.find(" }") + 2).substr(10);
  };
  CHECK(header_of(zeros({2, 3})) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  CHECK(header_of(zeros({5}, int64)) ==
        "{'descr': '<i8', 'fortran_order': False, 'shape': (5,), }");
  CHECK(header_of(zeros({}, boolean)) == "{'descr': '|b1', 'fortran_order': False, 'shape': (), }");
}

TEST_CASE("a view is saved as what it shows, and nothing is recorded") {
  const TemporaryFolder folder;
  Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  x.requires_grad_();
  const Tape tape;
  const Tensor y = transpose(x, 0, 1);
  const size_t entries = tape.size();
  save_npy(folder / "y.npy", y);
  CHECK(tape.size() == entries);
  CHECK(load_npy(folder / "y.npy").to_vector<double>() == std::vector<double>{1, 3, 2, 4});
}

TEST_CASE("Fortran order and the other byte order are converted") {
  const Tensor f =
      parse(file_of(header("<i4", "(2, 3)", "True"), raw<int32_t>({1, 4, 2, 5, 3, 6})));
  CHECK(f.shape() == Shape{2, 3});
  CHECK(f.is_contiguous());
  CHECK(f.to_vector<int32_t>() == std::vector<int32_t>{1, 2, 3, 4, 5, 6});
  const Tensor big = parse(file_of(header(">i4", "(2,)"), bytes({0, 0, 1, 2, -1, -1, -1, -2})));
  CHECK(big.to_vector<int32_t>() == std::vector<int32_t>{258, -2});
  const Tensor wide = parse(file_of(header(">f8", "(1,)"), bytes({0x3f, 0xf8, 0, 0, 0, 0, 0, 0})));
  CHECK(wide.item() == 1.5);
}

TEST_CASE("formats 2.0 and 3.0 have a longer length; keys may come in any order") {
  const std::string text = R"({"shape":(2,),"fortran_order":False,"descr":"<f4"})";
  for (int version : {2, 3}) {
    const std::string file = "\x93NUMPY" + bytes({version, 0}) +
                             bytes({static_cast<int>(text.size()), 0, 0, 0}) + text +
                             raw({1.0F, 2.0F});
    CHECK(parse(file).to_vector<float>() == std::vector<float>{1, 2});
  }
}

TEST_CASE("types that a tensor cannot have are refused, with the way out") {
  const std::string hint =
      "' cannot be read. Hint: float32, float64, int64, int32, uint8 and bool can be; convert with "
      "x.astype('float32') in NumPy";
  for (const std::string type : {"<f2", "<i2", "<u4", "<c8", "|O", "|S5", "<M8[ns]", "f4", ""}) {
    CAPTURE(type);
    CHECK(error_of(file_of(header(type, "(1,)"), "12345678")) ==
          "[parse_npy] 'x.npy': elements of type '" + type + hint);
  }
  CHECK(error_of(file_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "")) ==
        "[parse_npy] 'x.npy': it holds records of several types, which cannot be read. Hint: save "
        "each field as an array of its own, x['field']");
  CHECK(error_of(file_of(header("|b1", "(2,)"), "\1\2")) ==
        "[parse_npy] 'x.npy': it is of type bool and has a byte other than 0 and 1");
}

TEST_CASE("sizes must fit the file, exactly and before anything is allocated") {
  const int64_t before = live_bytes();
  CHECK(message_of([] { parse(file_of(header("<f4", "(3,)"), "")); }).ends_with(usual_hint));
  CHECK(error_of(file_of(header("<f4", "(3,)"), "12345678")) ==
        "[parse_npy] 'x.npy': shape [3] and type float32 need 12 bytes, there are 8");
  CHECK(error_of(file_of(header("<f4", "(1,)"), "12345678")) ==
        "[parse_npy] 'x.npy': shape [1] and type float32 need 4 bytes, there are 8");
  CHECK(error_of(file_of(header("<f8", "(1000000, 1000000)"), "")) ==
        "[parse_npy] 'x.npy': shape [1000000,1000000] and type float64 need 8000000000000 bytes, "
        "there are 0");
  CHECK(
      error_of(file_of(header("<f8", "(4294967296, 4294967296)"), "")).find("overflows 63 bits") !=
      std::string::npos);
  CHECK(
      error_of(file_of(header("<f8", "(0, 9223372036854775807)"), "")).find("overflows 63 bits") !=
      std::string::npos);
  CHECK(error_of(file_of(header("<f8", "(9223372036854775808,)"), "")) ==
        "[parse_npy] 'x.npy': a size in its shape overflows 63 bits");
  CHECK(error_of(file_of(header("<f4", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "1234")) ==
        "[parse_npy] 'x.npy': it has 9 dimensions; 8 are the most there can be. Hint: reshape "
        "it before saving");
  CHECK(live_bytes() == before);
}

TEST_CASE("a bad header says what is wrong with it") {
  const auto expected = [](const char* wanted, int at) {
    return str("[parse_npy] 'x.npy': the header is not what NumPy writes: expected ", wanted,
               " at byte ", at);
  };
  CHECK(error_of(file_of("", "")) == expected("'{'", 0));
  CHECK(error_of(file_of("{descr", "")) == expected("a string", 1));
  CHECK(error_of(file_of("{'descr", "")) == expected("a string", 1));
  CHECK(error_of(file_of("{'descr' '<f4'}", "")) == expected("':'", 9));
  CHECK(error_of(file_of("{'fortran_order': 1}", "")) == expected("True or False", 18));
  CHECK(error_of(file_of("{'shape': [1]}", "")) == expected("'('", 10));
  CHECK(error_of(file_of("{'shape': (-1,)}", "")) == expected("a size", 11));
  CHECK(error_of(file_of(header("<f4", "(1,)") + "x", "1234")) == expected("the end", 58));
  CHECK(error_of(file_of("{'descr': '<f4'}", "")) ==
        "[parse_npy] 'x.npy': the header needs 'descr', 'fortran_order' and 'shape'");
  CHECK(error_of(file_of("{'descr': '<f4', 'descr': '<f4'}", "")) ==
        "[parse_npy] 'x.npy': the header has 'descr' twice");
  CHECK(error_of(file_of("{'colour': '<f4'}", "")) ==
        "[parse_npy] 'x.npy': the header has an unknown key 'colour'");
}

TEST_CASE("a file that does not begin as NumPy's do, or with an absurd header, is refused") {
  CHECK(error_of("PK\3\4 and so on") ==
        "[parse_npy] 'x.npy': it is no .npy file: it does not begin with \\x93NUMPY");
  CHECK(error_of("\x93NUMPY" + bytes({4, 0, 1, 0})) ==
        "[parse_npy] 'x.npy': format version 4 is unknown");
  CHECK(error_of("\x93NUMPY" + bytes({2, 0, -1, -1, -1, -1})) ==
        "[parse_npy] 'x.npy': the header's length, 4294967295, is above the limit of 10000");
}

TEST_CASE("cutting a good file anywhere, or adding a byte, makes it bad") {
  const std::string good = file_of(header("<f4", "(2,)"), "12345678");
  CHECK(parse(good).numel() == 2);
  for (size_t n = 0; n < good.size(); ++n) CHECK_THROWS_AS(parse(good.substr(0, n)), IoError);
  CHECK_THROWS_AS(parse(good + '\0'), IoError);
}

TEST_CASE("any changed byte of the header gives an error or a valid array, never a crash") {
  const std::string good = file_of(header("<f4", "(2, 1)", "True"), "12345678");
  int refused = 0;
  for (size_t i = 0; i + 8 < good.size(); ++i) {
    for (int change : {1, 4, 16, 64, 128}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      refused += error_of(bad) != "no error";
    }
  }
  CHECK(refused > 300);
}

TEST_CASE("loading what is no readable file, saving where nothing can be written") {
  const TemporaryFolder folder;
  const std::string missing = (folder / "missing").string();
  CHECK(message_of([&] { load_npy(missing); }) ==
        "[load_npy] '" + missing + "': the file does not exist. Hint: check the name");
  CHECK_THROWS_AS(load_npy(folder.path()), IoError);
  CHECK_THROWS_AS(save_npy(folder / "no" / "x.npy", ones({2})), IoError);
  CHECK_THROWS_AS(save_npy(folder / "x.npy", Tensor()), ValueError);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what could not be read again is not written") {
  const TemporaryFolder folder;
  const Tensor x = zeros({0, int64_t{1} << 40, int64_t{1} << 40});
  CHECK(message_of([&] { save_npy(folder / "x.npy", x); }) ==
        "[save_npy] an array of shape [0,1099511627776,1099511627776] cannot be written: its sizes "
        "other than 0 overflow 63 bits. Hint: a size is wrong");
  CHECK_THROWS_AS(save_npz(folder / "x.npz", {{"x", x}}), ShapeError);
  CHECK(std::filesystem::is_empty(folder.path()));
}
