// PyTorch's files: bytes as they are, and, since hardly any of those have the right checksums, the
// pickle in an archive that has them, with ten blocks of elements.
#include <algorithm>
#include <string>

#include "../../core/base/error.h"
#include "../../core/io/pytorch_file.h"
#include "../../core/io/zip.h"
#include "../support/temporary_folder.h"
#include "memory_file.h"
#include "target.h"

namespace gradus::fuzz {

namespace {

std::filesystem::path archive_of(std::span<const std::byte> pickle) {
  static const test::TemporaryFolder folder;
  static constexpr char elements[24] = {1, 2, 3, 4, 5, 6, 7, 0, 1, 0, 1, 0, 1};
  const std::span<const std::byte> block = std::as_bytes(std::span(elements));
  ZipWriter archive("fuzz", folder / "x.pt");
  archive.add("x/data.pkl", {&pickle, 1}, false);
  for (int i = 0; i < 10; ++i) archive.add("x/data/" + std::to_string(i), {&block, 1}, false);
  archive.commit();
  return folder / "x.pt";
}

void read(const std::filesystem::path& path) {
  try {
    uint64_t bytes = 0;
    for (const NamedTensor& t : load_pytorch(path)) {
      require(t.tensor.is_contiguous(), "tensors are contiguous");
      bytes += static_cast<uint64_t>(t.tensor.nbytes()) + t.name.size();
    }
    require(bytes <= std::max<uint64_t>(std::filesystem::file_size(path), 1 << 20) * 60,
            "no file unfolds without bounds");
  } catch (const IoError& error) {
    require(error.op() == "load_pytorch", "an error names the reader");
  }
}

}  // namespace

void run(std::span<const std::byte> input) {
  read(memory_file(input));
  const auto begins_archive = [](std::span<const std::byte> bytes) {
    return bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'};
  };
  if (!begins_archive(input)) read(archive_of(input));
}

}  // namespace gradus::fuzz
