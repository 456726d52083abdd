#include "print.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ops.h"
#include "tape.h"

namespace gradus {

namespace {

constexpr std::string_view opening = "tensor(";

// --- One element ---

enum class Form { whole, fixed, scientific };

/// How all floating-point elements of a tensor are written.
Form choose_form(const std::vector<double>& values) {
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;
  bool all_whole = true;
  for (double v : values) {
    if (!std::isfinite(v) || v == 0) continue;
    smallest = std::min(smallest, std::abs(v));
    largest = std::max(largest, std::abs(v));
    all_whole = all_whole && v == std::ceil(v);
  }
  if (largest == 0) return Form::whole;
  if (largest / smallest > 1000 || largest > 1e8) return Form::scientific;
  if (all_whole) return Form::whole;
  return smallest < 1e-4 ? Form::scientific : Form::fixed;
}

std::string to_text(double value, Form form, int precision) {
  if (form == Form::scientific) return scientific(value, precision);
  if (form == Form::fixed) return fixed(value, precision);
  return fixed(value, 0) + (std::isfinite(value) ? "." : "");
}

/// Every element as text.
std::vector<std::string> to_texts(const Tensor& x, int precision) {
  std::vector<std::string> texts;
  if (is_floating(x.dtype())) {
    const auto values = to(x, float64).to_vector<double>();
    const Form form = choose_form(values);
    for (double v : values) texts.push_back(to_text(v, form, precision));
  } else if (x.dtype() == boolean) {
    for (bool v : x.to_vector<bool>()) texts.emplace_back(v ? "True" : "False");
  } else {
    for (int64_t v : to(x, int64).to_vector<int64_t>()) texts.push_back(str(v));
  }
  return texts;
}

// --- The brackets ---

/// The first and last items of every dimension that is longer than both together.
Tensor edges(const Tensor& x, int64_t items) {
  Tensor y = x;
  for (int d = 0; d < x.dim(); ++d) {
    const int64_t size = y.size(d);
    if (size <= 2 * items) continue;
    y = cat({narrow(y, d, 0, items), narrow(y, d, size - items, items)}, d);
  }
  return y;
}

class Printer {
 public:
  Printer(const Tensor& x, const PrintOptions& options)
      : options_(options),
        abbreviated_(x.numel() > options.threshold),
        full_shape_(x.shape()),
        shown_(abbreviated_ ? edges(x, options.edge_items) : x),
        texts_(to_texts(shown_, options.precision)) {
    for (const std::string& text : texts_) width_ = std::max(width_, text.size());
  }

  std::string elements() {
    if (shown_.dim() == 0) return aligned(0);
    next_ = 0;
    return nested(0, opening.size());
  }

 private:
  std::string aligned(size_t i) const {
    return std::string(width_ - texts_[i].size(), ' ') + texts_[i];
  }
  bool has_gap(int dim) const { return abbreviated_ && full_shape_[dim] > 2 * options_.edge_items; }

  /// The innermost dimension, broken into lines that fit.
  std::string row(size_t indent) {
    std::vector<std::string> items;
    const int last = shown_.dim() - 1;
    for (int64_t i = 0; i < shown_.shape()[last]; ++i) {
      if (has_gap(last) && i == options_.edge_items) items.emplace_back(" ...");
      items.push_back(aligned(next_++));
    }
    const size_t room = static_cast<size_t>(options_.line_width) -
                        std::min<size_t>(indent, static_cast<size_t>(options_.line_width));
    const size_t per_line = std::max<size_t>(1, room / (width_ + 2));
    std::string text = "[";
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) text += i % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
      text += items[i];
    }
    return text + "]";
  }

  std::string nested(int dim, size_t indent) {
    const int inner_dims = shown_.dim() - 1 - dim;
    if (inner_dims == 0) return row(indent);
    const std::string separator =
        "," + std::string(static_cast<size_t>(inner_dims), '\n') + std::string(indent + 1, ' ');
    std::string text = "[";
    for (int64_t i = 0; i < shown_.shape()[dim]; ++i) {
      if (i > 0) text += separator;
      if (has_gap(dim) && i == options_.edge_items) text += "..." + separator;
      text += nested(dim + 1, indent + 1);
    }
    return text + "]";
  }

  PrintOptions options_;
  bool abbreviated_;
  Shape full_shape_;
  Tensor shown_;
  std::vector<std::string> texts_;
  size_t width_ = 0;
  size_t next_ = 0;
};

// --- What the brackets do not show ---

std::string size_text(const Shape& shape) {
  std::string text = "size=(";
  for (int d = 0; d < shape.dim(); ++d) text += str(d > 0 ? ", " : "", shape[d]);
  return text + ")";
}

std::vector<std::string> suffixes(const Tensor& x) {
  std::vector<std::string> list;
  const bool is_empty = x.numel() == 0;
  if (is_empty && x.dim() != 1) list.push_back(size_text(x.shape()));
  // Brackets with elements show whether these are integers or bools; empty ones do not.
  const bool is_told =
      x.dtype() == float32 || (!is_empty && (x.dtype() == int64 || x.dtype() == boolean));
  if (!is_told) list.push_back(str("dtype=", x.dtype()));
  return list;
}

void check(const PrintOptions& o) {
  require(o.precision >= 0 && o.precision <= 100 && o.threshold >= 0 && o.edge_items >= 1 &&
              o.line_width >= 1,
          "to_string", "precision is 0 to 100, threshold at least 0, the others at least 1",
          "precision ", o.precision, ", threshold ", o.threshold, ", edge_items ", o.edge_items,
          ", line_width ", o.line_width);
}

}  // namespace

std::string to_string(const Tensor& x, const PrintOptions& options) {
  check(options);
  if (!x.defined()) return "tensor(undefined)";
  const NoGrad pause;
  std::string text(opening);
  text += x.numel() == 0 ? "[]" : Printer(x, options).elements();
  const size_t width = static_cast<size_t>(options.line_width);
  for (const std::string& suffix : suffixes(x)) {
    const size_t line = text.size() - (text.rfind('\n') + 1);  // npos + 1 is 0
    const bool fits = line + 2 + suffix.size() + 2 <= width;
    text += (fits ? ", " : ",\n" + std::string(opening.size(), ' ')) + suffix;
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) {
  return out << to_string(x);
}

}  // namespace gradus
