#include "tape.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "ops.h"

namespace gradus {

namespace {

std::atomic<uint64_t> tapes_opened = 0;

struct ThreadTapes {
  Tape* recording = nullptr;  // where operations are written now; null inside NoGrad
  Tape* innermost = nullptr;  // the youngest living tape
};
thread_local ThreadTapes thread_tapes;

constexpr size_t attribute_block_bytes = 4096;

}  // namespace

// --- Scopes ---

Tape::Tape(TapeOptions options)
    : id_(tapes_opened.fetch_add(1, std::memory_order_relaxed) + 1),
      thread_(std::this_thread::get_id()),
      options_(options),
      outer_recording_(std::exchange(thread_tapes.recording, this)),
      outer_(std::exchange(thread_tapes.innermost, this)),
      paths_(1) {
  if (options_.profile) lap();
}

Tape::~Tape() {
  thread_tapes.recording = outer_recording_;
  thread_tapes.innermost = outer_;
  for (const AttributeBlock& block : attribute_blocks_) {
    deallocate(block.memory, attribute_block_bytes);
  }
}

Tape* Tape::current() {
  return thread_tapes.recording;
}

NoGrad::NoGrad() : paused_(std::exchange(thread_tapes.recording, nullptr)) {}
NoGrad::~NoGrad() {
  thread_tapes.recording = paused_;
}

Tape::Scope::Scope(Tape* tape, std::string_view name) : tape_(tape) {
  if (tape_ == nullptr) return;
  outer_ = tape_->current_path_;
  const std::string& outer = tape_->paths_[outer_];
  tape_->paths_.push_back(outer.empty() ? std::string(name) : outer + "." + std::string(name));
  tape_->current_path_ = static_cast<uint32_t>(tape_->paths_.size() - 1);
}

Tape::Scope::~Scope() {
  if (tape_ != nullptr) tape_->current_path_ = outer_;
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
    for (const Tape* t = outer_; t != nullptr; t = t->outer_)
      paused = paused || t->id_ == slot.tape;
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
  const auto next = static_cast<int32_t>(entries_.size());
  const auto [position, inserted] = leaf_slots_.try_emplace(tensor.id(), next);
  if (inserted) {
    Entry leaf{.op = "leaf",
               .flops = 0,
               .path = current_path_,
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
  constexpr size_t align = alignof(std::max_align_t);
  const size_t rounded = (bytes + align - 1) / align * align;
  if (attribute_blocks_.empty() ||
      attribute_blocks_.back().used + rounded > attribute_block_bytes) {
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
  Entry entry{
      .op = op.name,
      .flops = op.flops >= 0 ? op.flops : static_cast<double>(output.numel()),
      .path = current_path_,
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

void Tape::trim(Mark mark) {
  check_thread("trim");
  if (mark.entries >= entries_.size()) return;
  while (!leaves_.empty() && static_cast<size_t>(leaves_.back().first) >= mark.entries) {
    leaf_slots_.erase(leaves_.back().second.id());
    leaves_.pop_back();
  }
  const Entry& first = entries_[mark.entries];
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
        in_backward_(tape.in_backward_) {}
  ~Replay() {
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

  Tensor result(int32_t slot) const {
    const auto i = static_cast<size_t>(slot);
    return i < gradients_.size() ? gradients_[i] : Tensor();
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
    for (const Hook& hook : tape_.hooks_) {
      hook({static_cast<int>(index), entry, g, gradients});
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

}  // namespace

std::vector<Tensor> Tape::gradients(const char* caller, std::span<const Tensor> outputs,
                                    std::span<const Tensor> output_gradients,
                                    std::span<const Tensor> wanted, bool retain,
                                    bool create_graph) {
  check_thread(caller);
  if (create_graph && thread_tapes.recording != this) {
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
    Tape* const recording = std::exchange(thread_tapes.recording, create_graph ? this : nullptr);
    struct Restore {
      Tape* tape;
      ~Restore() { thread_tapes.recording = tape; }
    } const restore{recording};
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Tensor given = i < output_gradients.size() ? output_gradients[i] : Tensor();
      replay.seed(output_slots[i], starting_gradient(caller, outputs[i], given));
    }
    replay.run();
  }
  std::vector<Tensor> results;
  results.reserve(wanted.size());
  for (int32_t slot : wanted_slots) {
    results.push_back(slot >= 0 ? replay.result(slot) : Tensor());
  }
  return results;
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
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!found[i].defined() || !leaves[i].requires_grad()) continue;
    Tensor gradient = std::move(found[i]);
    Tensor sum = leaves[i].grad();
    if (options.create_graph) {
      leaves[i].set_grad(sum.defined() ? add(sum, gradient) : gradient);
      continue;
    }
    const NoGrad pause;
    if (sum.defined()) {
      sum.add_(gradient);
    } else if (gradient.is_unshared() && gradient.is_contiguous()) {
      leaves[i].set_grad(gradient);
    } else {
      leaves[i].set_grad(gradient.clone());
    }
  }
}

// --- Reading ---

std::span<const int32_t> Tape::input_slots(const Entry& entry) const {
  return {input_slots_.data() + entry.first_input, entry.input_count};
}

std::span<const Shape> Tape::input_shapes(const Entry& entry) const {
  return {input_shapes_.data() + entry.first_input, entry.input_count};
}

void check_in_place(const char* op, const Tensor& tensor) {
  if (Tape::current() == nullptr || !tensor.requires_grad()) return;
  throw TapeError(op,
                  str("cannot write in place to a tensor ", tensor.shape(),
                      " that a tape tracks: the gradient would be wrong"),
                  "use the operation that returns a new tensor, or open a NoGrad scope");
}

}  // namespace gradus
