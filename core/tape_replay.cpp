// The backward pass over a tape: backward() and gradients().
#include "tape.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/warning.h"
#include "ops.h"

namespace gradus {

namespace {

/// From here on, a tape that keeps growing is worth a warning.
constexpr size_t many_entries = 100'000;
constexpr int64_t many_bytes = int64_t{1} << 30;
constexpr int64_t many_calls = 3;

/// Adds `gradient` to what has arrived at a slot: the first one is stored as it is, a sum that
/// nobody else holds grows in place.
void accumulate(Tensor& sum, Tensor gradient, bool create_graph) {
  if (!sum.defined()) {
    sum = std::move(gradient);
  } else if (!create_graph && sum.is_unshared() && sum.is_contiguous()) {
    sum.add_(gradient);
  } else {
    sum = add(sum, gradient);
  }
}

}  // namespace

void Tape::check_saved(size_t index) const {
  const Entry& entry = entries_[index];
  const auto entry_text = [&] { return str("entry %", index, " ", entry.op, " ", entry.shape); };
  if (entry.released) {
    throw TapeError("backward",
                    entry_text() + " was replayed before and has released what it saved",
                    "pass {.retain = true} to the first backward, or compute the loss again");
  }
  for (uint32_t k = 0; k < entry.saved_count; ++k) {
    const SavedTensor& s = saved_[entry.first_saved + k];
    if (s.tensor.defined() && s.tensor.version() != s.version) {
      throw TapeError("backward",
                      str("a tensor ", s.tensor.shape(), " that ", entry_text(),
                          " needs was overwritten: version ", s.tensor.version(), " now, ",
                          s.version, " when it was saved"),
                      "clone() it before writing to it, or write after backward");
    }
  }
}

/// One backward pass over the tape.
class Tape::Replay {
 public:
  Replay(Tape& tape, size_t length, bool retain, bool create_graph)
      : tape_(tape),
        retain_(retain || create_graph),
        create_graph_(create_graph),
        needed_(length, 0),
        gradients_(length),
        path_(tape.current_path_),
        in_backward_(tape.in_backward_) {
    ++tape_.replays_running_;
  }
  ~Replay() {
    --tape_.replays_running_;
    tape_.current_path_ = path_;
    tape_.in_backward_ = in_backward_;
  }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  void want(int32_t slot) {
    if (static_cast<size_t>(slot) < needed_.size()) needed_[static_cast<size_t>(slot)] = 2;
  }

  /// An entry is needed if it depends on a wanted one.
  void find_needed() {
    for (size_t i = 0; i < needed_.size(); ++i) {
      if (needed_[i] == 0 && any_input_needed(tape_.entries_[i])) needed_[i] = 1;
    }
  }

  void seed(int32_t slot, const Tensor& gradient) {
    accumulate(gradients_[static_cast<size_t>(slot)], gradient, create_graph_);
  }

  void run() {
    if (tape_.options_.profile) tape_.lap();
    for (size_t i = needed_.size(); i-- > 0;) {
      if (needed_[i] == 0 || !gradients_[i].defined()) continue;
      // The gradient of a wanted entry is kept; any other is released once its rule has run.
      const Tensor g = needed_[i] == 2 ? gradients_[i] : std::move(gradients_[i]);
      tape_.note_gradient(i, g);
      replay_entry(i, g);
      if (tape_.options_.profile) note_replay(i);
    }
  }

  /// The gradients that arrived at each of `slots`. Ends the replay.
  std::vector<Tensor> results(std::span<const int32_t> slots) {
    std::vector<Tensor> found;
    found.reserve(slots.size());
    for (int32_t slot : slots) {
      const auto i = static_cast<size_t>(slot);
      found.push_back(slot >= 0 && i < gradients_.size() ? gradients_[i] : Tensor());
    }
    gradients_.clear();
    return found;
  }

 private:
  void note_replay(size_t index) {
    if (index >= tape_.timings_.size()) return;  // a leaf after the last operation
    tape_.timings_[index].backward += tape_.lap();
    ++tape_.timings_[index].replays;
  }

  void replay_entry(size_t index, const Tensor& g) {
    const Entry entry = tape_.entries_[index];  // a copy: the tape may grow while the rule runs
    if (entry.rule == nullptr || !any_input_needed(entry)) {
      call_hooks(index, entry, g, {}, {});
      return;
    }
    tape_.current_path_ = entry.path;
    tape_.in_backward_ = true;
    TensorList gradients, saved;
    try {
      saved = take_saved(index, entry);
      // A copy: the tape's own list may move while the rule records.
      const auto own = slots(entry);
      const Pooled<int32_t> inputs(own.begin(), own.end());
      const Wanted wanted(inputs, needed_);
      entry.rule(entry.attributes, saved, g, wanted, gradients);
      check_gradients(index, entry, gradients);
    } catch (Error& error) {
      const std::string& path = tape_.paths_[entry.path];
      if (error.module_path().empty() && !path.empty()) error.add_module(path);
      throw;
    }
    call_hooks(index, entry, g, gradients, saved);
    saved.clear();
    for (uint32_t k = 0; k < entry.input_count; ++k) {
      const int32_t slot = slots(entry)[k];
      if (slot < 0 || needed_[static_cast<size_t>(slot)] == 0 || !gradients[k].defined()) continue;
      accumulate(gradients_[static_cast<size_t>(slot)], std::move(gradients[k]), create_graph_);
    }
  }

  std::span<const int32_t> slots(const Entry& entry) const { return tape_.input_slots(entry); }

  bool any_input_needed(const Entry& entry) const {
    for (int32_t slot : slots(entry)) {
      if (slot >= 0 && needed_[static_cast<size_t>(slot)] != 0) return true;
    }
    return false;
  }

  TensorList take_saved(size_t index, const Entry& entry) {
    tape_.check_saved(index);
    TensorList saved;
    saved.reserve(entry.saved_count);
    for (uint32_t k = 0; k < entry.saved_count; ++k) {
      Tensor& tensor = tape_.saved_[entry.first_saved + k].tensor;
      saved.push_back(retain_ ? tensor : std::move(tensor));
    }
    tape_.entries_[index].released = !retain_ && entry.saved_count > 0;
    return saved;
  }

  void check_gradients(size_t index, const Entry& entry, const TensorList& gradients) const {
    require<TapeError>(gradients.size() == entry.input_count, entry.op,
                       "a rule returns one gradient per input, undefined where there is none",
                       "its rule returned ", gradients.size(), " gradients for ", entry.input_count,
                       " inputs");
    const auto shapes = tape_.input_shapes(entry);
    for (uint32_t k = 0; k < entry.input_count; ++k) {
      if (!gradients[k].defined()) continue;
      require<ShapeError>(gradients[k].shape() == shapes[k], entry.op,
                          "the gradient of an input has its shape", "its rule returned a gradient ",
                          gradients[k].shape(), " for input ", k, " of shape ", shapes[k]);
      if (tape_.options_.detect_anomaly) {
        tape_.check_finite(gradients[k], tape_.entries_[index], "a gradient");
      }
    }
  }

  void call_hooks(size_t index, const Entry& entry, const Tensor& g, const TensorList& gradients,
                  const TensorList& saved) {
    const size_t count = tape_.hooks_.size();  // a hook may add others
    if (count == 0) return;
    std::vector<int32_t> results_of;
    for (size_t k = tape_.spans_.size(); k-- > 0;) {
      if (tape_.spans_[k].output != static_cast<int32_t>(index)) continue;
      results_of.push_back(static_cast<int32_t>(k));
    }
    const std::string path = tape_.paths_[entry.path];
    for (size_t k = 0; k < count; ++k) {
      (*tape_.hooks_[k])({static_cast<int>(index), entry, g, gradients, path, results_of, saved});
    }
  }

  Tape& tape_;
  const bool retain_, create_graph_;
  Pooled<char> needed_;  // 0: no, 1: on the way to a wanted slot, 2: wanted
  Pooled<Tensor> gradients_;
  const uint32_t path_;
  const bool in_backward_;
};

namespace {

/// The gradient to start from: the caller's, or 1 for a single element.
Tensor starting_gradient(const char* caller, const Tensor& y, const Tensor& given) {
  if (!given.defined()) {
    require<ShapeError>(y.numel() == 1, caller,
                        "reduce it (mean, sum), or pass its gradient with {.gradient = ...}",
                        "expected a loss with one element, got ", y.shape());
    return ones(y.shape(), y.dtype());
  }
  require<ShapeError>(given.shape() == y.shape(), caller,
                      "it weights each element of what backward starts from", "the given gradient ",
                      given.shape(), " does not have the shape ", y.shape(), " of the loss");
  require<DTypeError>(given.dtype() == y.dtype(), caller, "convert it with .to(dtype)",
                      "the given gradient is ", given.dtype(), ", the loss is ", y.dtype());
  return given;
}

/// Makes each gradient the caller's own: contiguous, sharing memory with nothing, and on the tape
/// only if a graph was requested.
void own_all(std::vector<Tensor>& gradients, bool create_graph) {
  std::optional<NoGrad> pause;
  if (!create_graph) pause.emplace();
  for (Tensor& g : gradients) {
    if (!g.defined()) continue;
    const bool is_own =
        g.is_unshared() && g.is_contiguous() && (create_graph || !g.requires_grad());
    if (!is_own) g = g.clone();
  }
}

}  // namespace

std::vector<Tensor> Tape::gradients(const char* caller, std::span<const Tensor> outputs,
                                    std::span<const Tensor> output_gradients,
                                    std::span<const Tensor> wanted, bool retain,
                                    bool create_graph) {
  check_thread(caller);
  require<TapeError>(!create_graph || current() == this, caller,
                     "call it outside of NoGrad and of inner tapes",
                     "create_graph needs this tape to be recording");
  std::vector<int32_t> output_slots;
  size_t length = 0;
  for (const Tensor& y : outputs) {
    const bool leaf = y.tape_slot().tape == 0 && y.requires_grad();
    const int32_t slot = leaf ? leaf_slot(y) : slot_of(caller, y);
    if (slot < 0) {
      throw TapeError(caller,
                      str("the ", y.shape(),
                          " tensor to start from depends on no tensor "
                          "that asks for a gradient on this tape"),
                      entries_.empty()
                          ? "nothing is on this tape: open it before the loss is computed, outside "
                            "of NoGrad, from parameters or tensors with requires_grad_()"
                          : "compute it after the tape was opened, from parameters or tensors with "
                            "requires_grad_(); detach() and NoGrad cut the dependence");
    }
    output_slots.push_back(slot);
    length = std::max(length, static_cast<size_t>(slot) + 1);
  }
  std::vector<int32_t> wanted_slots;
  Replay replay(*this, length, retain, create_graph);
  for (const Tensor& x : wanted) {
    int32_t slot = slot_of(caller, x);
    if (slot < 0) {
      const auto found = leaf_slots_.find(x.id());
      slot = found == leaf_slots_.end() ? -1 : found->second;
    }
    wanted_slots.push_back(slot);
    if (slot >= 0) replay.want(slot);
  }
  replay.find_needed();

  {
    const detail::RecordingScope scope(caller, create_graph ? this : nullptr);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Tensor given = i < output_gradients.size() ? output_gradients[i] : Tensor();
      replay.seed(output_slots[i], starting_gradient(caller, outputs[i], given));
    }
    replay.run();
  }
  std::vector<Tensor> results = replay.results(wanted_slots);
  own_all(results, create_graph);
  return results;
}

/// Warns once if backward() is called again and again while the tape grows.
void Tape::warn_where_growing() {
  const bool warned = growing_calls_ < 0;
  const bool grown = entries_.size() > std::exchange(entries_before_, entries_.size());
  if (warned || !grown || ++growing_calls_ < many_calls) return;
  if (entries_.size() < many_entries && saved_bytes() < many_bytes) return;
  warn("backward",
       str("the tape keeps growing: ", growing_calls_, " calls, ", entries_.size(), " entries, ",
           quantity(static_cast<double>(saved_bytes()), "B"), " saved"),
       "open the tape inside of the loop, or trim() it back to a mark() after each step");
  growing_calls_ = -1;
}

void Tape::backward(const Tensor& loss, const BackwardOptions& options) {
  check_thread("backward");  // before the loss becomes a leaf
  if (loss.tape_slot().tape == 0 && loss.requires_grad()) leaf_slot(loss);
  std::vector<Tensor> leaves;
  leaves.reserve(leaves_.size());
  for (const auto& [slot, leaf] : leaves_) leaves.push_back(leaf);
  const Tensor start = options.gradient;
  std::vector<Tensor> found =
      gradients("backward", {&loss, 1}, {&start, 1}, leaves, options.retain, options.create_graph);
  // Everything that may fail comes first: then all leaves change, or none.
  struct Change {
    Tensor leaf, gradient;
    bool adds;  // to a sum that nobody else holds
  };
  std::vector<Change> changes;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!found[i].defined() || !leaves[i].requires_grad()) continue;
    Change change{leaves[i], std::move(found[i]), false};
    require<TapeError>(change.gradient.dtype() == change.leaf.dtype(), "backward",
                       "convert parameters before the forward pass", "a leaf ", change.leaf.shape(),
                       " was ", change.gradient.dtype(), " when it was used, and is ",
                       change.leaf.dtype(), " now");
    if (const Tensor sum = change.leaf.grad(); sum.defined()) {
      change.adds = !options.create_graph && !sum.requires_grad() && sum.is_unshared(2);
      std::optional<NoGrad> pause;
      if (!options.create_graph) pause.emplace();
      if (!change.adds) change.gradient = add(sum, change.gradient);
    }
    changes.push_back(std::move(change));
  }
  {
    const NoGrad pause;
    for (Change& change : changes) {
      if (change.adds) {
        change.leaf.grad().add_(change.gradient);
      } else {
        change.leaf.set_grad(std::move(change.gradient));
      }
    }
  }
  warn_where_growing();
}

}  // namespace gradus
