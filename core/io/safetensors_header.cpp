#include "safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "../base/error.h"

namespace gradus::safetensors {
namespace {

struct DTypeName {
  const char* name;
  DType dtype;
};
constexpr DTypeName dtype_names[] = {{"F32", float32}, {"F64", float64}, {"I64", int64},
                                     {"I32", int32},   {"U8", uint8},    {"BOOL", boolean}};
constexpr const char* unsupported_names[] = {"F16", "BF16", "F8_E4M3", "F8_E5M2", "I8",
                                             "I16", "U16",  "U32",     "U64"};

const char* file_name_of(DType dtype) {
  return std::find_if(std::begin(dtype_names), std::end(dtype_names),
                      [&](const DTypeName& d) { return d.dtype == dtype; })
      ->name;
}

[[noreturn]] void refuse(const std::string& file, const std::string& what, const char* hint) {
  throw IoError("load_safetensors", str("'", file, "': ", what), hint);
}

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
  explicit HeaderReader(const std::string& file) : file_(file) {}

  std::vector<RawInfo> tensors;
  std::map<std::string, std::string> metadata;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(int64_t value) override {
    return unexpected(str("the negative number ", value));
  }
  bool number_float(double, const std::string& text) override {
    return unexpected(str("the number ", text));
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(uint64_t value) override {
    if (state_ != State::list) return unexpected(str("the number ", value));
    list_->push_back(value);
    // More entries than dimensions are wrong anyway; this bounds the memory.
    if (list_->size() > static_cast<size_t>(Shape::max_dims)) {
      const std::string what = str(where(), " has more than ", Shape::max_dims, " entries");
      if (key_ == "shape") refuse(file_, what, "reshape it before saving");
      fail(what);
    }
    return true;
  }

  bool string(std::string& value) override {
    if (state_ == State::metadata) {
      metadata.emplace(key_, value);
    } else if (state_ == State::tensor && key_ == "dtype") {
      tensors.back().dtype = value;
    } else {
      return unexpected("text");
    }
    return true;
  }

  bool start_object(size_t) override {
    if (state_ == State::start) {
      state_ = State::names;
    } else if (state_ == State::names && key_ == metadata_key) {
      state_ = State::metadata;
    } else if (state_ == State::names) {
      state_ = State::tensor;
      tensors.push_back({.name = key_});
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(std::string& name) override {
    auto& seen = state_ == State::names ? names_ : inner_names_;
    if (!seen.insert(name).second) fail(str("the name '", name, "' appears twice"));
    key_ = name;
    if (state_ == State::tensor && name != "dtype" && name != "shape" && name != "data_offsets") {
      fail(str("tensor '", tensors.back().name, "' has an unknown field '", name, "'"));
    }
    return true;
  }

  bool end_object() override {
    state_ = state_ == State::names ? State::end : State::names;
    inner_names_ = {};  // clear() would go through all buckets of the largest object so far
    return true;
  }

  bool start_array(size_t) override {
    if (state_ != State::tensor || key_ == "dtype") return unexpected("a list");
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
    fail(str("the header is not complete and valid JSON in UTF-8, at byte ", position));
  }

 private:
  enum class State { start, names, tensor, metadata, list, end };

  std::string where() const {
    switch (state_) {
      case State::tensor:
      case State::list:
        return str("'", key_, "' of tensor '", tensors.back().name, "'");
      case State::names:
        return str("'", key_, "'");
      case State::metadata:
        return str("'", key_, "' in ", metadata_key);
      default:
        return "the header";
    }
  }
  bool unexpected(const std::string& what) const { fail(str("found ", what, " for ", where())); }
  [[noreturn]] void fail(const std::string& what) const { safetensors::fail(file_, what); }

  const std::string& file_;
  State state_ = State::start;
  std::string key_;
  std::vector<uint64_t>* list_ = nullptr;
  std::unordered_set<std::string> names_, inner_names_;
};

DType parse_dtype(const std::string& text, const std::string& name, const std::string& file) {
  for (const DTypeName& d : dtype_names) {
    if (text == d.name) return d.dtype;
  }
  const bool known = std::find(std::begin(unsupported_names), std::end(unsupported_names), text) !=
                     std::end(unsupported_names);
  refuse(
      file,
      str("tensor '", name, "' has the ", known ? "unsupported" : "unknown", " type '", text, "'"),
      "F32, F64, I64, I32, U8 and BOOL can be read");
}

TensorInfo check_tensor(RawInfo&& raw, uint64_t data_bytes, const std::string& file) {
  const auto fail_tensor = [&](const auto&... what) {
    fail(file, str("tensor '", raw.name, "' ", what...));
  };
  const auto fail_overflow = [&] {
    fail(file, str("the shape of tensor '", raw.name, "' overflows 63 bits"));
  };
  if (!raw.dtype) fail_tensor("has no dtype");
  if (!raw.shape) fail_tensor("has no shape");
  if (!raw.offsets || raw.offsets->size() != 2) {
    fail_tensor("has no data_offsets [begin, end]");
  }
  TensorInfo info;
  info.dtype = parse_dtype(*raw.dtype, raw.name, file);
  info.begin = (*raw.offsets)[0];
  info.end = (*raw.offsets)[1];
  if (info.end < info.begin)
    fail_tensor("ends at ", info.end, ", before it begins at ", info.begin);
  if (info.end > data_bytes) {
    fail_tensor("ends at byte ", info.end, " of the data, which has ", data_bytes);
  }
  for (uint64_t size : *raw.shape) {
    if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) fail_overflow();
    info.shape.push_back(static_cast<int64_t>(size));
  }
  const std::optional<uint64_t> needed = bytes_in_file(info.shape, size_of(info.dtype));
  if (!needed) fail_overflow();
  if (*needed != info.end - info.begin) {
    fail_tensor("of shape ", info.shape, " and type ", *raw.dtype, " needs ", *needed,
                " bytes, its offsets give ", info.end - info.begin);
  }
  info.name = std::move(raw.name);
  return info;
}

/// The data must be covered exactly once.
void check_layout(std::vector<TensorInfo>& tensors, uint64_t data_bytes, const std::string& file) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const TensorInfo& t : tensors) {
    if (t.begin < end) fail(file, str("tensor '", t.name, "' overlaps another one"));
    if (t.begin > end) {
      fail(file, str("bytes ", end, " to ", t.begin, " of the data belong to no tensor"));
    }
    end = t.end;
  }
  if (end != data_bytes) {
    fail(file, str("bytes ", end, " to ", data_bytes, " of the data belong to no tensor"));
  }
}

}  // namespace

void fail(const std::string& file, const std::string& what) {
  refuse(file, what, "copy it anew if it was damaged on the way, or save it again");
}

Header parse_header(std::string_view json, uint64_t data_bytes, const std::string& file) {
  if (json.empty() || json.front() != '{') {
    fail(file, "the header is not a JSON object: it does not begin with '{'");
  }
  if (const size_t zero = json.find('\0'); zero != std::string_view::npos) {
    // The parser would take it for the end.
    fail(file, str("the header is not complete and valid JSON in UTF-8, at byte ", zero + 1));
  }
  HeaderReader reader(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  Header header;
  header.metadata = std::move(reader.metadata);
  for (RawInfo& raw : reader.tensors) {
    header.tensors.push_back(check_tensor(std::move(raw), data_bytes, file));
  }
  check_layout(header.tensors, data_bytes, file);
  return header;
}

std::string write_header(const Header& header) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) root[metadata_key] = header.metadata;
  // Straight into the object: looking each name up would take quadratic time.
  auto& entries = root.get_ref<nlohmann::ordered_json::object_t&>();
  for (const TensorInfo& t : header.tensors) {
    nlohmann::ordered_json entry;
    entry["dtype"] = file_name_of(t.dtype);
    entry["shape"] = std::vector<int64_t>(t.shape.begin(), t.shape.end());
    entry["data_offsets"] = {t.begin, t.end};
    entries.push_back({t.name, std::move(entry)});
  }
  try {
    std::string text = root.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  } catch (const nlohmann::json::exception&) {
    throw ValueError("save_safetensors", "a name or a metadata text is not valid UTF-8",
                     "use UTF-8, or plain ASCII");
  }
}

}  // namespace gradus::safetensors
