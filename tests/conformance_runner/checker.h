// Comparison of results with what a case expects.
#pragma once

#include <string>
#include <vector>

#include "fixture.h"

namespace gradus::conformance {

/// Collects everything in which one case differs.
class Checker {
 public:
  explicit Checker(Tolerance tolerance) : tolerance_(tolerance) {}

  /// Shape, type and every element; `what` names the result ("output 0"). An undefined `expected`
  /// means that nothing is known about it.
  void check(const std::string& what, const Tensor& found, const Tensor& expected);
  void check(const std::string& what, const Tensors& found, const Tensors& expected);
  /// Every tensor that is expected, by name; others do not matter.
  void check(const std::string& what, const NamedTensors& found, const NamedTensors& expected);
  void check(const std::string& what, double found, double expected);
  void fail(std::string problem) { problems_.push_back(std::move(problem)); }
  /// Fails unless `condition`.
  void expect(bool condition, const std::string& problem) {
    if (!condition) fail(problem);
  }

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  bool agrees(double found, double expected) const;

  Tolerance tolerance_;
  std::vector<std::string> problems_;
};

}  // namespace gradus::conformance
