// The rules of the operations on the tour as formulas: with letters, and with numbers filled in.
#pragma once

#include <gradus/core/tape.h>

#include <string>
#include <vector>

namespace tour {

/// Numbers as the tour shows them: three digits, "(0.462, -0.964)".
std::string numbers(const std::vector<double>& values, const gradus::Shape& shape);

/// What entry number `index` computed: "a · b = (0.5, -1) · (1, 2)".
std::string value_formula(const gradus::Tape& tape, size_t index);

/// The rule of an operation with letters: "da = g · b, db = g · a".
std::string rule_formula(const gradus::Tape& tape, size_t index);

/// The gradient of one input, with numbers in place of letters: "(1, 1) · (0.5, -1)".
std::string filled_rule(const gradus::Tape& tape, size_t index, size_t input,
                        const std::vector<double>& gradient);

}  // namespace tour
