#include "watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/train/console.h>
#include <gradus/train/stop_signal.h>

#include "check.h"

namespace course {

namespace fs = std::filesystem;

namespace {

constexpr int quick = 300, patient = 2000;  // milliseconds between two looks at the file

/// Reads single keys for its lifetime, if standard input is a terminal.
class Keys {
 public:
  Keys() {
    is_terminal_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!is_terminal_) return;
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
  }
  ~Keys() {
    if (is_terminal_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  bool is_terminal() const { return is_terminal_; }

  /// A line, which the student sees and can correct.
  std::string line() const {
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    std::string text;
    std::getline(std::cin, text);
    std::cin.clear();
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
    return text;
  }

 private:
  termios before_{};
  bool is_terminal_ = false;
};

/// Tells whether a file has changed. The system says so early; in any case the file is looked at.
class Change {
 public:
  explicit Change(bool poll) : events_(poll ? -1 : ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
  ~Change() {
    if (events_ >= 0) ::close(events_);
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  void follow(const fs::path& file) {
    file_ = file;
    seen_ = stamp();
    if (events_ < 0) return;
    // Of the folder: editors put a new file in the place of the old one.
    if (watch_ >= 0) ::inotify_rm_watch(events_, watch_);
    watch_ = ::inotify_add_watch(events_, file.parent_path().c_str(),
                                 IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
  }
  int events() const { return events_; }
  int patience() const { return events_ >= 0 && watch_ >= 0 ? patient : quick; }
  /// Since it was asked, or since the beginning.
  bool happened() {
    alignas(inotify_event) char buffer[4096];
    while (events_ >= 0 && ::read(events_, buffer, sizeof buffer) > 0) {
    }
    const std::string now = stamp();
    return now != std::exchange(seen_, now);
  }

 private:
  /// The text itself: times and sizes miss changes that are quick.
  std::string stamp() const { return text_of(file_); }

  int events_, watch_ = -1;
  fs::path file_;
  std::string seen_;
};

/// Text without the line breaks within its paragraphs; what is indented stays as it is.
std::string reflowed(const std::string& text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\n';
    const bool within = text[at] == '\n' && next != '\n' && next != ' ' && next != '-' && at > 0 &&
                        text[at - 1] != '\n';
    result += within ? ' ' : text[at];
  }
  return result;
}

class Watch {
 public:
  Watch(Student& student, std::span<const Exercise> exercises, bool poll)
      : student_(student), exercises_(exercises), change_(poll) {}

  int run() {
    gradus::require<gradus::IoError>(keys_.is_terminal(), "course",
                                     "`course verify` tests all exercises, `course check 1.1` one",
                                     "standard input is not a terminal, so no key can be pressed");
    begin(student_.current());
    while (stop_.received() == 0) {
      const std::optional<char> key = wait();
      if (key == 'q' || key == '\x04') break;
      if (key) act(*key);
      if (!key && change_.happened()) test();
    }
    std::cout << "\n"
              << student_.done() << " of " << exercises_.size() << " exercises are done.\n"
              << std::flush;
    return stop_.received() == 0 ? 0 : 128 + stop_.received();
  }

 private:
  /// A key, or nothing if the file may have changed.
  std::optional<char> wait() {
    pollfd sources[] = {{STDIN_FILENO, POLLIN, 0}, {change_.events(), POLLIN, 0}};
    const nfds_t count = change_.events() >= 0 ? 2 : 1;
    if (::poll(sources, count, change_.patience()) <= 0) return {};
    if ((sources[0].revents & (POLLIN | POLLHUP)) == 0) return {};
    char key = 0;
    return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
  }

  void act(char key) {
    switch (key) {
      case 'h':
        return show("Hint\n\n" + reflowed(text_of(current().hint)), true);
      case 's':
        return show(student_.is_done(current())
                        ? "A solution\n\n" + text_of(current().solution)
                        : "The solution can be seen once the exercise is done; `h` gives a hint.",
                    true);
      case 'n':
        return begin(student_.next());
      case 'l':
        return list();
      case 'r':
        return reset();
      case '\n':
      case '\r':
        return test();
      default:
        return;
    }
  }

  const Exercise& current() const { return student_.current(); }

  void begin(const Exercise& exercise) {
    student_.set_current(exercise);
    change_.follow(student_.file_of(exercise));
    test();
  }

  void test() {
    const Exercise exercise = current();
    show(gradus::str("Compiling and testing ", exercise.name, " ..."));
    Checked checked;
    try {
      checked = check(exercise, student_.file_of(exercise));
    } catch (const gradus::Error& error) {  // no such file, for a moment or for good
      return show(error.what());
    }
    if (checked.outcome == Outcome::passed) {
      student_.set_done(exercise);
      return show(colour("32", "Passed.") +
                  " `s` shows a solution with comments, `n` is the next "
                  "exercise.\n\n" +
                  checked.message);
    }
    constexpr std::string_view names[] = {"", "Not yet.", "It does not compile.", "It crashed.",
                                          "It is too slow."};
    show(colour("31", std::string(names[static_cast<size_t>(checked.outcome)])) + "\n\n" +
         checked.message);
  }

  void list() {
    // As many as fit, with the current one in the middle.
    const size_t fit = std::min(exercises_.size(), rows() - 9);
    const auto at = static_cast<size_t>(&current() - exercises_.data());
    const size_t first = std::min(at - std::min(at, fit / 2), exercises_.size() - fit);
    std::string text;
    for (const Exercise& exercise : exercises_.subspan(first, fit)) {
      text +=
          gradus::str(&exercise == &current() ? ">" : " ", student_.is_done(exercise) ? "x " : ". ",
                      exercise.name, "  ", exercise.title, "\n");
    }
    show(text, true);
    std::cout << "\nWhich one (2.1; only enter: back)? " << std::flush;
    const std::string name = keys_.line();
    if (name.empty()) return begin(current());
    try {
      begin(find(exercises_, name));
    } catch (const gradus::ValueError& error) {
      show(error.what());
    }
  }

  void reset() {
    show("Write this exercise as it was? What is there now is kept as " +
         student_.file_of(current()).filename().string() + ".before. (y: yes)");
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1 || key != 'y') return test();
    student_.reset(current());
    begin(current());
  }

  static size_t rows() {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    return known ? std::max<size_t>(size.ws_row, 12) : 24;
  }

  /// A screen: where the student is, a text, and the keys. Of a text that is too long, the
  /// beginning, unless it is `whole`.
  void show(const std::string& text, bool whole = false) {
    const gradus::training::Console console;
    const Exercise& exercise = current();
    std::string screen = console.is_terminal() ? "\x1b[H\x1b[J" : "";
    screen += gradus::str(colour("1", gradus::str(exercise.name, "  ", exercise.title)), "   ",
                          student_.done(), "/", exercises_.size(), " done\n",
                          student_.file_of(exercise).string(), "\n\n");
    const size_t most = rows() - 7;
    size_t shown = 0;
    for (const std::string& line : lines_of(text, console.width())) {
      if (++shown <= most || whole) screen += line + "\n";
    }
    if (shown > most && !whole) screen += gradus::str("... ", shown - most, " more lines\n");
    screen += "\nh hint  n next  l list  r reset  s solution  enter test again  q quit\n";
    std::cout << screen << std::flush;
  }

  /// Lines that fit a screen.
  static std::vector<std::string> lines_of(const std::string& text, int width) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.size(), text.find('\n', at));
      const std::string wrapped = gradus::training::wrapped(text.substr(at, end - at), 0, width);
      for (size_t begin = 0; begin <= wrapped.size();) {
        const size_t stop = std::min(wrapped.size(), wrapped.find('\n', begin));
        lines.push_back(wrapped.substr(begin, stop - begin));
        begin = stop + 1;
      }
      at = end + 1;
    }
    return lines;
  }

  static std::string colour(const char* code, const std::string& text) {
    const char* const none = std::getenv("NO_COLOR");
    const bool plain = (none != nullptr && *none != '\0') || isatty(STDOUT_FILENO) == 0;
    return plain ? text : gradus::str("\x1b[", code, "m", text, "\x1b[0m");
  }

  Student& student_;
  std::span<const Exercise> exercises_;
  Change change_;
  gradus::training::StopSignal stop_;
  Keys keys_;
};

}  // namespace

int watch(Student& student, std::span<const Exercise> exercises, bool poll) {
  return Watch(student, exercises, poll).run();
}

}  // namespace course
