#include "answers.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/core/ops.h>
#include <gradus/core/tape.h>
#include <gradus/nn/loss.h>
#include <gradus/train/console.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

namespace gradus::examples {

namespace {

using nlohmann::json;

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole)
                   : std::numeric_limits<double>::quiet_NaN();
}

bool is_worse(const Mistake& a, const Mistake& b) {
  return a.loss != b.loss ? a.loss > b.loss : a.index < b.index;
}

/// The likeliest three of the classes.
void guess(Mistake& mistake, const std::vector<double>& probabilities) {
  std::vector<int64_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const auto most = std::min<std::ptrdiff_t>(3, std::ssize(order));
  std::partial_sort(order.begin(), order.begin() + most, order.end(), [&](int64_t a, int64_t b) {
    const double pa = probabilities[static_cast<size_t>(a)];
    const double pb = probabilities[static_cast<size_t>(b)];
    return pa != pb ? pa > pb : a < b;
  });
  mistake.guesses.assign(order.begin(), order.begin() + most);
  for (const int64_t label : mistake.guesses) {
    mistake.probabilities.push_back(probabilities[static_cast<size_t>(label)]);
  }
}

/// An image [C, H, W] as bytes, without its normalization.
void draw(Mistake& mistake, const Tensor& x,
          const std::vector<data::Normalization>& normalization) {
  mistake.height = x.size(1);
  mistake.width = x.size(2);
  std::vector<double> sums(static_cast<size_t>(mistake.width * mistake.height));
  const auto channels = static_cast<size_t>(x.size(0));
  for (size_t c = 0; c < channels; ++c) {
    const data::Normalization& n = normalization[normalization.size() == channels ? c : 0];
    const auto values = x[static_cast<int64_t>(c)].contiguous().to_vector<float>();
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] += (static_cast<double>(values[i]) * n.std + n.mean) / static_cast<double>(channels);
    }
  }
  for (const double sum : sums) {
    mistake.pixels.push_back(
        static_cast<uint8_t>(std::clamp<int64_t>(std::llround(255 * sum), 0, 255)));
  }
}

}  // namespace

int64_t Answers::images_of(size_t label) const {
  int64_t sum = 0;
  for (size_t a = 0; a < classes.size(); ++a) sum += count(label, a);
  return sum;
}

int64_t Answers::answers_of(size_t answer) const {
  int64_t sum = 0;
  for (size_t l = 0; l < classes.size(); ++l) sum += count(l, answer);
  return sum;
}

double Answers::recall(size_t label) const {
  return share(count(label, label), images_of(label));
}

double Answers::precision(size_t answer) const {
  return share(count(answer, answer), answers_of(answer));
}

Answers::Confusion Answers::worst_confusion() const {
  Confusion worst;
  for (size_t l = 0; l < classes.size(); ++l) {
    for (size_t a = 0; a < classes.size(); ++a) {
      if (l != a && count(l, a) > worst.count) worst = {l, a, count(l, a)};
    }
  }
  return worst;
}

Evaluation evaluate(nn::Module& net, const data::Dataset& dataset,
                    const std::vector<data::Normalization>& normalization,
                    const std::vector<std::string>& classes, Answers& answers) {
  const NoGrad pause;
  answers = {.epoch = answers.epoch, .classes = classes, .counts = {}, .mistakes = {}};
  size_t outputs = classes.size();  // of the net, which may have been made for other data
  answers.counts.resize(outputs * outputs);
  int64_t first = 0;  // of this batch
  return evaluate(net, dataset, [&](const data::Batch& batch, const Tensor& logits) {
    if (first == 0) {
      outputs = static_cast<size_t>(logits.size(1));
      answers.classes.resize(std::min(answers.classes.size(), outputs));
      for (size_t c = answers.classes.size(); c < outputs; ++c) answers.classes.push_back(str(c));
      answers.counts.assign(outputs * outputs, 0);
    }
    const auto loss =
        to(nn::cross_entropy(logits, batch.y, {.reduction = Reduction::none}), float64)
            .to_vector<double>();
    const auto probability = to(softmax(logits, 1), float64).to_vector<double>();
    const auto label = batch.y.to_vector<int64_t>();
    const auto answer = argmax(logits, 1).to_vector<int64_t>();
    for (size_t i = 0; i < label.size(); ++i) {
      const auto l = static_cast<size_t>(label[i]), a = static_cast<size_t>(answer[i]);
      ++answers.counts[l * outputs + a];
      if (l == a) continue;
      Mistake mistake{.index = first + static_cast<int64_t>(i), .label = label[i], .loss = loss[i]};
      auto& worst = answers.mistakes;
      if (worst.size() == Answers::most_mistakes && !is_worse(mistake, worst.back())) continue;
      const auto row = probability.begin() + static_cast<std::ptrdiff_t>(i * outputs);
      guess(mistake, {row, row + static_cast<std::ptrdiff_t>(outputs)});
      draw(mistake, batch.x[static_cast<int64_t>(i)], normalization);
      worst.insert(std::upper_bound(worst.begin(), worst.end(), mistake, is_worse),
                   std::move(mistake));
      if (worst.size() > Answers::most_mistakes) worst.pop_back();
    }
    first += std::ssize(label);
  });
}

// --- As a file -----------------------------------------------------------------------------------

json to_json(const Answers& answers) {
  json mistakes = json::array();
  for (const Mistake& m : answers.mistakes) {
    mistakes.push_back({{"index", m.index},
                        {"label", m.label},
                        {"guesses", m.guesses},
                        {"probabilities", m.probabilities},
                        {"loss", m.loss},
                        {"width", m.width},
                        {"height", m.height},
                        {"pixels", m.pixels}});
  }
  return {{"epoch", answers.epoch},
          {"classes", answers.classes},
          {"counts", answers.counts},
          {"mistakes", std::move(mistakes)}};
}

Answers answers_of(const json& json) {
  try {
    Answers answers{.epoch = json.at("epoch"),
                    .classes = json.at("classes"),
                    .counts = json.at("counts"),
                    .mistakes = {}};
    const size_t classes = answers.classes.size();
    bool is_whole = answers.counts.size() == classes * classes;
    for (const auto& m : json.at("mistakes")) {
      const Mistake& mistake = answers.mistakes.emplace_back(
          Mistake{.index = m.at("index"),
                  .label = m.at("label"),
                  .guesses = m.at("guesses"),
                  .probabilities = m.at("probabilities"),
                  .loss = m.at("loss"),
                  .width = m.at("width"),
                  .height = m.at("height"),
                  .pixels = m.at("pixels").get<std::vector<uint8_t>>()});
      const auto is_class = [&](int64_t label) {
        return label >= 0 && label < static_cast<int64_t>(classes);
      };
      constexpr int64_t largest = 4096;
      is_whole = is_whole && is_class(mistake.label) && !mistake.guesses.empty() &&
                 mistake.guesses.size() == mistake.probabilities.size() &&
                 std::ranges::all_of(mistake.guesses, is_class) && mistake.width > 0 &&
                 mistake.width <= largest && mistake.height > 0 && mistake.height <= largest &&
                 std::ssize(mistake.pixels) == mistake.width * mistake.height;
    }
    if (is_whole) return answers;
  } catch (const nlohmann::json::exception&) {  // below
  }
  throw IoError("run folder", "answers.json is damaged",
                "the next epoch writes it again; a run that has ended goes on without it");
}

Tensor mistakes_picture(const Answers& answers) {
  constexpr int64_t per_row = 8;
  const Mistake& first = answers.mistakes.front();
  const int64_t rows = (std::ssize(answers.mistakes) + per_row - 1) / per_row;
  Tensor picture = zeros({rows * first.height, per_row * first.width}, uint8);
  for (int64_t i = 0; i < std::ssize(answers.mistakes); ++i) {
    const Mistake& mistake = answers.mistakes[static_cast<size_t>(i)];
    picture.narrow(0, i / per_row * first.height, first.height)
        .narrow(1, i % per_row * first.width, first.width)
        .copy_(tensor(mistake.pixels).reshape({first.height, first.width}));
  }
  return picture;
}

// --- For a terminal ------------------------------------------------------------------------------

namespace {

constexpr size_t most_in_matrix = 10;  // so that it fits 80 columns

std::string plain_percent(double share) {
  return std::isnan(share) ? "-" : fixed(100 * share, 2);
}

/// At most so many characters of a name; names of classes are UTF-8.
std::string cut(const std::string& name, int most) {
  std::string kept = name;
  while (columns_of(kept) > most) {
    do {
      kept.pop_back();
    } while (!kept.empty() && (static_cast<unsigned char>(kept.back()) & 0xc0U) == 0x80U);
  }
  return kept;
}

/// Filled up with spaces at its right or, for numbers, at its left.
std::string filled(const std::string& text, int width, bool at_left) {
  const std::string spaces(static_cast<size_t>(std::max(0, width - columns_of(text))), ' ');
  return at_left ? spaces + text : text + spaces;
}

/// "class  recall  prec." and, with `columns`, one narrow column for each.
std::string row(const std::string& name, int width, const std::string& recall,
                const std::string& precision, const std::vector<std::string>& columns) {
  std::string line = filled(name, width, false) + "  " + filled(recall, 6, true) + "  " +
                     filled(precision, 6, true) + (columns.empty() ? "" : " ");
  for (const std::string& column : columns) line += " " + filled(column, 4, true);
  return line + "\n";
}

}  // namespace

std::string table_of(const Answers& answers, int screen) {
  const size_t classes = answers.classes.size();
  const bool has_matrix = classes <= most_in_matrix && screen >= 80;
  std::vector<size_t> order(classes);
  std::iota(order.begin(), order.end(), size_t{0});
  if (classes > most_in_matrix) {
    std::ranges::stable_sort(order, {}, [&](size_t label) {
      const double recall = answers.recall(label);
      return std::isnan(recall) ? 2 : recall;
    });
    order.resize(most_in_matrix);
  }
  int width = 5;
  std::vector<std::string> names, heads;
  for (const std::string& name : answers.classes) {
    names.push_back(cut(name, 11));
    width = std::max(width, columns_of(names.back()));
    if (has_matrix) heads.push_back(cut(name, 4));
  }
  std::string text = has_matrix
                         ? "classes, in %, and how many of each (rows) were taken for what:\n"
                         : "the ten classes that are recognized worst, in %:\n";
  text += row("class", width, "recall", "prec.", heads);
  for (const size_t label : order) {
    std::vector<std::string> counts;
    for (size_t a = 0; has_matrix && a < classes; ++a) {
      const int64_t count = answers.count(label, a);
      counts.push_back(count == 0 ? "." : str(count));
    }
    text += row(names[label], width, plain_percent(answers.recall(label)),
                plain_percent(answers.precision(label)), counts);
  }
  return text;
}

}  // namespace gradus::examples
