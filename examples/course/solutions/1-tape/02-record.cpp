// 1.2  Recording.
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
    return entries.size() - 1;  // inputs have smaller indices than what is computed from them: the
                                // tape is in a right order for the replay without any sorting
  }

  double value(size_t entry) const { return entries.at(entry).value; }
  size_t leaf(double value) { return record("leaf", value, {}); }

  size_t add(size_t a, size_t b) { return record("add", value(a) + value(b), {{a, 1}, {b, 1}}); }
  size_t sub(size_t a, size_t b) { return record("sub", value(a) - value(b), {{a, 1}, {b, -1}}); }
  // The derivatives are computed now, while the inputs have the values that were used. Read from
  // the inputs during the replay they could be others by then.
  size_t mul(size_t a, size_t b) {
    return record("mul", value(a) * value(b), {{a, value(b)}, {b, value(a)}});
  }
  // The result serves twice; 1 - y² is all that the replay will need of it.
  size_t tanh(size_t a) {
    const double y = std::tanh(value(a));
    return record("tanh", y, {{a, 1 - y * y}});
  }
};
