// By what a file of a known data set is recognized.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "../core/tensor.h"
#include "catalog.h"

namespace gradus::data {

/// SHA-256 of what an IDX file holds, and of the file as it is compressed. Each is computed when it
/// is asked for. The bytes must outlive the object.
class FileDigests {
 public:
  FileDigests(std::span<const std::byte> bytes, Tensor content)
      : bytes_(bytes), content_(std::move(content)) {}

  const std::string& payload();
  /// Empty for a file that is not compressed.
  const std::string& gzip();
  /// True where this is `file`. Copies may be compressed anew, so the content decides; of some data
  /// sets only the checksums of the compressed files are published.
  bool match(const KnownFile& file);

 private:
  std::span<const std::byte> bytes_;
  Tensor content_;
  std::optional<std::string> payload_, gzip_;
};

}  // namespace gradus::data
