#include "file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "../core/base/error.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

}  // namespace

std::vector<std::byte> read_file(const char* op, const fs::path& path, uint64_t at_most) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw IoError(op, str("there is no file ", path.string()), "check the path");
  }
  if (status.type() == fs::file_type::directory) {
    throw IoError(op, str(path.string(), " is a directory, not a file"),
                  "name the file inside of it");
  }
  if (status.type() == fs::file_type::character || status.type() == fs::file_type::block) {
    throw IoError(op, str(path.string(), " is a device, not a file"), "check the path");
  }
  const auto check_size = [&](uint64_t size) {
    if (size <= at_most) return;
    throw IoError(op, str(path.string(), " has more than ", at_most >> 20, " MiB"),
                  "no file of this kind is that large; check the path");
  };
  if (const uint64_t size = fs::file_size(path, error); !error) check_size(size);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw IoError(op, str("cannot open ", path.string(), ": ", reason(errno)),
                  "check the permissions of the file and its folder");
  }
  std::vector<std::byte> bytes;
  constexpr size_t piece = 1 << 20;
  for (bool more = true; more;) {
    const size_t before = bytes.size();
    bytes.resize(std::max<size_t>(before + piece, before * 3 / 2));
    in.read(reinterpret_cast<char*>(bytes.data() + before),
            static_cast<std::streamsize>(bytes.size() - before));
    bytes.resize(before + static_cast<size_t>(in.gcount()));
    check_size(bytes.size());
    more = in.good();
  }
  if (in.bad()) {
    throw IoError(op, str("reading ", path.string(), " failed: ", reason(errno)),
                  "check the disk or the network it is on");
  }
  return bytes;
}

}  // namespace gradus::data
