// The message of an error, for tests.
#pragma once

#include <string>
#include <string_view>

#include "../../core/base/error.h"

namespace gradus::test {

/// The message of the gradus::Error thrown by `f`; "no error" if there is none.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A message without the hint that most of its kind end with; others keep theirs.
inline std::string without(std::string message, std::string_view usual_hint) {
  if (message.ends_with(usual_hint)) message.resize(message.size() - usual_hint.size());
  return message;
}

}  // namespace gradus::test
