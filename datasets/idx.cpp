#include "idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <vector>

#include "../core/io/atomic_file.h"
#include "../core/io/deflate.h"
#include "../core/io/elements.h"
#include "../core/io/sha256.h"
#include "../core/ops.h"

namespace gradus::data {

namespace {

static_assert(std::endian::native == std::endian::little, "IDX is big-endian: all is swapped");

constexpr const char* read_op = "read_idx";
constexpr const char* write_op = "write_idx";
constexpr const char* again = "delete the file and get it again";

// --- Element types -------------------------------------------------------------------------------

struct ElementType {
  uint8_t code;
  size_t bytes;  ///< in the file
  DType dtype;   ///< in the tensor
};

/// The first type of a tensor is the one that is written for it.
constexpr ElementType element_types[] = {{0x08, 1, uint8},   {0x0C, 4, int32}, {0x0D, 4, float32},
                                         {0x0E, 8, float64}, {0x09, 1, int32}, {0x0B, 2, int32}};

/// The type whose `field` has this value; nullptr if there is none.
template <class T>
const ElementType* find_type(T ElementType::*field, T value) {
  const auto* const found = std::ranges::find(element_types, value, field);
  return found == std::end(element_types) ? nullptr : found;
}

// --- Files of another kind -----------------------------------------------------------------------

struct Kind {
  std::string_view start;  ///< the first bytes of such a file
  const char* what;
};

constexpr Kind other_kinds[] = {{"<?xml", "an XML page, sent in place of a missing file"},
                                {"<", "an HTML page, sent in place of a missing file"},
                                {"PK\x03\x04", "a zip archive"},
                                {"\xFD\x37zXZ", "an xz file"},
                                {"BZh", "a bzip2 file"},
                                {"\x28\xB5\x2F\xFD", "a zstd file"},
                                {"PAR1", "a parquet file"},
                                {"\x93NUMPY", "a NumPy file"},
                                {"\x1F\x8B", "a file compressed with gzip twice"},
                                {"version https://git-lfs", "a Git LFS pointer (git lfs pull)"}};

/// The first bytes as text if they are printable, else in hexadecimal.
std::string show_start(std::string_view start) {
  start = start.substr(0, 16);
  if (std::all_of(start.begin(), start.end(), [](char c) { return c >= ' ' && c <= '~'; })) {
    return str('"', start, '"');
  }
  std::string text;
  for (const char c : start) {
    const auto byte = static_cast<uint8_t>(c);
    text += {' ', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return text.substr(1);
}

// --- Reading -------------------------------------------------------------------------------------

/// The uncompressed content of a file, of which there is no more than its size.
struct Source {
  InputFile content;
  uint64_t memory;   ///< nor may it take more than this as a tensor
  const char* hint;  ///< for a header that promises more

  /// Throws IoError unless the file is as it must be.
  template <class... What>
  void check(bool holds, std::string_view how, const What&... what) const {
    require<IoError>(holds, read_op, how, content.name(), ": ", what...);
  }
};

/// Explains a file that does not start with 00 00.
void reject_magic(const Source& source, std::string_view start) {
  for (const auto& [begin, what] : other_kinds) {
    source.check(!start.starts_with(begin),
                 begin[0] == '<'
                     ? "delete the file and download it from another mirror"
                     : "unpack or convert it, or get the data set in its original format",
                 "starts with ", show_start(start), ": this is ", what, ", not an IDX file");
  }
  const bool swapped = start[2] == 0 && start[3] == 0 &&
                       find_type(&ElementType::code, static_cast<uint8_t>(start[1])) != nullptr;
  source.check(
      !swapped,
      "IDX is big-endian; write the file again with the bytes of each number turned around",
      "starts with ", show_start(start.substr(0, 4)), ": its header is byte-swapped");
  source.check(false, "this is a damaged file or one of another format", "starts with ",
               show_start(start), ", but an IDX file starts with 00 00");
}

/// The size of the elements in the file, which must be able to hold them: checked before anyone
/// allocates it.
size_t checked_data_bytes(const ElementType& type, const Shape& shape, const Source& source) {
  const auto bytes = bytes_in_file(shape, type.bytes);
  source.check(bytes.has_value(), again, "the header gives the sizes ", shape,
               ", more than any file can hold");
  const auto header_bytes = 4 + 4 * static_cast<uint64_t>(shape.dim());
  const uint64_t file = source.content.size(), widening = size_of(type.dtype) / type.bytes;
  const uint64_t most = std::min(file - std::min(file, header_bytes), source.memory / widening);
  source.check(*bytes <= most, source.hint, "the header gives the sizes ", shape, ", that is ",
               *bytes, " bytes of data, but the file can hold at most ", most);
  return *bytes;
}

/// The type of the elements and their shape.
std::pair<ElementType, Shape> read_header(Source& source) {
  std::array<uint8_t, 36> head{};
  const size_t got = source.content.read_up_to(head.data(), 4);
  source.check(got > 0, again, "the file is empty");
  source.check(got == 4, again, "the file has only ", got, " bytes");
  if (head[0] != 0 || head[1] != 0) {
    const size_t more = source.content.read_up_to(&head[4], head.size() - 4);
    reject_magic(source, {reinterpret_cast<const char*>(head.data()), 4 + more});
  }
  const auto* const type = find_type(&ElementType::code, head[2]);
  source.check(
      type != nullptr,
      "known are 8 (unsigned byte), 9 (byte), 11 (short), 12 (int), 13 (float), 14 (double)",
      "the header names element type ", head[2], ", which IDX does not have");
  const size_t dims = head[3];
  source.check(dims >= 1 && dims <= Shape::max_dims, "1 to 8 are possible", "the header gives ",
               dims, " dimensions");
  std::array<uint32_t, Shape::max_dims> sizes;
  source.check(source.content.read_up_to(sizes.data(), 4 * dims) == 4 * dims, again,
               "the file ends inside its header");
  Shape shape;
  for (const uint32_t size : std::span(sizes).first(dims)) shape.push_back(__builtin_bswap32(size));
  return {*type, shape};
}

Tensor read_tensor(Source source) {
  const auto [type, shape] = read_header(source);
  const size_t data_bytes = checked_data_bytes(type, shape, source);
  Tensor tensor = Tensor::empty(shape, type.dtype);
  const std::span<std::byte> data = mutable_bytes_of(tensor).last(data_bytes);
  const size_t got = source.content.read_up_to(data.data(), data.size());
  source.check(got == data.size(), "the file is cut off; get it again", "the header promises ",
               data.size(), " bytes of data, the file ends after ", got);
  std::byte extra;
  source.check(source.content.read_up_to(&extra, 1) == 0, again, "there are bytes behind the ",
               data.size(), " bytes of data that the header promises");
  if (type.bytes > 1) swap_bytes(data, type.bytes);
  if (type.bytes == size_of(type.dtype)) return tensor;
  int32_t* out = tensor.mutable_data<int32_t>();          // stays behind what it is made of
  for (size_t i = 0; i < data.size(); i += type.bytes) {  // one or two bytes, the last one signed
    const int32_t high = static_cast<int8_t>(data[i + type.bytes - 1]);
    *out++ = type.bytes == 1 ? high : high * 256 + std::to_integer<int32_t>(data[i]);
  }
  return tensor;
}

// --- Writing -------------------------------------------------------------------------------------

std::vector<std::byte> header_of(const Tensor& tensor) {
  const auto* const type = find_type(&ElementType::dtype, tensor.dtype());
  require<DTypeError>(type != nullptr, write_op, "convert with .to(int32) or .to(uint8)",
                      "IDX has no element type for ", tensor.dtype());
  require<ShapeError>(tensor.dim() >= 1, write_op, "reshape it to [1]",
                      "IDX needs at least one dimension, got a tensor of shape []");
  std::vector<std::byte> header = {std::byte{0}, std::byte{0}, std::byte{type->code},
                                   static_cast<std::byte>(tensor.dim())};
  for (const int64_t size : tensor.shape()) {
    require<ShapeError>(size <= UINT32_MAX, write_op, "save_safetensors() takes larger ones",
                        "sizes in IDX have 32 bits, got ", tensor.shape());
    for (int shift = 24; shift >= 0; shift -= 8) {
      header.push_back(static_cast<std::byte>(size >> shift & 0xff));
    }
  }
  return header;
}

/// The elements in row-major order, in the file's byte order.
Tensor big_endian(const Tensor& tensor) {
  if (size_of(tensor.dtype()) == 1) return tensor.contiguous();
  Tensor swapped = tensor.contiguous().clone();
  swap_bytes(mutable_bytes_of(swapped), size_of(tensor.dtype()));
  return swapped;
}

}  // namespace

Tensor parse_idx(std::span<const std::byte> bytes, const std::string& name) {
  InputFile file(read_op, name, bytes);
  if (!is_gzip(bytes)) {
    return read_tensor(
        {file, 4 * file.size(), "the file is cut off or its header damaged; get it again"});
  }
  const uint64_t most = max_inflated_size(bytes.size());
  const auto unfolded = inflated(file, file.size(), Frame::gzip, name + ": the gzip data");
  return read_tensor({InputFile(read_op, name, most, unfolded), most,
                      "the file is damaged; if it really holds so much, unpack it with gunzip"});
}

Tensor read_idx(const std::filesystem::path& path) {
  return parse_idx(read_file(read_op, path), path.string());
}

void write_idx(const std::filesystem::path& path, const Tensor& tensor) {
  const std::vector<std::byte> header = header_of(tensor);
  const Tensor elements = big_endian(tensor);
  const std::span<const std::byte> parts[] = {header, bytes_of(elements)};
  if (path.extension() != ".gz") return write_file_atomically(write_op, path, {parts[0], parts[1]});
  write_file_atomically(write_op, path, {deflated(write_op, parts, Frame::gzip)});
}

std::string payload_sha256(const Tensor& tensor) {
  Sha256 hash;
  hash.update(header_of(tensor));
  hash.update(bytes_of(big_endian(tensor)));
  return hash.hex();
}

}  // namespace gradus::data
