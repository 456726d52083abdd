// gzip files.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gradus::data {

/// True where the bytes start as every gzip file does (1f 8b).
bool is_gzip(std::span<const std::byte> bytes);

/// Decompresses a gzip file held in memory, a piece at a time: a reader looks at a header before it
/// decides how much more it wants, and a "decompression bomb" never gets to unfold.
class GzipReader {
 public:
  /// `name` stands for the file in errors. `file` must outlive the reader.
  GzipReader(std::span<const std::byte> file, std::string name);
  ~GzipReader();
  GzipReader(GzipReader&&) noexcept;
  GzipReader& operator=(GzipReader&&) noexcept;

  /// Fills `out` and returns its size, or less at the end of the data, after checksum and length
  /// in the trailer have been checked. Throws IoError for damaged or truncated data, and for bytes
  /// behind the end that are not another gzip member.
  size_t read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `bytes` as a gzip file; the same bytes give the same file. Throws Error where memory runs out.
std::vector<std::byte> gzip(std::span<const std::byte> bytes);

}  // namespace gradus::data
