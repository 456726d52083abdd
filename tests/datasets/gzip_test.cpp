#include "../../core/io/deflate.h"
#include "../../core/io/sha256.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

ByteVector read_all(const ByteVector& file, size_t at_most) {
  InputFile packed("read", "x.gz", file);
  InputFile unpacked("read", "x.gz", at_most,
                     inflated(packed, file.size(), Frame::gzip, "x.gz: the gzip data"));
  ByteVector out(at_most);
  out.resize(unpacked.read_up_to(out.data(), at_most));
  return out;
}

}  // namespace

TEST_CASE("SHA-256 gives the digests of the standard") {
  CHECK(sha256({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256(bytes("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(ByteVector(1000000, std::byte{'a'})) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut") {
  const ByteVector message(300, std::byte{'x'});
  for (size_t cut = 0; cut <= message.size(); cut += 7) {
    Sha256 hash;
    hash.update(std::span(message).first(cut));
    hash.update(std::span(message).subspan(cut));
    CHECK(hash.hex() == sha256(message));
  }
}

TEST_CASE("what gzip compresses comes back") {
  const ByteVector text = bytes("one fish, two fish, red fish, blue fish");
  CHECK(read_all(gzip(text), 1000) == text);
  CHECK(read_all(gzip({}), 1000).empty());
}

TEST_CASE("a reader stops where it is told, and goes on from there") {
  const ByteVector file = gzip(bytes("abcdef"));
  InputFile packed("read", "x.gz", file);
  const InputFile::ReadSome read = inflated(packed, file.size(), Frame::gzip, "the gzip data");
  ByteVector out(2);
  CHECK(read(0, out.data(), 2) == 2);
  CHECK(out == bytes("ab"));
  ByteVector rest(10);
  CHECK(read(2, rest.data(), 10) == 4);
  CHECK(read(6, rest.data(), 10) == 0);
}

TEST_CASE("concatenated gzip files are one file") {
  CHECK(read_all(gzip(bytes("abc")) + gzip(bytes("def")), 100) == bytes("abcdef"));
}

TEST_CASE("a gzip file cut anywhere is an error, never a short result") {
  const ByteVector file = gzip(bytes("some text to be compressed"));
  for (size_t size = 2; size < file.size(); ++size) {
    const ByteVector cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
    const std::string text = error_of<IoError>([&] { read_all(cut, 100); });
    CHECK(contains(text, "x.gz: the gzip data ends early"));
  }
}

TEST_CASE("a wrong checksum and a wrong length in the gzip trailer are errors") {
  const ByteVector good = gzip(bytes("some text to be compressed"));
  for (const size_t from_end : {8u, 5u, 4u, 1u}) {
    ByteVector bad = good;
    bad[bad.size() - from_end] ^= std::byte{1};
    const std::string text = error_of<IoError>([&] { read_all(bad, 100); });
    CHECK(contains(text, "the gzip data is damaged"));
  }
}

TEST_CASE("bytes behind the end of gzip data are an error") {
  const ByteVector file = gzip(bytes("abc")) + bytes("xyz");
  CHECK(contains(error_of<IoError>([&] { read_all(file, 100); }), "3 unexpected bytes"));
}
