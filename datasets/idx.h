// The IDX format, the format of MNIST and its relatives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "../core/tensor.h"

namespace gradus::data {

/// Reads an IDX file, plain or compressed with gzip (recognized by content, not by name).
///
/// The format: 00 00, a byte for the element type, a byte for the number of dimensions (1 to 8),
/// each size as 32 bits, then the elements in row-major order, all big-endian. unsigned bytes
/// become uint8; signed bytes, 16-bit and 32-bit integers int32; float and double float32 and
/// float64.
///
/// Throws IoError saying what is wrong and what to do: missing or unreadable files, empty,
/// truncated or damaged ones, trailing bytes, swapped byte order, sizes that the file cannot hold,
/// and files of another kind (HTML error pages, zip, xz, parquet ...). Allocation is bounded by
/// what the file can hold; a compressed file may hold 60 MiB, or 60 times its size.
Tensor read_idx(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
Tensor parse_idx(std::span<const std::byte> bytes, const std::string& name);

/// Writes a uint8, int32, float32 or float64 tensor of 1 to 8 dimensions, compressed if the name
/// ends in ".gz". The file appears complete or not at all. Throws DTypeError, ShapeError or
/// IoError.
void write_idx(const std::filesystem::path& path, const Tensor& tensor);

/// SHA-256 of the uncompressed IDX file that holds `tensor`: two files compressed differently have
/// the same, so it identifies the data set of a file. The tensor is as for write_idx.
std::string payload_sha256(const Tensor& tensor);

}  // namespace gradus::data
