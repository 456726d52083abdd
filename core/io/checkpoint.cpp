#include "checkpoint.h"

#include <algorithm>

#include "../base/error.h"
#include "../base/random.h"
#include "../ops.h"
#include "../system_info.h"
#include "../tape.h"
#include "elements.h"
#include "safetensors.h"
#include "sha256.h"

namespace gradus {
namespace {

constexpr const char* format = "gradus-checkpoint-1";

using Metadata = std::map<std::string, std::string>;

/// Prefixed with its length, so that no two lists of texts are alike.
void hash_text(Sha256& hash, const std::string& text) {
  const uint64_t size = text.size();
  hash.update(std::as_bytes(std::span(&size, 1)));
  hash.update(std::as_bytes(std::span(text)));
}

/// Of everything that a reader gets, in whatever order it appears.
std::string checksum(NamedTensors tensors, const Metadata& metadata) {
  std::ranges::sort(tensors, {}, &NamedTensor::name);
  Sha256 hash;
  for (const auto& [key, value] : metadata) {
    hash_text(hash, key);
    hash_text(hash, value);
  }
  for (const NamedTensor& t : tensors) {
    hash_text(hash, t.name);
    hash_text(hash, str(t.tensor.dtype(), ' ', t.tensor.shape()));
    hash.update(bytes_of(t.tensor.contiguous()));
  }
  return "sha256:" + hash.hex();
}

/// Moves one text out of the metadata; empty if there is none.
std::string take(Metadata& metadata, const std::string& key) {
  auto node = metadata.extract(key);
  return node.empty() ? "" : std::move(node.mapped());
}

}  // namespace

void Checkpoint::add(const std::string& part, const NamedTensors& state) {
  require(!part.empty() && part.find('/') == std::string::npos, "checkpoint",
          "a '/' separates the part from the names in it", "no part can be named '", part, "'");
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
  require<IoError>(found != metadata.end(), "checkpoint",
                   "it was written by another program, or another version of it",
                   "it says nothing about '", name, "'");
  return found->second;
}

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  constexpr const char* op = "save_checkpoint";
  for (const char* key : {"format", "version", "checksum"}) {
    require(!checkpoint.metadata.contains(key), op, "the file says this by itself",
            "no metadata can be named '", key, "'");
  }
  check_names(op, "tensor", checkpoint.tensors);
  const NoGrad pause;
  Metadata metadata = checkpoint.metadata;
  metadata["format"] = format;
  metadata["version"] = system_info().version;
  metadata["checksum"] = checksum(checkpoint.tensors, metadata);
  save_safetensors(path, checkpoint.tensors, metadata);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  constexpr const char* op = "load_checkpoint";
  SafeTensors file = load_safetensors(path);
  const std::string written = take(file.metadata, "checksum");
  require<IoError>(!written.empty() && file.metadata.contains("format"), op,
                   "load_safetensors() reads files of other programs", "'", path.string(),
                   "' is not a checkpoint: it has no checksum");
  const NoGrad pause;
  require<IoError>(checksum(file.tensors, file.metadata) == written, op,
                   "it was damaged after it was written; go back to an earlier one", "'",
                   path.string(), "': its content does not match its checksum");
  const std::string found_format = take(file.metadata, "format");
  require(found_format == format, op, "use the version that wrote it", "'", path.string(),
          "' has the format '", found_format, "', this version reads '", format, "'");
  const std::string version = take(file.metadata, "version");
  return {std::move(file.tensors), std::move(file.metadata), version};
}

static_assert(sizeof(Rng) == 3 * sizeof(int64_t), "seed, stream and position");

NamedTensors random_state_dict() {
  const RandomState state = random_state();
  Tensor words = Tensor::empty({static_cast<int64_t>(state.streams.size()), 3}, int64);
  std::ranges::copy(std::as_bytes(std::span(state.streams)), mutable_bytes_of(words).begin());
  return {{"streams", words}};
}

void load_random_state_dict(const NamedTensors& state) {
  RandomState loaded;
  const Shape shape{static_cast<int64_t>(loaded.streams.size()), 3};
  const Shape without_last{shape[0] - 1, 3};  // as it was before the last stream was added
  const Tensor streams =
      state.size() == 1 && state[0].name == "streams" ? state[0].tensor : Tensor();
  require(streams.defined() && streams.dtype() == int64 &&
              (streams.shape() == shape || streams.shape() == without_last),
          "load_random_state_dict", str("random_state_dict() gives 'streams', int64 ", shape),
          "this is not the state of random streams");
  const Tensor words = streams.contiguous();
  std::ranges::copy(bytes_of(words), std::as_writable_bytes(std::span(loaded.streams)).begin());
  for (auto i = static_cast<size_t>(words.size(0)); i < loaded.streams.size(); ++i) {
    loaded.streams[i] = Rng(loaded.streams[0].seed, static_cast<Stream>(i));
  }
  set_random_state(loaded);
}

}  // namespace gradus
