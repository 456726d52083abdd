// The table has a row for every operation of core, and for nothing else, and one for every
// differentiable function of the headers, made of others or not.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "../../core/tape.h"
#include "../support/paths.h"
#include "../support/text.h"
#include "op_table.h"

using namespace gradus;
using namespace gradus::op_table;

namespace {

/// The text of the first argument of each call of record() in `source`.
std::vector<std::string> first_arguments(const std::string& source) {
  const std::regex call(R"(\brecord\()");
  std::vector<std::string> arguments;
  for (auto it = std::sregex_iterator(source.begin(), source.end(), call);
       it != std::sregex_iterator(); ++it) {
    const auto begin = static_cast<size_t>(it->position() + it->length());
    size_t stop = begin;
    for (int depth = 0; stop < source.size() && !(depth == 0 && source[stop] == ','); ++stop) {
      depth += source[stop] == '(' ? 1 : source[stop] == ')' ? -1 : 0;
    }
    arguments.push_back(source.substr(begin, stop - begin));
  }
  return arguments;
}

/// What the first group of `pattern` is in each of its matches.
std::set<std::string> all_of(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), pattern);
       it != std::sregex_iterator(); ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

std::set<std::string> names_in(const std::string& text) {
  return all_of(text, std::regex(R"re("([a-z0-9_]+)")re"));
}

/// What templates record in the name of their argument, and rows of elementwise functions in that
/// of an operation.
std::set<std::string> names_of_templates(const std::string& source) {
  std::set<std::string> all =
      all_of(source, std::regex(R"re(\b(?:unary|extreme)<"([a-z0-9_]+)")re"));
  all.merge(all_of(source, std::regex(R"re(\brecorded<"\w+">\("([a-z0-9_]+)")re")));
  return all;
}

std::set<std::string> recorded_names() {
  std::set<std::string> all;
  const auto core = std::filesystem::path(test::source_folder()) / "core";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(core)) {
    // Operations are in the folders of core, what records them is in core itself.
    if (entry.path().extension() != ".cpp" || entry.path().parent_path() == core) continue;
    const std::string source = test::read_text(entry.path());
    all.merge(names_of_templates(source));
    for (const std::string& argument : first_arguments(source)) {
      if (argument == "f.text") continue;  // of a template for which names_of_templates() looks
      const std::set<std::string> names = names_in(argument);
      CHECK_MESSAGE(!names.empty(), entry.path().filename().string()
                                        << ": write the names of the operation into record(), not "
                                        << argument);
      all.insert(names.begin(), names.end());
    }
  }
  return all;
}

/// Functions that give tensors, as the public headers declare them.
std::set<std::string> functions_in(const std::string& header) {
  return all_of(
      header,
      std::regex(
          R"re((?:^|\n)(?:Tensor|ValuesIndices|NormResult|std::vector<Tensor>) ([a-z0-9_]+)\()re"));
}

std::set<std::string> public_functions() {
  std::set<std::string> all;
  const auto core = std::filesystem::path(test::source_folder()) / "core";
  const std::string umbrella = test::read_text(core / "ops.h");
  static const std::regex include(R"re(#include "(\w+/\w+\.h)")re");
  for (std::sregex_iterator i(umbrella.begin(), umbrella.end(), include), end; i != end; ++i) {
    all.merge(functions_in(test::read_text(core / i->str(1))));
  }
  return all;
}

/// What a row cannot differentiate.
const std::set<std::string>& without_gradient() {
  static const std::set<std::string> names = {
      // Creation: there is no input.
      "zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "eye", "linspace", "arange",
      "tensor", "rand", "randn", "rand_like", "randn_like", "randint", "randperm",
      // Conditions: the result is bool.
      "eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite", "isclose", "logical_and",
      "logical_or", "logical_not", "any", "all",
      // Places, classes and values without a place: no gradient is defined.
      "argmax", "argmin", "argsort", "nonzero", "one_hot", "unique"};
  return names;
}

/// Whether a row calls the function: its form has the name and a parenthesis.
bool is_called(const std::string& function) {
  const std::regex call("\\b" + function + "\\(");
  const auto& all = rows();
  return std::any_of(all.begin(), all.end(),
                     [&](const Row& row) { return std::regex_search(row.form, call); });
}

std::set<std::string> table_names() {
  std::set<std::string> names;
  for (const Row& row : rows()) {
    if (!row.op.empty()) names.insert(row.op);
  }
  return names;
}

}  // namespace

TEST_CASE("the names given to record() are found, however they are written") {
  const std::string source =
      "return record(\"sum\", inputs(x), y);\n"
      "record(\n    Op(big ? \"amax\" : \"amin\", cost(x, y)), inputs(x), y);";
  const auto arguments = first_arguments(source);
  REQUIRE(arguments.size() == 2);
  CHECK(names_in(arguments[0]) == std::set<std::string>{"sum"});
  CHECK(names_in(arguments[1]) == std::set<std::string>{"amax", "amin"});
}

TEST_CASE("no operation without a row, no row without an operation") {
  const std::set<std::string> recorded = recorded_names(), listed = table_names();
  CHECK(recorded.size() > 50);
  for (const std::string& name : recorded) {
    CHECK_MESSAGE(listed.contains(name), "no row for operation " << name);
  }
  for (const std::string& name : listed) {
    CHECK_MESSAGE(recorded.contains(name), "no operation for row " << name);
  }
}

TEST_CASE("no differentiable function of the headers without a row") {
  const std::set<std::string> functions = public_functions();
  CHECK(functions.size() > 150);
  for (const std::string& name : functions) {
    const bool has_row = is_called(name), needs_none = without_gradient().contains(name);
    CHECK_MESSAGE(has_row != needs_none,
                  name << (has_row ? " has a row: no exception is needed" : " has no row"));
  }
  for (const std::string& name : without_gradient()) {
    CHECK_MESSAGE(functions.contains(name), name << " is an exception and does not exist");
  }
}

TEST_CASE("every row puts the operation that it names on the tape") {
  for (const Row& row : rows()) {
    Tensors inputs = make_inputs(row, float64);
    for (Tensor& x : inputs) {
      if (is_floating(x.dtype())) x.requires_grad_();
    }
    const Tape tape;
    row.call(inputs);
    std::set<std::string> seen;
    for (size_t i = 0; i < tape.size(); ++i) seen.insert(tape[i].op);
    CHECK_MESSAGE((row.op.empty() || seen.contains(row.op)), row.form);
  }
}
