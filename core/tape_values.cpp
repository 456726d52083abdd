// What the tape notes besides the operations: names, and the values of small tensors.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops.h"
#include "tape.h"

namespace gradus {

namespace {

/// The elements of a tensor, if it has few.
struct FewElements {
  explicit FewElements(const Tensor& tensor)
      : count(tensor.few_elements(values.data(), Tape::noted_elements)) {}
  auto begin() const { return values.begin(); }
  auto end() const { return values.begin() + count; }

  std::array<double, Tape::noted_elements> values;
  int64_t count;  // negative: there are more
};

/// The element of a list sorted by `key` whose key is `wanted`; nullptr if there is none.
template <class List, class Element, class Key>
const Element* find_by(Key Element::*key, const List& list, Key wanted) {
  const auto at =
      std::lower_bound(list.begin(), list.end(), wanted,
                       [key](const Element& element, Key number) { return element.*key < number; });
  return at != list.end() && (*at).*key == wanted ? &*at : nullptr;
}

std::string name_of(const Tensor& tensor, const std::string& path) {
  const bool with_path = tensor.is_named_in_module() && !path.empty();
  return with_path ? path + "." + tensor.name() : tensor.name();
}

}  // namespace

// --- Noting ---

/// Of the entry that comes next. There is room.
void Tape::note_output(const Tensor& output, int64_t numel) {
  if (numel <= noted_elements) {
    const FewElements few(output);
    numbers_.insert(numbers_.end(), few.begin(), few.end());
    numbers_.insert(numbers_.end(), few.begin(), few.end());  // the place of the gradient
  } else if (options_.gradient_norms) {
    numbers_.push_back(0);
  }
}

/// Of the input that comes next. There is room.
void Tape::note_constant(const Tensor& input) {
  const auto number = static_cast<uint32_t>(input_slots_.size());
  const FewElements few(input);
  if (few.count >= 0) {
    small_constants_.push_back({number, static_cast<uint32_t>(numbers_.size())});
    numbers_.insert(numbers_.end(), few.begin(), few.end());
  }
  if (!input.has_name()) return;
  named_constants_.push_back(
      {number, input.is_named_in_module(), name_of(input, paths_[current_path_])});
}

void Tape::note_gradient(size_t index, const Tensor& gradient) {
  const bool small = gradient.numel() <= noted_elements;
  if (!small && !options_.gradient_norms) return;
  Entry& entry = entries_[index];
  if (!(gradient.shape() == entry.shape)) return;  // a leaf that set_data() has changed since
  double* const first = numbers_.data() + entry.first_number;
  if (small) {
    gradient.few_elements(first + gradient.numel(), noted_elements);
  } else {
    const NoGrad pause;
    *first = norm(gradient.detach()).item();
  }
  entry.has_gradient = true;
}

/// Forgets what belongs to this entry and all later ones.
void Tape::drop_noted(size_t first_entry) {
  const Entry& first = entries_[first_entry];
  numbers_.resize(first.first_number);
  const auto drop = [&](auto& constants) {
    while (!constants.empty() && constants.back().input >= first.first_input) constants.pop_back();
  };
  drop(small_constants_);
  drop(named_constants_);
  result_names_.erase(result_names_.lower_bound(static_cast<int32_t>(first_entry)),
                      result_names_.end());
}

void Tape::set_result_name(const detail::TapeSlot& slot, const std::string& name) {
  const auto* scope = detail::RecordingScope::innermost();
  for (; scope != nullptr; scope = scope->outer()) {
    Tape* const tape = scope->tape();
    if (tape == nullptr || tape->id_ != slot.tape) continue;
    const auto index = static_cast<size_t>(slot.index);
    const bool is_there =
        index < tape->size() && tape->entries_[index].generation == slot.generation;
    if (is_there) tape->result_names_[slot.index] = name;
    return;
  }
}

// --- Reading ---

const Tensor* Tape::leaf_tensor(size_t index) const {
  const auto* const leaf =
      find_by(&std::pair<int32_t, Tensor>::first, leaves_, static_cast<int32_t>(index));
  return leaf == nullptr ? nullptr : &leaf->second;
}

std::string Tape::name(size_t index) const {
  const Tensor* const leaf = leaf_tensor(index);
  if (leaf != nullptr) return name_of(*leaf, path(entries_[index]));
  const auto found = result_names_.find(static_cast<int32_t>(index));
  return found == result_names_.end() ? "" : found->second;
}

std::vector<double> Tape::value(size_t index) const {
  const Entry& entry = entries_[index];
  const int64_t count = entry.shape.numel();
  if (count > noted_elements) return {};
  const double* const first = numbers_.data() + entry.first_number;
  return {first, first + count};
}

const Tape::SmallConstant* Tape::small_constant(const Entry& entry, size_t input) const {
  return find_by(&SmallConstant::input, small_constants_,
                 entry.first_input + static_cast<uint32_t>(input));
}

const Tape::NamedConstant* Tape::named_constant(const Entry& entry, size_t input) const {
  return find_by(&NamedConstant::input, named_constants_,
                 entry.first_input + static_cast<uint32_t>(input));
}

bool Tape::has_input(const Entry& entry, size_t input) const {
  // A tensor without dimensions is small, so it was noted; one that was not given was not.
  return input_slots(entry)[input] >= 0 || !input_shapes(entry)[input].empty() ||
         small_constant(entry, input) != nullptr;
}

std::string Tape::input_name(size_t index, size_t input) const {
  const int32_t slot = input_slots(entries_[index])[input];
  if (slot >= 0) return name(static_cast<size_t>(slot));
  const NamedConstant* const constant = named_constant(entries_[index], input);
  return constant == nullptr ? "" : constant->name;
}

std::vector<double> Tape::input_value(size_t index, size_t input) const {
  const int32_t slot = input_slots(entries_[index])[input];
  if (slot >= 0) return value(static_cast<size_t>(slot));
  const SmallConstant* const constant = small_constant(entries_[index], input);
  if (constant == nullptr) return {};
  const double* const first = numbers_.data() + constant->first_number;
  return {first, first + input_shapes(entries_[index])[input].numel()};
}

namespace {

/// What a leaf's gradient is now; undefined if there is none, or none of the entry's shape.
Tensor own_gradient(const Tensor* leaf, const Entry& entry) {
  if (leaf == nullptr || !leaf->grad().defined()) return {};
  return leaf->grad().shape() == entry.shape ? leaf->grad().detach() : Tensor();
}

}  // namespace

std::vector<double> Tape::gradient(size_t index) const {
  const Entry& entry = entries_[index];
  const int64_t count = entry.shape.numel();
  if (count > noted_elements) return {};
  const Tensor own = own_gradient(leaf_tensor(index), entry);
  if (own.defined()) {
    const FewElements few(own);
    return {few.begin(), few.end()};
  }
  if (!entry.has_gradient) return {};
  const double* const first = numbers_.data() + entry.first_number + count;
  return {first, first + count};
}

std::optional<double> Tape::gradient_norm(size_t index) const {
  const Entry& entry = entries_[index];
  if (const Tensor own = own_gradient(leaf_tensor(index), entry); own.defined()) {
    const NoGrad pause;
    return norm(own).item();
  }
  if (!entry.has_gradient) return {};
  if (entry.shape.numel() > noted_elements) return numbers_[entry.first_number];
  double squares = 0;
  for (const double g : gradient(index)) squares += g * g;
  return std::sqrt(squares);
}

}  // namespace gradus
