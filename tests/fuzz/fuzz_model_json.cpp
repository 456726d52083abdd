// Model files: what is built can be written, and what is written is a fixed point.
#include <string>

#include "../../core/base/allocator.h"
#include "../../core/base/error.h"
#include "../../nn/model_json.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  set_memory_limit(size_t{4} << 20);  // of all parameters; drawing more takes too long
  std::string written;
  try {
    const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
    written = nn::to_json(*nn::from_json(text));
  } catch (const Error&) {
    return;
  }
  const auto again = nn::from_json(written);
  require(nn::to_json(*again) == written, "a model file says it all");
}
