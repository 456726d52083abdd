#include "tape.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/warning.h"
#include "ops.h"

namespace gradus {

namespace {

std::atomic<uint64_t> tapes_opened = 0;

thread_local detail::RecordingScope* innermost_scope = nullptr;

constexpr size_t attribute_block_bytes = Tape::max_constant_bytes;
constexpr size_t attribute_alignment = alignof(std::max_align_t);

/// From here on a tape that goes on growing is worth a warning.
constexpr size_t many_entries = 100'000;
constexpr int64_t many_bytes = int64_t{1} << 30;
constexpr int64_t many_calls = 3;

/// Makes sure that `list` takes `extra` elements more without a new allocation.
template <class List>
void make_room(List& list, size_t extra) {
  if (list.capacity() - list.size() >= extra) return;
  list.reserve(std::max(2 * list.capacity(), list.size() + extra));
}

}  // namespace

// --- Scopes ---

namespace detail {

RecordingScope::RecordingScope(const char* op, Tape* tape) noexcept
    : op_(op), tape_(tape), outer_(std::exchange(innermost_scope, this)) {}

RecordingScope::~RecordingScope() {
  if (innermost_scope == this) {
    innermost_scope = outer_;
    return;
  }
  RecordingScope** place = &innermost_scope;
  while (*place != nullptr && *place != this) place = &(*place)->outer_;
  if (*place == nullptr) {
    warn(op_, "ended in another thread than its own, which may be using it",
         "destroy it where it was opened");
    std::abort();
  }
  *place = outer_;
  warn(op_, "ended while an inner tape or NoGrad was open",
       "what is opened last ends first; keep tapes in scopes");
}

const RecordingScope* RecordingScope::innermost() {
  return innermost_scope;
}

}  // namespace detail

Tape::Tape(TapeOptions options)
    : id_(tapes_opened.fetch_add(1, std::memory_order_relaxed) + 1),
      thread_(std::this_thread::get_id()),
      options_(options),
      paths_(1),
      scope_("tape", this) {
  if (options_.profile) lap();
}

Tape::~Tape() {
  if (replays_running_ > 0) {
    warn("tape", "was destroyed while it was being replayed, by a hook or a rule",
         "let it live until backward() or grad() returns");
    std::abort();
  }
  for (const AttributeBlock& block : attribute_blocks_) {
    deallocate(block.memory, attribute_block_bytes);
  }
}

Tape* Tape::current() {
  return innermost_scope == nullptr ? nullptr : innermost_scope->tape();
}

NoGrad::NoGrad() : scope_("no_grad", nullptr) {}
NoGrad::~NoGrad() = default;

Tape::Scope::Scope(Tape* tape, std::string_view name) : tape_(tape) {
  if (tape_ == nullptr) return;
  tape_id_ = tape_->id_;
  outer_ = tape_->current_path_;
  const std::string& outer = tape_->paths_[outer_];
  tape_->paths_.push_back(outer.empty() ? std::string(name) : outer + "." + std::string(name));
  tape_->current_path_ = static_cast<uint32_t>(tape_->paths_.size() - 1);
}

Tape::Scope::~Scope() {
  const auto* scope = tape_ == nullptr ? nullptr : detail::RecordingScope::innermost();
  while (scope != nullptr && scope->tape() != tape_) scope = scope->outer();
  if (scope == nullptr || tape_->id_ != tape_id_) return;  // the tape has ended
  tape_->current_path_ = outer_;
}

void Tape::check_thread(const char* caller) const {
  if (thread_ == std::this_thread::get_id()) return;
  throw TapeError(caller, "this tape was opened by another thread",
                  "open a tape in each thread that computes gradients, and replay it there");
}

// --- Recording ---

/// Seconds since the last call: every moment counts for one entry, also in nested recording.
double Tape::lap() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> seconds = now - std::exchange(last_lap_, now);
  return seconds.count();
}

/// The entry that made `tensor`, or -1 for a leaf or constant.
int32_t Tape::slot_of(const char* op, const Tensor& tensor) const {
  const detail::TapeSlot& slot = tensor.tape_slot();
  if (slot.tape == 0) return -1;
  if (slot.tape != id_) {
    bool paused = false;
    for (const auto* scope = scope_.outer(); scope != nullptr; scope = scope->outer()) {
      paused = paused || (scope->tape() != nullptr && scope->tape()->id_ == slot.tape);
    }
    throw TapeError(op,
                    str("a tensor ", tensor.shape(), " belongs to a tape that ",
                        paused ? "is paused by an inner tape" : "has ended or is another thread's",
                        ": its gradient would be lost"),
                    "detach() it to use its value, or compute it on this tape");
  }
  const auto index = static_cast<size_t>(slot.index);
  if (index >= entries_.size() || entries_[index].generation != slot.generation) {
    throw TapeError(op,
                    str("a tensor ", tensor.shape(), " was made by an entry that trim() dropped"),
                    "detach() it to use its value");
  }
  return slot.index;
}

bool Tape::tracks(const char* op, TensorRefs tensors) const {
  bool tracked = false;
  for (const Tensor* t : tensors) {
    if (t->defined()) tracked = slot_of(op, *t) >= 0 || t->requires_grad() || tracked;
  }
  return tracked;
}

int32_t Tape::leaf_slot(const Tensor& tensor) {
  make_room(entries_, 1);
  make_room(leaves_, 1);
  const auto next = static_cast<int32_t>(entries_.size());
  const auto [position, inserted] = leaf_slots_.try_emplace(tensor.id(), next);
  if (inserted) {
    Entry leaf{.op = "leaf",
               .flops = 0,
               .path = current_path_,
               .path_count = static_cast<uint32_t>(paths_.size()),
               .generation = generation_,
               .first_input = static_cast<uint32_t>(input_slots_.size()),
               .input_count = 0,
               .first_saved = static_cast<uint32_t>(saved_.size()),
               .saved_count = 0,
               .shape = tensor.shape(),
               .dtype = tensor.dtype()};
    entries_.push_back(leaf);
    leaves_.emplace_back(next, tensor);
  }
  return position->second;
}

const void* Tape::keep_attributes(const void* attributes, size_t bytes) {
  const size_t rounded =
      (bytes + attribute_alignment - 1) / attribute_alignment * attribute_alignment;
  if (attribute_blocks_.empty() ||
      attribute_blocks_.back().used + rounded > attribute_block_bytes) {
    make_room(attribute_blocks_, 1);
    attribute_blocks_.push_back({static_cast<std::byte*>(allocate(attribute_block_bytes)), 0});
  }
  AttributeBlock& block = attribute_blocks_.back();
  std::byte* const place = block.memory + block.used;
  std::memcpy(place, attributes, bytes);
  block.used += rounded;
  return place;
}

void Tape::append(const Op& op, TensorRefs inputs, Tensor& output, TensorRefs saved,
                  decltype(Entry::rule) rule, const void* attributes, size_t attribute_bytes) {
  if (output.tape_slot().tape != 0) {
    throw TapeError(op.name, "an operation must return a new tensor, not one that is on the tape",
                    "copy it with clone()");
  }
  // Room for everything, so that nothing is half written where memory ends.
  make_room(entries_, inputs.size() + 1);
  make_room(input_slots_, inputs.size());
  make_room(input_shapes_, inputs.size());
  make_room(saved_, saved.size());
  if (options_.profile) make_room(timings_, entries_.size() + inputs.size() + 1 - timings_.size());
  Entry entry{
      .op = op.name,
      .flops = op.flops >= 0 ? op.flops : static_cast<double>(output.numel()),
      .path = current_path_,
      .path_count = static_cast<uint32_t>(paths_.size()),
      .generation = generation_,
      .first_input = 0,
      .input_count = static_cast<uint32_t>(inputs.size()),
      .first_saved = static_cast<uint32_t>(saved_.size()),
      .saved_count = static_cast<uint32_t>(saved.size()),
      .shape = output.shape(),
      .dtype = output.dtype(),
      .in_backward = in_backward_,
      .rule = rule,
      .attributes = attribute_bytes > 0 ? keep_attributes(attributes, attribute_bytes) : nullptr};
  for (const Tensor* t : inputs) {  // leaves become entries before the entry that uses them
    if (t->defined() && t->tape_slot().tape == 0 && t->requires_grad()) leaf_slot(*t);
  }
  entry.first_input = static_cast<uint32_t>(input_slots_.size());
  for (const Tensor* t : inputs) {
    const bool leaf = t->defined() && t->tape_slot().tape == 0 && t->requires_grad();
    input_slots_.push_back(leaf ? leaf_slot(*t) : t->defined() ? t->tape_slot().index : -1);
    input_shapes_.push_back(t->defined() ? t->shape() : Shape());
  }
  output.set_tape_slot({id_, static_cast<int32_t>(entries_.size()), generation_});
  for (const Tensor* t : saved) {
    saved_.push_back({*t, t->defined() ? t->version() : 0});
  }
  entries_.push_back(entry);
  if (options_.profile) {
    timings_.resize(entries_.size());  // leaves have theirs, of zeros
    timings_.back() = {.forward = lap(), .saved_bytes = saved_bytes(entry)};
  }
  if (options_.detect_anomaly) check_finite(output, entry, "the result");
}

/// Gives back the memory of all constants from those of this entry on.
void Tape::drop_attributes(size_t first_entry) {
  const auto first =
      std::find_if(entries_.begin() + static_cast<std::ptrdiff_t>(first_entry), entries_.end(),
                   [](const Entry& entry) { return entry.attributes != nullptr; });
  if (first == entries_.end()) return;
  const auto* const place = static_cast<const std::byte*>(first->attributes);
  const auto holds_place = [&](const AttributeBlock& block) {
    return !std::less<>()(place, block.memory) &&
           std::less<>()(place, block.memory + attribute_block_bytes);
  };
  while (!holds_place(attribute_blocks_.back())) {
    deallocate(attribute_blocks_.back().memory, attribute_block_bytes);
    attribute_blocks_.pop_back();
  }
  attribute_blocks_.back().used = static_cast<size_t>(place - attribute_blocks_.back().memory);
}

void Tape::trim(Mark mark) {
  check_thread("trim");
  if (replays_running_ > 0) {
    throw TapeError("trim", "this tape is being replayed",
                    "trim it after backward, not in a hook or in the rule of an operation");
  }
  if (mark.entries >= entries_.size()) return;
  while (!leaves_.empty() && static_cast<size_t>(leaves_.back().first) >= mark.entries) {
    leaf_slots_.erase(leaves_.back().second.id());
    leaves_.pop_back();
  }
  drop_attributes(mark.entries);
  const Entry& first = entries_[mark.entries];
  // What stays has paths from before its last entry; scopes that are open, up to the current one.
  const uint32_t used = mark.entries == 0 ? 1 : entries_[mark.entries - 1].path_count;
  paths_.resize(std::max(used, current_path_ + 1));
  input_slots_.resize(first.first_input);
  input_shapes_.resize(first.first_input);
  saved_.erase(saved_.begin() + first.first_saved, saved_.end());
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(mark.entries), entries_.end());
  timings_.resize(std::min(timings_.size(), mark.entries));
  ++generation_;
}

// --- Replay ---

namespace {

/// Adds `gradient` to what has arrived at a slot: the first one is taken as it is, a sum that
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

std::string Tape::describe(size_t index) const {
  const Entry& e = entries_[index];
  return str("%", index, " ", e.op, " ", e.shape);
}

void Tape::check_finite(const Tensor& tensor, const Entry& entry, const char* where) const {
  if (!is_floating(tensor.dtype())) return;
  bool finite = false;
  {
    const NoGrad pause;
    finite = all_finite(tensor);
  }
  if (finite) return;
  ValueError error(entry.op, str("NaN or infinity in ", where, ", shape ", tensor.shape()),
                   "this is the first operation where one appears; look at its inputs");
  error.set_module_path(paths_[entry.path]);
  throw error;
}

/// One walk back over the tape.
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

  /// An entry is needed where a wanted one lies behind it.
  void find_needed() {
    for (size_t i = 0; i < needed_.size(); ++i) {
      if (needed_[i] != 0) continue;
      for (int32_t slot : tape_.input_slots(tape_.entries_[i])) {
        if (slot >= 0 && needed_[static_cast<size_t>(slot)] != 0) needed_[i] = 1;
      }
    }
  }

  void seed(int32_t slot, const Tensor& gradient) {
    accumulate(gradients_[static_cast<size_t>(slot)], gradient, create_graph_);
  }

  void run() {
    if (tape_.options_.profile) tape_.lap();
    for (size_t i = needed_.size(); i-- > 0;) {
      if (needed_[i] == 0 || !gradients_[i].defined()) continue;
      // What a wanted entry receives is kept; anything else is gone once its rule has run.
      const Tensor g = needed_[i] == 2 ? gradients_[i] : std::move(gradients_[i]);
      replay_entry(i, g);
      if (tape_.options_.profile) note_replay(i);
    }
  }

  /// What arrived at each of `slots`. Ends the replay.
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
    if (index >= tape_.timings_.size()) return;  // a leaf behind the last operation
    tape_.timings_[index].backward += tape_.lap();
    ++tape_.timings_[index].replays;
  }

  void replay_entry(size_t index, const Tensor& g) {
    const Entry entry = tape_.entries_[index];  // a copy: the tape may grow while the rule runs
    if (entry.rule == nullptr || !any_input_needed(entry)) {
      TensorList none;
      call_hooks(index, entry, g, none);
      return;
    }
    tape_.current_path_ = entry.path;
    tape_.in_backward_ = true;
    TensorList gradients;
    try {
      const TensorList saved = take_saved(index, entry);
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
    call_hooks(index, entry, g, gradients);
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
    if (entry.released) {
      throw TapeError("backward",
                      str("entry ", tape_.describe(index),
                          " was replayed before and has released what it saved"),
                      "pass {.retain = true} to the first backward, or compute the loss again");
    }
    TensorList saved;
    saved.reserve(entry.saved_count);
    for (uint32_t k = 0; k < entry.saved_count; ++k) {
      SavedTensor& s = tape_.saved_[entry.first_saved + k];
      if (s.tensor.defined() && s.tensor.version() != s.version) {
        throw TapeError("backward",
                        str("a tensor ", s.tensor.shape(), " that entry ", tape_.describe(index),
                            " needs was overwritten: version ", s.tensor.version(), " now, ",
                            s.version, " when it was saved"),
                        "clone() it before writing to it, or write after backward");
      }
      if (retain_) {
        saved.push_back(s.tensor);
      } else {
        saved.push_back(std::move(s.tensor));
      }
    }
    tape_.entries_[index].released = !retain_ && entry.saved_count > 0;
    return saved;
  }

  void check_gradients(size_t index, const Entry& entry, const TensorList& gradients) const {
    if (gradients.size() != entry.input_count) {
      throw TapeError(entry.op,
                      str("its rule returned ", gradients.size(), " gradients for ",
                          entry.input_count, " inputs"),
                      "a rule returns one gradient per input, undefined where there is none");
    }
    const auto shapes = tape_.input_shapes(entry);
    for (uint32_t k = 0; k < entry.input_count; ++k) {
      if (!gradients[k].defined()) continue;
      if (gradients[k].shape() != shapes[k]) {
        throw ShapeError(entry.op,
                         str("its rule returned a gradient ", gradients[k].shape(), " for input ",
                             k, " of shape ", shapes[k]),
                         "the gradient of an input has its shape");
      }
      if (tape_.options_.detect_anomaly) {
        tape_.check_finite(gradients[k], tape_.entries_[index], "a gradient");
      }
    }
  }

  void call_hooks(size_t index, const Entry& entry, const Tensor& g, const TensorList& gradients) {
    const size_t count = tape_.hooks_.size();  // a hook may add others
    for (size_t k = 0; k < count; ++k) {
      (*tape_.hooks_[k])({static_cast<int>(index), entry, g, gradients});
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

/// The gradient to start from: what the caller gave, or 1 for a single element.
Tensor starting_gradient(const char* caller, const Tensor& y, const Tensor& given) {
  if (!given.defined()) {
    if (y.numel() != 1) {
      throw ShapeError(caller, str("expected a loss with one element, got ", y.shape()),
                       "reduce it (mean, sum), or pass its gradient with {.gradient = ...}");
    }
    return ones(y.shape(), y.dtype());
  }
  if (given.shape() != y.shape()) {
    throw ShapeError(caller,
                     str("the given gradient ", given.shape(), " does not have the shape ",
                         y.shape(), " of the loss"),
                     "it weights each element of what backward starts from");
  }
  if (given.dtype() != y.dtype()) {
    throw DTypeError(caller,
                     str("the given gradient is ", given.dtype(), ", the loss is ", y.dtype()),
                     "convert it with .to(dtype)");
  }
  return given;
}

/// Makes each gradient the caller's own: contiguous, sharing memory with nothing, and on the tape
/// only where a graph was asked for.
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
  if (create_graph && current() != this) {
    throw TapeError(caller, "create_graph needs this tape to be recording",
                    "call it outside of NoGrad and of inner tapes");
  }
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

/// Warns once where backward() is called again and again while the tape grows.
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
    if (change.gradient.dtype() != change.leaf.dtype()) {
      throw TapeError("backward",
                      str("a leaf ", change.leaf.shape(), " was ", change.gradient.dtype(),
                          " when it was used, and is ", change.leaf.dtype(), " now"),
                      "convert parameters before the forward pass");
    }
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

// --- Reading ---

std::span<const int32_t> Tape::input_slots(const Entry& entry) const {
  return {input_slots_.data() + entry.first_input, entry.input_count};
}

std::span<const Shape> Tape::input_shapes(const Entry& entry) const {
  return {input_shapes_.data() + entry.first_input, entry.input_count};
}

void check_in_place(const char* op, const Tensor& tensor) {
  if (Tape::current() != nullptr && tensor.requires_grad()) {
    throw TapeError(op,
                    str("cannot write in place to a tensor ", tensor.shape(),
                        " that a tape tracks: the gradient would be wrong"),
                    "use the operation that returns a new tensor, or open a NoGrad scope");
  }
  if (!tensor.is_non_overlapping()) {
    throw ValueError(
        op,
        str("several elements of the tensor ", tensor.shape(), " share a place in memory, strides ",
            tensor.strides(), ": each write would change them all"),
        "expand() makes such a tensor; write to what was expanded, or to a clone()");
  }
}

}  // namespace gradus
