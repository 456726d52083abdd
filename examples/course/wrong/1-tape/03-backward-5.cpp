// expect: The replay starts at the entry `loss`, wherever it is.
// The loss is usually computed last.
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
    gradient.assign(entries.size(), 0.0);
    gradient.back() = 1;
    for (size_t i = entries.size(); i-- > 0;) {
      for (const Input& input : entries[i].inputs) {
        gradient[input.entry] += gradient[i] * input.derivative;
      }
    }
  }
};
