// 1.3  Backward.
//
// After `backward(loss)`, gradient[i] is d(loss)/d(entry i), for every entry of the tape. The chain
// rule, entry by entry from the loss back to the first: what has arrived at entry i goes on to each
// of its inputs, times the local derivative,
//
//     gradient[input] receives gradient[i] * derivative
//
// An entry has its whole gradient only when everything that used it has been dealt with. It must be
// possible to call `backward` again, for the same or another entry as the loss.
#include <cmath>
#include <string>
#include <vector>

#include "course.h"

struct Input {
  size_t entry;
  double derivative;
};

struct Entry {
  std::string op;
  double value;
  std::vector<Input> inputs;
};

struct Tape {
  std::vector<Entry> entries;
  std::vector<double> gradient;  ///< one for each entry, after backward()

  size_t record(const std::string& op, double value, const std::vector<Input>& inputs) {
    entries.push_back({op, value, inputs});
    return entries.size() - 1;
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

  void backward(size_t loss) {
    // TODO: four or five lines. A size_t is never negative: mind the end of a loop that counts
    // down.
    course::todo("backward");
  }
};
