// An HTTP server that misbehaves as a test wants it to.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "support.h"

namespace gradus::data {

/// One request, and what to answer: any bytes at all.
class Exchange {
 public:
  Exchange(int socket, std::string request) : socket_(socket), request_(std::move(request)) {}

  /// The name that is asked for, without the slash in front.
  std::string path() const {
    const size_t begin = request_.find('/') + 1;
    return request_.substr(begin, request_.find(' ', begin) - begin);
  }
  /// Where the client wants to go on, 0 where it did not say.
  size_t resume_from() const {
    const std::string field = "Range: bytes=";
    const size_t at = request_.find(field);
    return at == std::string::npos ? 0 : std::strtoul(&request_[at + field.size()], nullptr, 10);
  }

  /// False where the client has gone.
  bool send(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(sent));
    }
    return true;
  }
  bool send(const std::string& text) const {
    return send(std::as_bytes(std::span(text.data(), text.size())));
  }
  /// Status line and fields; the content is announced with `length` bytes.
  void head(const std::string& status, size_t length, const std::string& fields = "") const {
    send("HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " +
         std::to_string(length) + "\r\n" + fields + "\r\n");
  }
  void answer(const std::string& status, std::span<const std::byte> content,
              const std::string& fields = "") const {
    head(status, content.size(), fields);
    send(content);
  }
  void redirect(const std::string& address) const {
    answer("302 Found", {}, "Location: " + address + "\r\n");
  }
  /// The rest of the content, as a server does that knows ranges.
  void answer_range(std::span<const std::byte> content) const {
    const size_t from = resume_from();
    if (from == 0) return answer("200 OK", content);
    answer("206 Partial Content", content.subspan(from),
           "Content-Range: bytes " + std::to_string(from) + "-" +
               std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n");
  }
  /// Sends nothing more until the client gives up.
  void stall() const {
    std::array<char, 64> ignored{};
    while (recv(socket_, ignored.data(), ignored.size(), 0) > 0) {
    }
  }

 private:
  int socket_;
  std::string request_;
};

/// Answers each request with what `script` does, one after the other, in a thread of its own.
class ScriptedServer {
 public:
  using Script = std::function<void(const Exchange&)>;

  explicit ScriptedServer(Script script)
      : script_(std::move(script)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(name);
    auto* const generic = reinterpret_cast<sockaddr*>(&name);
    REQUIRE(bind(socket_, generic, size) == 0);
    REQUIRE(listen(socket_, 16) == 0);
    REQUIRE(getsockname(socket_, generic, &size) == 0);
    address_ = "http://127.0.0.1:" + std::to_string(ntohs(name.sin_port)) + "/";
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    shutdown(socket_, SHUT_RDWR);  // wakes the thread
    thread_.join();
    close(socket_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  /// Ends in "/".
  const std::string& address() const { return address_; }
  int requests() const { return requests_; }

 private:
  void serve() {
    for (int client; (client = accept(socket_, nullptr, nullptr)) >= 0; close(client)) {
      std::string request;
      std::array<char, 4096> piece;
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = recv(client, piece.data(), piece.size(), 0);
        if (got <= 0) break;
        request.append(piece.data(), static_cast<size_t>(got));
      }
      if (request.empty()) continue;
      ++requests_;
      script_(Exchange(client, request));
    }
  }

  Script script_;
  int socket_;
  std::string address_;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

}  // namespace gradus::data
