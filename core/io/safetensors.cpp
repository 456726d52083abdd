#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <optional>
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
constexpr const char* file_again = "copy it anew if it was damaged on the way, or save it again";
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

// --- Reading the header --------------------------------------------------------------------------

/// A tensor as the header describes it; `offsets` of its begin and end count from the first byte
/// after the header.
struct TensorInfo {
  std::string name;
  std::optional<std::string> type_name = {};
  std::optional<std::vector<uint64_t>> sizes = {}, offsets = {};
  DType dtype = float32;  ///< like the shape, known once they have been checked
  Shape shape = {};
};

/// Follows the header's tokens, which may only form {name: {dtype, shape, data_offsets}} and one
/// {"__metadata__": {text: text}}: no tree is built, so nothing can nest deeply or grow large.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const InputFile& file) : file_(file) {}

  std::vector<TensorInfo> tensors;
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
    expect(depth_ == 3, "the number ", value);
    list_->push_back(value);
    // More entries than dimensions are wrong anyway; this bounds the memory.
    if (list_->size() <= static_cast<size_t>(Shape::max_dims)) return true;
    file_.check(false, key_ == "shape" ? "reshape it before saving" : file_again, where(),
                " has more than ", Shape::max_dims, " entries");
    return false;
  }

  bool string(std::string& value) override {
    expect(depth_ == 2 && (in_metadata_ || key_ == "dtype"), "text");
    if (in_metadata_) metadata.emplace(key_, value);
    if (!in_metadata_) tensors.back().type_name = value;
    return true;
  }

  bool start_object(size_t) override {
    expect(depth_ < 2, "an object");
    if (++depth_ == 2 && !in_metadata_) tensors.push_back({.name = key_});
    return true;
  }

  bool key(std::string& name) override {
    auto& seen = depth_ == 1 ? names_ : inner_names_;
    file_.check(seen.insert(name).second, file_again, "the name '", name, "' appears twice");
    key_ = name;
    if (depth_ == 1) in_metadata_ = name == metadata_key;
    if (depth_ == 1 || in_metadata_) return true;
    file_.check(name == "dtype" || name == "shape" || name == "data_offsets", file_again,
                "tensor '", tensors.back().name, "' has an unknown field '", name, "'");
    return true;
  }

  bool end_object() override {
    --depth_;
    inner_names_ = {};  // clear() would go through all buckets of the largest object so far
    return true;
  }

  bool start_array(size_t) override {
    expect(depth_ == 2 && !in_metadata_ && key_ != "dtype", "a list");
    list_ = &(key_ == "shape" ? tensors.back().sizes : tensors.back().offsets).emplace();
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    file_.check(false, file_again, "the header is not complete and valid JSON in UTF-8, at byte ",
                position);
    return false;
  }

 private:
  std::string where() const {
    if (depth_ == 0) return "the header";
    std::string key = str("'", key_, "'");
    if (depth_ == 1) return key;
    return str(key, in_metadata_ ? str(" in ", metadata_key)
                                 : str(" of tensor '", tensors.back().name, "'"));
  }
  template <class... What>
  bool expect(bool holds, const What&... what) const {
    if (!holds) file_.check(false, file_again, "found ", what..., " for ", where());
    return true;
  }

  const InputFile& file_;
  int depth_ = 0;  // 1: names, 2: the fields of a tensor or the metadata, 3: the entries of a list
  bool in_metadata_ = false;
  std::string key_;
  std::vector<uint64_t>* list_ = nullptr;
  std::unordered_set<std::string> names_, inner_names_;
};

/// Sets type and shape. Throws IoError unless they agree with the tensor's place in the data.
void check_tensor(TensorInfo& info, uint64_t data_bytes, const InputFile& file) {
  const auto check = [&](bool holds, const auto&... what) {
    file.check(holds, file_again, "tensor '", info.name, "' ", what...);
  };
  check(info.type_name.has_value(), "has no dtype");
  check(info.sizes.has_value(), "has no shape");
  check(info.offsets && info.offsets->size() == 2, "has no data_offsets [begin, end]");
  const std::string& type = *info.type_name;
  const auto* const row = std::ranges::find(dtype_names, type, &DTypeName::name);
  const bool known = row != std::end(dtype_names);
  file.check(known && row->dtype, "F32, F64, I64, I32, U8 and BOOL can be read", "tensor '",
             info.name, "' has the ", known ? "unsupported" : "unknown", " type '", type, "'");
  info.dtype = *row->dtype;
  const uint64_t begin = (*info.offsets)[0], end = (*info.offsets)[1];
  check(end >= begin, "ends at ", end, ", before it begins at ", begin);
  check(end <= data_bytes, "ends at byte ", end, " of the data, which has ", data_bytes);
  for (const uint64_t size : *info.sizes) info.shape.push_back(static_cast<int64_t>(size));
  const auto needed = bytes_in_file(info.shape, size_of(info.dtype));
  file.check(needed.has_value(), file_again, "the shape of tensor '", info.name,
             "' overflows 63 bits");
  check(*needed == end - begin, "of shape ", info.shape, " and type ", type, " needs ", *needed,
        " bytes, its offsets give ", end - begin);
}

/// Puts the tensors in the order of their data. Throws IoError unless they fill exactly
/// `data_bytes` bytes without overlap or gap.
void check_tensors(std::vector<TensorInfo>& tensors, uint64_t data_bytes, const InputFile& file) {
  for (TensorInfo& info : tensors) check_tensor(info, data_bytes, file);
  std::ranges::stable_sort(tensors, {}, &TensorInfo::offsets);
  uint64_t end = 0;
  const auto check_gap = [&](uint64_t next) {
    file.check(next == end, file_again, "bytes ", end, " to ", next,
               " of the data belong to no tensor");
  };
  for (const TensorInfo& t : tensors) {
    file.check((*t.offsets)[0] >= end, file_again, "tensor '", t.name, "' overlaps another one");
    check_gap((*t.offsets)[0]);
    end = (*t.offsets)[1];
  }
  check_gap(data_bytes);
}

SafeTensors read_all(InputFile file) {
  constexpr uint64_t length_bytes = 8;
  const uint64_t total = file.size();
  file.check(total >= length_bytes, file_again, "it has ", total, " bytes, fewer than 8");
  uint64_t header_bytes = 0;
  file.read(&header_bytes, length_bytes);
  file.check(header_bytes <= total - length_bytes, file_again, "the header's length, ",
             header_bytes, ", goes beyond the end of the file of ", total, " bytes");
  file.check(header_bytes <= max_header_bytes, file_again, "the header's length, ", header_bytes,
             ", is above the limit of ", max_header_bytes);
  std::string json(header_bytes, '\0');
  file.read(json.data(), header_bytes);

  file.check(json.starts_with('{'), file_again,
             "the header is not a JSON object: it does not begin with '{'");
  // The parser would take a zero byte for the end.
  const size_t zero = json.find('\0');
  file.check(zero == std::string::npos, file_again,
             "the header is not complete and valid JSON in UTF-8, at byte ", zero + 1);
  HeaderReader header(file);
  nlohmann::json::sax_parse(json, &header);
  check_tensors(header.tensors, total - length_bytes - header_bytes, file);

  SafeTensors result{.tensors = {}, .metadata = std::move(header.metadata)};
  for (TensorInfo& info : header.tensors) {
    Tensor t = Tensor::empty(info.shape, info.dtype);
    file.read(t.raw_mutable_data(), static_cast<uint64_t>(t.nbytes()));
    file.check(has_valid_bools(t), file_again, "tensor '", info.name,
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
    const int64_t end = begin + tensor.nbytes();
    entries.push_back(
        {name,
         {{"dtype", std::ranges::find(dtype_names, tensor.dtype(), &DTypeName::dtype)->name},
          {"shape", std::span<const int64_t>(tensor.shape())},
          {"data_offsets", {begin, end}}}});
    begin = end;
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
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  require<IoError>(found != tensors.end(), "safetensors",
                   "names are those of the file, as in .tensors", "no tensor '", name, "' among ",
                   tensors.size());
  return found->tensor;
}

SafeTensors load_safetensors(const std::filesystem::path& path) {
  return read_all({"load_safetensors", path});
}

SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  return read_all({"load_safetensors", name, bytes});
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const NoGrad pause;  // copying a tensor into row-major order is not part of a computation
  // Wide elements first, so that every tensor is aligned to its elements, as other readers prefer.
  NamedTensors ordered = tensors;
  std::ranges::stable_sort(ordered, std::greater(), [](const NamedTensor& t) {
    return t.tensor.defined() ? size_of(t.tensor.dtype()) : 0;
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
