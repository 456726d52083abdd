#include "digests.h"

#include "../core/io/sha256.h"
#include "gzip.h"
#include "idx.h"

namespace gradus::data {

const std::string& FileDigests::payload() {
  if (!payload_) payload_ = payload_sha256(content_);
  return *payload_;
}

const std::string& FileDigests::gzip() {
  if (!gzip_) gzip_ = is_gzip(bytes_) ? sha256(bytes_) : "";
  return *gzip_;
}

bool FileDigests::match(const KnownFile& file) {
  if (!file.sha256.empty()) return payload() == file.sha256;
  return !file.gzip_sha256.empty() && gzip() == file.gzip_sha256;
}

}  // namespace gradus::data
