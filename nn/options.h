// Options of layers: how they are read from model files, written to them, and printed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

/// Visits the options of a module, by their names in PyTorch and in model files. One `describe`
/// function per module serves to read options, to write them and to print them.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void operator()(const char* name, bool& value) = 0;
  virtual void operator()(const char* name, int64_t& value) = 0;
  virtual void operator()(const char* name, double& value) = 0;
  virtual void operator()(const char* name, std::optional<double>& value) = 0;
  virtual void operator()(const char* name, std::optional<int64_t>& value) = 0;
  virtual void operator()(const char* name, Shape& value) = 0;
  template <size_t N>
  void operator()(const char* name, Sizes<N>& value) {
    sizes(name, value);
  }
  template <size_t N>
  void operator()(const char* name, std::optional<Sizes<N>>& value) {
    bool given = value.has_value();
    Sizes<N> numbers = value.value_or(Sizes<N>());
    optional_sizes(name, given, numbers);
    value = given ? std::optional(numbers) : std::nullopt;
  }
  template <size_t N>
  void operator()(const char* name, Padding<N>& value) {
    bool same = value.is_same();
    Sizes<N> numbers = value.sizes();
    padding(name, same, numbers);
    value = same ? Padding<N>("same") : Padding<N>(numbers);
  }
  template <size_t N>
  void operator()(const char* name, OutputSize<N>& value) {
    output_size(name, value);
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
    size_t index = static_cast<size_t>(value);
    choose(name, index, std::span(words.begin(), words.size()));
    value = static_cast<Enum>(index);
  }

 protected:
  // One number per dimension, however many there are.
  virtual void sizes(const char* name, std::span<int64_t> numbers) = 0;
  virtual void optional_sizes(const char* name, bool& given, std::span<int64_t> numbers) = 0;
  virtual void padding(const char* name, bool& same, std::span<int64_t> numbers) = 0;
  virtual void output_size(const char* name, std::span<std::optional<int64_t>> numbers) = 0;

  virtual void require(const char*) {}
  virtual void choose(const char* name, size_t& index, std::span<const char* const> words) = 0;
};

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
/// Throws ValueError in the name of layer `type` unless p is a probability.
void check_probability(const char* type, const char* option, double p);

}  // namespace gradus::nn
