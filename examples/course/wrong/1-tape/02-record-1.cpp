// expect: said to have the index 1; it is 0
// The size is at hand after push_back; that it already counts the new entry is easily missed.
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
    entries.push_back({op, value, inputs});
    return entries.size();
  }

  double value(size_t entry) const { return entries.at(entry).value; }
  size_t leaf(double value) { return record("leaf", value, {}); }

  size_t add(size_t a, size_t b) { return record("add", value(a) + value(b), {{a, 1}, {b, 1}}); }
  size_t sub(size_t a, size_t b) { return record("sub", value(a) - value(b), {{a, 1}, {b, -1}}); }
  size_t mul(size_t a, size_t b) {
    return record("mul", value(a) * value(b), {{a, value(b)}, {b, value(a)}});
  }
  size_t tanh(size_t a) {
    const double y = std::tanh(value(a));
    return record("tanh", y, {{a, 1 - y * y}});
  }
};
