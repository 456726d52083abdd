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

 protected:
  void visit(const char* name, const nn::OptionRef& option) override {
    std::visit([&](const auto& value) { note(name, shown(value)); }, option);
  }
  void require(const char*) override { required_ = true; }

 private:
  static std::string shown(const bool* value) { return *value ? "true" : "false"; }
  template <class T>
  static std::string shown(const T* value) {
    return str(*value);
  }
  template <class T>
  static std::string shown(const std::optional<T>* value) {
    return *value ? str(**value) : "none";
  }
  template <class T>
  static std::string shown(std::span<T> numbers) {
    return shown(&numbers.front());  // defaults are the same in all dimensions
  }
  static std::string shown(const nn::OptionalSizes& sizes) {
    return sizes.given ? shown(sizes.numbers) : "none";
  }
  static std::string shown(const nn::PaddingSizes& padding) {
    return padding.same ? "same" : shown(padding.numbers);
  }
  static std::string shown(const nn::Choice& choice) { return choice.words[choice.index]; }

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
