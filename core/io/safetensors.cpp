#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "../ops.h"
#include "../tape.h"
#include "atomic_file.h"
#include "elements.h"
#include "input_file.h"

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr const char* save_op = "save_safetensors";
constexpr const char* again = "copy it anew if it was damaged on the way, or save it again";
/// The format limits headers to this size.
constexpr uint64_t max_header_bytes = 100'000'000;
/// The key of free text among the names of tensors.
constexpr const char* metadata_key = "__metadata__";

struct DTypeName {
  const char* name;
  std::optional<DType> dtype;  ///< nothing for those that a tensor cannot have
};
constexpr DTypeName dtype_names[] = {
    {"F32", float32},  {"F64", float64}, {"I64", int64}, {"I32", int32},  {"U8", uint8},
    {"BOOL", boolean}, {"F16", {}},      {"BF16", {}},   {"F8_E4M3", {}}, {"F8_E5M2", {}},
    {"I8", {}},        {"I16", {}},      {"U16", {}},    {"U32", {}},     {"U64", {}}};

/// One tensor: `begin` and `end` are offsets into the data, which follows the header.
struct TensorInfo {
  std::string name;
  DType dtype = float32;
  Shape shape = {};
  uint64_t begin = 0, end = 0;
};

// --- Reading the header --------------------------------------------------------------------------

/// A tensor as the header describes it, before it is checked.
struct RawInfo {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<uint64_t>> shape, offsets;
};

/// Follows the header's tokens, which may only form {name: {dtype, shape, data_offsets}} and one
/// {"__metadata__": {text: text}}: no tree is built, so nothing can nest deeply or grow large.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const InputFile& file) : file_(file) {}

  std::vector<RawInfo> tensors;
  std::map<std::string, std::string> metadata;

  bool null() override { return expect(false, "null"); }
  bool boolean(bool) override { return expect(false, "true or false"); }
  bool number_integer(int64_t value) override {
    return expect(false, "the negative number ", value);
  }
  bool number_float(double, const std::string& text) override {
    return expect(false, "the number ", text);
  }
  bool binary(binary_t&) override { return expect(false, "binary data"); }

  bool number_unsigned(uint64_t value) override {
    expect(state_ == State::list, "the number ", value);
    list_->push_back(value);
    // More entries than dimensions are wrong anyway; this bounds the memory.
    if (list_->size() > static_cast<size_t>(Shape::max_dims)) {
      file_.check(false, key_ == "shape" ? "reshape it before saving" : again, where(),
                  " has more than ", Shape::max_dims, " entries");
    }
    return true;
  }

  bool string(std::string& value) override {
    if (state_ == State::metadata) {
      metadata.emplace(key_, value);
    } else {
      expect(state_ == State::tensor && key_ == "dtype", "text");
      tensors.back().dtype = value;
    }
    return true;
  }

  bool start_object(size_t) override {
    expect(state_ == State::start || state_ == State::names, "an object");
    if (state_ == State::start) {
      state_ = State::names;
    } else if (key_ == metadata_key) {
      state_ = State::metadata;
    } else {
      state_ = State::tensor;
      tensors.push_back({.name = key_});
    }
    return true;
  }

  bool key(std::string& name) override {
    auto& seen = state_ == State::names ? names_ : inner_names_;
    file_.check(seen.insert(name).second, again, "the name '", name, "' appears twice");
    key_ = name;
    if (state_ == State::tensor) {
      file_.check(name == "dtype" || name == "shape" || name == "data_offsets", again, "tensor '",
                  tensors.back().name, "' has an unknown field '", name, "'");
    }
    return true;
  }

  bool end_object() override {
    state_ = state_ == State::names ? State::end : State::names;
    inner_names_ = {};  // clear() would go through all buckets of the largest object so far
    return true;
  }

  bool start_array(size_t) override {
    expect(state_ == State::tensor && key_ != "dtype", "a list");
    list_ = &(key_ == "shape" ? tensors.back().shape : tensors.back().offsets).emplace();
    state_ = State::list;
    return true;
  }
  bool end_array() override {
    state_ = State::tensor;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    file_.check(false, again, "the header is not complete and valid JSON in UTF-8, at byte ",
                position);
    return false;
  }

 private:
  enum class State { start, names, tensor, metadata, list, end };

  std::string where() const {
    if (state_ == State::start || state_ == State::end) return "the header";
    std::string key = str("'", key_, "'");
    if (state_ == State::names) return key;
    return str(key, state_ == State::metadata ? str(" in ", metadata_key)
                                              : str(" of tensor '", tensors.back().name, "'"));
  }
  template <class... What>
  bool expect(bool holds, const What&... what) const {
    if (!holds) file_.check(false, again, "found ", what..., " for ", where());
    return true;
  }

  const InputFile& file_;
  State state_ = State::start;
  std::string key_;
  std::vector<uint64_t>* list_ = nullptr;
  std::unordered_set<std::string> names_, inner_names_;
};

DType parse_dtype(const std::string& text, const std::string& name, const InputFile& file) {
  const auto* const found = std::find_if(std::begin(dtype_names), std::end(dtype_names),
                                         [&](const DTypeName& d) { return d.name == text; });
  const bool known = found != std::end(dtype_names);
  file.check(known && found->dtype, "F32, F64, I64, I32, U8 and BOOL can be read", "tensor '", name,
             "' has the ", known ? "unsupported" : "unknown", " type '", text, "'");
  return *found->dtype;
}

TensorInfo checked_tensor(RawInfo&& raw, uint64_t data_bytes, const InputFile& file) {
  const auto check = [&](bool holds, const auto&... what) {
    file.check(holds, again, "tensor '", raw.name, "' ", what...);
  };
  check(raw.dtype.has_value(), "has no dtype");
  check(raw.shape.has_value(), "has no shape");
  check(raw.offsets && raw.offsets->size() == 2, "has no data_offsets [begin, end]");
  const uint64_t begin = (*raw.offsets)[0], end = (*raw.offsets)[1];
  TensorInfo info{.dtype = parse_dtype(*raw.dtype, raw.name, file), .begin = begin, .end = end};
  check(end >= begin, "ends at ", end, ", before it begins at ", begin);
  check(end <= data_bytes, "ends at byte ", end, " of the data, which has ", data_bytes);
  bool fits = true;
  for (const uint64_t size : *raw.shape) {
    fits = fits && size <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    info.shape.push_back(static_cast<int64_t>(size));
  }
  const auto needed = fits ? bytes_in_file(info.shape, size_of(info.dtype)) : std::nullopt;
  file.check(needed.has_value(), again, "the shape of tensor '", raw.name, "' overflows 63 bits");
  check(*needed == end - begin, "of shape ", info.shape, " and type ", *raw.dtype, " needs ",
        *needed, " bytes, its offsets give ", end - begin);
  info.name = std::move(raw.name);
  return info;
}

/// The tensors in the order of their data, which they must cover exactly once.
std::vector<TensorInfo> checked_tensors(std::vector<RawInfo>&& raw, uint64_t data_bytes,
                                        const InputFile& file) {
  std::vector<TensorInfo> tensors;
  tensors.reserve(raw.size());
  for (RawInfo& info : raw) {
    tensors.push_back(checked_tensor(std::move(info), data_bytes, file));
  }
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  const auto check_gap = [&](uint64_t next) {
    file.check(next == end, again, "bytes ", end, " to ", next, " of the data belong to no tensor");
  };
  for (const TensorInfo& t : tensors) {
    file.check(t.begin >= end, again, "tensor '", t.name, "' overlaps another one");
    check_gap(t.begin);
    end = t.end;
  }
  check_gap(data_bytes);
  return tensors;
}

/// Reads a header. Throws IoError unless its tensors fill exactly `data_bytes` bytes without
/// overlap or gap.
std::vector<TensorInfo> parse_header(std::string_view json, uint64_t data_bytes,
                                     const InputFile& file, SafeTensors& result) {
  file.check(json.starts_with('{'), again,
             "the header is not a JSON object: it does not begin with '{'");
  // The parser would take a zero byte for the end.
  const size_t zero = json.find('\0');
  file.check(zero == std::string_view::npos, again,
             "the header is not complete and valid JSON in UTF-8, at byte ", zero + 1);
  HeaderReader reader(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  result.metadata = std::move(reader.metadata);
  return checked_tensors(std::move(reader.tensors), data_bytes, file);
}

SafeTensors read_all(InputFile& file) {
  constexpr uint64_t length_bytes = 8;
  const uint64_t total = file.size();
  file.check(total >= length_bytes, again, "it has ", total, " bytes, fewer than 8");
  uint64_t header_bytes = 0;
  file.read(&header_bytes, length_bytes);
  file.check(header_bytes <= total - length_bytes, again, "the header's length, ", header_bytes,
             ", goes beyond the end of the file of ", total, " bytes");
  file.check(header_bytes <= max_header_bytes, again, "the header's length, ", header_bytes,
             ", is above the limit of ", max_header_bytes);
  std::string json(header_bytes, '\0');
  file.read(json.data(), header_bytes);

  SafeTensors result;
  const uint64_t data_bytes = total - length_bytes - header_bytes;
  for (TensorInfo& info : parse_header(json, data_bytes, file, result)) {
    Tensor t = Tensor::empty(info.shape, info.dtype);
    file.read(t.raw_mutable_data(), info.end - info.begin);
    file.check(has_valid_bools(t), again, "tensor '", info.name,
               "' of type BOOL has a byte other than 0 and 1");
    result.tensors.push_back({std::move(info.name), std::move(t)});
  }
  return result;
}

// --- Writing -------------------------------------------------------------------------------------

/// The header as text, padded with spaces to a multiple of eight bytes.
std::string header_of(const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  check_names(save_op, "tensor", tensors);
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!metadata.empty()) root[metadata_key] = metadata;
  // Straight into the object: looking each name up would take quadratic time.
  auto& entries = root.get_ref<nlohmann::ordered_json::object_t&>();
  int64_t begin = 0;
  for (const auto& [name, tensor] : tensors) {
    require(name != metadata_key, save_op, "the format keeps this name for text",
            "no tensor can be named '", name, "'");
    require<ShapeError>(bytes_in_file(tensor.shape(), size_of(tensor.dtype())).has_value(), save_op,
                        "a size is wrong", "tensor '", name, "' of shape ", tensor.shape(),
                        " cannot be written: its sizes other than 0 overflow 63 bits");
    const auto type = std::find_if(std::begin(dtype_names), std::end(dtype_names),
                                   [&t = tensor](DTypeName d) { return d.dtype == t.dtype(); });
    nlohmann::ordered_json entry;
    entry["dtype"] = type->name;
    entry["shape"] = std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end());
    entry["data_offsets"] = {begin, begin + tensor.nbytes()};
    entries.push_back({name, std::move(entry)});
    begin += tensor.nbytes();
  }
  try {
    std::string text = root.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  } catch (const nlohmann::json::exception&) {
    throw ValueError(save_op, "a name or a metadata text is not valid UTF-8",
                     "use UTF-8, or plain ASCII");
  }
}

}  // namespace

const Tensor& SafeTensors::at(const std::string& name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const NamedTensor& t) { return t.name == name; });
  require<IoError>(found != tensors.end(), "safetensors",
                   "names are those of the file, as in .tensors", "no tensor '", name, "' among ",
                   tensors.size());
  return found->tensor;
}

SafeTensors load_safetensors(const std::filesystem::path& path) {
  InputFile file("load_safetensors", path);
  return read_all(file);
}

SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  InputFile file("load_safetensors", name, bytes);
  return read_all(file);
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const NoGrad pause;  // copying a tensor into row-major order is not part of a computation
  // Wide elements first, so that every tensor is aligned to its elements, as other readers prefer.
  NamedTensors ordered = tensors;
  std::stable_sort(ordered.begin(), ordered.end(), [](const NamedTensor& a, const NamedTensor& b) {
    const auto width = [](const Tensor& t) { return t.defined() ? size_of(t.dtype()) : 0; };
    return width(a.tensor) > width(b.tensor);
  });
  const std::string header = header_of(ordered, metadata);
  const uint64_t header_bytes = header.size();
  require(header_bytes <= max_header_bytes, save_op, "save the texts in a file of their own",
          "the names and metadata take ", header_bytes, " bytes; the format allows ",
          max_header_bytes);
  AtomicFile file(save_op, path);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(std::as_bytes(std::span(header)));
  for (const NamedTensor& t : ordered) file.write(bytes_of(t.tensor.contiguous()));
  file.commit();
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  write_file_atomically("write_file", path, {bytes});
}

void write_file_atomically(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace gradus
