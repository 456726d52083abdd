#include "npy.h"

#include <algorithm>
#include <fstream>
#include <unordered_set>

#include "../base/error.h"
#include "../tape.h"
#include "atomic_file.h"
#include "npy_format.h"
#include "zip.h"

namespace gradus {

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Elements of a contiguous tensor.
std::span<const std::byte> bytes_of(const Tensor& x) {
  return {static_cast<const std::byte*>(x.raw_data()), static_cast<size_t>(x.nbytes())};
}

constexpr std::string_view extension = ".npy";  // behind every name in an archive

}  // namespace

Tensor load_npy(const std::filesystem::path& path) {
  InputFile file("load_npy", path);
  const npy::Read read = [&](void* to, uint64_t n) { file.read(to, n); };
  return npy::read_array({"load_npy", path.string(), file.size(), read});
}

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name) {
  const npy::Read read = [rest = bytes](void* to, uint64_t n) mutable {
    std::copy_n(rest.begin(), n, static_cast<std::byte*>(to));
    rest = rest.subspan(n);
  };
  return npy::read_array({"parse_npy", name, bytes.size(), read});
}

void save_npy(const std::filesystem::path& path, const Tensor& x) {
  const NoGrad pause;
  const Tensor dense = x.contiguous();
  const std::string header = npy::header_of("save_npy", dense);
  AtomicFile file("save_npy", path);
  file.write(bytes_of(header));
  file.write(bytes_of(dense));
  file.commit();
}

NamedTensors load_npz(const std::filesystem::path& path) {
  ZipReader archive("load_npz", path);
  NamedTensors tensors;
  for (const ZipEntry& entry : archive.entries()) {
    if (!entry.name.ends_with(extension)) {
      throw IoError("load_npz", str("'", path.string(), "': entry '", entry.name, "' is no .npy"),
                    "an archive of arrays holds .npy files only");
    }
    const std::string name = entry.name.substr(0, entry.name.size() - extension.size());
    Tensor x;
    archive.read(entry, [&](const ZipReader::Read& read) {
      x = npy::read_array({"load_npz", str(path.string(), ": ", entry.name), entry.size, read});
    });
    tensors.push_back({name, std::move(x)});
  }
  return tensors;
}

void save_npz(const std::filesystem::path& path, const NamedTensors& tensors,
              const NpzOptions& options) {
  const NoGrad pause;
  std::unordered_set<std::string> names;
  for (const NamedTensor& t : tensors) {
    if (!t.tensor.defined()) {
      throw ValueError("save_npz", str("tensor '", t.name, "' is undefined"),
                       "leave out what is not there");
    }
    if (t.name.empty() || t.name.find('\0') != std::string::npos) {
      throw ValueError("save_npz", "a name is empty or has a zero byte",
                       "names become the names of files in the archive");
    }
    if (!names.insert(t.name).second) {
      throw ValueError("save_npz", str("the name '", t.name, "' appears twice"),
                       "each array needs a name of its own");
    }
  }
  ZipWriter archive("save_npz", path);
  for (const NamedTensor& t : tensors) {
    const Tensor dense = t.tensor.contiguous();
    const std::string header = npy::header_of("save_npz", dense);
    const std::span<const std::byte> parts[] = {bytes_of(header), bytes_of(dense)};
    archive.add(t.name + std::string(extension), parts, options.compress);
  }
  archive.commit();
}

}  // namespace gradus
