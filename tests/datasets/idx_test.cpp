#include "../../datasets/idx.h"

#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "../../core/base/random.h"
#include "../../core/io/deflate.h"
#include "../../core/io/sha256.h"
#include "../../core/ops.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

/// Two images of 2 x 3 pixels.
const ByteVector small = bytes({0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3}) +
                         bytes({1, 2, 3, 4, 5, 6}) + bytes({7, 8, 9, 10, 11, 255});

std::string parse_error(const ByteVector& file) {
  return error_of<IoError>([&] { parse_idx(file, "f.idx"); });
}

ByteVector first(const ByteVector& file, size_t size) {
  return {file.begin(), file.begin() + static_cast<ptrdiff_t>(size)};
}

}  // namespace

TEST_CASE("an IDX file becomes a tensor of its shape") {
  const Tensor t = parse_idx(small, "f.idx");
  CHECK(t.shape() == Shape{2, 2, 3});
  CHECK(t.dtype() == uint8);
  CHECK(t.to_vector<uint8_t>() == std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255});
}

TEST_CASE("all six element types are read, big-endian") {
  const ByteVector two = bytes({0, 0, 0, 2});
  SUBCASE("signed bytes") {
    const Tensor t = parse_idx(bytes({0, 0, 9, 1}) + two + bytes({0x7f, 0xff}), "f");
    CHECK(t.to_vector<int32_t>() == std::vector<int32_t>{127, -1});
  }
  SUBCASE("16-bit integers") {
    const Tensor t = parse_idx(bytes({0, 0, 0xB, 1}) + two + bytes({1, 2, 0xff, 0xfe}), "f");
    CHECK(t.to_vector<int32_t>() == std::vector<int32_t>{258, -2});
  }
  SUBCASE("32-bit integers") {
    const Tensor t =
        parse_idx(bytes({0, 0, 0xC, 1}) + two + bytes({0, 1, 0, 2, 0xff, 0xff, 0xff, 0xfd}), "f");
    CHECK(t.to_vector<int32_t>() == std::vector<int32_t>{65538, -3});
  }
  SUBCASE("floats") {
    const Tensor t =
        parse_idx(bytes({0, 0, 0xD, 1}) + two + bytes({0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0}), "f");
    CHECK(t.to_vector<float>() == std::vector<float>{1.5F, -2.0F});
  }
  SUBCASE("doubles") {
    const Tensor t = parse_idx(bytes({0, 0, 0xE, 1}) + two + bytes({0x3f, 0xf8, 0, 0, 0, 0, 0, 0}) +
                                   bytes({0xc0, 0, 0, 0, 0, 0, 0, 0}),
                               "f");
    CHECK(t.to_vector<double>() == std::vector<double>{1.5, -2.0});
  }
}

TEST_CASE("eight dimensions and empty ones are fine") {
  ByteVector file = bytes({0, 0, 8, 8});
  for (int d = 0; d < 8; ++d) file = file + bytes({0, 0, 0, 1});
  CHECK(parse_idx(file + bytes({42}), "f").shape() == Shape{1, 1, 1, 1, 1, 1, 1, 1});
  CHECK(parse_idx(bytes({0, 0, 8, 1, 0, 0, 0, 0}), "f").shape() == Shape{0});
}

TEST_CASE("gzip is told by content, not by name") {
  const TemporaryFolder folder;
  write_bytes(folder / "named-raw", gzip(small));
  write_bytes(folder / "named.gz", small);
  CHECK(read_idx(folder / "named-raw").shape() == Shape{2, 2, 3});
  CHECK(read_idx(folder / "named.gz").shape() == Shape{2, 2, 3});
}

TEST_CASE("what write_idx writes, read_idx reads") {
  const TemporaryFolder folder;
  Rng generator(1);
  for (const DType dtype : {uint8, int32, float32, float64}) {
    const Tensor t = to(rand({3, 4, 5}, generator, 0, 200), dtype);
    for (const char* name : {"a", "a.gz"}) {
      CAPTURE(name);
      write_idx(folder / name, t);
      const Tensor back = read_idx(folder / name);
      CHECK(back.dtype() == dtype);
      CHECK(back.shape() == t.shape());
      CHECK(std::memcmp(back.raw_data(), t.raw_data(), static_cast<size_t>(t.nbytes())) == 0);
    }
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

TEST_CASE("write_idx writes the elements of a view in row-major order") {
  const TemporaryFolder folder;
  write_idx(folder / "t", transpose(parse_idx(small, "f").select(0, 0), 0, 1));
  CHECK(read_idx(folder / "t").to_vector<uint8_t>() == std::vector<uint8_t>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("write_idx refuses what IDX cannot hold, and what cannot be written") {
  const TemporaryFolder folder;
  CHECK(contains(error_of<DTypeError>([&] { write_idx(folder / "x", zeros({2}, int64)); }),
                 "no element type for int64"));
  CHECK(contains(error_of<ShapeError>([&] { write_idx(folder / "x", zeros({}, uint8)); }),
                 "at least one dimension"));
  CHECK(contains(error_of<IoError>([&] { write_idx(folder / "no/x", zeros({2}, uint8)); }),
                 "No such file or directory"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("the checksum is that of the uncompressed file") {
  CHECK(payload_sha256(parse_idx(small, "f")) == sha256(small));
  CHECK(payload_sha256(parse_idx(gzip(small), "f")) == sha256(small));
  const ByteVector floats = bytes({0, 0, 0xD, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0});
  CHECK(payload_sha256(parse_idx(floats, "f")) == sha256(floats));
}

// --- Malformed files -----------------------------------------------------------------------------

TEST_CASE("an HTML page saved under the name of a data file is recognized") {
  const std::string text = parse_error(bytes("<!DOCTYPE html><html><body>403 Forbidden"));
  CHECK(contains(text, "[read_idx] f.idx: starts with \"<!DOCTYPE html><\""));
  CHECK(contains(text, "HTML page"));
  CHECK(contains(text, "Hint: delete the file and download it from another mirror"));
  CHECK(contains(parse_error(bytes("<html>")), "HTML page"));
  CHECK(contains(parse_error(bytes("<?xml version")), "XML page"));
}

TEST_CASE("files of other formats are named") {
  CHECK(contains(parse_error(bytes("PK\x03\x04zip")), "a zip archive"));
  CHECK(contains(parse_error(bytes("\xFD"
                                   "7zXZ.")),
                 "an xz file"));
  CHECK(contains(parse_error(bytes("BZh9")), "a bzip2 file"));
  CHECK(contains(parse_error(bytes("PAR1....")), "a parquet file"));
  CHECK(contains(parse_error(bytes("\x93NUMPY")), "a NumPy file"));
  CHECK(contains(parse_error(bytes("version https://git-lfs.github.com/spec/v1")), "Git LFS"));
  CHECK(contains(parse_error(bytes("5,0,0,0")), "an IDX file starts with 00 00"));
}

TEST_CASE("a file compressed twice is recognized") {
  CHECK(contains(parse_error(gzip(gzip(small))), "compressed with gzip twice"));
}

TEST_CASE("a byte-swapped header is recognized") {
  CHECK(contains(parse_error(bytes({3, 8, 0, 0, 2, 0, 0, 0})), "its header is byte-swapped"));
  CHECK(contains(parse_error(gzip(bytes({1, 8, 0, 0, 2, 0, 0, 0}))), "byte-swapped"));
}

TEST_CASE("a damaged or truncated gzip file is an error") {
  const ByteVector file = gzip(small);
  CHECK(contains(parse_error(first(file, file.size() - 3)), "the gzip data ends early"));
  ByteVector damaged = file;
  damaged[file.size() - 6] ^= std::byte{0x10};
  CHECK(contains(parse_error(damaged), "the gzip data is damaged"));
}

TEST_CASE("an empty file, and one that ends inside its header") {
  CHECK(contains(parse_error({}), "f.idx: the file is empty"));
  CHECK(contains(parse_error(bytes({0, 0, 8})), "the file has only 3 bytes"));
  CHECK(contains(parse_error(first(small, 10)), "ends inside its header"));
  CHECK(contains(parse_error(gzip({})), "the file is empty"));
}

TEST_CASE("an unknown element type and impossible numbers of dimensions") {
  CHECK(contains(parse_error(bytes({0, 0, 10, 1, 0, 0, 0, 0})), "element type 10"));
  CHECK(contains(parse_error(bytes({0, 0, 8, 0})), "0 dimensions"));
  CHECK(contains(parse_error(bytes({0, 0, 8, 9})), "9 dimensions"));
}

TEST_CASE("truncated data is an error that says how much is there") {
  CHECK(contains(parse_error(first(small, small.size() - 1)),
                 "that is 12 bytes of data, but the file can hold at most 11"));
  CHECK(contains(parse_error(gzip(first(small, small.size() - 1))),
                 "promises 12 bytes of data, the file ends after 11"));
}

TEST_CASE("trailing bytes are an error") {
  CHECK(contains(parse_error(small + bytes({0})), "bytes behind the 12 bytes of data"));
  CHECK(contains(parse_error(gzip(small + bytes({0}))), "bytes behind the 12 bytes of data"));
}

TEST_CASE("sizes that no file can hold are refused before anything is allocated") {
  const ByteVector all = bytes({0xff, 0xff, 0xff, 0xff});
  const int64_t before = live_bytes();
  CHECK(contains(parse_error(bytes({0, 0, 8, 3}) + all + all + all), "more than any file"));
  CHECK(contains(parse_error(bytes({0, 0, 8, 2}) + all + bytes({0, 0, 0, 28})), "at most 0"));
  CHECK(contains(parse_error(bytes({0, 0, 8, 4}) + all + all + all + bytes({0, 0, 0, 0})),
                 "more than any file"));
  CHECK(contains(parse_error(gzip(bytes({0, 0, 8, 1}) + all)), "the file can hold at most"));
  CHECK(live_bytes() == before);
}

TEST_CASE("a decompression bomb is not unfolded") {
  const ByteVector bomb = gzip(bytes({0, 0, 8, 1, 0, 0, 0, 4}) + ByteVector(50'000'000));
  CHECK(bomb.size() < 100'000);
  CHECK(contains(parse_error(bomb), "bytes behind the 4 bytes of data"));

  // Eighty megabytes of zeros, as the header says: honest, and refused all the same.
  const ByteVector honest =
      gzip(bytes({0, 0, 8, 2, 0, 0, 0, 80, 0, 0x0f, 0x42, 0x40}) + ByteVector(80'000'000));
  const std::string text = parse_error(honest);
  CHECK(contains(text, "the sizes [80,1000000], that is 80000000 bytes of data"));
  CHECK(contains(text, "if it really holds so much, unpack it with gunzip"));
}

TEST_CASE("narrow integers count with the memory they take as a tensor") {
  const ByteVector header = bytes({0, 0, 9, 1, 0x01, 0x31, 0x2d, 0});  // 20 million signed bytes
  CHECK(contains(parse_error(gzip(header + ByteVector(20'000'000))), "the file can hold at most"));
  CHECK(parse_idx(header + ByteVector(20'000'000), "plain").numel() == 20'000'000);
}

TEST_CASE("a compressed file may hold sixty times its size") {
  CHECK(max_inflated_size(100) == 103'200);
  CHECK(max_inflated_size(size_t{1} << 20) == size_t{60} << 20);
  CHECK(max_inflated_size(size_t{10} << 20) == size_t{600} << 20);
}

TEST_CASE("every prefix and every changed byte of a file gives a tensor or an IoError") {
  for (const ByteVector& file : {small, gzip(small)}) {
    for (size_t i = 0; i < file.size(); ++i) {
      CHECK_THROWS_AS(parse_idx(first(file, i), "f"), IoError);
      for (const int flip : {1, 0x80, 0xff}) {
        ByteVector changed = file;
        changed[i] ^= static_cast<std::byte>(flip);
        try {
          parse_idx(changed, "f");
        } catch (const IoError&) {  // fine: only another error or a crash would not be
        }
      }
    }
  }
}

TEST_CASE("a file that is far too large is refused before it is read") {
  const TemporaryFolder folder;
  write_bytes(folder / "sparse", small);
  std::filesystem::resize_file(folder / "sparse",
                               uint64_t{200} << 30);  // takes no room on the disk
  CHECK(
      contains(error_of<IoError>([&] { read_idx(folder / "sparse"); }), "has more than 2048 MiB"));
}

TEST_CASE("missing files, directories and files without permission are told apart") {
  const TemporaryFolder folder;
  CHECK(contains(error_of<IoError>([&] { read_idx(folder / "none"); }), "there is no file"));
  CHECK(contains(error_of<IoError>([&] { read_idx(folder.path()); }), "is a directory"));
  CHECK(contains(error_of<IoError>([] { read_idx("/dev/zero"); }), "is a device"));
  if (geteuid() == 0) {
    MESSAGE("skipped: the superuser may read every file");
    return;
  }
  write_bytes(folder / "secret", small);
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
  CHECK(contains(error_of<IoError>([&] { read_idx(folder / "secret"); }), "Permission denied"));
}
