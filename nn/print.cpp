// The tree of modules as text.
#include <ostream>

#include "../core/base/error.h"
#include "module.h"

namespace gradus::nn {

namespace {

/// Writes "name=value, name=value".
class OptionPrinter : public OptionVisitor {
 public:
  explicit OptionPrinter(std::ostream& out) : out_(out) {}

  void operator()(const char* name, bool& value) override { print(name, value ? "true" : "false"); }
  void operator()(const char* name, int64_t& value) override { print(name, value); }
  void operator()(const char* name, double& value) override { print(name, value); }
  void operator()(const char* name, std::optional<double>& value) override {
    print_optional(name, value);
  }
  void operator()(const char* name, std::optional<int64_t>& value) override {
    print_optional(name, value);
  }
  void operator()(const char* name, Shape& value) override { print(name, value); }
  void operator()(const char* name, Size2& value) override { print(name, text(value)); }
  void operator()(const char* name, std::optional<Size2>& value) override {
    print(name, value ? text(*value) : "none");
  }
  void operator()(const char* name, Padding2& value) override {
    print(name, value.is_same() ? "same" : text(value.sizes()));
  }
  void operator()(const char* name, OutputSize2& value) override {
    print(name, value.height == value.width
                    ? text(value.height)
                    : str("[", text(value.height), ",", text(value.width), "]"));
  }

 protected:
  void choose(const char* name, size_t& index, std::span<const char* const> words) override {
    print(name, words[index]);
  }

 private:
  static std::string text(const Size2& size) {
    return size[0] == size[1] ? std::to_string(size[0]) : Shape(size).to_string();
  }
  static std::string text(const std::optional<int64_t>& size) {
    return size ? std::to_string(*size) : "none";
  }
  template <class T>
  void print_optional(const char* name, const std::optional<T>& value) {
    value ? print(name, *value) : print(name, "none");
  }
  template <class T>
  void print(const char* name, const T& value) {
    out_ << separator_ << name << "=" << value;
    separator_ = ", ";
  }

  std::ostream& out_;
  const char* separator_ = "";
};

void print_tree(std::ostream& out, const Module& module, const std::string& indent) {
  out << indent;
  if (!module.name().empty()) out << module.name() << ": ";
  out << module.type() << "(";
  OptionPrinter printer(out);
  module.describe(printer);
  out << ")";
  if (const int64_t count = module.parameter_count(); count > 0) out << "  " << count;
  out << "\n";
  for (const auto& child : module.children()) print_tree(out, *child, indent + "  ");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Module& module) {
  print_tree(out, module, "");
  return out;
}

}  // namespace gradus::nn
