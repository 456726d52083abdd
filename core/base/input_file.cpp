#include "input_file.h"

#include "error.h"

namespace gradus {

InputFile::InputFile(const char* op, std::filesystem::path path) : op_(op), path_(std::move(path)) {
  std::error_code error;
  const auto status = std::filesystem::status(path_, error);
  if (!std::filesystem::exists(status)) fail("the file does not exist");
  if (!std::filesystem::is_regular_file(status)) fail("it is not a regular file");
  in_.open(path_, std::ios::binary | std::ios::ate);
  const std::streamoff size = in_ ? static_cast<std::streamoff>(in_.tellg()) : -1;
  if (size < 0) fail("the file cannot be opened for reading");
  size_ = static_cast<uint64_t>(size);
  in_.seekg(0);
}

void InputFile::read(void* to, uint64_t n) {
  in_.read(static_cast<char*>(to), static_cast<std::streamsize>(n));
  if (!in_) fail("reading failed before the end of the file");
}

void InputFile::seek(uint64_t position) {
  in_.seekg(static_cast<std::streamoff>(position));
  if (!in_) fail("reading failed before the end of the file");
}

void InputFile::fail(const char* what) const {
  throw IoError(op_, str("'", path_.string(), "': ", what));
}

}  // namespace gradus
