// docs/layer-list.md lists every layer with all of its options.
#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../../nn/layer_table.h"
#include "../support/paths.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Notes options as the page has them: `name`, or `name = default`.
class Options : public nn::OptionVisitor {
 public:
  std::string text;

  void operator()(const char* name, bool& value) override { note(name, value ? "true" : "false"); }
  void operator()(const char* name, int64_t& value) override { note(name, str(value)); }
  void operator()(const char* name, double& value) override { note(name, str(value)); }
  void operator()(const char* name, std::optional<double>& value) override {
    note(name, value ? str(*value) : "none");
  }
  void operator()(const char* name, std::optional<int64_t>& value) override {
    note(name, value ? str(*value) : "none");
  }
  void operator()(const char* name, Shape& value) override { note(name, str(value)); }

 protected:
  void sizes(const char* name, std::span<int64_t> numbers) override {
    note(name, str(numbers.front()));  // defaults are the same in all dimensions
  }
  void optional_sizes(const char* name, bool& given, std::span<int64_t> numbers) override {
    note(name, given ? str(numbers.front()) : "none");
  }
  void padding(const char* name, bool& same, std::span<int64_t> numbers) override {
    note(name, same ? "same" : str(numbers.front()));
  }
  void output_size(const char* name, std::span<std::optional<int64_t>> numbers) override {
    note(name, numbers.front() ? str(*numbers.front()) : "none");
  }
  void require(const char*) override { required_ = true; }
  void choose(const char* name, size_t& index, std::span<const char* const> words) override {
    note(name, words[index]);
  }

 private:
  void note(const char* name, const std::string& value) {
    text +=
        str(text.empty() ? "`" : ", `", name, required_ ? "" : " = ", required_ ? "" : value, "`");
    required_ = false;
  }

  bool required_ = false;
};

std::string row_of(const nn::LayerType& layer) {
  Options options;
  try {
    layer.build(options);
  } catch (const Error&) {  // it lacks what has no default; it was asked before
  }
  return str("| `", layer.name, "` | ", options.text, " |");
}

}  // namespace

TEST_CASE("the list of layers has all of them, with all options and defaults, and no others") {
  const std::string page = read_text(source_folder() + "/docs/layer-list.md");
  for (const nn::LayerType& layer : nn::layer_table()) {
    const std::string row = row_of(layer);
    CHECK_MESSAGE(contains(page, row), "not in docs/layer-list.md: " << row);
  }
  CHECK(occurrences(page, "\n| `") == static_cast<int>(nn::layer_table().size()));
}
