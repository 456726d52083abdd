// An independent reader of event files.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace gradus::test {

namespace fs = std::filesystem;

template <class T>
T number_at(const std::string& bytes, size_t at) {
  T number{};
  REQUIRE(at + sizeof(T) <= bytes.size());
  std::memcpy(&number, bytes.data() + at, sizeof(T));
  return number;
}

inline uint32_t checksum(const std::string& bytes) {
  uint32_t rest = 0xffffffffU;
  for (const char byte : bytes) {
    rest ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1U) ^ ((rest & 1U) * 0x82f63b78U);
  }
  rest = ~rest;
  return ((rest >> 15U) | (rest << 17U)) + 0xa282ead8U;
}

/// The data of all records, up to one that is cut off.
inline std::vector<std::string> records_of(const std::string& bytes) {
  std::vector<std::string> records;
  for (size_t at = 0; at + 12 <= bytes.size();) {
    const auto length = number_at<uint64_t>(bytes, at);
    if (length > bytes.size() - at || at + 16 + length > bytes.size()) break;
    CHECK(number_at<uint32_t>(bytes, at + 8) == checksum(bytes.substr(at, 8)));
    records.push_back(bytes.substr(at + 12, length));
    CHECK(number_at<uint32_t>(bytes, at + 12 + length) == checksum(records.back()));
    at += 16 + length;
  }
  return records;
}

/// The fields of a protocol buffer; numbers that are not varints as their bytes.
struct Message {
  std::map<uint64_t, uint64_t> numbers = {};
  std::map<uint64_t, std::string> texts = {};

  explicit Message(const std::string& bytes) {
    size_t at = 0;
    const auto varint = [&] {
      uint64_t number = 0;
      for (unsigned shift = 0;; shift += 7) {
        const auto byte = number_at<uint8_t>(bytes, at++);
        number |= uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80U) return number;
      }
    };
    while (at < bytes.size()) {
      const uint64_t key = varint(), type = key & 7U;
      if (type == 0) {
        numbers[key >> 3U] = varint();
        continue;
      }
      REQUIRE((type == 1 || type == 2 || type == 5));
      const uint64_t size = type == 1 ? 8 : type == 5 ? 4 : varint();
      REQUIRE(at + size <= bytes.size());
      texts[key >> 3U] = bytes.substr(at, size);
      at += size;
    }
  }

  int64_t integer(uint64_t field) const {
    return numbers.contains(field) ? static_cast<int64_t>(numbers.at(field)) : 0;
  }
  double real(uint64_t field) const {
    return texts.contains(field) ? number_at<double>(texts.at(field), 0) : 0;
  }
  std::vector<double> reals(uint64_t field) const {
    std::vector<double> all;
    for (size_t at = 0; at < texts.at(field).size(); at += 8) {
      all.push_back(number_at<double>(texts.at(field), at));
    }
    return all;
  }
  Message message(uint64_t field) const {
    REQUIRE(texts.contains(field));
    return Message(texts.at(field));
  }
};

inline std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<Message> events_of(const fs::path& path) {
  std::vector<Message> events;
  for (const std::string& record : records_of(content_of(path))) events.emplace_back(record);
  return events;
}

/// The value of the summary of an event.
inline Message value_of(const Message& event) {
  return event.message(5).message(1);
}

/// What TensorBoard shows of a scalar in a folder: the steps of all files in the order of their
/// names, without those that a later file purges.
inline std::vector<int64_t> steps_of(const fs::path& folder, const std::string& tag) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<int64_t> steps;
  for (const fs::path& file : files) {
    int64_t purged_from = std::numeric_limits<int64_t>::max();
    std::vector<int64_t> own;
    for (const Message& event : events_of(file)) {
      if (event.texts.contains(7)) purged_from = event.integer(2);
      if (!event.texts.contains(5)) continue;
      if (value_of(event).texts.at(1) == tag) own.push_back(event.integer(2));
    }
    std::erase_if(steps, [&](int64_t step) { return step >= purged_from; });
    steps.insert(steps.end(), own.begin(), own.end());
  }
  return steps;
}

}  // namespace gradus::test
