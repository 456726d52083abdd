#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include "../base/error.h"
#include "../ops.h"
#include "../tape.h"
#include "atomic_file.h"
#include "input_file.h"
#include "safetensors_header.h"

namespace gradus {
namespace {

using safetensors::fail;
using safetensors::Header;
using safetensors::TensorInfo;

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr uint64_t length_bytes = 8;

/// Reads a file or memory of `total` bytes front to back; `read(to, n)` delivers the next n bytes.
template <class Read>
SafeTensors read_all(uint64_t total, const std::string& file, Read&& read) {
  if (total < length_bytes) fail(file, str("it has ", total, " bytes, fewer than 8"));
  uint64_t header_bytes = 0;
  read(&header_bytes, length_bytes);
  if (header_bytes > total - length_bytes) {
    fail(file, str("the header's length, ", header_bytes, ", goes beyond the end of the file of ",
                   total, " bytes"));
  }
  if (header_bytes > safetensors::max_header_bytes) {
    fail(file, str("the header's length, ", header_bytes, ", is above the limit of ",
                   safetensors::max_header_bytes));
  }
  std::string json(header_bytes, '\0');
  read(json.data(), header_bytes);
  Header header = safetensors::parse_header(json, total - length_bytes - header_bytes, file);

  SafeTensors result;
  result.metadata = std::move(header.metadata);
  for (TensorInfo& info : header.tensors) {  // in the order of the data, without gaps
    Tensor t = Tensor::empty(info.shape, info.dtype);
    void* const data = t.raw_mutable_data();
    read(data, info.end - info.begin);
    if (info.dtype == boolean) {
      const auto* const bytes = static_cast<const uint8_t*>(data);
      if (std::any_of(bytes, bytes + t.numel(), [](uint8_t b) { return b > 1; })) {
        fail(file, str("tensor '", info.name, "' of type BOOL has a byte other than 0 and 1"));
      }
    }
    result.tensors.push_back({std::move(info.name), std::move(t)});
  }
  return result;
}

/// Names, sizes and offsets of what is to be written.
Header plan(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  Header header;
  header.metadata = metadata;
  std::unordered_set<std::string> names;
  uint64_t offset = 0;
  for (const NamedTensor& t : tensors) {
    if (!t.tensor.defined()) {
      throw ValueError("save_safetensors", str("tensor '", t.name, "' is undefined"),
                       "leave out what is not there");
    }
    if (t.name == safetensors::metadata_key) {
      throw ValueError("save_safetensors", str("no tensor can be named '", t.name, "'"),
                       "the format keeps this name for text");
    }
    if (!names.insert(t.name).second) {
      throw ValueError("save_safetensors", str("the name '", t.name, "' appears twice"),
                       "each tensor needs a name of its own");
    }
    if (!bytes_in_file(t.tensor.shape(), size_of(t.tensor.dtype()))) {
      throw ShapeError("save_safetensors",
                       str("tensor '", t.name, "' of shape ", t.tensor.shape(),
                           " cannot be written: its sizes other than 0 overflow 63 bits"),
                       "a size is wrong");
    }
    const uint64_t end = offset + static_cast<uint64_t>(t.tensor.nbytes());
    header.tensors.push_back({t.name, t.tensor.dtype(), t.tensor.shape(), offset, end});
    offset = end;
  }
  return header;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

const Tensor& SafeTensors::at(const std::string& name) const {
  for (const NamedTensor& t : tensors) {
    if (t.name == name) return t.tensor;
  }
  throw IoError("safetensors", str("no tensor '", name, "' among ", tensors.size()),
                "names are those of the file, as in .tensors");
}

SafeTensors load_safetensors(const std::filesystem::path& path) {
  InputFile file("load_safetensors", path);
  return read_all(file.size(), path.string(), [&](void* to, uint64_t n) { file.read(to, n); });
}

SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  return read_all(bytes.size(), name, [rest = bytes](void* to, uint64_t n) mutable {
    std::copy_n(rest.begin(), n, static_cast<std::byte*>(to));
    rest = rest.subspan(n);
  });
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const NoGrad pause;  // copying a tensor into row-major order is no part of a computation
  // Wide elements first, so that every tensor is aligned to its elements, as other readers like.
  NamedTensors ordered = tensors;
  std::stable_sort(ordered.begin(), ordered.end(), [](const NamedTensor& a, const NamedTensor& b) {
    const auto width = [](const Tensor& t) { return t.defined() ? size_of(t.dtype()) : 0; };
    return width(a.tensor) > width(b.tensor);
  });
  const std::string header = safetensors::write_header(plan(ordered, metadata));
  if (header.size() > safetensors::max_header_bytes) {
    throw ValueError("save_safetensors",
                     str("the names and metadata take ", header.size(),
                         " bytes; the format allows ", safetensors::max_header_bytes),
                     "save the texts in a file of their own");
  }
  AtomicFile file("save_safetensors", path);
  const uint64_t header_bytes = header.size();
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(bytes_of(header));
  for (const NamedTensor& t : ordered) {
    const Tensor flat = t.tensor.contiguous();
    file.write(
        {static_cast<const std::byte*>(flat.raw_data()), static_cast<size_t>(flat.nbytes())});
  }
  file.commit();
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file("write_file", path);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically(path, bytes_of(text));
}

}  // namespace gradus
