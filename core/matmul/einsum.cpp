// Einstein summation, composed of diagonals, permutations, sums and matrix products.
#include <algorithm>
#include <map>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// A dimension as an equation names it. Letters stand for themselves; the dimensions of "..." are
/// numbered from the last one backwards, so that they line up as in broadcasting.
using Label = int;
constexpr Label ellipsis = 256;  // its last dimension is this label, the one before it 257 ...
using Labels = std::vector<Label>;

bool has(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

/// A tensor with one label per dimension.
struct Labelled {
  Tensor x;
  Labels labels;
};

int place_of(const Labels& labels, Label label) {
  return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
}

/// A label as an equation has it.
std::string name_of_label(Label label) {
  return label < ellipsis ? std::string(1, static_cast<char>(label)) : "...";
}

class Einsum {
 public:
  Einsum(std::string_view equation, std::span<const Tensor> operands)
      : equation_(equation), operands_(operands) {
    for (const Tensor& x : operands) {
      check_floating("einsum", x);
      check_same_dtype("einsum", operands[0], x);
    }
    parse();
    check_sizes();
  }

  Tensor compute() const;

 private:
  template <class... What>
  void check(bool holds, const What&... what) const {
    if (holds) return;
    std::string shapes;
    for (const Tensor& x : operands_) {
      shapes += (shapes.empty() ? "" : ", ") + x.shape().to_string();
    }
    throw ShapeError("einsum", str("'", equation_, "' of ", shapes, ": ", what...),
                     "one term per operand, one letter per dimension, each letter with one size: "
                     "'ij,jk->ik' is a matrix product");
  }

  void parse();
  Labels parse_term(std::string_view text) const;
  Labels label(const Labels& term, const Tensor& x, size_t number) const;
  Labels default_output() const;
  void check_sizes() const;
  /// Operand number `i` without repeated labels, and without labels that nothing else names.
  Labelled prepared(size_t i) const;
  bool needed_after(Label label, size_t i) const;
  Labelled contract(const Labelled& a, const Labelled& b, size_t i) const;

  std::string_view equation_;
  std::span<const Tensor> operands_;
  std::vector<Labels> inputs_;
  Labels output_;
};

// --- The equation ---

/// The labels between two commas, with "..." as the one label `ellipsis`.
Labels Einsum::parse_term(std::string_view text) const {
  Labels term;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    check(is_letter || (text.substr(i, 3) == "..." && !has(term, ellipsis)), "cannot read '",
          text.substr(i), "'; a term has letters and at most one '...'");
    term.push_back(is_letter ? c : ellipsis);
    if (!is_letter) i += 2;
  }
  return term;
}

/// The labels of x: those of the term, with as many for "..." as dimensions are left.
Labels Einsum::label(const Labels& term, const Tensor& x, size_t number) const {
  const int open = has(term, ellipsis) ? 1 : 0, named = static_cast<int>(term.size()) - open;
  const int rest = x.dim() - named;
  check(rest == 0 || (rest > 0 && open == 1), "operand ", number, " has ", x.dim(),
        " dimensions, its term names ", named);
  Labels labels;
  for (Label l : term) {
    if (l != ellipsis) labels.push_back(l);
    for (int d = rest - 1; l == ellipsis && d >= 0; --d) labels.push_back(ellipsis + d);
  }
  return labels;
}

/// Without an arrow: "..." first, then what appears exactly once, in alphabetical order.
Labels Einsum::default_output() const {
  Labels all, output;
  for (const Labels& labels : inputs_) all.insert(all.end(), labels.begin(), labels.end());
  std::sort(all.begin(), all.end());
  for (Label l : all) {
    const bool once = std::count(all.begin(), all.end(), l) == 1;
    if (l < ellipsis && once) output.push_back(l);
    if (l >= ellipsis && !has(output, l)) output.insert(output.begin(), l);
  }
  return output;
}

void Einsum::parse() {
  check(!operands_.empty(), "there is no operand");
  const size_t arrow = equation_.find("->");
  std::string_view terms = equation_.substr(0, arrow);
  for (size_t i = 0; i < operands_.size(); ++i) {
    const size_t comma = terms.find(',');
    const bool is_last = comma == std::string_view::npos;
    check(is_last == (i + 1 == operands_.size()), "the numbers of terms and operands differ");
    inputs_.push_back(label(parse_term(terms.substr(0, comma)), operands_[i], i));
    terms = is_last ? "" : terms.substr(comma + 1);
  }
  output_ = default_output();
  if (arrow == std::string_view::npos) return;
  const Labels batch(output_.begin(), std::find_if(output_.begin(), output_.end(),
                                                   [](Label l) { return l < ellipsis; }));
  output_.clear();
  for (Label l : parse_term(equation_.substr(arrow + 2))) {
    if (l != ellipsis) output_.push_back(l);
    if (l == ellipsis) output_.insert(output_.end(), batch.begin(), batch.end());
  }
  for (Label l : output_) {
    const bool known = std::any_of(inputs_.begin(), inputs_.end(),
                                   [l](const Labels& input) { return has(input, l); });
    check(known, "'", name_of_label(l), "' of the result is in no operand");
    check(std::count(output_.begin(), output_.end(), l) == 1, "'", name_of_label(l),
          "' is twice in the result");
  }
}

/// A label has one size everywhere; a size of 1 is repeated.
void Einsum::check_sizes() const {
  std::map<Label, int64_t> sizes;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    for (size_t d = 0; d < inputs_[i].size(); ++d) {
      const Label l = inputs_[i][d];
      const int64_t size = operands_[i].shape()[static_cast<int>(d)];
      int64_t& known = sizes.try_emplace(l, size).first->second;
      if (known == 1) known = size;
      check(size == 1 || size == known, "'", name_of_label(l), "' is ", known, " and, in operand ",
            i, ", ", size);
    }
  }
}

// --- The computation ---

bool Einsum::needed_after(Label label, size_t i) const {
  return has(output_, label) ||
         std::any_of(inputs_.begin() + static_cast<std::ptrdiff_t>(i) + 1, inputs_.end(),
                     [label](const Labels& input) { return has(input, label); });
}

Labelled Einsum::prepared(size_t i) const {
  Labelled o{operands_[i], {}};
  for (Label l : inputs_[i]) {
    if (!has(o.labels, l)) {
      o.labels.push_back(l);
      continue;
    }
    const int first = place_of(o.labels, l), second = static_cast<int>(o.labels.size());
    check(o.x.size(first) == o.x.size(second), "'", name_of_label(l), "' is ", o.x.size(first),
          " and ", o.x.size(second), " in operand ", i);
    o.x = movedim(diagonal(o.x, 0, first, second), -1, first);
  }
  Dims summed;
  Labels kept;
  for (Label l : o.labels) {
    bool is_named_elsewhere = has(output_, l);
    for (size_t k = 0; k < inputs_.size(); ++k) {
      is_named_elsewhere = is_named_elsewhere || (k != i && has(inputs_[k], l));
    }
    if (is_named_elsewhere) kept.push_back(l);
    if (!is_named_elsewhere) summed.push_back(place_of(o.labels, l));
  }
  if (!summed.empty()) o = {sum(o.x, summed), kept};
  return o;
}

/// o.x with its dimensions in the order of `order`, expanded to the given sizes.
Tensor arranged(const Labelled& o, const Labels& order, const Shape& sizes) {
  Dims dims;
  for (Label l : order) dims.push_back(place_of(o.labels, l));
  const bool in_place = std::is_sorted(dims.begin(), dims.end());
  return expand(in_place ? o.x : permute(o.x, dims), sizes);
}

/// The labels of a pair of operands by what becomes of them, with their sizes.
struct Group {
  Labels labels;
  Shape sizes;
};

Shape operator+(const Shape& a, const Shape& b) {
  Shape joined = a;
  for (int64_t size : b) joined.push_back(size);
  return joined;
}

Labels operator+(const Labels& a, const Labels& b) {
  Labels joined = a;
  joined.insert(joined.end(), b.begin(), b.end());
  return joined;
}

/// Batches of matrices: [batch, rows, inner] times [batch, inner, columns].
Labelled Einsum::contract(const Labelled& a, const Labelled& b, size_t i) const {
  Group batch, rows, columns, inner;
  for (Label l : a.labels + b.labels) {
    const bool in_a = has(a.labels, l), in_b = has(b.labels, l);
    Group& group = !in_b ? rows : !in_a ? columns : needed_after(l, i) ? batch : inner;
    if (has(group.labels, l)) continue;
    const int64_t from_a = in_a ? a.x.size(place_of(a.labels, l)) : 1;
    const int64_t from_b = in_b ? b.x.size(place_of(b.labels, l)) : 1;
    group.labels.push_back(l);
    group.sizes.push_back(from_a == 1 ? from_b : from_a);
  }
  const Labels labels = batch.labels + rows.labels + columns.labels;
  check(static_cast<int>(labels.size()) <= Shape::max_dims, "a step on the way has ", labels.size(),
        " dimensions; ", Shape::max_dims, " are the most there can be");
  const Shape sizes = batch.sizes + rows.sizes + columns.sizes;
  const int64_t m = rows.sizes.numel(), n = columns.sizes.numel(), k = inner.sizes.numel();
  const int64_t batches = batch.sizes.numel();
  const Tensor left = reshape(arranged(a, batch.labels + rows.labels + inner.labels,
                                       batch.sizes + rows.sizes + inner.sizes),
                              {batches, m, k});
  const Tensor right = reshape(arranged(b, batch.labels + inner.labels + columns.labels,
                                        batch.sizes + inner.sizes + columns.sizes),
                               {batches, k, n});
  // If nothing is summed, a broadcast product is the same and costs no call per matrix.
  return {reshape(inner.labels.empty() ? mul(left, right) : matmul(left, right), sizes), labels};
}

Tensor Einsum::compute() const {
  Labelled result = prepared(0);
  for (size_t i = 1; i < operands_.size(); ++i) result = contract(result, prepared(i), i);
  Shape sizes;
  for (Label l : output_) sizes.push_back(result.x.size(place_of(result.labels, l)));
  return arranged(result, output_, sizes);
}

}  // namespace

Tensor einsum(std::string_view equation, std::span<const Tensor> operands) {
  const Tape::Span span("einsum", Option{"equation", equation});
  return Einsum(equation, operands).compute();
}

Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands) {
  return einsum(equation, std::span<const Tensor>(operands.begin(), operands.size()));
}

}  // namespace gradus
