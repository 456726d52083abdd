// Deflate, the compression of gzip files and zip archives: the only place that uses zlib.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "input_file.h"

namespace gradus {

/// The limit of deflate: the most bytes that one compressed byte can represent.
inline constexpr uint64_t max_inflation = 1032;

/// The most bytes to which a reader lets `compressed` bytes inflate: 60 MiB, or 60 times as many if
/// that is more, and never more than deflate can do. Data sets are 2 to 30 times their compressed
/// size; anything far beyond is a "decompression bomb".
inline uint64_t max_inflated_size(uint64_t compressed) {
  constexpr uint64_t usual = 60, small_file = uint64_t{1} << 20;
  return std::min(compressed * max_inflation, std::max(compressed, small_file) * usual);
}

/// What stands around compressed data: nothing, as in zip archives, or gzip's header and trailer;
/// as zlib names them.
enum class Frame { none = -15, gzip = 16 + 15 };

/// Decompresses the next `bytes` bytes of `compressed`, as far as it is asked to: a reader looks at
/// a header before it decides how much more it wants. `compressed` must outlive the result, and
/// nobody else may read it meanwhile. Concatenated gzip files are one file, as for gunzip. Throws
/// IoError for data that is damaged, truncated, or followed by other bytes; `what`, "x.gz: the gzip
/// data", begins its text.
InputFile::ReadSome inflated(InputFile& compressed, uint64_t bytes, Frame frame, std::string what);

/// The parts, concatenated and compressed; the same bytes give the same result. Throws Error if
/// there is no memory.
std::vector<std::byte> deflated(const char* op, std::span<const std::span<const std::byte>> parts,
                                Frame frame);
/// `bytes` as a gzip file.
std::vector<std::byte> gzip(std::span<const std::byte> bytes);
/// True if the bytes begin like a gzip file (1f 8b).
bool is_gzip(std::span<const std::byte> bytes);

/// Continues the CRC-32 of a message, 0 at its beginning.
uint32_t add_to_crc32(uint32_t checksum, std::span<const std::byte> bytes);

}  // namespace gradus
