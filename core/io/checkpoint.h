// Checkpoints: everything needed to resume training, in one file that can be verified.
//
// What a checkpoint holds, as a safetensors file with names "<part>/<name>":
//   model/...        parameters and buffers of the net: Module::state_dict()
//   optimizer/...    moments and step counts: Optimizer::state_dict()
//     schedule/... the state of the learning rate's schedule: Schedule::state_dict()
//   ema/...          averages of the weights, if there are any: EMA::state_dict()
//   random/streams   seed, stream and position of each random stream: random_state_dict()
// and as metadata, the program's own texts (epoch, step, arguments ...) and
//   format           "gradus-checkpoint-1"
//   version          of the library that wrote it
//   checksum         SHA-256 of everything else
// The parts are whatever the program adds; these are the ones that bin/mnist has.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "../tensor.h"

namespace gradus {

/// The state of a training run: the tensors of its parts, and text about it (JSON, for example).
///
///     Checkpoint checkpoint;
///     checkpoint.add("model", net.state_dict());
///     checkpoint.add("optimizer", adam.state_dict());
///     checkpoint.add("random", random_state_dict());
///     checkpoint.metadata["epoch"] = "3";
///     save_checkpoint("run/checkpoint-2000.safetensors", checkpoint);
struct Checkpoint {
  NamedTensors tensors;                         ///< "<part>/<name>"
  std::map<std::string, std::string> metadata;  ///< texts by name; see save_checkpoint
  /// The library that wrote the file; set by load_checkpoint.
  std::string version = {};

  /// Adds the state of one part. Throws ValueError for an empty name of a part or one with a '/'.
  void add(const std::string& part, const NamedTensors& state);
  /// The tensors added under this name; none if nothing was.
  NamedTensors part(const std::string& part) const;
  /// The text of this name; throws IoError if there is none.
  const std::string& text(const std::string& name) const;
};

/// Writes a safetensors file, completely or not at all and flushed to disk (see save_safetensors).
/// Besides `metadata` it contains the version of the library and a SHA-256 checksum of all names,
/// shapes, types, texts and elements. Throws IoError as save_safetensors does, and ValueError for
/// metadata named "format", "version" or "checksum".
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Reads what save_checkpoint wrote. Throws IoError for anything else: a file that was truncated,
/// or in which a single bit differs, is not a checkpoint; ReadError if it cannot be opened or read
/// at all. Throws ValueError for an intact one in the format of another version.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// The random streams of this thread, for a part of a checkpoint: "streams", int64 [5, 3], holds
/// seed, stream and position of each.
NamedTensors random_state_dict();
/// Continues from such a state. Throws ValueError for anything else, and then changes nothing.
void load_random_state_dict(const NamedTensors& state);

}  // namespace gradus
