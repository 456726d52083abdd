// What a program says while it works: lines that fit a terminal, plain ones elsewhere.
#pragma once

#include <iostream>
#include <string>

namespace gradus::training {

/// Standard output or error. On a terminal, lines are broken between words at its width, which is
/// asked for anew each time, and a last line can be drawn over and over. A file or a pipe gets
/// every line as it is, and nothing that is drawn.
class Console {
 public:
  /// For std::cout, or std::cerr if standard output is for something else. Any other stream
  /// is no terminal.
  explicit Console(std::ostream& out = std::cout);

  bool is_terminal() const { return terminal_; }
  /// Columns of the terminal.
  int width() const;

  /// One line "label    text"; what does not fit continues below the text. No label: the text
  /// alone.
  void say(const std::string& label, const std::string& text);
  /// Whole lines as they are: commands to copy, tables.
  void print(const std::string& lines);

  /// Shows a line, shorter than width(), in the place of the one that was drawn before. The cursor
  /// stays at its start, so that it is still there after the terminal has become narrower and has
  /// broken the line.
  void draw(const std::string& line);
  /// Removes what was drawn. Everything else that is printed does this by itself.
  void erase();

 private:
  const char* clear_rest();

  std::ostream* out_;
  int descriptor_;
  bool terminal_;
  bool drawn_ = false;
  int drawn_width_ = 0;  // of the terminal when it was
};

/// Columns that UTF-8 text takes if every character is one wide.
int columns_of(const std::string& text);

/// Text broken between words into lines of at most `width` columns, if no word is longer. The
/// first line starts at column `indent`, the others are moved there.
std::string wrapped(const std::string& text, int indent, int width);

}  // namespace gradus::training
