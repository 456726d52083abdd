// Options of layers: how they are read from model files, written to them, and printed.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "../core/ops.h"

namespace gradus::nn {

/// Picks the one of three for N spatial dimensions: functions, names.
template <size_t N, class One, class Two, class Three>
constexpr auto for_dims(One one, Two two, Three three) {
  static_assert(N >= 1 && N <= 3);
  if constexpr (N == 1) return one;
  if constexpr (N == 2) return two;
  if constexpr (N == 3) return three;
}

/// "same" or "valid" padding. Throws ValueError for any other word.
bool is_same_padding(std::string_view rule);

/// Padding of a convolution: sizes, or "same", which keeps the sizes of the input (stride 1 only;
/// if the sum is odd, the larger half goes to the end: right, bottom, back). "valid" is none.
template <size_t N>
class Padding {
 public:
  Padding(int64_t all = 0) : sizes_(all) {}
  Padding(std::initializer_list<int64_t> sizes) : sizes_(sizes) {}
  Padding(const Sizes<N>& sizes) : sizes_(sizes) {}
  /// Throws ValueError for any word but "same" and "valid".
  explicit Padding(std::string_view rule) : same_(is_same_padding(rule)) {}
  template <size_t Length>
  Padding(const char (&rule)[Length]) : Padding(std::string_view(rule)) {}

  bool is_same() const { return same_; }
  const Sizes<N>& sizes() const { return sizes_; }

 private:
  Sizes<N> sizes_;
  bool same_ = false;
};

/// Spatial sizes of an output; an empty one stays as in the input.
template <size_t N>
struct OutputSize : std::array<std::optional<int64_t>, N> {
  OutputSize(int64_t all) { this->fill(all); }
  OutputSize(std::nullopt_t) {}
  template <class... Size>
  requires(sizeof...(Size) == N && N > 1) OutputSize(Size... sizes)
      : std::array<std::optional<int64_t>, N>{std::optional<int64_t>(sizes)...} {}
};

/// Sizes that may be left out, as a visitor sees them: one number per dimension.
struct OptionalSizes {
  bool& given;
  std::span<int64_t> numbers;
};
/// Sizes, or "same".
struct PaddingSizes {
  bool& same;
  std::span<int64_t> numbers;
};
/// One of a few words, by its number.
struct Choice {
  size_t& index;
  std::span<const char* const> words;
};
/// An option that a visitor may read and write.
using OptionRef =
    std::variant<bool*, int64_t*, double*, std::optional<int64_t>*, std::optional<double>*, Shape*,
                 std::span<int64_t>, std::span<std::optional<int64_t>>, OptionalSizes, PaddingSizes,
                 Choice>;

/// Visits the options of a module, by their names in PyTorch and in model files. One `describe`
/// function per module serves to read options, to write them and to print them.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  template <class T>
  requires std::constructible_from<OptionRef, T*>
  void operator()(const char* name, T& value) { visit(name, &value); }
  template <class Number, size_t N>
  void operator()(const char* name, std::array<Number, N>& value) {
    visit(name, std::span<Number>(value));
  }
  template <size_t N>
  void operator()(const char* name, std::optional<Sizes<N>>& value) {
    bool given = value.has_value();
    Sizes<N> numbers = value.value_or(Sizes<N>());
    visit(name, OptionalSizes{given, numbers});
    value = given ? std::optional(numbers) : std::nullopt;
  }
  template <size_t N>
  void operator()(const char* name, Padding<N>& value) {
    bool same = value.is_same();
    Sizes<N> numbers = value.sizes();
    visit(name, PaddingSizes{same, numbers});
    value = same ? Padding<N>("same") : Padding<N>(numbers);
  }

  /// An option without a default: a model file has to give it.
  template <class T>
  void required(const char* name, T& value) {
    require(name);
    (*this)(name, value);
  }
  /// An option that PyTorch has and this library does not: a model file with it is rejected, and
  /// `hint` says what to do instead.
  virtual void unsupported(const char*, const char*) {}
  /// Called after all options.
  virtual void finish() {}
  /// An option that is one of a few words; word number i names the enumerator of value i.
  template <class Enum>
  void choice(const char* name, Enum& value, std::initializer_list<const char*> words) {
    auto index = static_cast<size_t>(value);
    visit(name, Choice{index, std::span(words.begin(), words.size())});
    value = static_cast<Enum>(index);
  }

 protected:
  virtual void visit(const char* name, const OptionRef& option) = 0;
  virtual void require(const char*) {}
};

/// Calls `show(name, value)` for each option; the value is a number, a word, sizes (a Shape or a
/// span), or an optional of these.
template <class Show>
class OptionLister : public OptionVisitor {
 public:
  explicit OptionLister(Show show) : show_(std::move(show)) {}

 protected:
  void visit(const char* name, const OptionRef& option) override {
    std::visit([&](const auto& value) { list(name, value); }, option);
  }

 private:
  template <class T>
  void list(const char* name, T* value) {
    show_(name, *value);
  }
  template <class T>
  void list(const char* name, std::span<T> values) {
    show_(name, values);
  }
  void list(const char* name, const OptionalSizes& sizes) {
    show_(name, sizes.given ? std::optional(sizes.numbers) : std::nullopt);
  }
  void list(const char* name, const PaddingSizes& padding) {
    padding.same ? show_(name, "same") : show_(name, padding.numbers);
  }
  void list(const char* name, const Choice& choice) { show_(name, choice.words[choice.index]); }

  Show show_;
};

/// The hint "did you mean ...?" if one of the words is close to `word`, then `rest`.
std::string suggestion(const std::string& word, std::span<const std::string> words,
                       const std::string& rest);
/// Throws ValueError in the name of `op`, a layer, unless `word` is known: `unknown option
/// "biass"`, with what may have been meant, and with all that are known after the word `list`.
void check_known(std::string_view op, std::string_view what, const std::string& word,
                 std::span<const std::string> known, std::string_view list,
                 std::string_view where = "");
/// Throws ValueError in the name of layer `type` unless `value` is at least `least` and has no more
/// than 31 bits.
/// @{
void check_at_least(const char* type, const char* option, int64_t value, int64_t least);
void check_at_least(const char* type, const char* option, std::span<const int64_t> values,
                    int64_t least);
/// @}
/// The same for sizes without a default, which are required and at least 1; all 0 means that they
/// were not given.
/// @{
void check_given(const char* type, const char* option, int64_t value);
void check_given(const char* type, const char* option, std::span<const int64_t> values);
/// @}
/// Throws ShapeError in the name of layer `type` unless x is [N, C, ...] or [C, ...] with so many
/// spatial dimensions.
void check_spatial(const char* type, const Tensor& x, int spatial);
/// Throws ValueError in the name of layer `type` unless p is a probability.
void check_probability(const char* type, const char* option, double p);

}  // namespace gradus::nn
