// What a net answered to test images: what it confuses, and where it is most wrong.
#pragma once

#include <gradus/datasets/dataset.h>
#include <gradus/nn/module.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "evaluate.h"

namespace gradus::examples {

/// An image with another answer than its label.
struct Mistake {
  int64_t index = 0;  ///< in the test images
  int64_t label = 0;
  std::vector<int64_t> guesses;       ///< the likeliest three, the first is the answer
  std::vector<double> probabilities;  ///< theirs
  double loss = 0;                    ///< minus the logarithm of the label's probability
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;  ///< row by row; colours as their mean
};

struct Answers {
  static constexpr size_t most_mistakes = 40;

  int64_t epoch = 0;  ///< after which the net answered
  std::vector<std::string> classes;
  std::vector<int64_t> counts;    ///< [label][answer]
  std::vector<Mistake> mistakes;  ///< the worst, by loss

  int64_t count(size_t label, size_t answer) const {
    return counts[label * classes.size() + answer];
  }
  int64_t images_of(size_t label) const;    ///< of this class
  int64_t answers_of(size_t answer) const;  ///< so many images got this answer
  /// Of the images of a class, the share that is answered right; of the answers with a class, the
  /// share that is right. NaN if there are none.
  /// @{
  double recall(size_t label) const;
  double precision(size_t answer) const;
  /// @}
  /// The two different classes that are confused most often, label and answer, and how often.
  struct Confusion {
    size_t label = 0, answer = 0;
    int64_t count = 0;
  };
  Confusion worst_confusion() const;
};

/// evaluate(), with everything about the answers. `normalization` is that of the images.
Evaluation evaluate(nn::Module& net, const data::Dataset& dataset,
                    const std::vector<data::Normalization>& normalization,
                    const std::vector<std::string>& classes, Answers& answers);

/// @{
/// As a file of a run keeps them. `answers_of` throws IoError for anything else.
nlohmann::json to_json(const Answers& answers);
Answers answers_of(const nlohmann::json& json);
/// @}

/// The worst mistakes side by side, uint8 [H, W]: eight in a row. At least one.
Tensor mistakes_picture(const Answers& answers);

/// For a terminal: classes with recall and precision, beside the counts of answers if `width`
/// columns are enough, which 80 are for ten classes. Of more classes, the ten worst.
std::string table_of(const Answers& answers, int width = 80);

}  // namespace gradus::examples
