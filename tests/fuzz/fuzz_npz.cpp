// NumPy's .npz archives.
#include "../../core/base/error.h"
#include "../../core/io/deflate.h"
#include "../../core/io/npy.h"
#include "memory_file.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  try {
    int64_t bytes = 0;
    for (const NamedTensor& t : load_npz(memory_file(input))) bytes += t.tensor.nbytes();
    require(static_cast<uint64_t>(bytes) <= input.size() + max_inflated_size(input.size()),
            "no archive unfolds without bounds");
  } catch (const IoError& error) {
    require(error.op() == "load_npz", "an error names the reader");
  }
}
