// The parts of a training run, as a checkpoint keeps them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../core/io/checkpoint.h"

namespace gradus::training {

/// The objects whose state makes up a training run, by name: anything that has state_dict() and
/// load_state_dict(state), like modules, optimizers, schedules and averages, or a type of your own.
/// They must outlive it.
///
///     training::Parts parts;
///     parts.add("model", net);
///     parts.add("optimizer", adam);
///     save_checkpoint("here.safetensors", parts.save());
class Parts {
 public:
  template <class T>
  void add(const std::string& name, T& part) {
    parts_.push_back({name, [&part] { return part.state_dict(); },
                      [&part](const NamedTensors& state) { part.load_state_dict(state); }});
  }

  /// Their state, and that of the random streams of this thread, "random".
  Checkpoint save() const {
    Checkpoint checkpoint;
    for (const Part& part : parts_) checkpoint.add(part.name, part.save());
    checkpoint.add("random", random_state_dict());
    return checkpoint;
  }
  /// Restores it, in the order in which they were added. Throws if the checkpoint is of other
  /// parts.
  void load(const Checkpoint& checkpoint) const {
    for (const Part& part : parts_) part.load(checkpoint.part(part.name));
    load_random_state_dict(checkpoint.part("random"));
  }

 private:
  struct Part {
    std::string name;
    std::function<NamedTensors()> save;
    std::function<void(const NamedTensors&)> load;
  };
  std::vector<Part> parts_;
};

}  // namespace gradus::training
