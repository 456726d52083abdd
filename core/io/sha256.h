// SHA-256 (FIPS 180-4), to recognize data sets and verify downloads and checkpoints.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace gradus {

/// Hashes a message in pieces. `hex` ends the message; the object cannot be used afterwards.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// The digest as 64 lower-case hexadecimal digits.
  std::string hex();

 private:
  void compress();

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> block_{};  // what has come since the last full one
  uint64_t total_ = 0;                 // bytes
};

/// The digest of one run of bytes.
std::string sha256(std::span<const std::byte> bytes);

}  // namespace gradus
