// Options of layers: how they are read from model files, written to them, and printed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../core/ops.h"

namespace gradus::nn {

/// Padding of a convolution: sizes, or "same", which keeps height and width (stride 1 only; where
/// the sum is odd, the larger half goes to the right and to the bottom). "valid" is none.
class Padding2 {
 public:
  Padding2(int64_t all = 0) : sizes_(all) {}
  Padding2(std::initializer_list<int64_t> sizes) : sizes_(sizes) {}
  Padding2(const Size2& sizes) : sizes_(sizes) {}
  /// Throws ValueError for any word but "same" and "valid".
  explicit Padding2(std::string_view rule);
  template <size_t N>
  Padding2(const char (&rule)[N]) : Padding2(std::string_view(rule)) {}

  bool is_same() const { return same_; }
  const Size2& sizes() const { return sizes_; }

 private:
  Size2 sizes_;
  bool same_ = false;
};

/// Height and width of an output; an empty one stays as in the input.
struct OutputSize2 {
  std::optional<int64_t> height, width;
  OutputSize2(int64_t all) : height(all), width(all) {}
  OutputSize2(std::optional<int64_t> h, std::optional<int64_t> w) : height(h), width(w) {}
};

/// Walks over the options of a module, by the names they have in PyTorch and in model files. One
/// `describe` function per module serves to read options, to write them and to print them.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void operator()(const char* name, bool& value) = 0;
  virtual void operator()(const char* name, int64_t& value) = 0;
  virtual void operator()(const char* name, double& value) = 0;
  virtual void operator()(const char* name, std::optional<double>& value) = 0;
  virtual void operator()(const char* name, std::optional<int64_t>& value) = 0;
  virtual void operator()(const char* name, Shape& value) = 0;
  virtual void operator()(const char* name, Size2& value) = 0;
  virtual void operator()(const char* name, std::optional<Size2>& value) = 0;
  virtual void operator()(const char* name, Padding2& value) = 0;
  virtual void operator()(const char* name, OutputSize2& value) = 0;

  /// An option without a default: a model file has to give it.
  template <class T>
  void required(const char* name, T& value) {
    require(name);
    (*this)(name, value);
  }
  /// An option that PyTorch has and this library does not: a model file that gives it is refused,
  /// and `hint` says what to do instead.
  virtual void unsupported(const char*, const char*) {}
  /// An option that is one of a few words; word number i stands for the enumerator of value i.
  template <class Enum>
  void choice(const char* name, Enum& value, std::initializer_list<const char*> words) {
    size_t index = static_cast<size_t>(value);
    choose(name, index, std::span(words.begin(), words.size()));
    value = static_cast<Enum>(index);
  }

 protected:
  virtual void require(const char*) {}
  virtual void choose(const char* name, size_t& index, std::span<const char* const> words) = 0;
};

/// Throws ValueError in the name of layer `type` unless `value` is at least `least`.
void check_at_least(const char* type, const char* option, int64_t value, int64_t least);
void check_at_least(const char* type, const char* option, const Size2& value, int64_t least);
/// Throws ValueError in the name of layer `type` unless p is a probability.
void check_probability(const char* type, const char* option, double p);

}  // namespace gradus::nn
