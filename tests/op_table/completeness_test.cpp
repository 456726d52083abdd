// The table has a row for every operation in core/ops, and for nothing else.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "../../core/tape.h"
#include "op_table.h"

using namespace gradus;
using namespace gradus::op_table;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

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

std::set<std::string> names_in(const std::string& text) {
  const std::regex literal(R"re("([a-z0-9_]+)")re");
  std::set<std::string> names;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), literal);
       it != std::sregex_iterator(); ++it) {
    names.insert((*it)[1]);
  }
  return names;
}

std::set<std::string> recorded_names() {
  std::set<std::string> all;
  const std::filesystem::path folder = std::filesystem::path(GRADUS_SOURCE_DIR) / "core" / "ops";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".cpp") continue;
    for (const std::string& argument : first_arguments(read_file(entry.path()))) {
      const std::set<std::string> names = names_in(argument);
      CHECK_MESSAGE(!names.empty(), entry.path().filename().string()
                                        << ": write the names of the operation into record(), not "
                                        << argument);
      all.insert(names.begin(), names.end());
    }
  }
  return all;
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
