// One file over HTTP: the only place that uses libcurl.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gradus::data {

struct DownloadOptions {
  int connect_seconds = 10;
  int stall_seconds = 20;
  size_t max_bytes = size_t{1} << 28;
};

/// The content of an http or https address; redirects are followed. Throws IoError with the reason:
/// no connection, an HTTP status other than success, too slow, more than `max_bytes`, or built
/// without libcurl.
std::vector<std::byte> download(const std::string& address, const DownloadOptions& options = {});

}  // namespace gradus::data
