// Errors as users see them: "[op] (module path) what, with every shape. Hint: what to do".
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "text.h"

namespace gradus {

/// Base of every error that a mistake of the caller, a bad file or bad data can cause.
///
/// The text is composed as `[op] (module.path) what. Hint: hint`; the path is optional. A module
/// through which an error propagates prepends its own name to the path, so that the message names
/// the layer although the op does not know it.
class Error : public std::runtime_error {
 public:
  Error(std::string_view op, std::string_view what, std::string_view hint);

  const char* what() const noexcept override { return text_.c_str(); }
  const std::string& op() const { return op_; }
  const std::string& module_path() const { return path_; }
  /// What went wrong, without op, module path and hint.
  const std::string& detail() const { return detail_; }
  const std::string& hint() const { return hint_; }

  /// Names the function that the user called, if it is composed of the one that threw.
  void set_op(std::string_view op);
  /// Prepends `name` to the module path. Called while the error propagates up the module tree.
  void add_module(std::string_view name);
  /// Sets the complete path where it is known; names added later are already part of it and change
  /// nothing.
  void set_module_path(std::string_view path);

 private:
  void compose();

  std::string op_, path_, detail_, hint_, text_;
  bool path_is_whole_ = false;
};

/// Shapes, sizes or numbers of dimensions that do not match.
struct ShapeError : Error {
  using Error::Error;
};
/// Element types that do not match. Nothing is ever promoted silently.
struct DTypeError : Error {
  using Error::Error;
};
/// An index, label or dimension out of range.
struct IndexError : Error {
  using Error::Error;
};
/// An option or value that makes no sense (negative padding, momentum of 2, NaN ...).
struct ValueError : Error {
  using Error::Error;
};
/// A tape used in a way that would lose or falsify gradients.
struct TapeError : Error {
  using Error::Error;
};
/// Files, downloads and formats.
struct IoError : Error {
  using Error::Error;
};
/// A file that cannot be opened or read. It may be intact: nothing is known about its content.
struct ReadError : IoError {
  using IoError::IoError;
};

/// Throws E if `condition` does not hold. Only then the message is composed from `parts`, by str():
/// `require<ShapeError>(n == 4, "conv2d", "add a batch dimension", "got ", shape)`.
template <class E = ValueError, class... Parts>
void require(bool condition, std::string_view op, std::string_view hint, const Parts&... parts) {
  if (!condition) throw E(op, str(parts...), hint);
}

}  // namespace gradus
