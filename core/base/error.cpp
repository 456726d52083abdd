#include "error.h"

namespace gradus {

Error::Error(std::string_view op, std::string_view what, std::string_view hint)
    : std::runtime_error(""), op_(op), detail_(what), hint_(hint) {
  compose();
}

void Error::set_op(std::string_view op) {
  op_ = op;
  compose();
}

void Error::add_module(std::string_view name) {
  if (path_is_whole_) return;
  path_ = path_.empty() ? std::string(name) : std::string(name) + "." + path_;
  compose();
}

void Error::set_module_path(std::string_view path) {
  path_ = path;
  path_is_whole_ = true;
  compose();
}

void Error::compose() {
  text_ = "[" + op_ + "] ";
  if (!path_.empty()) text_ += "(" + path_ + ") ";
  text_ += detail_;
  if (hint_.empty()) return;
  text_ += text_.back() == '.' ? " Hint: " : ". Hint: ";
  text_ += hint_;
}

}  // namespace gradus
