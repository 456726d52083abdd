// Checkpoints: bytes as they are, and, since hardly any of those have the right checksum, the
// tensors and texts in them as a checkpoint that has one.
#include <gradus/gradus.h>

#include <algorithm>
#include <string>

#include "../../examples/mnist/resume.h"
#include "../support/temporary_folder.h"
#include "memory_file.h"

namespace gradus::fuzz {

namespace {

/// A training with some state of every kind.
struct Training {
  nn::Sequential net{nn::Linear(2, 3), nn::BatchNorm1d(3)};
  optim::Adam adam{net.named_parameters(), {.lr = 1e-3}};
  optim::Schedule schedule{adam, optim::StepLR{.step_size = 2}};
  optim::EMA ema{net.named_parameters(), {.decay = 0.9}};
  training::Parts parts;

  Training() {
    parts.add("model", net);
    parts.add("optimizer", adam);
    parts.add("schedule", schedule);
    parts.add("ema", ema);
  }
};

bool same(const NamedTensors& a, const NamedTensors& b) {
  const auto equal = [](const NamedTensor& x, const NamedTensor& y) {
    const auto bytes = [](const Tensor& t) {
      return std::string_view(static_cast<const char*>(t.raw_data()),
                              static_cast<size_t>(t.nbytes()));
    };
    return x.name == y.name && x.tensor.dtype() == y.tensor.dtype() &&
           x.tensor.shape() == y.tensor.shape() && bytes(x.tensor) == bytes(y.tensor);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

NamedTensors by_name(NamedTensors list) {
  std::ranges::sort(list, {}, &NamedTensor::name);
  return list;
}

void read(std::span<const std::byte> input) {
  try {
    load_checkpoint(memory_file(input));
  } catch (const IoError&) {
  } catch (const ValueError& error) {  // of another version
    require(error.op() == "load_checkpoint", "an error names the reader");
  }
}

void write_and_read(const Checkpoint& checkpoint) {
  static const test::TemporaryFolder folder;
  const auto file = folder / "checkpoint.safetensors";
  save_checkpoint(file, checkpoint);
  const Checkpoint again = load_checkpoint(file);
  require(again.metadata == checkpoint.metadata, "texts come back");
  require(same(by_name(again.tensors), by_name(checkpoint.tensors)), "tensors come back");
}

void go_on(const Checkpoint& checkpoint) {
  static Training run;
  try {
    run.parts.load(checkpoint);
  } catch (const Error&) {
    return;
  }
  const Checkpoint saved = run.parts.save();
  run.parts.load(saved);
  require(same(run.parts.save().tensors, saved.tensors),
          "what was loaded can be saved and loaded again");
}

void read_where_it_stands(const Checkpoint& checkpoint) {
  const training::LoopOptions options{.best = "validation_accuracy", .unit = "images"};
  const auto again = [&](const std::string& text) {
    return training::to_text(training::loop_state(text, options), options);
  };
  std::string text;
  try {
    text = again(checkpoint.text("training"));
  } catch (const IoError&) {
    return;
  }
  require(again(text) == text, "where a training stands comes back");
}

void read_how_it_began(const Checkpoint& checkpoint) {
  try {
    examples::recorded_arguments(checkpoint.text("arguments"));
    training::check_same_config(checkpoint.text("config"), R"({"seed": 1, "model": "cnn"})",
                                {"version"});
  } catch (const IoError&) {
  } catch (const ValueError& error) {
    require(error.op() == "resume", "an error names what was tried");
  }
}

}  // namespace

void run(std::span<const std::byte> input) {
  read(input);
  Checkpoint checkpoint;
  try {
    SafeTensors file = parse_safetensors(input, "input");
    for (const char* key : {"format", "version", "checksum"}) file.metadata.erase(key);
    checkpoint.tensors = std::move(file.tensors);
    checkpoint.metadata = std::move(file.metadata);
  } catch (const IoError&) {
    return;
  }
  write_and_read(checkpoint);
  go_on(checkpoint);
  read_where_it_stands(checkpoint);
  read_how_it_began(checkpoint);
}

}  // namespace gradus::fuzz
