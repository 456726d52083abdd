// The message of an error, for tests.
#pragma once

#include <string>

#include "../../core/base/error.h"

namespace gradus::test {

/// What the gradus::Error thrown by `f` says; "no error" where there is none.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace gradus::test
