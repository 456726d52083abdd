#include "tape.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/warning.h"
#include "ops.h"

namespace gradus {

namespace {

std::atomic<uint64_t> tapes_opened = 0;

thread_local detail::RecordingScope* innermost_scope = nullptr;

/// Of a span that is open, and has not said what it is.
constexpr int32_t unknown_result = -2;

/// Of a small output and its gradient.
constexpr size_t numbers_of_output = 2 * Tape::noted_elements;

constexpr size_t attribute_block_bytes = Tape::max_constant_bytes;
constexpr size_t attribute_alignment = alignof(std::max_align_t);

/// Makes sure that `list` can take `extra` more elements without a new allocation.
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

/// False if the tape has ended. Then another one may be at its place.
bool Tape::is_open(const Tape* tape, uint64_t id) {
  const auto* scope = tape == nullptr ? nullptr : detail::RecordingScope::innermost();
  while (scope != nullptr && scope->tape() != tape) scope = scope->outer();
  return scope != nullptr && tape->id_ == id;
}

Tape::Scope::~Scope() {
  if (is_open(tape_, tape_id_)) tape_->current_path_ = outer_;
}

Tape::Span::Span(Tape* tape, std::string_view name, std::string options, bool is_module)
    : tape_(tape) {
  if (tape_ == nullptr) return;
  tape_id_ = tape_->id_;
  index_ = static_cast<int32_t>(tape_->spans_.size());
  tape_->spans_.push_back({.name = std::string(name),
                           .options = std::move(options),
                           .is_module = is_module,
                           .in_backward = tape_->in_backward_,
                           .path = tape_->current_path_,
                           .parent = tape_->open_span_,
                           .output = unknown_result,
                           .first = tape_->size(),
                           .end = tape_->size()});
  tape_->open_span_ = index_;
}

Tape::Span::~Span() {
  if (!is_open(tape_, tape_id_)) return;
  SpanEntry& span = tape_->spans_[static_cast<size_t>(index_)];
  span.end = tape_->size();
  if (span.output == unknown_result) {
    span.output = span.first < span.end ? static_cast<int32_t>(span.end) - 1 : -1;
  }
  tape_->open_span_ = span.parent;
}

void Tape::set_span_result(const Tensor& y) {
  if (open_span_ < 0) return;
  const bool here = y.tape_slot().tape == id_;
  spans_[static_cast<size_t>(open_span_)].output = here ? y.tape_slot().index : -1;
}

void Tape::check_thread(const char* caller) const {
  if (thread_ == std::this_thread::get_id()) return;
  throw TapeError(caller, "this tape was opened by another thread",
                  "open a tape in each thread that computes gradients, and replay it there");
}

// --- Recording ---

/// Seconds since the last call: all time counts towards exactly one entry, even in nested
/// recording.
double Tape::lap() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> seconds = now - std::exchange(last_lap_, now);
  return seconds.count();
}

/// The entry that produced `tensor`, or -1 for a leaf or constant.
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
  require<TapeError>(index < entries_.size() && entries_[index].generation == slot.generation, op,
                     "detach() it to use its value", "a tensor ", tensor.shape(),
                     " was made by an entry that trim() dropped");
  return slot.index;
}

bool Tape::tracks(const char* op, TensorRefs tensors) const {
  bool tracked = options_.keep_inputs;
  for (const Tensor* t : tensors) {
    if (t->defined()) tracked = slot_of(op, *t) >= 0 || t->requires_grad() || tracked;
  }
  return tracked;
}

/// An entry for this output, without inputs: a leaf.
Entry Tape::new_entry(const char* op, const Tensor& output) const {
  return {.op = op,
          .flops = 0,
          .path = current_path_,
          .path_count = static_cast<uint32_t>(paths_.size()),
          .generation = generation_,
          .first_input = static_cast<uint32_t>(input_slots_.size()),
          .input_count = 0,
          .first_saved = static_cast<uint32_t>(saved_.size()),
          .saved_count = 0,
          .first_number = static_cast<uint32_t>(numbers_.size()),
          .shape = output.shape(),
          .dtype = output.dtype()};
}

int32_t Tape::leaf_slot(const Tensor& tensor) {
  make_room(entries_, 1);
  make_room(leaves_, 1);
  make_room(numbers_, numbers_of_output);
  const auto next = static_cast<int32_t>(entries_.size());
  const auto [position, inserted] = leaf_slots_.try_emplace(tensor.id(), next);
  if (inserted) {
    entries_.push_back(new_entry("leaf", tensor));
    leaves_.emplace_back(next, tensor);
    note_output(tensor, tensor.numel());
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

/// The anomaly mode: the first result or gradient that is not finite ends it.
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

void Tape::append(const Op& op, TensorRefs inputs, Tensor& output, TensorRefs saved,
                  decltype(Entry::rule) rule, const void* attributes, size_t attribute_bytes,
                  decltype(Entry::options) options_text) {
  // Of the operations that computed it, all are recorded then, and none is this one.
  if (options_.keep_inputs && output.tape_slot().tape != 0) output = output.detach();
  require<TapeError>(output.tape_slot().tape == 0, op.name, "copy it with clone()",
                     "an operation must return a new tensor, not one that is on the tape");
  // Room for everything, so that nothing is half written if memory runs out.
  make_room(entries_, inputs.size() + 1);
  make_room(input_slots_, inputs.size());
  make_room(input_shapes_, inputs.size());
  make_room(saved_, saved.size());
  if (options_.keep_inputs) make_room(kept_inputs_, inputs.size());
  make_room(numbers_, numbers_of_output + inputs.size() * noted_elements);
  make_room(small_constants_, inputs.size());
  if (options_.profile) make_room(timings_, entries_.size() + inputs.size() + 1 - timings_.size());
  for (const Tensor* t : inputs) {  // leaves become entries before the entry that uses them
    if (t->defined() && t->tape_slot().tape == 0 && t->requires_grad()) leaf_slot(*t);
  }
  Entry entry = new_entry(op.name, output);
  const int64_t numel = output.numel();
  entry.flops = op.flops >= 0 ? op.flops : static_cast<double>(numel);
  entry.input_count = static_cast<uint32_t>(inputs.size());
  entry.saved_count = static_cast<uint32_t>(saved.size());
  entry.in_backward = in_backward_;
  entry.rule = rule;
  if (attribute_bytes > 0) entry.attributes = keep_attributes(attributes, attribute_bytes);
  entry.options = options_text;
  note_output(output, numel);
  for (const Tensor* t : inputs) {
    int32_t slot = -1;
    if (t->defined()) {
      const detail::TapeSlot& own = t->tape_slot();
      if (own.tape != 0) {
        slot = own.index;
      } else if (t->requires_grad()) {
        slot = leaf_slot(*t);
      } else {
        note_constant(*t);
      }
    }
    input_slots_.push_back(slot);
    input_shapes_.push_back(t->defined() ? t->shape() : Shape());
    if (options_.keep_inputs) kept_inputs_.push_back(*t);
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

/// Frees the constants of this entry and all later ones.
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
  require<TapeError>(replays_running_ <= 0, "trim",
                     "trim it after backward, not in a hook or in the rule of an operation",
                     "this tape is being replayed");
  if (mark.entries >= entries_.size()) return;
  while (!leaves_.empty() && static_cast<size_t>(leaves_.back().first) >= mark.entries) {
    leaf_slots_.erase(leaves_.back().second.id());
    leaves_.pop_back();
  }
  drop_attributes(mark.entries);
  const Entry& first = entries_[mark.entries];
  // The remaining entries use paths up to that of the last one; open scopes, up to the current one.
  const uint32_t used = mark.entries == 0 ? 1 : entries_[mark.entries - 1].path_count;
  paths_.resize(std::max(used, current_path_ + 1));
  input_slots_.resize(first.first_input);
  input_shapes_.resize(first.first_input);
  if (options_.keep_inputs) kept_inputs_.resize(first.first_input);
  drop_noted(mark.entries);
  saved_.erase(saved_.begin() + first.first_saved, saved_.end());
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(mark.entries), entries_.end());
  timings_.resize(std::min(timings_.size(), mark.entries));
  // Spans stay if they began before; so do those that are open.
  while (!spans_.empty() && spans_.back().first >= mark.entries &&
         static_cast<int32_t>(spans_.size()) - 1 > open_span_) {
    spans_.pop_back();
  }
  for (SpanEntry& span : spans_) {
    span.first = std::min(span.first, mark.entries);
    span.end = std::min(span.end, mark.entries);
    if (span.output >= static_cast<int32_t>(mark.entries)) span.output = -1;
  }
  ++generation_;
}

// --- Reading ---

std::span<const int32_t> Tape::input_slots(const Entry& entry) const {
  return {input_slots_.data() + entry.first_input, entry.input_count};
}

std::span<const Shape> Tape::input_shapes(const Entry& entry) const {
  return {input_shapes_.data() + entry.first_input, entry.input_count};
}

detail::List<Tensor> Tape::saved(size_t index) const {
  check_saved(index);
  const Entry& entry = entries_[index];
  detail::List<Tensor> tensors;
  tensors.reserve(entry.saved_count);
  for (uint32_t k = 0; k < entry.saved_count; ++k) {
    tensors.push_back(saved_[entry.first_saved + k].tensor);
  }
  return tensors;
}

Tensor Tape::input(size_t index, size_t input) const {
  const Entry& entry = entries_[index];
  require<TapeError>(options_.keep_inputs && input < entry.input_count, "tape",
                     "open the tape with {.keep_inputs = true}", "input ", input, " of ", entry.op,
                     ", which has ", entry.input_count, ", was not kept");
  return kept_inputs_[entry.first_input + input];
}

std::string Tape::options(const Entry& entry) const {
  return entry.options == nullptr ? "" : entry.options(entry.attributes);
}

std::string Tape::composed_of(size_t index) const {
  std::string names;
  for (const SpanEntry& span : spans_) {
    if (!span.is_module && span.first <= index && index < span.end) {
      names += (names.empty() ? "" : " > ") + span.name;
    }
  }
  return names;
}

void check_in_place(const char* op, const Tensor& tensor) {
  if (Tape::current() != nullptr && tensor.requires_grad()) {
    throw TapeError(op,
                    str("cannot write in place to a tensor ", tensor.shape(),
                        " that a tape tracks: the gradient would be wrong"),
                    "use the operation that returns a new tensor, or open a NoGrad scope");
  }
  require(tensor.is_non_overlapping(), op,
          "expand() makes such a tensor; write to what was expanded, or to a clone()",
          "several elements of the tensor ", tensor.shape(), " share a place in memory, strides ",
          tensor.strides(), ": each write would change them all");
}

}  // namespace gradus
