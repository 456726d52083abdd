// The tape: the computational graph as a list (a Wengert list), and the backward pass over it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/allocator.h"
#include "base/option_text.h"
#include "tensor.h"

namespace gradus {

class Tape;

namespace detail {

/// A tape or a pause: the innermost one of a thread decides where that thread records. They end in
/// the reverse order in which they were opened. If one does not, it warns, and the others continue
/// as if it had never existed; if one ends in another thread, the process ends with a message.
class RecordingScope {
 public:
  /// `op` names it in messages; a null tape means a pause.
  RecordingScope(const char* op, Tape* tape) noexcept;
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

  static const RecordingScope* innermost();
  const RecordingScope* outer() const { return outer_; }
  Tape* tape() const { return tape_; }

 private:
  const char* op_;
  Tape* tape_;
  RecordingScope* outer_;
};

}  // namespace detail

/// A short list of tensors, passed between a rule and the tape. Undefined entries mean "none".
using TensorList = std::vector<Tensor, PoolAllocator<Tensor>>;

/// Which inputs of an entry need a gradient: a rule may leave the others undefined.
class Wanted {
 public:
  Wanted(std::span<const int32_t> slots, const std::vector<char, PoolAllocator<char>>& needed)
      : slots_(slots), needed_(&needed) {}
  bool operator[](size_t input) const {
    const int32_t slot = slots_[input];
    return slot >= 0 && (*needed_)[static_cast<size_t>(slot)] != 0;
  }
  size_t size() const { return slots_.size(); }

 private:
  std::span<const int32_t> slots_;
  const std::vector<char, PoolAllocator<char>>* needed_;
};

/// Pointers to tensors, without touching reference counts: `inputs(a, b)`, `saved(x, y)`.
/// @{
template <class... T>
std::array<const Tensor*, sizeof...(T)> inputs(const T&... tensors) {
  return {&tensors...};
}
template <class... T>
std::array<const Tensor*, sizeof...(T)> saved(const T&... tensors) {
  return {&tensors...};
}
/// @}
/// The parameter type of functions that take the result of `inputs` or `saved`.
using TensorRefs = std::span<const Tensor* const>;

/// Name of an operation and, if it is not one FLOP per element of the output, its cost.
struct Op {
  const char* name;   ///< a string literal
  double flops = -1;  ///< floating-point operations of one call; negative: one per output element
  Op(const char* n, double f = -1) : name(n), flops(f) {}
};

/// One line of the tape.
///
/// An entry is an operation with one output, or a leaf ("leaf"): a tensor that requires a gradient
/// and was not computed on this tape. Slots are indices of entries: the slot of input k is the
/// entry that produced it, or -1 for an input without gradient.
struct Entry {
  const char* op;       ///< "conv2d", or "leaf"
  double flops;         ///< floating-point operations of the call, estimated
  uint32_t path;        ///< module path, an index into the tape's paths
  uint32_t path_count;  ///< number of module paths on the tape when it was recorded
  uint32_t generation;  ///< number of trims before it was recorded
  /// Its part of the tape's lists of inputs and of saved tensors.
  /// @{
  uint32_t first_input, input_count;
  uint32_t first_saved, saved_count;
  /// @}
  uint32_t first_number;      ///< its part of the tape's list of noted numbers
  Shape shape;                ///< of the output
  DType dtype;                ///< of the output
  bool in_backward = false;   ///< recorded while a gradient was computed with create_graph
  bool released = false;      ///< its saved tensors are gone
  bool has_gradient = false;  ///< a replay has noted numbers of the output's gradient
  /// The vector-Jacobian product: from the gradient `g` of the output to those of the inputs,
  /// `out`. nullptr for a leaf.
  void (*rule)(const void* rule_data, const TensorList& saved, const Tensor& g,
               const Wanted& wanted, TensorList& out) = nullptr;
  const void* attributes = nullptr;  ///< constants of the rule, kept by the tape
  /// The constants as text; nullptr if they have none.
  std::string (*options)(const void* attributes) = nullptr;
};

/// A range of the tape that belongs together: the call of a module, or an operation composed of
/// others (conv3d, max_pool1d, cross_entropy).
struct SpanEntry {
  std::string name;     ///< "Conv2d", the type of a module, or "conv3d"
  std::string options;  ///< "stride=2, padding=[1,0]"
  bool is_module;       ///< the call of a module
  bool in_backward;     ///< opened while a gradient was computed with create_graph
  uint32_t path;        ///< module path, an index into the tape's paths
  int32_t parent;       ///< index of the enclosing span, or -1
  int32_t output = -1;  ///< the entry that produced its result; -1 if none did
  size_t first = 0,
         end = 0;  ///< its entries are [first, end); `end` is the tape's while it is open
};

/// What a hook sees for each entry that is replayed.
struct ReplayEvent {
  int index;                          ///< of the entry
  const Entry& entry;                 ///< op, shapes ...
  const Tensor& output_gradient;      ///< the incoming gradient
  std::span<const Tensor> gradients;  ///< the rule's results, one per input; may be undefined
  const std::string& path;            ///< module path of the entry
  /// The spans (indices into Tape::spans()) whose result the entry produced, inner ones first:
  /// output_gradient is the gradient of the output of that module, or of that composed operation.
  std::span<const int32_t> results_of;
  std::span<const Tensor> saved;  ///< what the entry kept for its rule, in the order of saved()
};

/// What a tape does besides recording.
struct TapeOptions {
  /// Check every result, forward and backward, and throw ValueError with op and module path at the
  /// first NaN or infinity. Slow; for finding where a training run went wrong.
  bool detect_anomaly = false;
  /// Record how long each operation takes, forward and backward, for profile().
  bool profile = false;
  /// Note the Euclidean norm of the gradient of every entry, for gradient_norm() and all pictures:
  /// a pass over each gradient. Those of up to Tape::noted_elements are known without.
  bool gradient_norms = false;
  /// Record every operation, whether or not an input requires a gradient, and keep all inputs, for
  /// Tape::input(). For programs that translate what a net computes.
  bool keep_inputs = false;
};

/// How a profile is grouped into rows: one per operation, or one per operation and module.
enum class ProfileBy { op, module };
struct Profile;

/// Options of Tape::backward.
struct BackwardOptions {
  /// The gradient of the loss itself, of its shape and type; undefined means 1, for a loss with one
  /// element.
  Tensor gradient = {};
  /// Keep what the entries saved, so that backward can run again.
  bool retain = false;
  /// Record the computation of the gradients, so that they can be differentiated. Implies retain.
  bool create_graph = false;
};

/// A record of differentiable operations with a lexical scope.
///
/// From construction to destruction, operations of this thread on tensors that require gradients
/// are recorded, one entry each. `backward` replays the entries from the last to the first. Without
/// a tape nothing is recorded. A tape inside another one pauses the outer one.
///
/// A tape is meant for one training step: open it inside the loop, so that it ends with the step.
/// If it keeps growing over many calls of backward(), it warns once on standard error, from 100,000
/// entries or 1 GiB of saved tensors on.
///
/// Tapes and NoGrad end in the reverse order in which they were opened, as objects in scopes do. If
/// one ends earlier, a line on standard error says so, and those inside it continue.
///
/// A tape belongs to the thread that opened it: it must be replayed, trimmed and destroyed there
/// (replaying or trimming it elsewhere throws, destroying it elsewhere ends the process with a
/// message), and what other threads compute meanwhile is not on it. Several threads may each have
/// tapes and share parameters that none of them writes; since backward() writes `.grad()`, they
/// have to use grad().
///
///     Tape tape;
///     Tensor loss = mean(square(sub(x, target)));
///     tape.backward(loss);          // x.grad() is there
class Tape {
 public:
  explicit Tape(TapeOptions options = {});
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The tape that records in this thread now, or nullptr.
  static Tape* current();

  /// Adds the gradients of `loss` to the `.grad()` of every leaf it depends on. Either all leaves
  /// are updated or, if an error is thrown, none. Throws ShapeError if loss has more than one
  /// element and no gradient is given, and TapeError if loss is not on this tape, if saved tensors
  /// were released by an earlier call or have been overwritten, if a leaf has been converted to
  /// another type, or if called from a thread other than the tape's own.
  void backward(const Tensor& loss, const BackwardOptions& options = {});

  /// A point on the tape to come back to.
  struct Mark {
    size_t entries;  ///< on the tape at that point
  };
  Mark mark() const { return {entries_.size()}; }
  /// Drops all entries recorded since `mark`, with what they saved, their constants and their
  /// module paths; tensors they produced can no longer be used on the tape. Throws TapeError while
  /// the tape is being replayed, that is, in hooks and rules.
  void trim(Mark mark);

  // --- Reading the tape ---

  size_t size() const { return entries_.size(); }
  const Entry& operator[](size_t index) const { return entries_[index]; }
  std::span<const int32_t> input_slots(const Entry& entry) const;
  std::span<const Shape> input_shapes(const Entry& entry) const;
  const std::string& path(const Entry& entry) const { return paths_[entry.path]; }
  const std::string& path(const SpanEntry& span) const { return paths_[span.path]; }
  /// The options of an operation as text, "stride=2, padding=[1,0]"; "" if it has none.
  std::string options(const Entry& entry) const;
  /// Calls of modules and composed operations, in the order in which they began.
  std::span<const SpanEntry> spans() const { return spans_; }
  /// The names of the composed operations that an entry is part of, outer ones first:
  /// "conv_transpose1d > conv_transpose2d".
  std::string composed_of(size_t index) const;
  size_t path_count() const { return paths_.size(); }
  /// Index of the entry and tensor of each leaf, in the order in which they were first used.
  std::span<const std::pair<int32_t, Tensor>> leaves() const { return leaves_; }
  /// What entry number `index` keeps for its rule, in the order of saved(). Throws TapeError if a
  /// replay has released it, or if it has been overwritten since.
  detail::List<Tensor> saved(size_t index) const;
  /// Input number `input` of entry number `index`; undefined for an optional one that was not
  /// given. Throws TapeError unless the tape was opened with {.keep_inputs = true}.
  Tensor input(size_t index, size_t input) const;
  /// Bytes that the tensors saved for one entry, or for all, keep alive (views counted in full).
  int64_t saved_bytes(const Entry& entry) const;
  int64_t saved_bytes() const;
  /// Bytes that an operation has to read and write at least, by shapes and the output's type; 0 for
  /// views.
  int64_t moved_bytes(const Entry& entry) const;

  /// Where the time went (tape_profile.h). Throws TapeError unless the tape was opened with
  /// {.profile = true}.
  Profile profile(ProfileBy by = ProfileBy::op) const;

  // --- What the numbers were ---

  /// Tensors with up to this many elements are noted with their values as they are recorded, and
  /// their gradients as they are replayed. Neither keeps a tensor alive.
  static constexpr int64_t noted_elements = 8;

  /// The name of an entry: of a leaf, that of its tensor, "x"; if that is a parameter of a module,
  /// after the path of the module that used it first, "conv1.weight". A parameter that several
  /// modules share is one leaf, under the path of the first. Of other entries, the name that
  /// Tensor::set_name gave to the result. "" if there is none.
  std::string name(size_t index) const;
  /// The elements of what entry number `index` computed (of a leaf, when it was first used), in
  /// row-major order; empty if there are more than `noted_elements`.
  std::vector<double> value(size_t index) const;
  /// The same of input number `input` of an entry. Inputs that need no gradient are on no entry of
  /// their own: these are their names and values.
  /// @{
  std::string input_name(size_t index, size_t input) const;
  std::vector<double> input_value(size_t index, size_t input) const;
  /// @}
  /// The elements of the gradient of an entry: of a leaf, its `.grad()`; otherwise, and if a leaf
  /// has none, what arrived at the last replay. Empty if there was none, or if it has more than
  /// `noted_elements`.
  std::vector<double> gradient(size_t index) const;
  /// The Euclidean norm of the same gradient; nothing if there was none, and for results with more
  /// than `noted_elements` unless the tape was opened with {.gradient_norms = true}.
  std::optional<double> gradient_norm(size_t index) const;

  // --- Prints and pictures: all of the above ---

  /// A table for reading: one line per entry, then totals.
  void print(std::ostream& out) const;
  std::string to_string() const;
  /// The same as JSON; what is not known is null.
  std::string to_json() const;
  /// A graph for Graphviz, from the inputs at the top to the results: modules and composed
  /// operations are frames; inputs without gradient are ovals; what was recorded in a backward pass
  /// has a dashed border. The colours suit light and dark pages; for a style of your own, nodes and
  /// frames have the classes `op`, `leaf`, `parameter`, `constant`, `backward`, `module`,
  /// `operation`.
  std::string to_dot() const;
  /// The picture of that graph as an `<svg>` element, on a transparent background, drawn by
  /// Graphviz' program `dot`, which takes seconds for some hundred entries. Throws IoError if it
  /// cannot be run or fails.
  std::string to_svg() const;

  /// Called for every entry during replay, after its rule has run; hooks are called in the order in
  /// which they were added. A hook added by a hook or a rule is called from the next entry on. An
  /// exception from a hook ends the replay. A hook may replay the same tape (and is called during
  /// that, too), but must not destroy it.
  using Hook = std::function<void(const ReplayEvent&)>;
  void on_replay(Hook hook) { hooks_.push_back(std::make_unique<Hook>(std::move(hook))); }

  /// Appends `name` to the module path of what is recorded during the lifetime of the scope.
  class Scope {
   public:
    Scope(Tape* tape, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Tape* tape_;
    uint64_t tape_id_ = 0;
    uint32_t outer_ = 0;
  };

  /// Marks what is recorded during its lifetime as one operation, or as the call of a module:
  ///
  ///     Tensor conv3d(const Tensor& x, ..., const Conv3dOptions& options) {
  ///       const Tape::Span span("conv3d", options);
  ///       ...                              // other operations, the last of which gives the result
  ///     }
  class Span {
   public:
    explicit Span(const char* op) : Span(Tape::current(), op, "", false) {}
    template <class Options>
    Span(const char* op, const Options& options)
        : Span(Tape::current(), op, Tape::current() ? option_text(options) : "", false) {}
    Span(Tape* tape, std::string_view name, std::string options, bool is_module);
    ~Span();
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    Tape* tape_;
    uint64_t tape_id_ = 0;
    int32_t index_ = -1;
  };

  /// The most bytes that the constants of one rule may have.
  static constexpr size_t max_constant_bytes = 4096;

  /// Sets `y` as the result of the innermost open span; by default it is the last entry recorded.
  void set_span_result(const Tensor& y);

  /// Names the entry that produced a tensor. Tensor::set_name calls it.
  static void set_result_name(const detail::TapeSlot& slot, const std::string& name);

  // --- For record() and grad() ---

  /// True if at least one of `tensors` needs a gradient on this tape. Throws TapeError for a tensor
  /// of a tape that has ended or is paused.
  bool tracks(const char* op, TensorRefs tensors) const;
  void append(const Op& op, TensorRefs inputs, Tensor& output, TensorRefs saved,
              decltype(Entry::rule) rule, const void* attributes = nullptr,
              size_t attribute_bytes = 0, decltype(Entry::options) options_text = nullptr);
  /// Gradients of `outputs` with respect to `wanted`; undefined if there is no dependence. Each is
  /// contiguous and shares memory with no other tensor.
  std::vector<Tensor> gradients(const char* caller, std::span<const Tensor> outputs,
                                std::span<const Tensor> output_gradients,
                                std::span<const Tensor> wanted, bool retain, bool create_graph);

 private:
  struct SavedTensor {
    Tensor tensor;
    uint32_t version;
  };
  /// Timing of one entry; kept only when profiling.
  struct Timing {
    double forward = 0, backward = 0;  // seconds
    int64_t saved_bytes = 0;
    int replays = 0;
  };
  template <class T>
  using Pooled = std::vector<T, PoolAllocator<T>>;
  class Replay;
  /// An input of an entry that needs no gradient: its place in the list of all inputs, and where
  /// its values are noted.
  struct SmallConstant {
    uint32_t input, first_number;
  };
  struct NamedConstant {
    uint32_t input;
    bool in_module;
    std::string name;
  };
  class Picture;

  static bool is_open(const Tape* tape, uint64_t id);
  void check_thread(const char* caller) const;
  int32_t slot_of(const char* op, const Tensor& tensor) const;
  Entry new_entry(const char* op, const Tensor& output) const;
  int32_t leaf_slot(const Tensor& tensor);
  const void* keep_attributes(const void* attributes, size_t bytes);
  void drop_attributes(size_t first_entry);
  void warn_where_growing();
  double lap();
  void check_saved(size_t index) const;
  void check_finite(const Tensor& tensor, const Entry& entry, const char* where) const;
  void note_output(const Tensor& output, int64_t numel);
  void note_constant(const Tensor& input);
  void note_gradient(size_t index, const Tensor& gradient);
  void drop_noted(size_t first_entry);
  const Tensor* leaf_tensor(size_t index) const;
  const SmallConstant* small_constant(const Entry& entry, size_t input) const;
  const NamedConstant* named_constant(const Entry& entry, size_t input) const;
  /// False for an optional input, as a bias, that was not given.
  bool has_input(const Entry& entry, size_t input) const;
  /// "x[3]=(1, 2, 3)": what is known of an input that is not on the tape.
  std::string constant_text(size_t index, size_t input) const;
  /// "(0.5, -1)" or "norm 1.118"; "" if nothing is known.
  std::string gradient_text(size_t index) const;

  uint64_t id_;
  std::thread::id thread_;
  TapeOptions options_;
  Pooled<Entry> entries_;
  Pooled<int32_t> input_slots_;
  Pooled<Shape> input_shapes_;
  Pooled<Tensor> kept_inputs_;  // as many as input_slots_ if they are kept, else none
  Pooled<SavedTensor> saved_;
  std::unordered_map<const void*, int32_t, std::hash<const void*>, std::equal_to<>,
                     PoolAllocator<std::pair<const void* const, int32_t>>>
      leaf_slots_;
  Pooled<std::pair<int32_t, Tensor>> leaves_;
  struct AttributeBlock {
    std::byte* memory;
    size_t used;
  };
  Pooled<AttributeBlock> attribute_blocks_;
  std::vector<std::string> paths_;
  uint32_t current_path_ = 0;
  std::vector<SpanEntry> spans_;
  int32_t open_span_ = -1;  // the innermost one, an index
  uint32_t generation_ = 0;
  bool in_backward_ = false;
  int replays_running_ = 0;
  std::vector<std::unique_ptr<Hook>> hooks_;  // pointers: a running hook must not be moved
  size_t entries_before_ = 0;                 // at the last backward()
  int64_t growing_calls_ = 0;                 // of backward(), before which the tape had grown
  // Values of small tensors: of each entry the output and room for its gradient (of larger ones,
  // for the norm if it is asked for), then the constants that it used.
  Pooled<double> numbers_;
  Pooled<SmallConstant> small_constants_;
  std::vector<NamedConstant> named_constants_;
  std::map<int32_t, std::string> result_names_;
  Pooled<Timing> timings_;
  std::chrono::steady_clock::time_point last_lap_;
  detail::RecordingScope scope_;  // last: recording ends before anything else does
};

/// Pauses recording in this thread for its lifetime.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  detail::RecordingScope scope_;
};

/// In-place writes call it first. Throws TapeError if a recording tape tracks `tensor`, and
/// ValueError if several of its elements share a memory location.
void check_in_place(const char* op, const Tensor& tensor);

namespace detail {
/// What a rule returns, as a list; it gets `wanted` if it takes that.
template <class Rule, class... Arguments>
TensorList gradients_by(Rule rule, const Wanted& wanted, const Arguments&... arguments) {
  if constexpr (std::is_invocable_v<Rule, const Arguments&..., const Wanted&>) {
    return {rule(arguments..., wanted)};
  } else {
    return {rule(arguments...)};
  }
}
}  // namespace detail

/// Records an operation on the current tape, if there is one and an input needs a gradient, and
/// returns `output`. This is how every operation, including your own, becomes differentiable:
///
///     Tensor square(const Tensor& x) {
///       Tensor y = ...;                                    // compute
///       return record("square", inputs(x), y, saved(x),
///                     [](const TensorList& s, const Tensor& g) {
///                       return mul(g, mul(s[0], 2.0));     // the gradient of x
///                     });
///     }
///
/// The rule gets the saved tensors, the gradient of the output and which inputs need a gradient; it
/// returns one tensor per input, the vector-Jacobian product. It may leave out its last parameter,
/// and return the gradient of a single input as it is. It is composed of operations, so it can be
/// differentiated itself. It captures nothing: tensors go through `saved`, constants through
/// `attributes`.
template <class Rule>
Tensor record(const Op& op, TensorRefs inputs, Tensor output, TensorRefs saved, Rule) {
  static_assert(std::is_empty_v<Rule>, "a rule captures nothing: use saved() and attributes");
  Tape* const tape = Tape::current();
  if (tape == nullptr || !tape->tracks(op.name, inputs)) return output;
  tape->append(op, inputs, output, saved,
               [](const void*, const TensorList& s, const Tensor& g, const Wanted& w,
                  TensorList& out) { out = detail::gradients_by(Rule(), w, s, g); });
  return output;
}

/// The types of constants that a rule may have: a struct of plain values, not too large.
template <class T>
concept RuleConstants = std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> &&
                            sizeof(T) <= Tape::max_constant_bytes
                        && alignof(T) <= alignof(std::max_align_t);

/// The same with constants: `attributes` is a small struct that is copied onto the tape and passed
/// to the rule as its second argument.
template <class Attributes, class Rule>
Tensor record(const Op& op, TensorRefs inputs, Tensor output, TensorRefs saved,
              const Attributes& attributes, Rule) {
  static_assert(std::is_empty_v<Rule>, "a rule captures nothing: use saved() and attributes");
  static_assert(RuleConstants<Attributes>,
                "constants are a struct of at most 4096 bytes that can be copied as bytes; tensors "
                "go through saved()");
  Tape* const tape = Tape::current();
  if (tape == nullptr || !tape->tracks(op.name, inputs)) return output;
  tape->append(
      op, inputs, output, saved,
      [](const void* a, const TensorList& s, const Tensor& g, const Wanted& w, TensorList& out) {
        out = detail::gradients_by(Rule(), w, s, *static_cast<const Attributes*>(a), g);
      },
      &attributes, sizeof(Attributes),
      DescribedOptions<Attributes>
          ? +[](const void* a) { return option_text(*static_cast<const Attributes*>(a)); }
          : nullptr);
  return output;
}

}  // namespace gradus
