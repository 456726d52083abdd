// The tree of modules as text.
#include <ostream>

#include "../core/base/option_text.h"
#include "module.h"

namespace gradus::nn {

namespace {

/// Makes "name=value, name=value".
class OptionPrinter : public OptionVisitor {
 public:
  OptionText print;

  void operator()(const char* name, bool& value) override { print(name, value); }
  void operator()(const char* name, int64_t& value) override { print(name, value); }
  void operator()(const char* name, double& value) override { print(name, value); }
  void operator()(const char* name, std::optional<double>& value) override { print(name, value); }
  void operator()(const char* name, std::optional<int64_t>& value) override { print(name, value); }
  void operator()(const char* name, Shape& value) override { print(name, value); }

 protected:
  void sizes(const char* name, std::span<int64_t> numbers) override { print(name, numbers); }
  void optional_sizes(const char* name, bool& given, std::span<int64_t> numbers) override {
    given ? print(name, numbers) : print(name, "none");
  }
  void padding(const char* name, bool& same, std::span<int64_t> numbers) override {
    same ? print(name, "same") : print(name, numbers);
  }
  void output_size(const char* name, std::span<std::optional<int64_t>> numbers) override {
    print(name, numbers);
  }
  void choose(const char* name, size_t& index, std::span<const char* const> words) override {
    print(name, words[index]);
  }
};

}  // namespace

std::string options_text(const Module& module) {
  OptionPrinter printer;
  module.describe(printer);
  return printer.print.text();
}

namespace {

void print_tree(std::ostream& out, const Module& module, const std::string& indent) {
  out << indent;
  if (!module.name().empty()) out << module.name() << ": ";
  out << module.type() << "(" << options_text(module) << ")";
  if (const int64_t count = module.parameter_count(); count > 0) out << str("  ", count);
  out << "\n";
  for (const auto& child : module.children()) print_tree(out, *child, indent + "  ");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Module& module) {
  print_tree(out, module, "");
  return out;
}

}  // namespace gradus::nn
