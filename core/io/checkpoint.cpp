#include "checkpoint.h"

#include <algorithm>
#include <bit>

#include "../base/error.h"
#include "../base/random.h"
#include "../ops.h"
#include "../system_info.h"
#include "../tape.h"
#include "safetensors.h"
#include "sha256.h"

namespace gradus {
namespace {

constexpr const char* save_op = "save_checkpoint";
constexpr const char* load_op = "load_checkpoint";
constexpr const char* format = "gradus-checkpoint-1";

using Metadata = std::map<std::string, std::string>;

/// With its length in front, so that no two lists of texts look alike.
void hash_text(Sha256& hash, const std::string& text) {
  const uint64_t size = text.size();
  hash.update(std::as_bytes(std::span(&size, 1)));
  hash.update(std::as_bytes(std::span(text.data(), text.size())));
}

/// Of everything that a reader sees, whatever order it stands in.
std::string checksum(NamedTensors tensors, const Metadata& metadata) {
  std::sort(tensors.begin(), tensors.end(),
            [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  Sha256 hash;
  for (const auto& [key, value] : metadata) {
    hash_text(hash, key);
    hash_text(hash, value);
  }
  for (const NamedTensor& t : tensors) {
    hash_text(hash, t.name);
    hash_text(hash, str(t.tensor.dtype(), ' ', t.tensor.shape()));
    const Tensor flat = t.tensor.contiguous();
    hash.update(
        {static_cast<const std::byte*>(flat.raw_data()), static_cast<size_t>(flat.nbytes())});
  }
  return "sha256:" + hash.hex();
}

/// Moves one text out of the metadata; empty where there is none.
std::string take(Metadata& metadata, const std::string& key) {
  auto node = metadata.extract(key);
  return node.empty() ? "" : std::move(node.mapped());
}

}  // namespace

void Checkpoint::add(const std::string& part, const NamedTensors& state) {
  if (part.empty() || part.find('/') != std::string::npos) {
    throw ValueError("checkpoint", str("no part can be named '", part, "'"),
                     "a '/' separates the part from the names in it");
  }
  for (const NamedTensor& t : state) tensors.push_back({part + "/" + t.name, t.tensor});
}

NamedTensors Checkpoint::part(const std::string& part) const {
  const std::string prefix = part + "/";
  NamedTensors state;
  for (const NamedTensor& t : tensors) {
    if (t.name.starts_with(prefix)) state.push_back({t.name.substr(prefix.size()), t.tensor});
  }
  return state;
}

const std::string& Checkpoint::text(const std::string& name) const {
  const auto found = metadata.find(name);
  if (found != metadata.end()) return found->second;
  throw IoError("checkpoint", str("it says nothing about '", name, "'"),
                "it was written by another program, or another version of it");
}

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  for (const char* key : {"format", "version", "checksum"}) {
    if (!checkpoint.metadata.contains(key)) continue;
    throw ValueError(save_op, str("no metadata can be named '", key, "'"),
                     "the file says this by itself");
  }
  for (const NamedTensor& t : checkpoint.tensors) {
    if (!t.tensor.defined()) {
      throw ValueError(save_op, str("tensor '", t.name, "' is undefined"),
                       "leave out what is not there");
    }
  }
  const NoGrad pause;
  Metadata metadata = checkpoint.metadata;
  metadata["format"] = format;
  metadata["version"] = system_info().version;
  metadata["checksum"] = checksum(checkpoint.tensors, metadata);
  save_safetensors(path, checkpoint.tensors, metadata);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  SafeTensors file = load_safetensors(path);
  const std::string written = take(file.metadata, "checksum");
  const auto found_format = file.metadata.find("format");
  if (written.empty() || found_format == file.metadata.end()) {
    throw IoError(load_op, str("'", path.string(), "' is not a checkpoint: it has no checksum"),
                  "load_safetensors() reads files of other programs");
  }
  const NoGrad pause;
  if (checksum(file.tensors, file.metadata) != written) {
    throw IoError(load_op, str("'", path.string(), "': its content does not match its checksum"),
                  "it was damaged after it was written; go back to an earlier one");
  }
  if (found_format->second != format) {
    throw ValueError(load_op,
                     str("'", path.string(), "' has the format '", found_format->second,
                         "', this version reads '", format, "'"),
                     "use the version that wrote it");
  }
  take(file.metadata, "format");
  Checkpoint result;
  result.version = take(file.metadata, "version");
  result.metadata = std::move(file.metadata);
  result.tensors = std::move(file.tensors);
  return result;
}

NamedTensors random_state_dict() {
  std::vector<int64_t> words;
  const RandomState state = random_state();
  for (const Rng& g : state.streams) {
    for (const uint64_t word : {g.seed, g.stream, g.position}) {
      words.push_back(std::bit_cast<int64_t>(word));
    }
  }
  return {{"streams", tensor(words, {static_cast<int64_t>(state.streams.size()), 3})}};
}

void load_random_state_dict(const NamedTensors& state) {
  RandomState loaded;
  const Shape shape{static_cast<int64_t>(loaded.streams.size()), 3};
  constexpr int64_t oldest = 4;  // states of before the last stream was added go on to be read
  const bool fits = state.size() == 1 && state[0].name == "streams" && state[0].tensor.defined() &&
                    state[0].tensor.dtype() == int64 && state[0].tensor.dim() == 2 &&
                    state[0].tensor.size(0) >= oldest && state[0].tensor.size(0) <= shape[0] &&
                    state[0].tensor.size(1) == shape[1];
  if (!fits) {
    throw ValueError("load_random_state_dict", "this is not the state of random streams",
                     str("random_state_dict() gives 'streams', int64 ", shape));
  }
  const std::vector<int64_t> words = state[0].tensor.to_vector<int64_t>();
  for (size_t i = 0; 3 * i < words.size(); ++i) {
    loaded.streams[i].seed = std::bit_cast<uint64_t>(words[3 * i]);
    loaded.streams[i].stream = std::bit_cast<uint64_t>(words[3 * i + 1]);
    loaded.streams[i].position = std::bit_cast<uint64_t>(words[3 * i + 2]);
  }
  for (size_t i = words.size() / 3; i < loaded.streams.size(); ++i) {
    loaded.streams[i] = Rng(loaded.streams[0].seed, static_cast<Stream>(i));
  }
  set_random_state(loaded);
}

}  // namespace gradus
