#include "npy_format.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "../base/error.h"
#include "../ops.h"
#include "../tape.h"

namespace gradus::npy {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are written little-endian");

constexpr std::string_view magic = "\x93NUMPY";
/// Headers are short; NumPy itself refuses longer ones.
constexpr uint64_t max_header_bytes = 10'000;

struct TypeName {
  const char* name;
  DType dtype;
};
constexpr TypeName type_names[] = {{"f4", float32}, {"f8", float64}, {"i8", int64},
                                   {"i4", int32},   {"u1", uint8},   {"b1", boolean}};

[[noreturn]] void refuse(const Source& source, const std::string& what, const char* hint) {
  throw IoError(source.op, str("'", source.name, "': ", what), hint);
}

/// For what a good file cannot have.
template <class... What>
[[noreturn]] void fail(const Source& source, const What&... what) {
  refuse(source, str(what...),
         "save it again with np.save, or copy it anew if it was damaged on the way");
}

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
};

/// The header is a Python dict with three keys: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (2, 3), }.
class HeaderParser {
 public:
  HeaderParser(const Source& source, std::string_view text) : source_(source), text_(text) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      value(key);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) unexpected("the end");
    if (!descr_ || !order_ || !shape_) {
      fail(source_, "the header needs 'descr', 'fortran_order' and 'shape'");
    }
    return {*descr_, *order_, *shape_};
  }

 private:
  void value(const std::string& key) {
    if (key == "descr") {
      skip_spaces();
      if (at_ < text_.size() && text_[at_] == '[') {
        refuse(source_, "it holds records of several types, which cannot be read",
               "save each field as an array of its own, x['field']");
      }
      set(descr_, key, string());
    } else if (key == "fortran_order") {
      set(order_, key, truth());
    } else if (key == "shape") {
      set(shape_, key, sizes());
    } else {
      fail(source_, "the header has an unknown key '", key, "'");
    }
  }

  template <class T>
  void set(std::optional<T>& field, const std::string& key, T value) {
    if (field) fail(source_, "the header has '", key, "' twice");
    field = std::move(value);
  }

  std::string string() {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    const size_t end = text_.find(quote, at_ + 1);
    if ((quote != '\'' && quote != '"') || end == std::string_view::npos) unexpected("a string");
    std::string content(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return content;
  }

  bool truth() {
    skip_spaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    unexpected("True or False");
  }

  std::vector<uint64_t> sizes() {
    std::vector<uint64_t> list;
    expect('(');
    while (!accept(')')) {
      list.push_back(number());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return list;
  }

  uint64_t number() {
    skip_spaces();
    const size_t begin = at_;
    uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<uint64_t>(text_[at_] - '0');
      if (value > (std::numeric_limits<int64_t>::max() - digit) / 10) {
        fail(source_, "a size in its shape overflows 63 bits");
      }
      value = 10 * value + digit;
    }
    if (at_ == begin) unexpected("a size");
    return value;
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) unexpected(std::string("'") + c + "'");
  }
  [[noreturn]] void unexpected(const std::string& wanted) const {
    fail(source_, "the header is not what NumPy writes: expected ", wanted, " at byte ", at_);
  }

  const Source& source_;
  std::string_view text_;
  size_t at_ = 0;
  std::optional<std::string> descr_;
  std::optional<bool> order_;
  std::optional<std::vector<uint64_t>> shape_;
};

struct ElementType {
  DType dtype;
  bool swapped;  ///< the most significant byte comes first
};

ElementType element_type(const Source& source, const std::string& descr) {
  const char order = descr.empty() ? '\0' : descr[0];
  for (const TypeName& t : type_names) {
    if (std::string_view("<>|=").find(order) == std::string_view::npos) break;
    if (descr.substr(1) == t.name) return {t.dtype, order == '>' && size_of(t.dtype) > 1};
  }
  refuse(source, str("elements of type '", descr, "' cannot be read"),
         "float32, float64, int64, int32, uint8 and bool can be; convert with "
         "x.astype('float32') in NumPy");
}

Shape checked_shape(const Source& source, const Header& header, DType dtype, uint64_t data_bytes) {
  if (header.shape.size() > static_cast<size_t>(Shape::max_dims)) {
    refuse(source,
           str("it has ", header.shape.size(), " dimensions; ", Shape::max_dims,
               " are the most there can be"),
           "reshape it before saving");
  }
  Shape shape;
  for (uint64_t size : header.shape) shape.push_back(static_cast<int64_t>(size));
  const std::optional<uint64_t> needed = bytes_in_file(shape, size_of(dtype));
  if (!needed) fail(source, "its shape ", shape, " overflows 63 bits");
  if (*needed != data_bytes) {
    fail(source, "shape ", shape, " and type ", dtype, " need ", *needed, " bytes, there are ",
         data_bytes);
  }
  return shape;
}

std::string read_header_text(const Source& source, uint64_t& rest) {
  const auto read = [&](void* to, uint64_t n, const char* what) {
    if (n > rest) fail(source, "it ends within ", what);
    source.read(to, n);
    rest -= n;
  };
  char start[8];
  read(start, sizeof start, "the first 8 bytes");
  if (std::string_view(start, magic.size()) != magic) {
    fail(source, "it is no .npy file: it does not begin with \\x93NUMPY");
  }
  const int version = start[6];
  if (version < 1 || version > 3) fail(source, "format version ", version, " is unknown");
  uint32_t length = 0;
  read(&length, version == 1 ? 2 : 4, "the length of the header");
  if (length > max_header_bytes) {
    fail(source, "the header's length, ", length, ", is above the limit of ", max_header_bytes);
  }
  std::string text(length, '\0');
  read(text.data(), length, "the header");
  return text;
}

void swap_bytes(Tensor& x) {
  auto* const bytes = static_cast<std::byte*>(x.raw_mutable_data());
  const auto width = static_cast<int64_t>(size_of(x.dtype()));
  for (int64_t i = 0; i < x.nbytes(); i += width) std::reverse(bytes + i, bytes + i + width);
}

void check_bools(const Source& source, const Tensor& x) {
  const auto* const bytes = static_cast<const uint8_t*>(x.raw_data());
  if (std::any_of(bytes, bytes + x.numel(), [](uint8_t b) { return b > 1; })) {
    fail(source, "it is of type bool and has a byte other than 0 and 1");
  }
}

}  // namespace

Tensor read_array(const Source& source) {
  uint64_t rest = source.bytes;
  const std::string text = read_header_text(source, rest);
  const Header header = HeaderParser(source, text).parse();
  const ElementType type = element_type(source, header.descr);
  Shape shape = checked_shape(source, header, type.dtype, rest);
  // In Fortran order the elements are those of the transposed tensor in row-major order.
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  Tensor x = Tensor::empty(shape, type.dtype);
  source.read(x.raw_mutable_data(), rest);
  if (type.swapped) swap_bytes(x);
  if (type.dtype == boolean) check_bools(source, x);
  if (!header.fortran_order) return x;
  const NoGrad pause;
  Dims reversed;
  for (int d = x.dim() - 1; d >= 0; --d) reversed.push_back(d);
  return permute(x, reversed).contiguous();
}

std::string header_of(const char* op, const Tensor& x) {
  if (!bytes_in_file(x.shape(), size_of(x.dtype()))) {
    throw ShapeError(op,
                     str("an array of shape ", x.shape(),
                         " cannot be written: its sizes other than 0 overflow 63 bits"),
                     "a size is wrong");
  }
  const auto type = std::find_if(std::begin(type_names), std::end(type_names),
                                 [&](const TypeName& t) { return t.dtype == x.dtype(); });
  std::string text = str("{'descr': '", size_of(x.dtype()) > 1 ? '<' : '|', type->name,
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

}  // namespace gradus::npy
