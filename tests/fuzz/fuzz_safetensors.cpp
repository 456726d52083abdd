// safetensors files: header and data.
#include <unordered_set>

#include "../../core/base/error.h"
#include "../../core/io/safetensors.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  try {
    const auto file = parse_safetensors(input, "input");
    std::unordered_set<std::string> names;
    size_t bytes = 0;
    for (const NamedTensor& t : file.tensors) {
      require(names.insert(t.name).second, "names are unique");
      bytes += static_cast<size_t>(t.tensor.nbytes());
    }
    require(bytes <= input.size(), "no tensor is larger than the file");
  } catch (const IoError& error) {
    require(error.op() == "load_safetensors", "an error names the reader");
  }
}
