#include "idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

#include "../core/io/atomic_file.h"
#include "../core/io/inflation.h"
#include "../core/io/sha256.h"
#include "../core/ops.h"
#include "file.h"
#include "gzip.h"

namespace gradus::data {

namespace {

using Bytes = std::span<const std::byte>;

constexpr const char* read_op = "read_idx";
constexpr const char* write_op = "write_idx";
constexpr const char* again = "delete the file and get it again";

[[noreturn]] void fail(const std::string& name, std::string_view what, std::string_view hint) {
  throw IoError(read_op, str(name, ": ", what), hint);
}

// --- Element types -------------------------------------------------------------------------------

struct ElementType {
  uint8_t code;
  size_t bytes;  ///< in the file
  DType dtype;   ///< in the tensor
};

constexpr std::array<ElementType, 6> element_types = {{{0x08, 1, uint8},
                                                       {0x09, 1, int32},
                                                       {0x0B, 2, int32},
                                                       {0x0C, 4, int32},
                                                       {0x0D, 4, float32},
                                                       {0x0E, 8, float64}}};

const ElementType* element_type(uint8_t code) {
  const auto found = std::find_if(element_types.begin(), element_types.end(),
                                  [&](const ElementType& t) { return t.code == code; });
  return found == element_types.end() ? nullptr : &*found;
}

/// Turns the order of the bytes of each element around, where this machine is little-endian.
void swap_big_endian(std::span<std::byte> data, size_t element_bytes) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; !data.empty(); data = data.subspan(element_bytes)) {
      std::reverse(data.begin(), data.begin() + static_cast<ptrdiff_t>(element_bytes));
    }
  }
}

template <class Narrow>
void widen(Bytes data, std::span<int32_t> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    Narrow value;
    std::memcpy(&value, data.data() + i * sizeof(Narrow), sizeof(Narrow));
    out[i] = value;
  }
}

// --- Files of another kind -----------------------------------------------------------------------

struct Kind {
  std::string_view start;  ///< the first bytes of such a file
  const char* what;
  const char* hint;
};

constexpr const char* html = "an HTML page, such as servers send in place of a missing file";
constexpr const char* from_mirror = "delete the file and download it from another mirror";
constexpr const char* unpack = "unpack it and name the IDX file inside";
constexpr const char* convert = "convert it to IDX, or get the data set in its original format";

constexpr std::array<Kind, 11> other_kinds = {{
    {"<!", html, from_mirror},
    {"<html", html, from_mirror},
    {"<HTML", html, from_mirror},
    {"<?xml", "an XML page, such as servers send in place of a missing file", from_mirror},
    {"PK\x03\x04", "a zip archive", unpack},
    {"\xFD"
     "7zXZ",
     "an xz file", unpack},
    {"BZh", "a bzip2 file", unpack},
    {"\x28\xB5\x2F\xFD", "a zstd file", unpack},
    {"PAR1", "a parquet file", convert},
    {"\x93NUMPY", "a NumPy file", convert},
    {"version https://git-lfs", "a Git LFS pointer, not the file itself",
     "fetch the file with `git lfs pull`"},
}};

bool starts_with(Bytes bytes, std::string_view start) {
  return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
}

/// The first bytes as text where they are printable, else in hexadecimal.
std::string show_start(Bytes bytes) {
  bytes = bytes.first(std::min<size_t>(bytes.size(), 16));
  const auto printable = [](std::byte b) { return b >= std::byte{32} && b < std::byte{127}; };
  std::string text;
  if (std::all_of(bytes.begin(), bytes.end(), printable)) {
    for (const std::byte b : bytes) text += static_cast<char>(b);
    return "\"" + text + "\"";
  }
  for (const std::byte b : bytes) {
    const auto value = std::to_integer<unsigned>(b);
    if (!text.empty()) text += ' ';
    text += "0123456789abcdef"[value >> 4];
    text += "0123456789abcdef"[value & 15];
  }
  return text;
}

// --- Reading -------------------------------------------------------------------------------------

/// The uncompressed bytes of a file, read one after the other.
struct Source {
  std::function<size_t(std::span<std::byte>)> read;  ///< returns less than asked for at the end
  size_t limit;                                      ///< no more bytes than this may come
  size_t memory;                                     ///< nor may they take more as a tensor
  const char* hint;                                  ///< for a header that promises more
};

Source plain_source(Bytes& bytes) {
  const auto read = [&bytes](std::span<std::byte> out) {
    const size_t n = std::min(out.size(), bytes.size());
    std::copy_n(bytes.begin(), n, out.begin());
    bytes = bytes.subspan(n);
    return n;
  };
  return {read, bytes.size(), bytes.size() * 4,
          "the file is cut off or its header damaged; get it again"};
}

struct Header {
  ElementType type;
  Shape shape;
  size_t data_bytes;
};

/// Explains a file that does not start with 00 00.
[[noreturn]] void reject_magic(Bytes head, const std::string& name) {
  for (const Kind& kind : other_kinds) {
    if (starts_with(head, kind.start)) {
      fail(name,
           str("starts with ", show_start(head), ": this is ", kind.what, ", not an IDX file"),
           kind.hint);
    }
  }
  if (is_gzip(head)) {
    fail(name, "was compressed with gzip twice", "run gunzip on it once and try again");
  }
  const bool swapped = head[2] == std::byte{0} && head[3] == std::byte{0} &&
                       element_type(std::to_integer<uint8_t>(head[1])) != nullptr;
  if (swapped) {
    fail(name, str("starts with ", show_start(head.first(4)), ": its header is byte-swapped"),
         "IDX is big-endian; write the file again with the bytes of each number turned around");
  }
  fail(name, str("starts with ", show_start(head), ", but an IDX file starts with 00 00"),
       "this is a damaged file or one of another format");
}

/// Checks that the sizes multiply to something that the file can hold, before anyone allocates it.
size_t checked_data_bytes(const Header& header, const Source& source, const std::string& name) {
  const size_t header_bytes = 4 + 4 * static_cast<size_t>(header.shape.dim());
  const size_t limit = source.limit - std::min(source.limit, header_bytes);
  size_t bytes = header.type.bytes;
  bool none = false, overflow = false;
  for (const int64_t size : header.shape) {
    none = none || size == 0;
    const size_t factor = static_cast<size_t>(std::max<int64_t>(size, 1));
    overflow = overflow || __builtin_mul_overflow(bytes, factor, &bytes);
  }
  if (none && !overflow) return 0;
  if (overflow) {
    fail(name, str("the header gives the sizes ", header.shape, ", more than any file can hold"),
         again);
  }
  const size_t widening = size_of(header.type.dtype) / header.type.bytes;
  if (bytes > limit || bytes > source.memory / widening) {
    fail(name,
         str("the header gives the sizes ", header.shape, ", that is ", bytes,
             " bytes of data, but the file can hold at most ",
             std::min(limit, source.memory / widening)),
         source.hint);
  }
  return bytes;
}

Header read_header(Source& source, const std::string& name) {
  std::array<std::byte, 4 + 4 * Shape::max_dims> buffer{};
  const std::span<std::byte> magic = std::span(buffer).first(4);
  const size_t got = source.read(magic);
  if (got < 4) {
    fail(name,
         got == 0 ? std::string("the file is empty") : str("the file has only ", got, " bytes"),
         again);
  }
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
    const size_t more = source.read(std::span(buffer).subspan(4));
    reject_magic(Bytes(buffer).first(4 + more), name);
  }
  const auto code = std::to_integer<uint8_t>(magic[2]);
  const auto dims = std::to_integer<int>(magic[3]);
  const ElementType* type = element_type(code);
  if (type == nullptr) {
    fail(name, str("the header names element type ", int{code}, ", which IDX does not have"),
         "known are 8 (unsigned byte), 9 (byte), 11 (short), 12 (int), 13 (float), 14 (double)");
  }
  if (dims < 1 || dims > Shape::max_dims) {
    fail(name, str("the header gives ", dims, " dimensions"), "1 to 8 are possible");
  }
  const std::span<std::byte> sizes = std::span(buffer).subspan(4, 4 * static_cast<size_t>(dims));
  if (source.read(sizes) < sizes.size()) fail(name, "the file ends inside its header", again);
  swap_big_endian(sizes, 4);
  Header header{*type, {}, 0};
  for (size_t d = 0; d < sizes.size(); d += 4) {
    uint32_t size;
    std::memcpy(&size, &sizes[d], 4);
    header.shape.push_back(size);
  }
  header.data_bytes = checked_data_bytes(header, source, name);
  return header;
}

void read_data(Source& source, std::span<std::byte> data, const std::string& name) {
  const size_t got = source.read(data);
  if (got < data.size()) {
    fail(name,
         str("the header promises ", data.size(), " bytes of data, the file ends after ", got),
         "the file is cut off; get it again");
  }
  std::byte extra;
  if (source.read(std::span(&extra, 1)) != 0) {
    fail(name,
         str("there are bytes behind the ", data.size(), " bytes of data that the header promises"),
         again);
  }
}

Tensor read_tensor(Source& source, const std::string& name) {
  const Header header = read_header(source, name);
  const bool as_is = header.type.bytes == size_of(header.type.dtype);
  if (as_is) {
    Tensor tensor = Tensor::empty(header.shape, header.type.dtype);
    const std::span<std::byte> data(static_cast<std::byte*>(tensor.raw_mutable_data()),
                                    header.data_bytes);
    read_data(source, data, name);
    if (header.type.bytes > 1) swap_big_endian(data, header.type.bytes);
    return tensor;
  }
  std::vector<std::byte> data(header.data_bytes);
  read_data(source, data, name);
  Tensor tensor = Tensor::empty(header.shape, int32);
  const std::span<int32_t> out(tensor.mutable_data<int32_t>(), static_cast<size_t>(tensor.numel()));
  if (header.type.bytes == 1) {
    widen<int8_t>(data, out);
  } else {
    swap_big_endian(data, header.type.bytes);
    widen<int16_t>(data, out);
  }
  return tensor;
}

// --- Writing -------------------------------------------------------------------------------------

std::vector<std::byte> encode_header(const Tensor& tensor) {
  const auto type =
      std::find_if(element_types.begin(), element_types.end(), [&](const ElementType& t) {
        return t.dtype == tensor.dtype() && t.bytes == size_of(tensor.dtype());
      });
  if (type == element_types.end()) {
    throw DTypeError(write_op, str("IDX has no element type for ", name_of(tensor.dtype())),
                     "convert with .to(int32) or .to(uint8)");
  }
  if (tensor.dim() < 1) {
    throw ShapeError(write_op, "IDX needs at least one dimension, got a tensor of shape []",
                     "reshape it to [1]");
  }
  std::vector<std::byte> header = {std::byte{0}, std::byte{0}, std::byte{type->code},
                                   static_cast<std::byte>(tensor.dim())};
  for (const int64_t size : tensor.shape()) {
    if (size > UINT32_MAX) {
      throw ShapeError(write_op, str("sizes in IDX have 32 bits, got ", tensor.shape()),
                       "save_safetensors() takes larger ones");
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
      header.push_back(static_cast<std::byte>(size >> shift & 0xff));
    }
  }
  return header;
}

Bytes bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw_data()), static_cast<size_t>(tensor.nbytes())};
}

/// The elements in the file's byte order.
std::vector<std::byte> encode_data(const Tensor& tensor) {
  const Bytes bytes = bytes_of(tensor);
  std::vector<std::byte> data(bytes.begin(), bytes.end());
  if (size_of(tensor.dtype()) > 1) swap_big_endian(data, size_of(tensor.dtype()));
  return data;
}

}  // namespace

Tensor parse_idx(std::span<const std::byte> bytes, const std::string& name) {
  if (is_gzip(bytes)) {
    GzipReader reader(bytes, name);
    Source source{[&](std::span<std::byte> out) { return reader.read(out); },
                  max_inflated_size(bytes.size()), max_inflated_size(bytes.size()),
                  "the file is damaged; if it really holds so much, unpack it with gunzip"};
    return read_tensor(source, name);
  }
  Source source = plain_source(bytes);
  return read_tensor(source, name);
}

Tensor read_idx(const std::filesystem::path& path) {
  return parse_idx(read_file(read_op, path), path.string());
}

void write_idx(const std::filesystem::path& path, const Tensor& tensor) {
  std::vector<std::byte> content = encode_header(tensor);
  const std::vector<std::byte> data = encode_data(contiguous(tensor));
  content.insert(content.end(), data.begin(), data.end());
  if (path.extension() == ".gz") content = gzip(content);
  AtomicFile file(write_op, path);
  file.write(content);
  file.commit();
}

std::string payload_sha256(const Tensor& tensor) {
  Sha256 hash;
  hash.update(encode_header(tensor));
  const Tensor rows = contiguous(tensor);
  if (size_of(rows.dtype()) == 1) {
    hash.update(bytes_of(rows));
  } else {
    hash.update(encode_data(rows));
  }
  return hash.hex();
}

}  // namespace gradus::data
