// What readers of formats read from: files, pipes, bytes in memory.
#include "../../core/io/input_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "../support/errors.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string read_up_to(InputFile& file, size_t n) {
  std::string text(n, '?');
  text.resize(file.read_up_to(text.data(), n));
  return text;
}

}  // namespace

TEST_CASE("a file and bytes in memory are read alike: in order, from any place, up to their end") {
  const TemporaryFolder folder;
  const std::string text = "one two three";
  write_text(folder / "x", text);
  for (InputFile file : {InputFile("read", folder / "x"), InputFile("read", "x", bytes_of(text))}) {
    CHECK(file.size() == text.size());
    CHECK(read_up_to(file, 3) == "one");
    CHECK(read_up_to(file, 5) == " two ");
    file.seek(1);
    CHECK(read_up_to(file, 100) == text.substr(1));
    CHECK(read_up_to(file, 1).empty());
    file.seek(100);
    CHECK(read_up_to(file, 1).empty());
    file.seek(text.size() - 1);
    char two[2];
    CHECK_THROWS_AS(file.read(two, 2), ReadError);
  }
}

TEST_CASE("what is wrong with the content of a file names the file") {
  const InputFile file("read", "x", bytes_of("content"));
  CHECK(message_of([&] { file.check(2 < 1, "count again", "two is ", 2); }) ==
        "[read] 'x': two is 2. Hint: count again");
}

TEST_CASE("a pipe is read to its end, up to a limit") {
  const std::string text(3'000'000, 'x');
  for (const bool fits : {true, false}) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread writer([&] {
      for (size_t at = 0; at < text.size(); at += 60'000) {
        if (::write(ends[1], text.data() + at, 60'000) < 0) break;
      }
      ::close(ends[1]);
    });
    const std::string path = str("/dev/fd/", ends[0]);
    if (fits) CHECK(read_file("read", path).size() == text.size());
    if (!fits) {
      CHECK(message_of([&] { read_file("read", path, 2 << 20); }).find(" has more than 2 MiB") !=
            std::string::npos);
      while (::read(ends[0], std::string(60'000, ' ').data(), 60'000) > 0) {
      }
    }
    writer.join();
    ::close(ends[0]);
  }
}
