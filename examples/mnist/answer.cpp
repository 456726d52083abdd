#include "answer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include <gradus/core/ops.h>
#include <gradus/datasets/idx.h>
#include <gradus/train/nan_watch.h>

#include "../support/image.h"

namespace gradus::examples {

namespace {

/// Image number `index` of an IDX file, [H, W].
Tensor read_idx_image(const std::string& file, int64_t index) {
  const Tensor images = data::read_idx(file);
  const bool has_it = images.dim() == 3 && images.dtype() == uint8 && index < images.size(0);
  require<IndexError>(has_it, "predict", "images are bytes [N,H,W], counted from 0", file,
                      " holds ", images.dtype(), " ", images.shape(), ", no image number ", index);
  constexpr int64_t largest_side = 1024;
  const int64_t height = images.size(1), width = images.size(2);
  require<IoError>(height <= largest_side && width <= largest_side, "predict",
                   "the net gets such an image as it is; a PNG file is made smaller", file,
                   " holds images of ", width, "x", height, " pixels");
  return images.select(0, index);
}

/// The IDX file and the number that "t10k-images-idx3-ubyte:17" names; nothing for other names.
std::optional<std::pair<std::string, int64_t>> numbered_image(const std::string& name) {
  const size_t colon = name.rfind(':');
  std::error_code ignored;
  if (colon == std::string::npos || std::filesystem::exists(name, ignored)) return std::nullopt;
  uint32_t index = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + colon + 1, end, index);
  if (error != std::errc() || rest != end) return std::nullopt;
  return std::pair(name.substr(0, colon), int64_t{index});
}

/// How the picture looks on paper of this brightness.
Tensor on_paper(const Picture& picture, float brightness) {
  std::vector<uint8_t> pixels = picture.gray.to_vector<uint8_t>();
  const std::vector<uint8_t> alpha = picture.alpha.to_vector<uint8_t>();
  for (size_t i = 0; i < pixels.size(); ++i) {  // in place: pictures may be large
    const float share = static_cast<float>(alpha[i]) / 255;
    const float above = static_cast<float>(pixels[i]) - brightness;
    pixels[i] = static_cast<uint8_t>(above * share + brightness);
  }
  return tensor(pixels, picture.gray.shape());
}

/// What a net that was trained on other things than digits is given.
Ink whole_picture(const Tensor& gray) {
  if (gray.shape() == Shape{28, 28}) return {Content::digit, gray};
  Ink ink = find_ink(gray);
  if (ink.digit.defined()) ink.content = Content::digit;
  return ink;
}

/// The ways to look at the file. Ink on a transparent background may be as bright as any paper.
std::vector<Ink> looks_at(const std::string& name, bool is_digit) {
  if (const auto image = numbered_image(name)) {
    return {{Content::digit, read_idx_image(image->first, image->second)}};
  }
  const auto look = is_digit ? find_ink : whole_picture;
  const Picture picture = read_image(name);
  if (!picture.alpha.defined()) return {look(picture.gray)};
  return {look(on_paper(picture, 255)), look(on_paper(picture, 0))};
}

Tensor as_input(const Tensor& digit, const data::Normalization& n) {
  const Tensor unit = div(to(digit, float32), 255);
  return div(sub(unit, n.mean), n.std).reshape({1, 1, digit.size(0), digit.size(1)});
}

Answer ask(const Reader& reader, const Ink& ink, const std::string& file) {
  Answer answer{ink.content, ink.digit};
  if (!ink.digit.defined()) return answer;
  const Tensor p = softmax(reader.net(as_input(ink.digit, reader.normalization)), 1).reshape({-1});
  int64_t label = 0;
  for (const float probability : p.to_vector<float>()) {
    if (!std::isfinite(probability)) {
      throw training::NotFinite("predict", str("the net gives NaN for ", file),
                                "its weights may be damaged");
    }
    answer.guesses.push_back({label++, probability});
  }
  std::stable_sort(answer.guesses.begin(), answer.guesses.end(),
                   [](const Guess& a, const Guess& b) { return a.probability > b.probability; });
  return answer;
}

}  // namespace

bool Answer::is_sure() const {
  constexpr double sure = 0.6;
  return content == Content::digit && guesses.front().probability >= sure;
}

Answer answer_to(const Reader& reader, const std::string& file) {
  const auto certainty = [](const Answer& answer) {
    return answer.guesses.empty() ? 0 : answer.guesses.front().probability;
  };
  Answer best;
  for (const Ink& ink : looks_at(file, reader.reads_digits)) {
    Answer answer = ask(reader, ink, file);
    if (std::pair(answer.content, certainty(answer)) > std::pair(best.content, certainty(best))) {
      best = std::move(answer);
    }
  }
  return best;
}

}  // namespace gradus::examples
