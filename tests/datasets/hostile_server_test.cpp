// Downloads from servers that fail, lie, stall and mislead.
#include <array>
#include <map>

#include "../../core/io/deflate.h"
#include "../../core/ops.h"
#include "../../datasets/download.h"
#include "../../datasets/fetch.h"
#include "../../datasets/idx.h"
#include "local_server.h"
#include "scripted_server.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

namespace fs = std::filesystem;

constexpr DownloadOptions impatient = {.connect_seconds = 2, .stall_seconds = 1};

std::string download_error(const ScriptedServer& server,
                           const DownloadOptions& options = impatient) {
  return error_of<IoError>([&] { download(server.address() + "file", options); });
}

/// A file large enough to be cut in the middle.
ByteVector some_content() {
  ByteVector content(50'000);
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(i % 251);
  return content;
}

/// A data set of four small files, and the bytes of each.
struct Published {
  KnownDataset dataset{.key = "tiny", .title = "Tiny", .folder = "Tiny"};
  std::map<std::string, ByteVector> files;

  Published() {
    const TemporaryFolder folder;
    const std::array<Tensor, 4> contents = {full({3, 2, 2}, 1, uint8), tensor<uint8_t>({1, 2, 3}),
                                            full({2, 2, 2}, 9, uint8), tensor<uint8_t>({4, 5})};
    for (size_t i = 0; i < contents.size(); ++i) {
      const std::string name = "file" + std::to_string(i);
      write_idx(folder / (name + ".gz"), contents[i]);
      files[name + ".gz"] = read_bytes(folder / (name + ".gz"));
      dataset.files.push_back({.name = name,
                               .bytes = static_cast<int64_t>(files[name + ".gz"].size()),
                               .sha256 = payload_sha256(contents[i])});
    }
  }

  static ByteVector read_bytes(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return bytes(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  /// What an honest mirror does.
  ScriptedServer::Script honest() const {
    return [this](const Exchange& exchange) { exchange.answer_range(files.at(exchange.path())); };
  }
};

}  // namespace

TEST_CASE("a transfer that breaks off goes on where it stopped") {
  if (!can_test_downloads()) return;
  const ByteVector content = some_content();
  const ScriptedServer server([&](const Exchange& exchange) {
    if (exchange.resume_from() > 0) return exchange.answer_range(content);
    exchange.head("200 OK", content.size());
    exchange.send(std::span(content).first(20'000));
  });
  CHECK(download(server.address() + "file", impatient) == content);
  CHECK(server.requests() == 2);
}

TEST_CASE("a server that cannot resume is asked for everything again") {
  if (!can_test_downloads()) return;
  const ByteVector content = some_content();
  int whole = 0;
  const ScriptedServer server([&](const Exchange& exchange) {
    if (whole++ > 0) return exchange.answer("200 OK", content);  // ignores the range
    exchange.head("200 OK", content.size());
    exchange.send(std::span(content).first(20'000));
  });
  CHECK(download(server.address() + "file", impatient) == content);
  CHECK(server.requests() == 3);
}

TEST_CASE("a server that stalls in the middle is left, and asked for the rest") {
  if (!can_test_downloads()) return;
  const ByteVector content = some_content();
  const ScriptedServer server([&](const Exchange& exchange) {
    if (exchange.resume_from() > 0) return exchange.answer_range(content);
    exchange.head("200 OK", content.size());
    exchange.send(std::span(content).first(30'000));
    exchange.stall();
  });
  CHECK(download(server.address() + "file", {.stall_seconds = 1}) == content);
  CHECK(server.requests() == 2);
}

TEST_CASE("a server that always breaks off is given up") {
  if (!can_test_downloads()) return;
  const ByteVector content = some_content();
  const ScriptedServer server([&](const Exchange& exchange) {
    exchange.head("200 OK", content.size());
    exchange.send(std::span(content).first(100));
  });
  CHECK(contains(download_error(server), server.address()));
  CHECK(server.requests() == 3);
}

TEST_CASE("a slow transfer ends with its time limit") {
  if (!can_test_downloads()) return;
  const ScriptedServer server([](const Exchange& exchange) {
    exchange.head("200 OK", 1'000'000'000);
    while (exchange.send(std::string(2000, 'x'))) usleep(50'000);  // 40 kB/s: too fast for a stall
  });
  const DownloadOptions options = {.transfer_seconds = 1, .attempts = 1};
  CHECK(contains(download_error(server, options), "timed out"));
}

TEST_CASE("content without an end is cut off") {
  if (!can_test_downloads()) return;
  const ScriptedServer server([](const Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");  // no length
    while (exchange.send(std::string(100'000, 'x'))) {
    }
  });
  CHECK(contains(download_error(server, {.max_bytes = 1'000'000}), "more than 1000000 bytes"));
}

TEST_CASE("headers without an end, and what is no HTTP, are refused") {
  if (!can_test_downloads()) return;
  const ScriptedServer chatty([](const Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\n");
    while (exchange.send("X-Noise: " + std::string(50'000, 'x') + "\r\n")) {
    }
  });
  CHECK(contains(download_error(chatty), chatty.address()));
  const ScriptedServer other([](const Exchange& exchange) { exchange.send("SSH-2.0-hello\r\n"); });
  CHECK(contains(download_error(other), other.address()));
}

TEST_CASE("redirects are followed") {
  if (!can_test_downloads()) return;
  const ScriptedServer server([](const Exchange& exchange) {
    exchange.path() == "file" ? exchange.redirect("/elsewhere")
                              : exchange.answer("200 OK", bytes("here"));
  });
  CHECK(download(server.address() + "file") == bytes("here"));
}

TEST_CASE("a redirect with a body without an end is cut off") {
  if (!can_test_downloads()) return;
  std::string fields, piece(100'000, 'x');
  SUBCASE("of a length that is too large") {
    fields = "Content-Length: 1000000000000\r\n";
  }
  SUBCASE("in chunks") {
    fields = "Transfer-Encoding: chunked\r\n";
    piece = "186a0\r\n" + piece + "\r\n";
  }
  const ScriptedServer server([&](const Exchange& exchange) {
    exchange.send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n" + fields + "\r\n");
    while (exchange.send(piece)) {
    }
  });
  const DownloadOptions options = {.transfer_seconds = 10, .attempts = 1, .max_bytes = 1'000'000};
  CHECK(contains(download_error(server, options), "more than 1000000 bytes"));
}

TEST_CASE("redirects that never end are given up") {
  if (!can_test_downloads()) return;
  const ScriptedServer server([](const Exchange& exchange) { exchange.redirect("/file"); });
  CHECK(contains(download_error(server), "Maximum (5) redirects followed"));
  CHECK(server.requests() == 6);
}

TEST_CASE("a redirect cannot lead to files of this machine or other protocols") {
  if (!can_test_downloads()) return;
  const TemporaryFolder folder;
  write_bytes(folder / "secret", bytes("secret"));
  for (const std::string& target :
       {"file://" + (folder / "secret").string(), std::string("ftp://127.0.0.1/file"),
        std::string("gopher://127.0.0.1/")}) {
    CAPTURE(target);
    const ScriptedServer server([&](const Exchange& exchange) { exchange.redirect(target); });
    CHECK(contains(download_error(server), "not supported or disabled"));
  }
}

TEST_CASE("mirrors that refuse are named with their answers, and the next one is asked") {
  if (!can_test_downloads()) return;
  const Published published;
  const std::array<const char*, 3> statuses = {"403 Forbidden", "404 Not Found",
                                               "500 Internal Server Error"};
  for (const char* status : statuses) {
    CAPTURE(status);
    const TemporaryFolder cache;
    const ScriptedServer bad(
        [&](const Exchange& exchange) { exchange.answer(status, bytes("<html>No</html>")); });
    const std::string text = error_of<IoError>(
        [&] { fetch(published.dataset, cache.path(), {.mirrors = {bad.address()}}); });
    CHECK(contains(text, std::string(status).substr(0, 3)));
    const ScriptedServer good(published.honest());
    fetch(published.dataset, cache.path(), {.mirrors = {bad.address(), good.address()}});
    CHECK(good.requests() == 4);
  }
}

TEST_CASE("what a mirror sends is never trusted") {
  if (!can_test_downloads()) return;
  const Published published;
  ByteVector lie;
  const char* expected = nullptr;
  SUBCASE("an HTML page with status 200") {
    lie = bytes("<!DOCTYPE html><html>Please log in</html>");
    expected = "HTML page";
  }
  SUBCASE("another file") {
    lie = published.files.at("file1.gz");
    expected = "wrong content: SHA-256";
  }
  SUBCASE("nothing") {
    expected = "the file is empty";
  }
  SUBCASE("a decompression bomb") {
    ByteVector unfolded = bytes({0, 0, 8, 1, 0x7f, 0, 0, 0});
    unfolded.resize(size_t{1} << 19);
    lie = gzip(unfolded);
    expected = "the file can hold at most";
  }
  const TemporaryFolder cache;
  const ScriptedServer liar([&](const Exchange& exchange) { exchange.answer("200 OK", lie); });
  const std::string text = error_of<IoError>(
      [&] { fetch(published.dataset, cache.path(), {.mirrors = {liar.address()}}); });
  CHECK(contains(text, expected));
  const ScriptedServer good(published.honest());
  fetch(published.dataset, cache.path(), {.mirrors = {liar.address(), good.address()}});
  CHECK(good.requests() == 4);
}

TEST_CASE("wrong bytes behind a resumed transfer are noticed") {
  if (!can_test_downloads()) return;
  const Published published;
  const ScriptedServer forger([&](const Exchange& exchange) {
    ByteVector content = published.files.at(exchange.path());
    if (exchange.resume_from() > 0) {
      content[content.size() - 5] ^= std::byte{1};
      return exchange.answer_range(content);
    }
    exchange.head("200 OK", content.size());
    exchange.send(std::span(content).first(content.size() / 2));
  });
  const TemporaryFolder cache;
  const std::string text = error_of<IoError>(
      [&] { fetch(published.dataset, cache.path(), {.mirrors = {forger.address()}}); });
  CHECK(contains(text, "the gzip data is damaged"));
}

TEST_CASE("who waits for another download is told so") {
  if (!can_test_downloads()) return;
  const Published published;
  const TemporaryFolder cache;
  std::atomic<bool> waiting = false;
  const ScriptedServer server([&](const Exchange& exchange) {
    while (!waiting) usleep(1000);  // until the other one has come to the lock
    exchange.answer_range(published.files.at(exchange.path()));
  });
  const auto run = [&] {
    fetch(published.dataset, cache.path(),
          {.mirrors = {server.address()}, .notify = [&](const std::string& line) {
             if (line.starts_with("waiting for another process")) waiting = true;
           }});
  };
  std::thread other(run);
  run();
  other.join();
  CHECK(server.requests() == 4);
}
