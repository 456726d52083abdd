// PyTorch's files, written instruction by instruction.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../../core/io/zip.h"
#include "../../core/tensor.h"

namespace gradus::test {

/// Numbers as they are in memory.
template <class T>
std::string bytes(std::initializer_list<T> numbers) {
  return {reinterpret_cast<const char*>(numbers.begin()), numbers.size() * sizeof(T)};
}

// --- Instructions of a pickle, each of which pushes one value ---

inline std::string text(const std::string& content) {
  return "X" + bytes({static_cast<uint32_t>(content.size())}) + content;
}
inline std::string integer(int64_t n) {
  return "\x8a\x08" + bytes({n});
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::string& items) {
  return "(" + items + "t";
}
inline std::string sizes(const std::vector<int64_t>& numbers) {
  std::string items;
  for (const int64_t n : numbers) items += integer(n);
  return tuple(items);
}
inline std::string dict(const std::string& keys_and_values) {
  return "}(" + keys_and_values + "u";
}
/// So many elements in the entry data/<key>.
inline std::string storage(const std::string& type, const std::string& key, int64_t elements) {
  const std::string where = text("storage") + global("torch", type) + text(key) + text("cpu");
  return tuple(where + integer(elements)) + "Q";
}
inline std::string tensor_in(const std::string& storage, int64_t offset, const std::string& shape,
                             const std::string& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple(storage + integer(offset) + shape + strides + "\x89})") + "R";
}

// --- Files ---

/// Names and contents.
using Entries = std::vector<std::pair<std::string, std::string>>;

inline void write_archive(const std::filesystem::path& path, const Entries& entries) {
  ZipWriter archive("test", path);
  for (const auto& [name, content] : entries) {
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span(content))};
    archive.add(name, parts, false);
  }
  archive.commit();
}

/// An archive of a pickled value and what its storages hold, by their keys.
inline Entries entries_of(const std::string& value, const Entries& data) {
  Entries entries{{"x/data.pkl", "\x80\x02" + value + "."}};
  for (const auto& [key, content] : data) entries.emplace_back("x/data/" + key, content);
  return entries;
}

/// Writes {part: {name: tensor ...}} for tensors of types float32 and int64.
inline void write_pytorch_checkpoint(const std::filesystem::path& path, const std::string& part,
                                     const NamedTensors& state) {
  std::string items;
  Entries data;
  for (const NamedTensor& t : state) {
    const std::string type = t.tensor.dtype() == float32 ? "FloatStorage" : "LongStorage";
    const Tensor x = t.tensor.contiguous();
    const Shape strides = x.shape().row_major_strides();
    items += text(t.name) + tensor_in(storage(type, t.name, x.numel()), 0,
                                      sizes({x.shape().begin(), x.shape().end()}),
                                      sizes({strides.begin(), strides.end()}));
    data.emplace_back(t.name, std::string(static_cast<const char*>(x.raw_data()),
                                          static_cast<size_t>(x.nbytes())));
  }
  write_archive(path, entries_of(dict(text(part) + dict(items)), data));
}

}  // namespace gradus::test
