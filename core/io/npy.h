// Tensors in NumPy's files: .npy holds one array, .npz is a zip archive of named ones.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "../tensor.h"

namespace gradus {

/// Reads what `numpy.save` writes (format 1.0 to 3.0): float32, float64, int64, int32, uint8 and
/// bool, in row-major or Fortran order, of either byte order. Throws IoError, naming the file and
/// what is wrong, for anything else: other types (with the conversion to make in NumPy), Python
/// objects, sizes that do not match the file. Nothing large is allocated before the sizes have been
/// checked against the file.
Tensor load_npy(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name);

/// Writes a file that `numpy.load` reads, completely or not at all (see save_safetensors).
void save_npy(const std::filesystem::path& path, const Tensor& x);

/// Reads what `numpy.savez` and `numpy.savez_compressed` write. Names are keys and nothing else:
/// no file is ever created. Throws IoError as load_npy does, and for archives that are encrypted,
/// spread over files, whose entries overlap or hold more or less than they declare, whose checksums
/// are wrong, or that inflate to more than 60 MiB and 60 times their size.
NamedTensors load_npz(const std::filesystem::path& path);

/// How save_npz() writes.
struct NpzOptions {
  bool compress = false;  ///< deflate, as numpy.savez_compressed; else as numpy.savez
};
/// Writes an archive that `numpy.load` reads, completely or not at all. The bytes depend only on
/// the arguments. Throws ValueError for names that are empty or appear twice, and for more than
/// 4 GiB or 65535 tensors, which this form of zip cannot hold.
void save_npz(const std::filesystem::path& path, const NamedTensors& tensors,
              const NpzOptions& options = {});

}  // namespace gradus
