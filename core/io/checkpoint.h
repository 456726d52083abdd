// Checkpoints: all that a training needs to go on, in one file that proves to be whole.
//
// What a checkpoint holds, as a safetensors file with names "<part>/<name>":
//   model/...        parameters and buffers of the net: Module::state_dict()
//   optimizer/...    moments and step counts: Optimizer::state_dict()
//   schedule/...     where the learning rate's schedule stands: Schedule::state_dict()
//   ema/...          averages of the weights, if there are any: EMA::state_dict()
//   random/streams   seed, stream and position of each random stream: random_state_dict()
// and as metadata, texts of the program's own (epoch, step, arguments ...) beside
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

/// The state of a training: the tensors of its parts, and text about it (JSON, for example).
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
  /// Of the library that wrote the file; set by load_checkpoint.
  std::string version = {};

  /// Adds the state of one part. Throws ValueError for an empty name of a part or one with a '/'.
  void add(const std::string& part, const NamedTensors& state);
  /// What was added under this name; nothing if nothing was.
  NamedTensors part(const std::string& part) const;
  /// The text of this name; throws IoError if there is none.
  const std::string& text(const std::string& name) const;
};

/// Writes a safetensors file, whole or not at all and flushed to the disk (see save_safetensors).
/// Besides `metadata` it says which version of the library wrote it and holds a SHA-256 checksum of
/// all names, shapes, types, texts and elements. Throws IoError as save_safetensors does, and
/// ValueError for metadata named "format", "version" or "checksum".
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Reads what save_checkpoint wrote. Throws IoError for anything else: a file that was cut off, or
/// in which a single bit is different, is no checkpoint; ReadError if it cannot be opened or
/// read at all. Throws ValueError for a whole one in the format of another version.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// The random streams of this thread, for a part of a checkpoint: "streams", int64 [5, 3], holds
/// seed, stream and position of each.
NamedTensors random_state_dict();
/// Goes on from such a state. Throws ValueError if it is none, and then changes nothing.
void load_random_state_dict(const NamedTensors& state);

}  // namespace gradus
