#include COURSE_FILE

namespace {

using gradus::str;

const char* const sizes = "backward() makes one number for each entry: gradient.assign(n, 0.0).";

void check_gradient(const Tape& tape, size_t entry, const std::string& name, double expected,
                    const std::string& usually) {
  course::same(str("d(loss)/d(", name, ")"), tape.gradient.at(entry), expected, usually, 1e-12);
}

void a_chain() {
  Tape tape;
  const size_t a = tape.leaf(0.5), b = tape.leaf(-3), c = tape.leaf(2);
  const size_t ab = tape.mul(a, b), s = tape.add(ab, c), y = tape.tanh(s);
  tape.backward(y);
  const auto& g = tape.gradient;
  course::check(g.size() == 6,
                str("There are ", g.size(), " gradients for the 6 entries of the tape."), sizes);
  bool all_zero = true;
  for (const double x : g) all_zero = all_zero && x == 0;
  if (all_zero)
    course::fail("Every gradient is 0: there is nothing to pass on.",
                 "The replay starts from d(loss)/d(loss) = 1, the seed.");
  if (g[y] == tape.value(y))
    course::fail(str("The seed is the value of the loss, ", g[y], "; it must be 1."),
                 "d(loss)/d(loss) is 1, whatever the loss is.");
  check_gradient(tape, y, "loss", 1, "This is the seed.");
  const double ds = 1 - std::tanh(0.5) * std::tanh(0.5);
  if (std::abs(g[s] - ds) < 1e-12 && g[ab] == 0 && g[a] == 0)
    course::fail(str("The gradient stops after one step: ", g[s],
                     " arrived at the last sum, and 0 at what it was computed from."),
                 "In forward order an entry passes its gradient on before it has received it: go "
                 "from the loss back to the first entry.");
  if (std::abs(g[s] - ds) < 1e-12 && g[ab] == 1 && g[c] == 1)
    course::fail(
        "What has arrived is not passed on: d(loss)/d(c) is 1, the local derivative of "
        "the sum alone.",
        "Each input receives gradient[i] times the derivative.");
  check_gradient(tape, ab, "a b", ds, "");
  check_gradient(tape, c, "c", ds, "");
  check_gradient(tape, a, "a", -3 * ds, "");
  check_gradient(tape, b, "b", 0.5 * ds, "");
}

void used_twice() {
  Tape tape;
  const size_t x = tape.leaf(3), y = tape.mul(x, x), z = tape.add(y, x);
  tape.backward(z);
  const double found = tape.gradient.at(x);
  if (found == 1 || found == 3 || found == 6)
    course::fail(str("x is used three times in x x + x, with x = 3: d(loss)/d(x) is 3 + 3 + 1 = 7; "
                     "yours is ",
                     found, "."),
                 "What arrives at an entry is added to what was there; = keeps only the last "
                 "contribution.");
  check_gradient(tape, x, "x", 7, "");

  Tape diamond;  // p is used by two entries, then it has a gradient to pass on
  const size_t w = diamond.leaf(2), p = diamond.mul(w, w), q = diamond.mul(p, p);
  const size_t r = diamond.mul(q, p);
  diamond.backward(r);
  check_gradient(diamond, w, "w", 6 * 32, "The loss is w^6, at w = 2.");
}

void again() {
  Tape tape;
  const size_t x = tape.leaf(3), y = tape.mul(x, x), z = tape.mul(y, x);
  tape.backward(y);
  course::check(tape.gradient.size() == 3, "There is not one gradient for each entry.", sizes);
  if (tape.gradient[x] == 27)
    course::fail("The loss was x x, but the gradient of x is 27, that of x x x, the last entry.",
                 "The replay starts at the entry `loss`, wherever it is.");
  check_gradient(tape, x, "x", 6, "The loss is x x, at x = 3.");
  check_gradient(tape, z, "z", 0, "The loss x x does not depend on an entry that came after it.");
  tape.backward(z);
  const double found = tape.gradient.at(x);
  if (std::abs(found - 27) > 1e-9 && found > 27)
    course::fail(
        str("d(x x x)/dx at x = 3 is 27; after an earlier backward(x x) yours is ", found, "."),
        "The gradients of the first call are still there, and are passed on once more: "
        "set all of them to 0 first.");
  check_gradient(tape, x, "x", 27, "");
  const size_t more = tape.add(z, x);
  tape.backward(more);
  course::check(
      tape.gradient.size() == 4,
      str("The tape has grown to 4 entries; there are ", tape.gradient.size(), " gradients."),
      sizes);
  check_gradient(tape, x, "x", 28, "");
}

}  // namespace

int main() {
  return course::run([] {
    a_chain();
    used_twice();
    again();
  });
}
