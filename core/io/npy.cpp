#include "npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../ops.h"
#include "../tape.h"
#include "elements.h"
#include "zip.h"

namespace gradus {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are written little-endian");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::string_view extension = ".npy";  // ends every name in an archive
constexpr const char* npy_again =
    "save it again with np.save, or copy it anew if it was damaged on the way";

struct TypeName {
  const char* name;
  DType dtype;
};
constexpr TypeName type_names[] = {{"f4", float32}, {"f8", float64}, {"i8", int64},
                                   {"i4", int32},   {"u1", uint8},   {"b1", boolean}};

// --- Reading -------------------------------------------------------------------------------------

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// The header is a Python dict with three keys: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (2, 3), }.
class HeaderParser {
 public:
  HeaderParser(const InputFile& file, std::string_view text) : file_(file), text_(text) {}

  Header parse() {
    list("{", "}", [this] { entry(); });
    skip_spaces();
    expect(at_ == text_.size(), "the end");
    file_.check(keys_.size() == 3, npy_again,
                "the header needs 'descr', 'fortran_order' and 'shape'");
    return std::move(header_);
  }

 private:
  /// Elements between two brackets, with commas between them and perhaps one after the last.
  template <class Element>
  void list(std::string_view open, std::string_view close, const Element& element) {
    expect_next(open);
    while (!accept(close)) {
      element();
      if (accept(",")) continue;
      return expect_next(close);
    }
  }

  void entry() {
    const std::string key = string();
    file_.check(keys_.insert(key).second, npy_again, "the header has '", key, "' twice");
    expect_next(":");
    skip_spaces();
    if (key == "descr") {
      file_.check(next() != '[', "save each field as an array of its own, x['field']",
                  "it holds records of several types, which cannot be read");
      header_.descr = string();
    } else if (key == "fortran_order") {
      header_.fortran_order = accept("True");
      expect(header_.fortran_order || accept("False"), "True or False");
    } else {
      file_.check(key == "shape", npy_again, "the header has an unknown key '", key, "'");
      list("(", ")", [&] { header_.shape.push_back(number()); });
    }
  }

  std::string string() {
    skip_spaces();
    const char quote = next();
    const size_t end = text_.find(quote, at_ + 1);
    expect((quote == '\'' || quote == '"') && end != std::string_view::npos, "a string");
    const size_t begin = std::exchange(at_, end + 1) + 1;
    return std::string(text_.substr(begin, end - begin));
  }

  int64_t number() {
    skip_spaces();
    expect(next() >= '0' && next() <= '9', "a size");
    int64_t value = 0;
    const char* const end = text_.data() + text_.size();
    const auto [rest, error] = std::from_chars(text_.data() + at_, end, value);
    file_.check(error == std::errc(), npy_again, "a size in its shape overflows 63 bits");
    at_ = text_.size() - static_cast<size_t>(end - rest);
    return value;
  }

  /// The next character; 0 at the end.
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (next() == ' ' || next() == '\n') ++at_;
  }
  bool accept(std::string_view word) {
    skip_spaces();
    const bool found = text_.substr(at_).starts_with(word);
    at_ += found ? word.size() : 0;
    return found;
  }
  void expect_next(std::string_view word) { expect(accept(word), str("'", word, "'")); }
  void expect(bool found, std::string_view wanted) const {
    file_.check(found, npy_again, "the header is not what NumPy writes: expected ", wanted,
                " at byte ", at_);
  }

  const InputFile& file_;
  std::string_view text_;
  size_t at_ = 0;
  Header header_;
  std::unordered_set<std::string> keys_;
};

Shape checked_shape(const InputFile& file, const std::vector<int64_t>& sizes, DType dtype,
                    uint64_t data_bytes) {
  file.check(sizes.size() <= static_cast<size_t>(Shape::max_dims), "reshape it before saving",
             "it has ", sizes.size(), " dimensions; ", Shape::max_dims,
             " are the most there can be");
  const Shape shape(sizes);
  const std::optional<uint64_t> needed = bytes_in_file(shape, size_of(dtype));
  file.check(needed.has_value(), npy_again, "its shape ", shape, " overflows 63 bits");
  file.check(*needed == data_bytes, npy_again, "shape ", shape, " and type ", dtype, " need ",
             *needed, " bytes, there are ", data_bytes);
  return shape;
}

/// The header before the elements; `rest` is how many bytes they have.
std::string read_header_text(InputFile& file, uint64_t& rest) {
  rest = file.size();
  const auto read = [&](void* to, uint64_t n, const char* what) {
    file.check(n <= rest, npy_again, "it ends within ", what);
    file.read(to, n);
    rest -= n;
  };
  char start[8];
  read(start, sizeof start, "the first 8 bytes");
  file.check(std::string_view(start, magic.size()) == magic, npy_again,
             "it is no .npy file: it does not begin with \\x93NUMPY");
  const int version = start[6];
  file.check(version >= 1 && version <= 3, npy_again, "format version ", version, " is unknown");
  constexpr uint64_t max_bytes = 10'000;  // headers are short; NumPy itself rejects longer ones
  uint32_t length = 0;
  read(&length, version == 1 ? 2 : 4, "the length of the header");
  file.check(length <= max_bytes, npy_again, "the header's length, ", length,
             ", is above the limit of ", max_bytes);
  std::string text(length, '\0');
  read(text.data(), length, "the header");
  return text;
}

/// All bytes of the file, which must be exactly one array.
Tensor read_array(InputFile& file) {
  uint64_t rest = 0;
  const std::string text = read_header_text(file, rest);
  const Header header = HeaderParser(file, text).parse();
  const std::string& descr = header.descr;
  const bool has_order = descr.find_first_of("<>|=") == 0;
  const auto* const type =
      std::ranges::find(type_names, descr.substr(has_order ? 1 : 0), &TypeName::name);
  file.check(has_order && type != std::end(type_names),
             "float32, float64, int64, int32, uint8 and bool can be; convert with "
             "x.astype('float32') in NumPy",
             "elements of type '", descr, "' cannot be read");
  Shape shape = checked_shape(file, header.shape, type->dtype, rest);
  // In Fortran order the elements are those of the transposed tensor in row-major order.
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  Tensor x = Tensor::empty(shape, type->dtype);
  file.read(x.raw_mutable_data(), rest);
  if (descr[0] == '>') swap_bytes(mutable_bytes_of(x), size_of(type->dtype));
  file.check(has_valid_bools(x), npy_again, "it is of type bool and has a byte other than 0 and 1");
  if (!header.fortran_order) return x;
  const NoGrad pause;
  Dims reversed;
  for (int d = x.dim() - 1; d >= 0; --d) reversed.push_back(d);
  return permute(x, reversed).contiguous();
}

// --- Writing -------------------------------------------------------------------------------------

/// What comes before the elements of x, which follow in row-major order.
std::string header_of(const char* op, const Tensor& x) {
  require<ShapeError>(bytes_in_file(x.shape(), size_of(x.dtype())).has_value(), op,
                      "a size is wrong", "an array of shape ", x.shape(),
                      " cannot be written: its sizes other than 0 overflow 63 bits");
  std::string text = str("{'descr': '", size_of(x.dtype()) > 1 ? '<' : '|',
                         std::ranges::find(type_names, x.dtype(), &TypeName::dtype)->name,
                         "', 'fortran_order': False, 'shape': (");
  for (int64_t size : x.shape()) text += str(size, x.dim() > 1 ? ", " : ",");
  if (x.dim() > 1) text.erase(text.size() - 2);
  text += "), }";
  constexpr size_t prefix = 10;                        // magic, version, length
  text.append(63 - (prefix + text.size()) % 64, ' ');  // so that the elements are aligned
  text += '\n';
  std::string bytes(magic);
  bytes += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return bytes + text;
}

}  // namespace

Tensor load_npy(const std::filesystem::path& path) {
  InputFile file("load_npy", path);
  return read_array(file);
}

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name) {
  InputFile file("parse_npy", name, bytes);
  return read_array(file);
}

void save_npy(const std::filesystem::path& path, const Tensor& x) {
  const NoGrad pause;
  const Tensor dense = x.contiguous();
  const std::string header = header_of("save_npy", dense);
  write_file_atomically("save_npy", path, {std::as_bytes(std::span(header)), bytes_of(dense)});
}

NamedTensors load_npz(const std::filesystem::path& path) {
  NamedTensors tensors;
  ZipReader archive({"load_npz", path});
  for (const auto& entry : archive.entries()) {
    const std::string& name = entry.name;
    archive.file().check(name.ends_with(extension), "an archive of arrays holds .npy files only",
                         "entry '", name, "' is no .npy");
    archive.read(entry, [&](InputFile& content) {
      tensors.push_back({name.substr(0, name.size() - extension.size()), read_array(content)});
    });
  }
  return tensors;
}

void save_npz(const std::filesystem::path& path, const NamedTensors& tensors,
              const NpzOptions& options) {
  const NoGrad pause;
  check_names("save_npz", "array", tensors);
  for (const NamedTensor& t : tensors) {
    require(!t.name.empty() && t.name.find('\0') == std::string::npos, "save_npz",
            "names become the names of files in the archive", "a name is empty or has a zero byte");
  }
  ZipWriter archive("save_npz", path);
  for (const NamedTensor& t : tensors) {
    const Tensor dense = t.tensor.contiguous();
    const std::string header = header_of("save_npz", dense);
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span(header)), bytes_of(dense)};
    archive.add(t.name + std::string(extension), parts, options.compress);
  }
  archive.commit();
}

}  // namespace gradus
