#include "console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "../core/base/text.h"

namespace gradus::training {

namespace {

constexpr int label_width = 9;
constexpr int usual_width = 80;

}  // namespace

Console::Console(std::ostream& out)
    : out_(&out),
      descriptor_(&out == &std::cout   ? STDOUT_FILENO
                  : &out == &std::cerr ? STDERR_FILENO
                                       : -1),
      terminal_(false) {
  const char* const kind = std::getenv("TERM");
  terminal_ = isatty(descriptor_) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

int Console::width() const {
  winsize size{};
  const bool known = ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual_width;
}

void Console::say(const std::string& label, const std::string& text) {
  std::string line = label;
  if (!label.empty()) line.resize(std::max<size_t>(label_width, label.size() + 2), ' ');
  const int indent = static_cast<int>(line.size());
  print(line + (terminal_ ? wrapped(text, indent, width()) : text) + "\n");
}

void Console::print(const std::string& lines) {
  erase();
  *out_ << lines << std::flush;
}

/// A terminal that has changed its width may have broken the line: then what is below goes too.
const char* Console::clear_rest() {
  const int now = width();
  const bool changed = drawn_ && now != drawn_width_;
  drawn_width_ = now;
  return changed ? "\x1b[J" : "\x1b[K";
}

void Console::draw(const std::string& line) {
  if (!terminal_) return;
  *out_ << '\r' << line << clear_rest() << '\r' << std::flush;
  drawn_ = true;
}

void Console::erase() {
  if (!drawn_) return;
  *out_ << '\r' << clear_rest() << std::flush;
  drawn_ = false;
}

std::string wrapped(const std::string& text, int indent, int width) {
  constexpr int least = 16;  // columns of text beside the indent
  const int below = width - indent < least ? std::min(2, width / 4) : indent;
  std::string result;
  int column = indent;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    const size_t word = std::min(text.find_first_not_of(' ', begin), text.size());
    end = std::min(text.find(' ', word), text.size());
    const bool fits = column + columns_of(text.substr(begin, end - begin)) <= width || begin == 0;
    if (!fits) result += "\n" + std::string(static_cast<size_t>(below), ' ');
    const std::string shown = text.substr(fits ? begin : word, end - (fits ? begin : word));
    result += shown;
    column = (fits ? column : below) + columns_of(shown);
  }
  return result;
}

}  // namespace gradus::training
