#include "file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include "../core/base/error.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// A new file beside the one it shall replace; removed again unless it was put in place.
class TemporaryFile {
 public:
  TemporaryFile(const char* op, const fs::path& target)
      : op_(op), target_(target), name_(target.string() + ".XXXXXX") {
    descriptor_ = ::mkstemp(name_.data());
    if (descriptor_ < 0) fail(errno);
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!placed_) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) fail(errno);
      if (written > 0) bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }
  void put_in_place() {
    if (::fchmod(descriptor_, 0644) != 0 || ::fsync(descriptor_) != 0) fail(errno);
    const int closed = ::close(std::exchange(descriptor_, -1));
    if (closed != 0 || ::rename(name_.c_str(), target_.c_str()) != 0) fail(errno);
    placed_ = true;
  }

 private:
  [[noreturn]] void fail(int error) const {
    throw IoError(op_, str("cannot write ", target_.string(), ": ", reason(error)),
                  "check that the folder exists, may be written and has space left");
  }

  const char* op_;
  const fs::path& target_;
  std::string name_;
  int descriptor_ = -1;
  bool placed_ = false;
};

}  // namespace

std::vector<std::byte> read_file(const char* op, const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw IoError(op, str("there is no file ", path.string()), "check the path");
  }
  if (status.type() == fs::file_type::directory) {
    throw IoError(op, str(path.string(), " is a directory, not a file"),
                  "name the file inside of it");
  }
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
    more = in.good();
  }
  if (in.bad()) throw IoError(op, str("reading ", path.string(), " failed: ", reason(errno)));
  return bytes;
}

void write_file(const char* op, const fs::path& path, std::span<const std::byte> bytes) {
  TemporaryFile file(op, path);
  file.write(bytes);
  file.put_in_place();
}

}  // namespace gradus::data
