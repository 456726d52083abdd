#include "pickle.h"

#include <algorithm>
#include <cstring>

namespace gradus {
namespace {

constexpr const char* save_dictionaries =
    "save dictionaries of tensors alone, as torch.save(model.state_dict(), path) does, or copy the "
    "file anew if it was damaged on the way";
/// The number of the one class that is known here: its objects are dictionaries.
constexpr int64_t ordered_dict = -1;

/// The machine that a pickle is the program of: a stack of values, and a memo of those that appear
/// again. Each instruction takes its operands from the stack and pushes its result.
class PickleReader {
 public:
  using Kind = PickleValue::Kind;

  PickleReader(const InputFile& file, std::string_view bytes,
               const std::function<int64_t(const std::string&)>& find_global)
      : file_(file), bytes_(bytes), rest_(bytes), find_global_(find_global) {}

  Pickle run();

 private:
  struct Instruction {
    uint8_t code;
    void (*run)(PickleReader&);
  };
  static const Instruction instructions[];

  template <class... What>
  void check(bool holds, const What&... what) const {
    file_.check(holds, save_dictionaries, "the pickle ", what..., ", at byte ",
                bytes_.size() - rest_.size());
  }

  // What follows the code of an instruction.
  std::string_view take(uint64_t n) {
    check(n <= rest_.size(), "ends within an instruction");
    const std::string_view first = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return first;
  }
  template <class T>
  T read() {
    T number;
    std::memcpy(&number, take(sizeof number).data(), sizeof number);
    return number;
  }
  std::string read_line() {
    const size_t end = rest_.find('\n');
    check(end != std::string_view::npos, "has a name without an end");
    const std::string_view line = take(end + 1);
    return std::string(line.substr(0, end));
  }

  void push(const PickleValue& value) { stack_.push_back(value); }
  void push_number(int64_t number) { push({.kind = Kind::integer, .number = number}); }
  void push_text(uint64_t bytes) { push({.kind = Kind::text, .text = take(bytes)}); }
  /// An integer of any length, the lowest byte first.
  void push_long(uint64_t bytes) {
    const std::string_view digits = take(bytes);
    if (bytes > sizeof(int64_t)) return push({.kind = Kind::other});
    const bool negative = !digits.empty() && (digits.back() & 0x80) != 0;
    int64_t number = negative ? -1 : 0;
    std::memcpy(&number, digits.data(), bytes);
    push_number(number);
  }

  /// The values that an instruction may take: those above the last mark.
  void need(uint64_t n) const {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    check(n <= stack_.size() - floor, "takes more values than there are");
  }
  /// Removes the last mark, and returns how many values are above it.
  size_t count_since_mark() {
    check(!marks_.empty(), "has a mark too few");
    const size_t n = stack_.size() - marks_.back();
    marks_.pop_back();
    return n;
  }
  void pop(size_t n) { stack_.resize(stack_.size() - n); }
  /// Takes the last n values and pushes one that consists of them.
  void push_items(Kind kind, size_t n) {
    need(n);
    result_.lists.emplace_back(stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
    pop(n);
    push({.kind = kind, .number = static_cast<int64_t>(result_.lists.size() - 1)});
  }
  /// Moves the last n values into the list or dictionary below them.
  void extend(Kind kind, size_t n) {
    need(n + 1);
    const PickleValue& target = stack_[stack_.size() - n - 1];
    check(target.kind == kind, "adds items to what has none");
    check(kind == Kind::list || n % 2 == 0, "adds a key without its value");
    auto& items = result_.lists[static_cast<size_t>(target.number)];
    items.insert(items.end(), stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
    pop(n);
  }

  void push_global(const std::string& name) {
    const bool is_dict = name == "collections.OrderedDict";
    push({.kind = Kind::global, .number = is_dict ? ordered_dict : find_global_(name)});
  }
  void push_named_global() {
    const std::string module = read_line();
    push_global(module + "." + read_line());
  }
  void push_stack_global() {
    need(2);
    const PickleValue name = stack_.back(), module = stack_[stack_.size() - 2];
    check(name.kind == Kind::text && module.kind == Kind::text, "has a name that is no text");
    pop(2);
    push_global(str(module.text, ".", name.text));
  }
  void call() {
    need(2);
    const PickleValue &arguments = stack_.back(), &function = stack_[stack_.size() - 2];
    check(function.kind == Kind::global && arguments.kind == Kind::tuple, "calls no function");
    if (function.number != ordered_dict) return push_items(Kind::call, 2);
    check(result_.items(arguments).empty(), "has an OrderedDict with arguments");
    pop(2);
    push_items(Kind::dict, 0);
  }
  void leave_out_state() {
    need(2);
    check(stack_[stack_.size() - 2].kind == Kind::dict, "has state of what is no dictionary");
    pop(1);
  }

  void put(size_t index) {
    need(1);
    check(index < bytes_.size(), "notes a value under number ", index);
    if (index >= memo_.size()) memo_.resize(index + 1);
    memo_[index] = stack_.back();
  }
  void get(size_t index) {
    check(index < memo_.size() && memo_[index].kind != Kind::none, "uses value ", index,
          ", which it does not have");
    push(memo_[index]);
  }

  const InputFile& file_;
  std::string_view bytes_, rest_;
  const std::function<int64_t(const std::string&)>& find_global_;
  Pickle result_;
  std::vector<PickleValue> stack_, memo_;
  std::vector<size_t> marks_;
};

const PickleReader::Instruction PickleReader::instructions[] = {
    {'N', [](PickleReader& r) { r.push({.kind = Kind::other}); }},   // None
    {0x88, [](PickleReader& r) { r.push({.kind = Kind::other}); }},  // True
    {0x89, [](PickleReader& r) { r.push({.kind = Kind::other}); }},  // False
    {'G', [](PickleReader& r) { r.take(8), r.push({.kind = Kind::other}); }},
    {'J', [](PickleReader& r) { r.push_number(r.read<int32_t>()); }},
    {'K', [](PickleReader& r) { r.push_number(r.read<uint8_t>()); }},
    {'M', [](PickleReader& r) { r.push_number(r.read<uint16_t>()); }},
    {0x8a, [](PickleReader& r) { r.push_long(r.read<uint8_t>()); }},
    {0x8b, [](PickleReader& r) { r.push_long(r.read<uint32_t>()); }},
    {0x8c, [](PickleReader& r) { r.push_text(r.read<uint8_t>()); }},
    {'X', [](PickleReader& r) { r.push_text(r.read<uint32_t>()); }},
    {0x8d, [](PickleReader& r) { r.push_text(r.read<uint64_t>()); }},
    {'(', [](PickleReader& r) { r.marks_.push_back(r.stack_.size()); }},
    {')', [](PickleReader& r) { r.push_items(Kind::tuple, 0); }},
    {0x85, [](PickleReader& r) { r.push_items(Kind::tuple, 1); }},
    {0x86, [](PickleReader& r) { r.push_items(Kind::tuple, 2); }},
    {0x87, [](PickleReader& r) { r.push_items(Kind::tuple, 3); }},
    {'t', [](PickleReader& r) { r.push_items(Kind::tuple, r.count_since_mark()); }},
    {']', [](PickleReader& r) { r.push_items(Kind::list, 0); }},
    {'a', [](PickleReader& r) { r.extend(Kind::list, 1); }},
    {'e', [](PickleReader& r) { r.extend(Kind::list, r.count_since_mark()); }},
    {'}', [](PickleReader& r) { r.push_items(Kind::dict, 0); }},
    {'s', [](PickleReader& r) { r.extend(Kind::dict, 2); }},
    {'u', [](PickleReader& r) { r.extend(Kind::dict, r.count_since_mark()); }},
    {'c', [](PickleReader& r) { r.push_named_global(); }},
    {0x93, [](PickleReader& r) { r.push_stack_global(); }},
    {'Q', [](PickleReader& r) { r.push_items(Kind::persistent, 1); }},
    {'R', [](PickleReader& r) { r.call(); }},
    {'b', [](PickleReader& r) { r.leave_out_state(); }},
    {'q', [](PickleReader& r) { r.put(r.read<uint8_t>()); }},
    {'r', [](PickleReader& r) { r.put(r.read<uint32_t>()); }},
    {0x94, [](PickleReader& r) { r.put(r.memo_.size()); }},
    {'h', [](PickleReader& r) { r.get(r.read<uint8_t>()); }},
    {'j', [](PickleReader& r) { r.get(r.read<uint32_t>()); }},
    {0x95, [](PickleReader& r) { r.take(8); }},  // a frame begins: nothing but its length
};

Pickle PickleReader::run() {
  constexpr uint8_t protocol = 0x80, stop = '.';
  check(rest_.size() >= 2 && read<uint8_t>() == protocol && rest_[0] >= 2 && rest_[0] <= 5,
        "is of a protocol other than 2 to 5");
  take(1);
  while (true) {
    const auto code = read<uint8_t>();
    if (code == stop) break;
    const auto* const found = std::ranges::find(instructions, code, &Instruction::code);
    check(found != std::end(instructions), "has instruction ", int{code}, ", which is not known");
    found->run(*this);
  }
  check(stack_.size() == 1 && marks_.empty() && rest_.empty(), "does not end with its one value");
  result_.root = stack_[0];
  return std::move(result_);
}

}  // namespace

Pickle read_pickle(const InputFile& file, std::string_view bytes,
                   const std::function<int64_t(const std::string& name)>& find_global) {
  return PickleReader(file, bytes, find_global).run();
}

}  // namespace gradus
