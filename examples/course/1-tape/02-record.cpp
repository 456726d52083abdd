// 1.2  Recording.
//
// A tape is a list of entries, one per operation, in the order in which they ran. An entry keeps
// its value and, for each of its inputs, which entry that was and the local derivative. Numbers on
// the tape are named by the index of their entry, as %0, %1 in Gradus:
//
//     Tape tape;
//     const size_t x = tape.leaf(3), y = tape.mul(x, x);   // 0 and 1; entries[1].value is 9
//
// Write `record`, which appends an entry, and four operations that use it.
#include <cmath>
#include <string>
#include <vector>

#include "course.h"

struct Input {
  size_t entry;       ///< which entry it was
  double derivative;  ///< of the result by this input
};

struct Entry {
  std::string op;
  double value;
  std::vector<Input> inputs;
};

struct Tape {
  std::vector<Entry> entries;

  /// Appends an entry and returns its index.
  size_t record(const std::string& op, double value, const std::vector<Input>& inputs) {
    // TODO: here, and below: "add", "sub", "mul" of two entries, "tanh" of one.
    course::todo("record(" + op + ")");
  }

  double value(size_t entry) const { return entries.at(entry).value; }
  size_t leaf(double value) { return record("leaf", value, {}); }

  size_t add(size_t a, size_t b) { course::todo("add"); }
  size_t sub(size_t a, size_t b) { course::todo("sub"); }
  size_t mul(size_t a, size_t b) { course::todo("mul"); }
  size_t tanh(size_t a) { course::todo("tanh"); }
};
