#include "ink.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "mnist_form.h"
#include "paper.h"

namespace gradus::examples {

namespace {

// --- Connected parts -----------------------------------------------------------------------------

/// Which places belong to what; 0 to nothing.
struct Labels {
  int64_t height, width;
  std::vector<int32_t> values;

  int32_t& at(int64_t y, int64_t x) { return values[static_cast<size_t>(y * width + x)]; }
  int32_t at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
};

/// Pixels that hang together.
struct Part {
  int32_t label = 0;
  Box box{};
  int64_t pixels = 0;
  std::array<int64_t, 4>
      contact{};  ///< pixels of each border it runs along: top, bottom, left, right

  int64_t extent() const { return std::max(box.height(), box.width()); }
};

/// Finds what hangs together among places with label `from`: labels it 1, 2 ... and lists it.
/// Neighbours are the eight around a place, or the four beside it.
std::vector<Part> connected_parts(Labels& labels, int32_t from, bool eight) {
  std::vector<Part> parts;
  std::vector<std::pair<int64_t, int64_t>> open;
  for (int64_t y = 0; y < labels.height; ++y) {
    for (int64_t x = 0; x < labels.width; ++x) {
      if (labels.at(y, x) != from) continue;
      Part part;
      part.label = static_cast<int32_t>(parts.size()) + 1;
      labels.at(y, x) = part.label;
      open.emplace_back(y, x);
      while (!open.empty()) {
        const auto [py, px] = open.back();
        open.pop_back();
        ++part.pixels;
        part.box.add(py, px);
        for (int64_t dy = -1; dy <= 1; ++dy) {
          for (int64_t dx = -1; dx <= 1; ++dx) {
            const int64_t ny = py + dy, nx = px + dx;
            if (!eight && dy != 0 && dx != 0) continue;
            if (ny < 0 || nx < 0 || ny >= labels.height || nx >= labels.width) continue;
            if (labels.at(ny, nx) != from) continue;
            labels.at(ny, nx) = part.label;
            open.emplace_back(ny, nx);
          }
        }
      }
      parts.push_back(part);
    }
  }
  return parts;
}

/// Fills in how far each part runs along the borders, where near is within 2 % of the picture.
void measure_contact(std::vector<Part>& parts, const Labels& labels) {
  const auto along = [&](int64_t length, int64_t depth, size_t side, const auto& label_at) {
    const int64_t near = 1 + depth / 50;
    for (int64_t i = 0; i < length; ++i) {
      int32_t last = 0;
      for (int64_t d = 0; d < std::min(near, depth); ++d) {
        const int32_t label = label_at(i, d);
        if (label > 0 && label != last) ++parts[static_cast<size_t>(label - 1)].contact[side];
        last = label > 0 ? label : last;
      }
    }
  };
  const int64_t h = labels.height, w = labels.width;
  along(w, h, 0, [&](int64_t i, int64_t d) { return labels.at(d, i); });
  along(w, h, 1, [&](int64_t i, int64_t d) { return labels.at(h - 1 - d, i); });
  along(h, w, 2, [&](int64_t i, int64_t d) { return labels.at(i, d); });
  along(h, w, 3, [&](int64_t i, int64_t d) { return labels.at(i, w - 1 - d); });
}

/// Whether the border may have cut off some of it.
bool touches_border(const Part& part, const Labels& labels) {
  return part.box.top == 0 || part.box.left == 0 || part.box.bottom == labels.height ||
         part.box.right == labels.width;
}

/// Whether it meets a border with its broad side, as clouds do and strokes of a pen do not.
bool runs_into_border(const Part& part) {
  return 2 * *std::max_element(part.contact.begin(), part.contact.end()) > part.extent();
}

/// A frame, the desk beside the paper, a line along the border: runs along two borders that meet,
/// or is a thin strip along one.
bool is_frame(const Part& part, const Labels& labels) {
  const auto most = [](int64_t n, int64_t of) { return n * 10 > of * 8; };
  const auto thin = [](int64_t n, int64_t of) { return n * 100 < of * 12; };
  const bool level = most(std::max(part.contact[0], part.contact[1]), labels.width);
  const bool upright = most(std::max(part.contact[2], part.contact[3]), labels.height);
  return (level && upright) || (level && thin(part.box.height(), labels.height)) ||
         (upright && thin(part.box.width(), labels.width));
}

// --- Ink -----------------------------------------------------------------------------------------

/// What stands out from the paper to one side.
struct Layer {
  Plane strength;             ///< 0 where there is none
  double level = 0;           ///< of full ink
  Labels labels{};            ///< of the parts
  std::vector<Part> parts{};  ///< frames and specks are left out
  int64_t specks = 0;         ///< pixels of the specks
};

/// The value that divides those above `least` best into two classes (Otsu 1979), and the mean of
/// the upper one.
struct Division {
  double threshold, upper_mean;
};

std::optional<Division> divide(const Plane& strength, double least) {
  std::array<double, 256> counts{};
  double count = 0, sum = 0;
  for (const float s : strength.values) {
    if (s <= least) continue;
    const auto bin = static_cast<size_t>(std::min(s, 255.0F));
    ++counts[bin];
    ++count;
    sum += static_cast<double>(bin);
  }
  if (count == 0) return std::nullopt;
  Division best{least, sum / count};
  double best_variance = 0, below = 0, sum_below = 0;
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    below += counts[bin];
    sum_below += counts[bin] * static_cast<double>(bin);
    if (below == 0 || below == count) continue;
    const double upper = (sum - sum_below) / (count - below), lower = sum_below / below;
    const double variance = below * (count - below) * (upper - lower) * (upper - lower);
    if (variance > best_variance) {
      best_variance = variance;
      best = {static_cast<double>(bin + 1), upper};
    }
  }
  return best;
}

/// Sets to 0 what `is_meant`, and what is within `reach` of it: the soft rim.
template <class Condition>
void clear_around(Plane& plane, int64_t reach, const Condition& is_meant) {
  const int64_t bottom = plane.height - 1, right = plane.width - 1;
  for (int64_t y = 0; y <= bottom; ++y) {
    for (int64_t x = 0; x <= right; ++x) {
      if (!is_meant(y, x)) continue;
      for (int64_t i = std::max<int64_t>(0, y - reach); i <= std::min(y + reach, bottom); ++i) {
        for (int64_t j = std::max<int64_t>(0, x - reach); j <= std::min(x + reach, right); ++j) {
          plane.at(i, j) = 0;
        }
      }
    }
  }
}

/// Leaves out what is no part of writing. Returns whether there was a frame, which hides what is
/// fainter than it: its strength becomes 0.
bool remove_frames(Layer& layer) {
  std::vector<bool> is_removed(layer.parts.size() + 1, false);
  const int64_t side = std::max(layer.strength.height, layer.strength.width);
  int64_t largest_inner = 0;
  for (const Part& part : layer.parts) {
    if (!touches_border(part, layer.labels)) largest_inner = std::max(largest_inner, part.extent());
  }
  const auto is_outside = [&](const Part& part) {
    if (is_frame(part, layer.labels)) return true;
    if (largest_inner * 10 < side || !touches_border(part, layer.labels)) return false;
    return runs_into_border(part) || 2 * part.extent() < largest_inner;
  };
  bool any = false;
  for (const Part& part : layer.parts) {
    const bool removed = is_outside(part);
    is_removed[static_cast<size_t>(part.label)] = removed;
    any = any || removed;
  }
  if (!any) return false;
  std::erase_if(layer.parts,
                [&](const Part& part) { return is_removed[static_cast<size_t>(part.label)]; });
  clear_around(layer.strength, 1 + side / 100, [&](int64_t y, int64_t x) {
    return is_removed[static_cast<size_t>(layer.labels.at(y, x))];
  });
  return true;
}

void remove_specks(Layer& layer) {
  int64_t largest = 0;
  for (const Part& part : layer.parts) largest = std::max(largest, part.extent());
  const int64_t side = std::max(layer.strength.height, layer.strength.width);
  const int64_t smallest_digit = std::max<int64_t>(8, side / 40);
  const int64_t least =
      largest < smallest_digit ? smallest_digit : std::max<int64_t>(2, largest / 8);
  std::erase_if(layer.parts, [&](const Part& part) {
    const bool is_speck = part.extent() < least;
    if (is_speck) layer.specks += part.pixels;
    return is_speck;
  });
}

/// The ink that is darker (sign -1) or brighter (1) than the paper.
Layer layer_of(const Contrast& contrast, float sign) {
  Layer layer{contrast.above_paper};
  for (float& v : layer.strength.values) v = std::max(0.0F, sign * v);
  const double least = std::max(12.0, 4 * contrast.noise);  // 12 of 255: what nobody would see
  for (int round = 0; round < 4; ++round) {
    layer.parts.clear();
    const auto division = divide(layer.strength, least);
    if (!division) return layer;
    layer.level = division->upper_mean;
    layer.labels = {layer.strength.height, layer.strength.width, {}};
    for (const float s : layer.strength.values) {
      layer.labels.values.push_back(s > std::max(least, layer.level / 2) ? -1 : 0);
    }
    layer.parts = connected_parts(layer.labels, -1, true);
    measure_contact(layer.parts, layer.labels);
    if (!remove_frames(layer)) break;
  }
  remove_specks(layer);
  return layer;
}

// --- What it is ----------------------------------------------------------------------------------

Box box_of(const std::vector<Part>& parts) {
  Box box;
  for (const Part& part : parts) box.add(part.box);
  return box;
}

/// Two shapes, each large enough for a digit, that stand beside or above each other. The bar of a 5
/// and the two strokes of a 4 are not: one is small, or their columns and rows overlap.
bool are_two_digits(const Part& a, const Part& b) {
  const auto overlap = [](int64_t begin, int64_t end, int64_t other_begin, int64_t other_end) {
    const int64_t common = std::min(end, other_end) - std::max(begin, other_begin);
    return static_cast<double>(common) /
           static_cast<double>(std::min(end - begin, other_end - other_begin));
  };
  const double columns = overlap(a.box.left, a.box.right, b.box.left, b.box.right);
  const auto ratio = [](int64_t n, int64_t other) {
    return static_cast<double>(std::min(n, other)) / static_cast<double>(std::max(n, other));
  };
  const bool are_alike =
      ratio(a.extent(), b.extent()) > 0.5 && ratio(a.box.height(), b.box.height()) > 0.35;
  constexpr double gap = 0.08;  // a smaller one is a stroke that broke off
  const int64_t both = std::max(a.box.bottom, b.box.bottom) - std::min(a.box.top, b.box.top);
  const double apart =
      static_cast<double>(both - a.box.height() - b.box.height()) / static_cast<double>(both);
  return are_alike && (columns < 0.25 || apart > gap);
}

/// Paper that ink goes all around, as in 0, 6, 8 and 9.
int64_t holes_in(const Layer& layer) {
  const Box box = box_of(layer.parts);
  Labels paper{box.height() + 2, box.width() + 2, {}};
  paper.values.assign(static_cast<size_t>(paper.height * paper.width), -1);
  for (int64_t y = box.top; y < box.bottom; ++y) {
    for (int64_t x = box.left; x < box.right; ++x) {
      if (layer.labels.at(y, x) > 0) paper.at(y - box.top + 1, x - box.left + 1) = 0;
    }
  }
  const int64_t least = std::max<int64_t>(2, paper.height * paper.width / 2000);
  const std::vector<Part> parts = connected_parts(paper, -1, false);
  return std::count_if(parts.begin(), parts.end(),
                       [&](const Part& part) { return part.pixels >= least; }) -
         1;  // what is around all of it
}

/// Pixels of the parts, or of those only that no border cuts off.
int64_t pixels_of(const Layer& layer, bool only_inner = false) {
  int64_t pixels = 0;
  for (const Part& part : layer.parts) {
    if (!only_inner || !touches_border(part, layer.labels)) pixels += part.pixels;
  }
  return pixels;
}

/// `other` is what stands out to the other side: nothing, where it is a digit.
Content content_of(const Layer& layer, const Layer& other) {
  if (layer.parts.empty()) return Content::empty;
  const Box box = box_of(layer.parts);
  const bool is_close_up = box.height() * 10 >= layer.labels.height * 8;
  const bool is_cut_off =
      !is_close_up && std::all_of(layer.parts.begin(), layer.parts.end(), runs_into_border);
  if (is_cut_off) return Content::clutter;
  constexpr size_t most_parts = 5;
  constexpr int64_t most_holes = 3;
  const int64_t pixels = pixels_of(layer);
  if (layer.parts.size() > most_parts || layer.specks > pixels ||
      2 * pixels_of(other, true) > pixels || holes_in(layer) > most_holes) {
    return Content::clutter;
  }
  for (const Part& a : layer.parts) {
    for (const Part& b : layer.parts) {
      if (a.label < b.label && are_two_digits(a, b)) return Content::several;
    }
  }
  const bool is_wide = box.width() * 10 > box.height() * 17;
  return is_wide ? Content::several : Content::digit;
}

/// The ink of the parts, 0 to 1, with the soft rim of the strokes.
Plane ink_of(const Layer& layer) {
  const Box box = box_of(layer.parts);
  std::vector<bool> is_ink(static_cast<size_t>(layer.labels.height * layer.labels.width) + 1);
  for (const Part& part : layer.parts) is_ink[static_cast<size_t>(part.label)] = true;
  const int64_t height = layer.labels.height, width = layer.labels.width;
  const int64_t top = std::max<int64_t>(0, box.top - 1), left = std::max<int64_t>(0, box.left - 1);
  const int64_t bottom = std::min(height, box.bottom + 1), right = std::min(width, box.right + 1);
  return make_plane(bottom - top, right - left, [&](int64_t down, int64_t across) {
    const int64_t y = top + down, x = left + across;
    bool is_near = false;
    for (int64_t i = std::max<int64_t>(0, y - 1); i <= std::min(y + 1, height - 1); ++i) {
      for (int64_t j = std::max<int64_t>(0, x - 1); j <= std::min(x + 1, width - 1); ++j) {
        is_near = is_near || is_ink[static_cast<size_t>(layer.labels.at(i, j))];
      }
    }
    const double share = (layer.strength.at(y, x) / layer.level - 0.1) / 0.8;
    return is_near ? std::clamp(share, 0.0, 1.0) : 0.0;
  });
}

}  // namespace

Ink find_ink(const Tensor& gray) {
  constexpr int64_t largest_side = 400;
  const Contrast contrast = contrast_to_paper(shrunk(gray, largest_side));
  const Layer dark = layer_of(contrast, -1), bright = layer_of(contrast, 1);
  const auto amount = [](const Layer& layer) {
    return std::pair(pixels_of(layer, true), pixels_of(layer));
  };
  const bool is_bright = amount(bright) > amount(dark);
  const Layer& layer = is_bright ? bright : dark;
  const Content content = content_of(layer, is_bright ? dark : bright);
  if (layer.parts.empty()) return {content, {}};
  if (is_bright && has_mnist_form(gray)) return {content, gray};
  return {content, mnist_form(ink_of(layer))};
}

}  // namespace gradus::examples
