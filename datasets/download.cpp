#include "download.h"

#include "../core/base/error.h"
#include "fetch.h"

#ifdef GRADUS_HAVE_CURL
#include <curl/curl.h>

#include <array>
#include <memory>
#include <span>
#endif

namespace gradus::data {

#ifdef GRADUS_HAVE_CURL

namespace {

struct Received {
  std::vector<std::byte> content;
  size_t limit;
  bool too_long = false;
};

/// Called by libcurl with each piece; anything but the full size stops the transfer.
size_t receive(char* piece, size_t one, size_t size, void* user) {
  auto& received = *static_cast<Received*>(user);
  const auto bytes = std::as_bytes(std::span(piece, one * size));
  received.too_long = bytes.size() > received.limit - received.content.size();
  if (received.too_long) return 0;
  try {
    received.content.insert(received.content.end(), bytes.begin(), bytes.end());
  } catch (const std::bad_alloc&) {
    return 0;  // no exception may pass through libcurl
  }
  return bytes.size();
}

/// Called by libcurl as bytes arrive, also those that `receive` never sees because they belong to a
/// redirect; anything but 0 stops the transfer.
int limit_arrivals(void* user, curl_off_t, curl_off_t arrived, curl_off_t, curl_off_t) {
  auto& received = *static_cast<Received*>(user);
  if (static_cast<size_t>(arrived) > received.limit) received.too_long = true;
  return received.too_long ? 1 : 0;
}

/// One attempt, which appends what it brings; how it ended, and why.
std::pair<CURLcode, std::string> transfer(const std::string& address,
                                          const DownloadOptions& options, Received& received) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);  // once per process
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(
      ready == CURLE_OK ? curl_easy_init() : nullptr, &curl_easy_cleanup);
  CURL* const curl = handle.get();
  require<IoError>(curl != nullptr, "download", "there is probably no memory left",
                   "libcurl cannot be started");
  std::array<char, CURL_ERROR_SIZE> reason{};
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
  curl_easy_setopt(curl, CURLOPT_URL, address.c_str());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "gradus");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // time-outs without signals, safe with threads
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, long{options.connect_seconds});
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, long{options.transfer_seconds});
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, long{options.stall_seconds});
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE,
                   static_cast<curl_off_t>(received.content.size()));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);  // has the next function called
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &limit_arrivals);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &received);
  const CURLcode code = curl_easy_perform(curl);
  return {code, reason[0] != '\0' ? reason.data() : curl_easy_strerror(code)};
}

}  // namespace

bool can_download() {
  return true;
}

std::vector<std::byte> download(const std::string& address, const DownloadOptions& options) {
  Received received{{}, options.max_bytes};
  for (int attempt = 1;; ++attempt) {
    const size_t before = received.content.size();
    const auto [code, reason] = transfer(address, options, received);
    if (code == CURLE_OK) return std::move(received.content);
    require<IoError>(!received.too_long, "download", "the address leads to something else", address,
                     " sends more than ", options.max_bytes, " bytes");
    const bool cannot_resume = code == CURLE_RANGE_ERROR && before > 0;
    if (cannot_resume) received.content.clear();
    // The connection was lost, or the server fell silent, in the middle of the content.
    const bool interrupted = code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
                             code == CURLE_OPERATION_TIMEDOUT || code == CURLE_HTTP2 ||
                             code == CURLE_HTTP2_STREAM;
    const bool broke_off = interrupted && received.content.size() > before;
    require<IoError>(attempt < options.attempts && (cannot_resume || broke_off), "download",
                     "check the address and the network", address, ": ", reason);
  }
}

#else

bool can_download() {
  return false;
}

std::vector<std::byte> download(const std::string& address, const DownloadOptions&) {
  throw IoError("download", str("cannot get ", address, ": built without libcurl"),
                "install libcurl4-openssl-dev and build again");
}

#endif

}  // namespace gradus::data
