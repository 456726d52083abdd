#include "pages.h"

#include <gradus/gradus.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "rules.h"

namespace tour {

using namespace gradus;

namespace {

using Values = std::vector<double>;

// --- The function of this tour ---

Tensor given_w() {
  return tensor({0.5, -1.0}).requires_grad_().set_name("w");
}
Tensor given_x() {
  return tensor({1.0, 2.0}).set_name("x");
}

/// f(w) = sum(w tanh(w x)). It uses w twice. The names are for the tape to show.
Tensor f(const Tensor& w, const Tensor& x) {
  const Tensor z = mul(w, x).set_name("z");
  const Tensor h = tanh(z).set_name("h");
  const Tensor q = mul(h, w).set_name("q");
  return sum(q).set_name("f");
}

// --- The tape as lines ---

std::string in_columns(std::string text, int width) {
  const int missing = width - columns_of(text);
  return text + std::string(static_cast<size_t>(std::max(missing, 0)), ' ');
}

/// "h = tanh(%1)", or "leaf w".
std::string call(const Tape& tape, size_t index) {
  const Entry& entry = tape[index];
  const std::string name = tape.name(index);
  if (entry.rule == nullptr) return "leaf " + name;
  std::string text = entry.in_backward ? "d " : "";
  text += (name.empty() ? "" : name + " = ") + entry.op + "(";
  for (size_t k = 0; k < entry.input_count; ++k) {
    const int32_t slot = tape.input_slots(entry)[k];
    const std::string constant =
        tape.input_name(index, k).empty()
            ? numbers(tape.input_value(index, k), tape.input_shapes(entry)[k])
            : tape.input_name(index, k);
    text += (k > 0 ? ", " : "") + (slot >= 0 ? "%" + std::to_string(slot) : constant);
  }
  return text + ")";
}

/// What has arrived at each entry during a replay.
using Arrived = std::map<size_t, std::vector<Values>>;

Values sum_of(const std::vector<Values>& parts) {
  Values sum = parts.at(0);
  for (size_t p = 1; p < parts.size(); ++p) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += parts[p][i];
  }
  return sum;
}

/// The first `length` entries, or those around the current one, which is marked.
std::vector<std::string> tape_lines(const Tape& tape, size_t current, size_t length,
                                    const Arrived& arrived = {}) {
  constexpr size_t most = 9, before = 4;
  constexpr int call_width = 25, value_width = 18;
  const size_t latest_begin = length > most ? length - most : 0;
  const size_t begin = std::min(current > before ? current - before : 0, latest_begin);
  std::vector<std::string> lines;
  for (size_t i = begin; i < std::min(length, begin + most); ++i) {
    const auto found = arrived.find(i);
    const std::string gradient =
        found == arrived.end() ? "" : "gradient " + numbers(sum_of(found->second), tape[i].shape);
    lines.push_back((i == current ? " → " : "   ") + in_columns("%" + std::to_string(i), 5) +
                    in_columns(call(tape, i), call_width) + " " +
                    in_columns(numbers(tape.value(i), tape[i].shape), value_width) + " " +
                    gradient);
  }
  return lines;
}

/// "%1 (z)"
std::string slot_text(const Tape& tape, size_t index) {
  const std::string name = tape.name(index);
  return "%" + std::to_string(index) + (name.empty() ? "" : " (" + name + ")");
}

// --- Recording ---

Page recording_page(const Tape& tape, size_t index) {
  const Entry& entry = tape[index];
  Page page{2, "Recording " + call(tape, index), tape_lines(tape, index, index + 1)};
  auto& lines = page.lines;
  lines.emplace_back();
  if (entry.rule == nullptr) {
    lines.emplace_back(
        "A tensor that requires a gradient and was not computed on this tape is a leaf: it gets an "
        "entry of its own when it is first used, before the entry that uses it.");
    return page;
  }
  for (size_t k = 0; k < entry.input_count; ++k) {
    const int32_t slot = tape.input_slots(entry)[k];
    lines.push_back(std::string("input ") + (k == 0 ? 'a' : 'b') + "    " +
                    (slot >= 0 ? slot_text(tape, static_cast<size_t>(slot))
                               : tape.input_name(index, k) + ", not on the tape") +
                    " = " + numbers(tape.input_value(index, k), tape.input_shapes(entry)[k]));
  }
  lines.push_back("result y   " + value_formula(tape, index));
  lines.push_back("         = " + numbers(tape.value(index), entry.shape));
  std::string saved;
  for (const Tensor& tensor : tape.saved(index)) {
    saved += (saved.empty() ? "" : " and ") + numbers(tensor.to_vector<double>(), tensor.shape());
  }
  lines.push_back("saves      " + (saved.empty() ? "nothing: its rule needs no values" : saved));
  lines.push_back("rule       " + rule_formula(tape, index) + ", for later");
  return page;
}

// --- Replay ---

/// One entry of a replay, as a hook on the tape saw it.
struct Step {
  size_t index;
  Values gradient;
  std::vector<Values> to_inputs;  // empty: none
};

Values values_of(const Tensor& tensor) {
  return tensor.defined() ? tensor.detach().to_vector<double>() : Values();
}

/// Notes every entry that is replayed from now on.
void note_steps(Tape& tape, std::vector<Step>& steps) {
  tape.on_replay([&steps](const ReplayEvent& event) {
    Step step{static_cast<size_t>(event.index), values_of(event.output_gradient), {}};
    for (const Tensor& gradient : event.gradients) step.to_inputs.push_back(values_of(gradient));
    steps.push_back(std::move(step));
  });
}

/// The gradients that an entry sends to its inputs, each of which goes into `arrived`.
std::vector<std::string> leaving_lines(const Tape& tape, const Step& step, Arrived& arrived) {
  const Entry& entry = tape[step.index];
  std::vector<std::string> lines;
  for (size_t k = 0; k < step.to_inputs.size(); ++k) {
    const int32_t slot = tape.input_slots(entry)[k];
    const std::string letter = k == 0 ? "da" : "db";
    if (slot < 0 || step.to_inputs[k].empty()) {
      lines.push_back(letter + "         is not needed: that input is not on the tape");
      continue;
    }
    const auto target = static_cast<size_t>(slot);
    auto& parts = arrived[target];
    const std::string before = parts.empty() ? "" : numbers(sum_of(parts), tape[target].shape);
    parts.push_back(step.to_inputs[k]);
    lines.push_back(letter + " =       " + filled_rule(tape, step.index, k, step.gradient));
    lines.push_back("   =       " + numbers(step.to_inputs[k], tape[target].shape) + "  → " +
                    slot_text(tape, target));
    if (before.empty()) continue;
    lines.push_back("           where " + before + " was: together " +
                    numbers(sum_of(parts), tape[target].shape));
  }
  return lines;
}

Page replay_page(int chapter, const Tape& tape, const Step& step, size_t length, Arrived& arrived) {
  const Entry& entry = tape[step.index];
  auto& parts = arrived[step.index];
  if (parts.empty()) parts.push_back(step.gradient);  // where it begins
  std::string from;
  for (const Values& part : parts) {
    from += (from.empty() ? "" : " + ") + numbers(part, entry.shape);
  }
  Page page{chapter, "Replaying " + call(tape, step.index), {}};
  std::vector<std::string> details = {
      "arrives    g = " + numbers(step.gradient, entry.shape) +
      (parts.size() > 1 ? " = " + from + ", the sum of " + std::to_string(parts.size()) : "")};
  if (entry.rule == nullptr) {
    details.emplace_back("A leaf has no rule: this is the gradient of " + tape.name(step.index) +
                         ".");
  } else {
    details.push_back(std::string("rule       ") + entry.op + ": " +
                      rule_formula(tape, step.index));
    const auto leaving = leaving_lines(tape, step, arrived);
    details.insert(details.end(), leaving.begin(), leaving.end());
  }
  page.lines = tape_lines(tape, step.index, length, arrived);
  page.lines.emplace_back();
  page.lines.insert(page.lines.end(), details.begin(), details.end());
  return page;
}

void add_replay(std::vector<Page>& pages, int chapter, const Tape& tape, size_t length,
                const std::vector<Step>& steps) {
  Arrived arrived;
  for (const Step& step : steps) {
    pages.push_back(replay_page(chapter, tape, step, length, arrived));
  }
}

// --- The chapters ---

Page without_tape() {
  const std::string value = numbers({f(given_w(), given_x()).item()}, {});
  const char* const forgotten =
      "w requires a gradient, but no tape is open: nothing was recorded, and nobody could say how "
      "f "
      "depends on w.";
  return {1,
          "Without a tape, an operation computes and forgets",
          {"The function of this tour has w in two places:", "", "  Tensor z = mul(w, x);",
           "  Tensor h = tanh(z);", "  Tensor q = mul(h, w);", "  Tensor f = sum(q);", "",
           "With w = (0.5, -1) and x = (1, 2) it is f = " + value + ".", "", forgotten}};
}

void record_and_replay(std::vector<Page>& pages) {
  const Tensor w = given_w();
  Tape tape;
  const Tensor y = f(w, given_x());
  const char* const entries =
      "An entry has the operation, where its inputs come from (%0 is the entry with number 0), "
      "what it saves for its rule, and the rule: how to get the gradients of the inputs from that "
      "of the result. The pages that follow are the entries in the order in which they are "
      "recorded.";
  pages.push_back({2,
                   "With a tape, each operation that depends on w adds an entry",
                   {"  Tape tape;", "  Tensor f = ...  // as before", "", entries}});
  for (size_t i = 0; i < tape.size(); ++i) pages.push_back(recording_page(tape, i));

  std::vector<Step> steps;
  note_steps(tape, steps);
  const int64_t saved_before = tape.saved_bytes();
  tape.backward(y);
  const char* const replay =
      "It starts with the gradient of f with respect to itself, which is 1. Each entry takes the "
      "gradient g that has arrived at its result, and its rule gives those of its inputs. What "
      "arrives at one entry from several places is added up: watch w, which is %0.";
  pages.push_back({3,
                   "Replay: from the last entry to the first, gradients flow backwards",
                   {"  tape.backward(f);", "", replay}});
  add_replay(pages, 3, tape, tape.size(), steps);
  pages.push_back({3,
                   "After the replay",
                   {"  w.grad() is " + numbers(values_of(w.grad()), w.shape()), "",
                    "The tape kept " + std::to_string(saved_before) + " bytes for the rules, now " +
                        std::to_string(tape.saved_bytes()) +
                        ": what an entry saved is released as soon as its rule has run. To replay "
                        "twice, pass {.retain = true}."}});
}

void second_order(std::vector<Page>& pages) {
  const Tensor w = given_w();
  Tape tape;
  const Tensor y = f(w, given_x());
  const size_t forward_entries = tape.size();
  Tensor slope = grad(y, {w}, {.create_graph = true})[0];
  slope.set_name("slope");
  const Tensor total = sum(slope).set_name("s");
  const size_t length = tape.size();
  Page intro{
      4,
      "Rules are made of operations, so gradients have gradients",
      {"  Tensor slope = grad(f, {w}, {.create_graph = true})[0];", "  Tensor s = sum(slope);", "",
       "This time the operations within the rules are recorded, too. After the " +
           std::to_string(forward_entries) + " entries of f there are " +
           std::to_string(length - forward_entries) + " more, those of the rules with a d:",
       ""}};
  for (size_t begin = forward_entries; begin < length; begin += 9) {
    const auto lines = tape_lines(tape, begin + 4, std::min(begin + 9, length));
    intro.lines.insert(intro.lines.end(), lines.begin(), lines.end());
  }
  for (std::string& line : intro.lines) {
    if (line.starts_with(" →")) line.replace(0, 4, "  ");
  }
  pages.push_back(std::move(intro));

  std::vector<Step> steps;
  note_steps(tape, steps);
  const Tensor curvature = grad(total, {w})[0];
  add_replay(pages, 4, tape, length, steps);
  pages.push_back({4,
                   "The second derivative",
                   {"  slope     is " + numbers(values_of(slope), w.shape()),
                    "  d s / d w is " + numbers(values_of(curvature), w.shape()), "",
                    "Each element of f's sum depends on one element of w alone, so this is the "
                    "second derivative of each: 2 x (1 − h²) (1 − z h)."}});
}

Page checks() {
  const Tensor w = given_w(), x = given_x();
  Tape tape;
  tape.backward(f(w, x));
  const NoGrad pause;
  constexpr double step = 1e-6;
  Tensor differences = zeros({2}, float64);
  Page page{5, "A check by finite differences", {}};
  for (int64_t i = 0; i < 2; ++i) {
    Tensor above = w.detach().clone(), below = w.detach().clone();
    above[i].add_(tensor({step}).reshape({}));
    below[i].add_(tensor({-step}).reshape({}));
    const double slope = (f(above, x).item() - f(below, x).item()) / (2 * step);
    differences[i].fill_(slope);
    page.lines.push_back("  w[" + std::to_string(i) + "]: (f(w + ε) − f(w − ε)) / 2ε = " +
                         fixed(slope, 9) + ",  the tape says " + fixed(w.grad()[i].item(), 9));
  }
  std::ostringstream line;
  compare(line, "  w.grad()", w.grad(), differences, {.rtol = 1e-8});
  std::string text = line.str();
  text.pop_back();  // the end of the line
  page.lines.insert(
      page.lines.end(),
      {"", "In one line, compare(\"w.grad()\", w.grad(), ...):", std::move(text), ""});
  page.lines.emplace_back(
      "gradcheck() does this along random directions for any function, gradgradcheck() for its "
      "gradient:");
  const TensorFunction function = [&](const std::vector<Tensor>& in) { return f(in[0], x); };
  for (const auto& [name, result] : {std::pair("first", gradcheck(function, {w})),
                                     std::pair("second", gradgradcheck(function, {w}))}) {
    page.lines.push_back(std::string("  ") + name +
                         " order: " + (result.passed ? "passed" : result.message) +
                         ", worst relative error " + rounded(result.worst, 2));
  }
  return page;
}

}  // namespace

std::vector<Page> all_pages() {
  std::vector<Page> pages = {without_tape()};
  record_and_replay(pages);
  second_order(pages);
  pages.push_back(checks());
  return pages;
}

}  // namespace tour
