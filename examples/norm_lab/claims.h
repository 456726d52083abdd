// What popular articles say about normalization, and what comes of it when measured.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "results.h"

namespace gradus::lab {

/// What was found out about a claim.
struct Verdict {
  enum class Kind { holds, holds_when, fails, open } kind = Kind::open;
  std::string text;  ///< under which condition, or why; with the figures
};

/// The results of an experiment by its name; empty ones if it was not run.
using ResultsOf = std::function<Results(const std::string& experiment)>;

/// A claim, and how the results decide on it.
struct Claim {
  int number;
  const char* text;
  const char* experiment;  ///< whose figure shows it
  Verdict (*judge)(const ResultsOf& results);
};

/// All of them.
std::span<const Claim> claims();
/// "holds", "holds when ...", "fails because ...", "open".
const char* name_of(Verdict::Kind kind);

}  // namespace gradus::lab
