#include "input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "../base/error.h"

namespace gradus {
namespace {

std::string reason() {
  return std::generic_category().message(errno);
}

}  // namespace

InputFile::InputFile(const char* op, std::filesystem::path path) : op_(op), path_(std::move(path)) {
  // A pipe would be waited for, were it opened without O_NONBLOCK.
  file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0 && errno == ENOENT) fail("the file does not exist", "check the name");
  if (file_ < 0) fail("the file cannot be opened: " + reason());
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail("the file cannot be read: " + reason());
  if (!S_ISREG(status.st_mode)) {
    fail("it is not a regular file", "folders, devices and pipes cannot be read");
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  if (file_ >= 0) ::close(file_);
}

void InputFile::read(void* to, uint64_t n) {
  auto* next = static_cast<char*>(to);
  while (n > 0) {
    const ssize_t got = ::pread(file_, next, n, static_cast<off_t>(position_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("the file cannot be read: " + reason());
    if (got == 0) fail("reading failed before the end of the file");
    next += got;
    n -= static_cast<uint64_t>(got);
    position_ += static_cast<uint64_t>(got);
  }
}

void InputFile::seek(uint64_t position) {
  position_ = position;
}

void InputFile::fail(const std::string& what, const char* hint) {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  throw ReadError(op_, str("'", path_.string(), "': ", what), hint);
}

}  // namespace gradus
