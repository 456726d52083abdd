// Pictures given to `mnist predict`.
#include <gradus/core/base/error.h>

#include "../../examples/mnist/ink.h"
#include "../../examples/support/image.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  try {
    const examples::Picture picture = examples::parse_image(input, "input");
    require(!picture.alpha.defined() || picture.alpha.shape() == picture.gray.shape(),
            "transparency belongs to the pixels");
    const examples::Ink ink = examples::find_ink(picture.gray);
    require(ink.digit.defined() || ink.content == examples::Content::empty, "ink is shown");
    if (ink.digit.defined())
      require(ink.digit.shape() == Shape{28, 28}, "a digit has 28x28 pixels");
  } catch (const IoError& error) {
    require(error.op() == "read_image", "an error names the reader");
  }
}
