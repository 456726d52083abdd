// What the library writes to standard error, for tests.
#pragma once

#include <iostream>
#include <sstream>
#include <string>

namespace gradus::test {

/// Captures what is written to std::cerr during its lifetime.
class Warnings {
 public:
  Warnings() : before_(std::cerr.rdbuf(taken_.rdbuf())) {}
  ~Warnings() { std::cerr.rdbuf(before_); }
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;

  std::string text() const { return taken_.str(); }

 private:
  std::ostringstream taken_;
  std::streambuf* before_;
};

}  // namespace gradus::test
