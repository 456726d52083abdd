#include COURSE_FILE

namespace {

using gradus::str;

void check_input(const Entry& entry, size_t index, size_t k, size_t from, double derivative,
                 double other_value, double other_index) {
  const Input& input = entry.inputs[k];
  const std::string name = str("Input ", k, " of %", index, " = ", entry.op);
  course::check(input.entry == from,
                str(name, " is said to be entry ", input.entry, "; it is ", from, "."),
                "Each input is the index that the operation got as its argument.");
  if (std::abs(input.derivative - derivative) < 1e-12) return;
  const std::string numbers =
      str("The derivative is ", input.derivative, ", expected ", derivative, ".");
  if (entry.op == "mul" && input.derivative == other_index)
    course::fail(name + ": its derivative is an index, not a value.",
                 numbers + " It is the value *at* the other input's index.");
  if (entry.op == "mul" && input.derivative == other_value)
    course::fail(name + ": its derivative is its own value.",
                 numbers + " d(ab)/da is b: each input's derivative is the other one.");
  if (entry.op == "sub" && input.derivative == -derivative)
    course::fail(name + ": its derivative has the wrong sign.", numbers);
  course::fail(name + ": its local derivative is wrong.", numbers);
}

}  // namespace

int main() {
  return course::run([] {
    Tape tape;
    const size_t a = tape.leaf(0.5), b = tape.leaf(-3);
    if (a == 1)
      course::fail("The first entry is said to have the index 1; it is 0.",
                   "The size of the list *after* appending is the index of the next entry.");
    course::check(a == 0 && b == 1,
                  str("Two leaves have the indices ", a, " and ", b, ", expected 0 and 1."));
    course::check(tape.entries.size() == 2,
                  str("After two leaves the tape has ", tape.entries.size(), " entries."),
                  "A leaf is an entry like any other, one without inputs.");
    course::check(tape.entries[0].inputs.empty(), "A leaf has inputs; it comes from nowhere.");
    course::same("the value of %1", tape.value(1), -3);

    const size_t sum = tape.add(a, b), difference = tape.sub(sum, a), product = tape.mul(sum, b);
    const size_t square = tape.mul(product, product), last = tape.tanh(sum);
    course::check(last == 6 && tape.entries.size() == 7,
                  str("Two leaves and five operations left ", tape.entries.size(),
                      " entries, the last is %", last, "; expected 7 and %6."),
                  "Each operation appends exactly one entry.");
    const char* const ops[] = {"leaf", "leaf", "add", "sub", "mul", "mul", "tanh"};
    const double values[] = {0.5, -3, -2.5, -3, 7.5, 56.25, std::tanh(-2.5)};
    for (size_t i = 0; i < 7; ++i) {
      course::check(
          tape.entries[i].op == ops[i],
          str("Entry ", i, " is called \"", tape.entries[i].op, "\", expected \"", ops[i], "\"."));
      course::same(str("The value of %", i, " = ", ops[i]), tape.value(i), values[i],
                   "Operations compute with value(a), not with the index a.", 1e-12);
      const size_t count = i < 2 ? 0 : i == 6 ? 1 : 2;
      course::check(tape.entries[i].inputs.size() == count,
                    str("%", i, " = ", ops[i], " has ", tape.entries[i].inputs.size(),
                        " inputs, expected ", count, "."),
                    "A number that is used twice, as in mul(p, p), is two inputs of that entry.");
    }
    check_input(tape.entries[sum], sum, 0, a, 1, 0, 0);
    check_input(tape.entries[sum], sum, 1, b, 1, 0, 0);
    check_input(tape.entries[difference], difference, 0, sum, 1, 0, 0);
    check_input(tape.entries[difference], difference, 1, a, -1, 0, 0);
    check_input(tape.entries[product], product, 0, sum, -3, -2.5, 1);
    check_input(tape.entries[product], product, 1, b, -2.5, -3, 2);
    check_input(tape.entries[square], square, 0, product, 7.5, 7.5, 4);
    check_input(tape.entries[square], square, 1, product, 7.5, 7.5, 4);
    const double y = std::tanh(-2.5);
    check_input(tape.entries[last], last, 0, sum, 1 - y * y, 0, 0);
  });
}
