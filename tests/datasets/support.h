// What the tests of data sets share: temporary folders, bytes, and looking at errors.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "../../core/base/error.h"
#include "../support/temporary_folder.h"

namespace gradus::data {

using ByteVector = std::vector<std::byte>;

using test::TemporaryFolder;

/// Sets an environment variable for a scope; nullptr unsets it.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char* name, const char* value) : name_(name) {
    if (const char* old = getenv(name)) old_ = old, had_ = true;
    set(value);
  }
  ~ScopedEnvironment() { set(had_ ? old_.c_str() : nullptr); }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  void set(const char* value) { value == nullptr ? unsetenv(name_) : setenv(name_, value, 1); }
  const char* name_;
  std::string old_;
  bool had_ = false;
};

inline ByteVector bytes(std::initializer_list<int> values) {
  ByteVector out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

inline ByteVector bytes(std::string_view text) {
  ByteVector out;
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  return out;
}

inline ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline void write_bytes(const std::filesystem::path& path, const ByteVector& content) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(content.data()),
            static_cast<std::streamsize>(content.size()));
  REQUIRE(out.good());
}

/// The text of the E that `run` throws; fails the test where it throws none.
template <class E, class F>
std::string error_of(F&& run) {
  try {
    run();
  } catch (const E& error) {
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

inline bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"", std::string(part), "\" is missing in: ", text);
  return found;
}

}  // namespace gradus::data
