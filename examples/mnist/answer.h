// What a saved net says about a picture.
#pragma once

#include <string>
#include <vector>

#include <gradus/datasets/dataset.h>
#include <gradus/nn/module.h>

#include "ink.h"

namespace gradus::examples {

/// A class and how probable it is.
struct Guess {
  int64_t label;
  double probability;
};

/// What is said about a picture.
struct Answer {
  Content content = Content::empty;
  Tensor seen{};                 ///< what the net was given, uint8 [H, W]; undefined where nothing
  std::vector<Guess> guesses{};  ///< all classes, the most probable first; none where nothing

  /// Whether it is one digit and the net has hardly a doubt which.
  bool is_sure() const;
};

/// How a net takes its images, and what it tells apart.
struct Reader {
  nn::Module& net;
  data::Normalization normalization;
  bool reads_digits;  ///< else a picture of 28x28 pixels is given to it as it is
};

/// Reads the file: a picture, or "FILE:NUMBER" for an image of an IDX file, which the net gets as
/// it is. Throws IoError and IndexError for what cannot be read, NotFinite for a net that gives
/// NaN.
Answer answer_to(const Reader& reader, const std::string& file);

}  // namespace gradus::examples
