#include "rules.h"

#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tour {

using gradus::Tape;

namespace {

/// An operation of inputs a and b with result y, and for each input the gradient that its rule
/// computes from g, the gradient of y.
struct Formulas {
  std::string_view op, value;
  std::array<std::string_view, 2> gradients;
};

constexpr std::array<Formulas, 7> table = {{
    {"mul", "{a} · {b}", {"{g} · {b}", "{g} · {a}"}},
    {"add", "{a} + {b}", {"{g}", "{g}"}},
    {"sub", "{a} − {b}", {"{g}", "−{g}"}},
    {"tanh", "tanh {a}", {"{g} · (1 − {y}²)"}},
    {"square", "{a}²", {"{g} · 2 · {a}"}},
    {"sum", "Σ {a}", {"{g} for every element"}},
    {"expand", "{a} for every element", {"Σ {g}"}},
}};

const Formulas* formulas_of(std::string_view op) {
  const auto* const found =
      std::find_if(table.begin(), table.end(), [op](const Formulas& row) { return row.op == op; });
  return found == table.end() ? nullptr : found;
}

/// `formula` with each "{letter}" replaced by `text(letter)`.
template <class Text>
std::string filled(std::string_view formula, const Text& text) {
  std::string result;
  for (size_t i = 0; i < formula.size(); ++i) {
    if (formula[i] == '{') {
      result += text(formula[i + 1]);
      i += 2;
    } else {
      result += formula[i];
    }
  }
  return result;
}

std::string with_letters(std::string_view formula) {
  return filled(formula, [](char letter) { return std::string(1, letter); });
}

std::string with_numbers(std::string_view formula, const Tape& tape, size_t index,
                         const std::vector<double>& gradient) {
  const gradus::Entry& entry = tape[index];
  return filled(formula, [&](char letter) {
    if (letter == 'g') return numbers(gradient, entry.shape);
    if (letter == 'y') return numbers(tape.value(index), entry.shape);
    const size_t input = letter == 'a' ? 0 : 1;
    return numbers(tape.input_value(index, input), tape.input_shapes(entry)[input]);
  });
}

}  // namespace

std::string numbers(const std::vector<double>& values, const gradus::Shape& shape) {
  return gradus::nested(values, shape, 3);
}

std::string value_formula(const Tape& tape, size_t index) {
  const Formulas* const formulas = formulas_of(tape[index].op);
  if (formulas == nullptr) return tape[index].op;
  return with_letters(formulas->value) + " = " + with_numbers(formulas->value, tape, index, {});
}

std::string rule_formula(const Tape& tape, size_t index) {
  const Formulas* const formulas = formulas_of(tape[index].op);
  if (formulas == nullptr) return "see the source";
  std::string text = "da = " + with_letters(formulas->gradients[0]);
  if (!formulas->gradients[1].empty()) text += ",  db = " + with_letters(formulas->gradients[1]);
  return text;
}

std::string filled_rule(const Tape& tape, size_t index, size_t input,
                        const std::vector<double>& gradient) {
  const Formulas* const formulas = formulas_of(tape[index].op);
  return formulas == nullptr ? "" : with_numbers(formulas->gradients[input], tape, index, gradient);
}

}  // namespace tour
