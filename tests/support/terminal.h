// A program on a terminal of a certain size, and what it shows.
#pragma once

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::test {

/// The rows of a terminal that never scrolls. Supports printable characters, one column each, CR,
/// LF, erasing to the end of the line or the screen, and what programs that fill the screen send:
/// the first row, a second screen, attributes and a cursor that is not shown (both ignored). After
/// a character in the last column, the next one begins a new row.
class Screen {
 public:
  explicit Screen(size_t width) : width_(width) {}

  void write(std::string_view bytes) {
    pending_ += bytes;
    while (!pending_.empty() && take_one()) {
    }
  }

  /// The text of the rows down to the last one that has any, without trailing spaces.
  std::vector<std::string> rows() const {
    std::vector<std::string> texts;
    for (const Row& row : rows_) {
      std::string text;
      for (const std::string& cell : row.cells) text += cell;
      texts.push_back(text.substr(0, text.find_last_not_of(' ') + 1));
    }
    while (!texts.empty() && texts.back().empty()) texts.pop_back();
    return texts;
  }
  /// How many rows were begun because the previous one was full.
  int full_rows() const {
    return static_cast<int>(
        std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.goes_on; }));
  }
  size_t cursor_column() const { return column_; }

  /// As in terminals that keep text: the text of too long rows continues below them, and the cursor
  /// stays at its character.
  void resize(size_t width) {
    std::vector<Row> lines;  // of any length
    size_t cursor_line = 0, cursor = 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (r > 0 && rows_[r - 1].goes_on) {
        rows_[r - 1].cells.clear();
      } else {
        lines.emplace_back();
      }
      if (r == row_) cursor_line = lines.size() - 1, cursor = lines.back().cells.size() + column_;
      auto& cells = lines.back().cells;
      cells.insert(cells.end(), rows_[r].cells.begin(), rows_[r].cells.end());
    }
    rows_.clear();
    width_ = width;
    for (size_t l = 0; l < lines.size(); ++l) {
      if (l == cursor_line) row_ = rows_.size() + cursor / width, column_ = cursor % width;
      const auto& cells = lines[l].cells;
      for (size_t begin = 0; begin == 0 || begin < cells.size(); begin += width) {
        const size_t end = std::min(begin + width, cells.size());
        rows_.push_back({{cells.begin() + static_cast<std::ptrdiff_t>(begin),
                          cells.begin() + static_cast<std::ptrdiff_t>(end)},
                         end < cells.size()});
      }
    }
    while (rows_.size() <= row_) rows_.emplace_back();
  }
  /// As in terminals that do not: what does not fit is lost.
  void cut(size_t width) {
    width_ = width;
    for (Row& row : rows_) row.cells.resize(std::min(row.cells.size(), width), " ");
    column_ = std::min(column_, width - 1);
  }

 private:
  struct Row {
    std::vector<std::string> cells;
    bool goes_on = false;  // in the next row
  };

  /// False if the rest is an incomplete sequence.
  bool take_one() {
    const auto first = static_cast<unsigned char>(pending_.front());
    size_t size = 1;
    if (first == 0x1b) {
      size = pending_.find_first_of("ABCDEFGHJKhlm");
      if (size++ == std::string::npos) return false;
      obey(pending_.substr(0, size));
    } else if (first == '\r') {
      column_ = 0;
    } else if (first == '\n') {
      next_row();
    } else {
      size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
      if (pending_.size() < size) return false;
      put(pending_.substr(0, size));
    }
    pending_.erase(0, size);
    return true;
  }
  void obey(const std::string& sequence) {
    const char last = sequence.back();
    if (sequence == "\x1b[H") {
      row_ = column_ = 0;
    } else if (sequence == "\x1b[?1049h") {
      first_screen_ = std::exchange(rows_, std::vector<Row>(1));
      row_ = column_ = 0;
    } else if (sequence == "\x1b[?1049l") {
      rows_ = first_screen_;
      row_ = rows_.size() - 1;
    } else if (last != 'm' && sequence != "\x1b[?25h" && sequence != "\x1b[?25l") {
      erase(sequence);
    }
  }
  void erase(const std::string& sequence) {
    if (sequence != "\x1b[K" && sequence != "\x1b[J") {
      throw std::runtime_error("unknown sequence: " + sequence.substr(1));
    }
    rows_[row_].cells.resize(std::min(rows_[row_].cells.size(), column_));
    rows_[row_].goes_on = false;
    if (sequence == "\x1b[J") rows_.resize(row_ + 1);
  }
  void put(const std::string& character) {
    if (column_ == width_) {
      rows_[row_].goes_on = true;
      next_row();
      column_ = 0;
    }
    auto& cells = rows_[row_].cells;
    if (cells.size() <= column_) cells.resize(column_ + 1, " ");
    cells[column_++] = character;
  }
  void next_row() {
    if (++row_ == rows_.size()) rows_.emplace_back();
  }

  size_t width_;
  std::vector<Row> rows_ = std::vector<Row>(1), first_screen_;
  size_t row_ = 0, column_ = 0;
  std::string pending_;
};

/// A program that believes it is on a terminal; killed and waited for at the end of the scope.
class TerminalProcess {
 public:
  TerminalProcess(std::vector<std::string> arguments, const std::string& folder, int width,
                  int height = 50)
      : screen_(static_cast<size_t>(width)), height_(static_cast<unsigned short>(height)) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    winsize size = {.ws_row = height_, .ws_col = static_cast<unsigned short>(width)};
    id_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (id_ < 0) throw std::runtime_error("forkpty failed");
    if (id_ == 0) {
      setenv("TERM", "xterm", 1);
      if (chdir(folder.c_str()) == 0) execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~TerminalProcess() {
    if (!ended_) kill(id_, SIGKILL);
    wait();
    close(terminal_);
  }
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;

  Screen& screen() { return screen_; }

  void type(std::string_view keys) const {
    if (::write(terminal_, keys.data(), keys.size()) < 0) throw std::runtime_error("no keyboard");
  }
  void send(int signal) const { kill(id_, signal); }
  /// True if the terminal shows what is typed, hands over lines, and knows Ctrl-C: as in a shell.
  bool is_as_usual() const {
    termios mode{};
    constexpr tcflag_t usual = ICANON | ECHO | ISIG;
    return tcgetattr(terminal_, &mode) == 0 && (mode.c_lflag & usual) == usual;
  }

  /// Calls `look` with the screen after every return of the cursor, until it returns true or the
  /// program has ended; a minute at most. True if it did.
  template <class Look>
  bool watch(const Look& look) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd ready = {.fd = terminal_, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 1000) <= 0) continue;
      char bytes[4096];
      const ssize_t count = read(terminal_, bytes, sizeof bytes);
      if (count <= 0) return false;  // nobody has the other end open any longer
      // A piece at a time, to see also what is overwritten immediately.
      std::string_view rest(bytes, static_cast<size_t>(count));
      bool found = false;
      while (!rest.empty()) {
        const size_t piece = std::min(rest.find('\r'), rest.size() - 1) + 1;
        screen_.write(rest.substr(0, piece));
        rest.remove_prefix(piece);
        found = found || look(screen_);
      }
      if (found) return true;
    }
    return false;
  }

  /// Changes the width between two things that the program prints.
  template <class Change>
  void resize(int width, const Change& change_screen) {
    kill(id_, SIGSTOP);
    int status = 0;
    waitpid(id_, &status, WUNTRACED);
    int waiting = 0;
    ioctl(terminal_, FIONREAD, &waiting);
    std::string bytes(static_cast<size_t>(waiting), '\0');
    if (waiting > 0) {
      const ssize_t count = read(terminal_, bytes.data(), bytes.size());
      screen_.write({bytes.data(), static_cast<size_t>(std::max<ssize_t>(count, 0))});
    }
    winsize size = {.ws_row = height_, .ws_col = static_cast<unsigned short>(width)};
    ioctl(terminal_, TIOCSWINSZ, &size);
    change_screen(screen_);
    kill(id_, SIGCONT);
  }

  int wait() {
    if (!ended_) waitpid(id_, &status_, 0);
    ended_ = true;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
  }

 private:
  Screen screen_;
  unsigned short height_;
  int terminal_ = -1;
  pid_t id_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace gradus::test
