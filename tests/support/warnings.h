// What the library says on the standard error stream, for tests.
#pragma once

#include <iostream>
#include <sstream>
#include <string>

namespace gradus::test {

/// Takes what is written to std::cerr while it lives.
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
