// In the place of libFuzzer's main: runs a target once on each file of the folders it is given.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "target.h"

namespace {

void run_on(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
  std::printf("%s, %zu bytes\n", path.c_str(), bytes.size());
  std::fflush(stdout);  // so that a crash is known by its input
  gradus::fuzz::run(std::as_bytes(std::span(bytes)));
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      run_on(entry.path());
      ++inputs;
    }
  }
  if (inputs == 0) std::fprintf(stderr, "there are no inputs\n");
  return inputs == 0 ? 1 : 0;
}
