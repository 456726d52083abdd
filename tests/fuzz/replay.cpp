// In the place of libFuzzer's main: runs a target once on each file of the folders it is given,
// says which one took the longest, and fails where that is more than a second of the processor.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "../support/processor_time.h"
#include "target.h"

namespace {

#if defined(NDEBUG)
constexpr double limit = 1;
#else
constexpr double limit = 20;
#endif

/// Seconds that the target computed on the file.
double run_on(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
  std::printf("%s, %zu bytes\n", path.c_str(), bytes.size());
  std::fflush(stdout);  // so that a crash is known by its input
  return gradus::test::processor_seconds(
      [&] { gradus::fuzz::run(std::as_bytes(std::span(bytes))); });
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  double longest = 0;
  std::filesystem::path slowest;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      double seconds = run_on(entry.path());
      // Other programs on the machine slow one run, or two; a slow reader is slow each time.
      for (int again = 0; again < 2 && seconds > limit; ++again) {
        seconds = std::min(seconds, run_on(entry.path()));
      }
      if (seconds > longest) slowest = entry.path();
      longest = std::max(longest, seconds);
      ++inputs;
    }
  }
  if (inputs == 0) std::fprintf(stderr, "there are no inputs\n");
  std::printf("%d inputs; the slowest took %.3f s: %s\n", inputs, longest, slowest.c_str());
  return inputs == 0 || longest > limit ? 1 : 0;
}
