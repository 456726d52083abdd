#include "screen.h"

#include <gradus/core/base/error.h>
#include <gradus/train/console.h>
#include <gradus/train/stop_signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace tour {

namespace {

/// A tenth of a second. As long as nothing is typed, the size of the screen is looked at so often.
constexpr cc_t patience = 2;
constexpr char control_c = 3;
constexpr int interrupted = 128 + SIGINT;

struct Size {
  int rows = 24, columns = 80;
  friend bool operator==(const Size&, const Size&) = default;
};

/// Takes the keyboard and the screen for its lifetime.
class Terminal {
 public:
  Terminal() {
    gradus::require<gradus::IoError>(tcgetattr(STDIN_FILENO, &before_) == 0, "tape_tour",
                                     "run it with --all", "the terminal does not answer");
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);  // Ctrl-C becomes a key
    mode.c_cc[VMIN] = 0;
    mode.c_cc[VTIME] = patience;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode);
    write("\x1b[?1049h\x1b[?25l");  // a screen of its own, no cursor
  }
  ~Terminal() {
    write("\x1b[?25h\x1b[?1049l");
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  static Size size() {
    winsize found{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) == 0 && found.ws_col > 0;
    return known ? Size{found.ws_row, found.ws_col} : Size{};
  }

  /// False if nobody reads it any longer.
  static bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      text.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  /// The next key; 0 if none was pressed for a while, nothing if there will be none any more. The
  /// arrow keys are n and p.
  static std::optional<char> key() {
    const std::optional<char> first = byte();
    if (first != '\x1b') return first;
    std::optional<char> next = byte();
    if (next != '[' && next != 'O') return 0;
    do {
      next = byte();
    } while (next && *next != 0 && (*next < '@' || *next > '~'));  // the last one is a letter
    return next == 'C' || next == 'B' ? 'n' : next == 'D' || next == 'A' ? 'p' : '\0';
  }

 private:
  static std::optional<char> byte() {
    char c = 0;
    const ssize_t count = read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno != EINTR) return {};
    return count == 1 ? c : '\0';
  }

  termios before_{};
};

/// Where what continues a line begins: below its text, after a label, a slot or an indent.
size_t text_begin(const std::string& line) {
  constexpr int widest_label = 12;
  size_t begin = 0;
  for (size_t gap = 0; (gap = line.find("  ", begin)) != std::string::npos;) {
    const size_t end = line.find_first_not_of(' ', gap);
    if (end == std::string::npos) break;
    if (gradus::columns_of(line.substr(0, end)) > widest_label) break;
    begin = end;
  }
  return begin;
}

/// The lines of a page broken at this width.
std::vector<std::string> broken(const std::vector<std::string>& lines, int width) {
  std::vector<std::string> rows;
  for (const std::string& line : lines) {
    const std::string label = line.substr(0, text_begin(line));
    const int indent = gradus::columns_of(label);
    std::istringstream text(
        label + gradus::training::wrapped(line.substr(label.size()), indent, width) + "\n");
    for (std::string row; std::getline(text, row);) rows.push_back(row);
  }
  return rows;
}

/// The first `columns` characters.
std::string clipped(const std::string& text, int columns) {
  std::string result;
  int used = 0;
  for (const char c : text) {
    if ((c & 0xC0) != 0x80 && ++used > columns) break;
    result += c;
  }
  return result;
}

/// What the screen shows: title, lines, and the keys in the last row.
std::string screen_text(const Page& page, size_t number, size_t count, const Size& size) {
  const int width = std::max(size.columns - 1, 1);  // the last column would wrap on some terminals
  const auto height = static_cast<size_t>(std::max(size.rows, 1));
  const std::string place = std::to_string(number + 1) + "/" + std::to_string(count);
  std::vector<std::string> rows = {place + "  " + std::to_string(page.chapter) + ". " + page.title,
                                   ""};
  const auto lines = broken(page.lines, width);
  rows.insert(rows.end(), lines.begin(), lines.end());
  if (rows.size() > height - 1) {
    rows.resize(height - 1);
    if (!rows.empty()) rows.back() = "... (there is more: enlarge the window)";
  }
  rows.resize(height - 1);
  rows.emplace_back("space, →: next   b, ←: back   1-5: chapter   q: quit");
  std::string text = "\x1b[H";
  for (size_t r = 0; r < rows.size(); ++r) {
    const bool stands_out = r == 0 || r + 1 == rows.size();
    text += (r > 0 ? "\r\n" : "") + std::string(stands_out ? "\x1b[1m" : "") +
            clipped(rows[r], width) + (stands_out ? "\x1b[0m" : "") + "\x1b[K";
  }
  return text + "\x1b[J";
}

/// The page after this key.
size_t page_after(char key, size_t page, const std::vector<Page>& pages) {
  const bool next = key == ' ' || key == '\r' || key == '\n' || key == 'n';
  const bool back = key == 'p' || key == 'b' || key == '\x7f' || key == '\b';
  if (next) return std::min(page + 1, pages.size() - 1);
  if (back) return page > 0 ? page - 1 : 0;
  const auto chapter = std::find_if(pages.begin(), pages.end(),
                                    [key](const Page& p) { return p.chapter == key - '0'; });
  return chapter == pages.end() ? page : static_cast<size_t>(chapter - pages.begin());
}

}  // namespace

bool is_interactive() {
  const char* const kind = std::getenv("TERM");
  return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0 && kind != nullptr &&
         std::string_view(kind) != "dumb";
}

int step_through(const std::vector<Page>& pages) {
  const gradus::training::StopSignal stop;
  const Terminal terminal;
  size_t page = 0;
  Size drawn_size;
  bool drawn = false;
  while (stop.received() == 0) {
    const Size size = Terminal::size();
    if (!drawn || drawn_size != size) {
      if (!Terminal::write(screen_text(pages[page], page, pages.size(), size))) break;
      drawn = true;
      drawn_size = size;
    }
    const std::optional<char> key = Terminal::key();
    if (key == 'q' || !key) break;
    if (key == control_c) return interrupted;
    const size_t next = page_after(*key, page, pages);
    drawn = drawn && next == page;
    page = next;
  }
  return stop.received() == 0 ? 0 : 128 + stop.received();
}

}  // namespace tour
