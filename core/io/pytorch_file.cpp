#include "pytorch_file.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "../ops.h"
#include "../tape.h"
#include "half.h"
#include "pickle.h"
#include "zip.h"

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are read as they are");

constexpr const char* pytorch_op = "load_pytorch";
constexpr const char* save_state =
    "save the state alone, in Python: torch.save(model.state_dict(), path)";
constexpr const char* save_anew =
    "save it again with torch.save, or copy it anew if it was damaged on the way";

// --- Elements ------------------------------------------------------------------------------------

template <class Integer>
int32_t as_int32(Integer x) {
  return x;
}

bool is_true(uint8_t x) {
  return x != 0;
}

/// Fills a tensor with elements that have another type in the file.
template <class From, auto convert>
void read_converted(InputFile& content, Tensor& to) {
  using To = decltype(convert(From()));
  constexpr int64_t piece = 1 << 14;
  std::vector<From> from(static_cast<size_t>(std::min(piece, to.numel())));
  To* out = to.mutable_data<To>();
  for (int64_t rest = to.numel(); rest > 0; rest -= piece) {
    const auto n = static_cast<size_t>(std::min(piece, rest));
    content.read(from.data(), n * sizeof(From));
    out = std::transform(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(n), out, convert);
  }
}

void read_as_they_are(InputFile& content, Tensor& to) {
  content.read(to.raw_mutable_data(), static_cast<uint64_t>(to.nbytes()));
}

/// The class of a block of elements in Python; its elements become `dtype`.
struct StorageType {
  const char* name;
  DType dtype;
  uint64_t width;  ///< bytes of an element in the file
  void (*read)(InputFile&, Tensor&);
};
constexpr StorageType storage_types[] = {
    {"torch.FloatStorage", float32, 4, read_as_they_are},
    {"torch.DoubleStorage", float64, 8, read_as_they_are},
    {"torch.HalfStorage", float32, 2, read_converted<uint16_t, from_half>},
    {"torch.BFloat16Storage", float32, 2, read_converted<uint16_t, from_bfloat16>},
    {"torch.LongStorage", int64, 8, read_as_they_are},
    {"torch.IntStorage", int32, 4, read_as_they_are},
    {"torch.ShortStorage", int32, 2, read_converted<int16_t, as_int32<int16_t>>},
    {"torch.CharStorage", int32, 1, read_converted<int8_t, as_int32<int8_t>>},
    {"torch.ByteStorage", uint8, 1, read_as_they_are},
    {"torch.BoolStorage", boolean, 1, read_converted<uint8_t, is_true>},
};

// --- What may be in a pickle ---------------------------------------------------------------------

/// Numbers of the two functions; smaller ones are those of storage types.
constexpr int64_t rebuild_tensor = std::size(storage_types), rebuild_parameter = rebuild_tensor + 1;

struct Refused {
  std::string_view begin, what;  ///< of the name, and what it stands for
  const char* hint;
};
constexpr Refused refused[] = {
    {"torch._utils._rebuild_sparse", "a sparse tensor", "save x.to_dense()"},
    {"torch._utils._rebuild_qtensor", "a quantized tensor", "save x.dequantize()"},
    {"torch.Complex", "complex numbers", "save torch.view_as_real(x)"},
    {"torch._utils._rebuild_tensor_v3", "a tensor of a type that there is not here",
     "convert it before saving: x.float(), x.to(torch.int64)"},
    {"", "a Python object", save_state},
};

int64_t find_global(const InputFile& file, const std::string& name) {
  const auto* const type = std::ranges::find(storage_types, name, &StorageType::name);
  if (type != std::end(storage_types)) return type - storage_types;
  if (name == "torch._utils._rebuild_tensor_v2") return rebuild_tensor;
  if (name == "torch._utils._rebuild_parameter") return rebuild_parameter;
  const auto* const row =
      std::ranges::find_if(refused, [&](const Refused& r) { return name.starts_with(r.begin); });
  file.check(false, row->hint, "it contains ", row->what, " (", printable(name.substr(0, 200)),
             "), which cannot be read");
  return 0;
}

/// Recognizes other files by their first bytes.
void check_start(InputFile& file) {
  constexpr const char* convert = "convert it in Python: torch.save(torch.load(path), path)";
  constexpr std::string_view old_magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  constexpr size_t tar_magic_at = 257;
  std::string start(tar_magic_at + 5, '\0');
  file.read_up_to(start.data(), start.size());
  file.check(start.find(old_magic) > 32, convert,
             "it has the format of PyTorch before version 1.6");
  file.check(!start.ends_with("ustar"), convert, "it has the format of PyTorch before version 0.2");
  file.check(start.starts_with("PK\x03\x04"), "torch.save(model.state_dict(), path) writes one",
             "it is no file of torch.save: it does not begin like a zip archive");
}

// --- Reading -------------------------------------------------------------------------------------

/// Reads a file and follows its values, from the root to the tensors.
class PytorchReader {
 public:
  using Kind = PickleValue::Kind;

  PytorchReader(InputFile file, const PytorchOptions& options)
      : archive_(std::move(file)), prefix_(options.prefix.empty() ? "" : options.prefix + ".") {
    for (const ZipEntry& entry : archive_.entries()) entries_.emplace(entry.name, &entry);
  }

  NamedTensors read();

 private:
  struct Block {
    Tensor elements;
    int64_t type;
    bool is_taken;  ///< a tensor of the result is these elements
  };

  template <class... What>
  void check(bool holds, const What&... what) const {
    archive_.file().check(holds, save_anew, what...);
  }
  /// What may be wrong with a file that is whole.
  template <class... What>
  void check_content(bool holds, const What&... what) const {
    archive_.file().check(holds, save_state, what...);
  }
  template <class... What>
  void check_tensor(bool holds, const What&... what) const {
    check(holds, "tensor '", name_, "' ", what...);
  }
  /// Counts memory and steps, since few bytes can ask for many of both: values may appear again and
  /// again, and tensors have strides of 0.
  void spend(uint64_t bytes) {
    constexpr uint64_t factor = 60, small_file = uint64_t{1} << 20;
    const uint64_t limit = std::max(archive_.file().size(), small_file) * factor;
    archive_.file().check(bytes <= limit - spent_, "save tensors as they are before expand()",
                          "it unfolds to more than ", limit, " bytes, from a file of ",
                          archive_.file().size());
    spent_ += bytes;
  }

  std::string content_of(const ZipEntry& entry, uint64_t at_most);
  Pickle read_root();
  void visit(const PickleValue& value, int depth);
  void visit_below(const std::string& key, const PickleValue& value, int depth);
  void add(const PickleValue& call);
  Tensor tensor_of(const PickleValue& call);
  Block& block_of(const PickleValue& persistent);
  Shape sizes_of(const PickleValue& tuple) const;
  void check_place(const Shape& shape, const Strides& strides, int64_t offset,
                   int64_t elements) const;

  ZipReader archive_;
  std::string prefix_;
  std::unordered_map<std::string_view, const ZipEntry*> entries_;
  std::string folder_;  ///< that all entries are in, with its slash
  std::string text_;    ///< of the pickle
  Pickle pickle_;
  std::string name_;  ///< of the value that is being visited
  uint64_t spent_ = 0;
  std::map<std::string_view, Block> blocks_;  ///< by their names
  std::unordered_set<std::string> names_;
  std::string first_, last_;  ///< names of tensors
  NamedTensors result_;
};

std::string PytorchReader::content_of(const ZipEntry& entry, uint64_t at_most) {
  check(entry.size <= at_most, "entry '", entry.name, "' has ", entry.size, " bytes, more than ",
        at_most);
  std::string text(entry.size, '\0');
  archive_.read(entry, [&](InputFile& content) { content.read(text.data(), entry.size); });
  return text;
}

Pickle PytorchReader::read_root() {
  constexpr std::string_view root_name = "/data.pkl";
  const InputFile& file = archive_.file();
  const auto root = std::ranges::find_if(archive_.entries(), [&](const ZipEntry& e) {
    return e.name.ends_with(root_name) && e.name.find('/') == e.name.size() - root_name.size();
  });
  file.check(root != archive_.entries().end(), "torch.save(model.state_dict(), path) writes one",
             "it is no file of torch.save: there is no data.pkl in it");
  folder_ = root->name.substr(0, root->name.find('/') + 1);
  file.check(!entries_.contains(folder_ + "constants.pkl"),
             "in Python: torch.save(torch.jit.load(path).state_dict(), path)",
             "it is a TorchScript archive: a program, not a state");
  if (const auto order = entries_.find(folder_ + "byteorder"); order != entries_.end()) {
    const std::string text = content_of(*order->second, 16);
    file.check(text == "little", "load and save it on a machine that is little-endian",
               "its byte order is '", printable(text), "', only 'little' can be read");
  }
  text_ = content_of(*root, file.size());
  const InputFile named(pytorch_op, str(file.name(), ": ", root->name),
                        std::as_bytes(std::span(text_)));
  return read_pickle(named, text_,
                     [&](const std::string& name) { return find_global(named, name); });
}

void PytorchReader::visit(const PickleValue& value, int depth) {
  constexpr int most = 64;
  constexpr uint64_t step = 32, item_step = 8;
  if (value.kind == Kind::call) return add(value);
  check_content(value.kind != Kind::persistent, "'", name_, "' is a storage, not a tensor");
  const bool is_dict = value.kind == Kind::dict;
  if (!is_dict && value.kind != Kind::list && value.kind != Kind::tuple) return;
  check_content(depth < most, "its values are nested deeper than ", most);
  const auto& items = pickle_.items(value);
  spend(step + item_step * items.size());
  for (size_t i = 0; i < items.size(); i += is_dict ? 2 : 1) {
    const PickleValue& item = items[is_dict ? i + 1 : i];
    if (item.kind < Kind::tuple) continue;  // a number or text
    const PickleValue& key = items[i];
    check_content(!is_dict || key.kind == Kind::text || key.kind == Kind::integer, "'", name_,
                  "' has a key that is neither text nor an integer");
    const bool is_text = is_dict && key.kind == Kind::text;
    visit_below(
        is_text ? std::string(key.text) : str(is_dict ? key.number : static_cast<int64_t>(i)), item,
        depth + 1);
  }
}

void PytorchReader::visit_below(const std::string& key, const PickleValue& value, int depth) {
  spend(key.size());
  const size_t before = name_.size();
  name_ += (depth > 1 ? "." : "") + key;
  visit(value, depth);
  name_.resize(before);
}

void PytorchReader::add(const PickleValue& call) {
  constexpr uint64_t handle = 512;  // what a tensor takes apart from name and elements
  spend(handle + name_.size());
  check_content(names_.insert(name_).second, "the name '", name_, "' appears twice");
  if (first_.empty()) first_ = name_;
  last_ = name_;
  if (!name_.starts_with(prefix_)) return;
  result_.push_back({name_.substr(prefix_.size()), tensor_of(call)});
}

Shape PytorchReader::sizes_of(const PickleValue& tuple) const {
  check_tensor(tuple.kind == Kind::tuple, "has no shape");
  const auto& items = pickle_.items(tuple);
  archive_.file().check(items.size() <= Shape::max_dims, "reshape it before saving", "tensor '",
                        name_, "' has ", items.size(), " dimensions; ", Shape::max_dims,
                        " are the most there can be");
  Shape sizes;
  for (const PickleValue& item : items) {
    check_tensor(item.kind == Kind::integer && item.number >= 0, "has a size that is no number");
    sizes.push_back(item.number);
  }
  return sizes;
}

/// Throws unless all elements are among those of the storage. Nothing is multiplied that could
/// overflow.
void PytorchReader::check_place(const Shape& shape, const Strides& strides, int64_t offset,
                                int64_t elements) const {
  bool fits = offset >= 0 && offset < elements;
  int64_t rest = elements - 1 - (fits ? offset : 0);
  for (int d = 0; d < shape.dim() && fits; ++d) {
    if (shape[d] == 1) continue;
    fits = strides[d] <= rest / (shape[d] - 1);
    rest -= fits ? strides[d] * (shape[d] - 1) : 0;
  }
  check_tensor(fits, "of shape ", shape, ", strides ", strides, " and offset ", offset,
               " goes beyond its ", elements, " elements");
}

Tensor PytorchReader::tensor_of(const PickleValue& call) {
  const PickleValue* function = pickle_.items(call).data();
  const auto* arguments = &pickle_.items(function[1]);
  if (function->number == rebuild_parameter) {  // what it is a parameter of comes first
    check_tensor(!arguments->empty() && arguments->front().kind == Kind::call, "is no tensor");
    function = pickle_.items(arguments->front()).data();
    arguments = &pickle_.items(function[1]);
  }
  check_tensor(function->number == rebuild_tensor && arguments->size() >= 4, "is no tensor");
  const PickleValue& offset = (*arguments)[1];
  const Shape shape = sizes_of((*arguments)[2]);
  const Strides strides = sizes_of((*arguments)[3]);
  check_tensor(offset.kind == Kind::integer && shape.dim() == strides.dim(), "has no place");
  Block& block = block_of((*arguments)[0]);
  const DType dtype = block.elements.dtype();
  const auto bytes = bytes_in_file(shape, size_of(dtype));
  check_tensor(bytes.has_value(), "of shape ", shape, " overflows 63 bits");
  if (*bytes == 0) return Tensor::empty(shape, dtype);
  check_place(shape, strides, offset.number, block.elements.numel());
  const Tensor view = block.elements.view(shape, strides, offset.number);
  if (!block.is_taken && view.is_contiguous() && view.numel() == block.elements.numel()) {
    block.is_taken = true;
    return block.elements.view(shape, shape.row_major_strides());
  }
  spend(*bytes);
  return view.clone();
}

PytorchReader::Block& PytorchReader::block_of(const PickleValue& persistent) {
  const bool has_id =
      persistent.kind == Kind::persistent && pickle_.items(persistent).front().kind == Kind::tuple;
  check_tensor(has_id, "has no storage");
  const auto& id = pickle_.items(pickle_.items(persistent).front());
  // "storage", its class, its name, a device, the number of elements
  check_tensor(id.size() == 5 && id[0].text == "storage" && id[1].kind == Kind::global &&
                   id[1].number >= 0 && id[1].number < rebuild_tensor && id[2].kind == Kind::text &&
                   id[4].kind == Kind::integer && id[4].number >= 0,
               "has a storage that is described in an unknown way");
  const StorageType& type = storage_types[id[1].number];
  const auto [place, is_new] = blocks_.try_emplace(id[2].text, Block{{}, id[1].number, false});
  Block& block = place->second;
  if (is_new) {
    const auto entry = entries_.find(str(folder_, "data/", id[2].text));
    check_tensor(entry != entries_.end(), "needs the entry 'data/", id[2].text,
                 "', which there is not");
    const uint64_t size = entry->second->size;
    const auto elements = static_cast<uint64_t>(id[4].number);
    check_tensor(size / type.width == elements && size % type.width == 0, "needs ", elements,
                 " elements of ", type.width, " bytes, its entry has ", size, " bytes");
    spend(elements * size_of(type.dtype));
    block.elements = Tensor::empty({id[4].number}, type.dtype);
    archive_.read(*entry->second, [&](InputFile& content) { type.read(content, block.elements); });
  }
  check_tensor(block.type == id[1].number && block.elements.numel() == id[4].number,
               "describes its storage other than a tensor before it");
  return block;
}

NamedTensors PytorchReader::read() {
  const NoGrad pause;
  pickle_ = read_root();
  visit(pickle_.root, 0);
  const std::string hint = names_.empty()
                               ? "there is no tensor in it"
                               : str("its names go from '", first_, "' to '", last_, "'");
  archive_.file().check(prefix_.empty() || !result_.empty(), hint, "no tensor's name begins with '",
                        prefix_, "'");
  return std::move(result_);
}

}  // namespace

NamedTensors load_pytorch(const std::filesystem::path& path, const PytorchOptions& options) {
  InputFile file(pytorch_op, path);
  check_start(file);
  return PytorchReader(std::move(file), options).read();
}

}  // namespace gradus
