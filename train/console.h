// Output of a running program: lines that fit a terminal, plain ones elsewhere.
#pragma once

#include <iostream>
#include <string>

namespace gradus::training {

/// Standard output or error. On a terminal, lines are broken between words at its width, which is
/// queried each time, and a last line can be redrawn repeatedly. A file or a pipe gets every line
/// as it is, and nothing that is drawn.
class Console {
 public:
  /// For std::cout, or std::cerr if standard output is used for something else. Any other stream is
  /// not a terminal.
  explicit Console(std::ostream& out = std::cout);

  bool is_terminal() const { return terminal_; }
  /// Columns of the terminal.
  int width() const;

  /// One line "label text"; what does not fit continues below the text. No label: only the text.
  void say(const std::string& label, const std::string& text);
  /// Complete lines as they are: commands to copy, tables.
  void print(const std::string& lines);

  /// Shows a line, shorter than width(), in place of the one drawn before. The cursor stays at its
  /// start, so that it is still there if the terminal becomes narrower and breaks the line.
  void draw(const std::string& line);
  /// Removes what was drawn. All other output does this automatically.
  void erase();

 private:
  const char* clear_rest();

  std::ostream* out_;
  int descriptor_;
  bool terminal_;
  bool drawn_ = false;
  int drawn_width_ = 0;  // of the terminal at that time
};

/// Text broken between words into lines of at most `width` columns, unless a word is longer. The
/// first line starts at column `indent`, the others are indented to it.
std::string wrapped(const std::string& text, int indent, int width);

}  // namespace gradus::training
