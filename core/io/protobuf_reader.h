// Reading protocol buffers: a message is its fields, one after the other, each with its number, in
// any order. For .cpp files of the library. Format: the encoding guide of Protocol Buffers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace gradus::protobuf {

/// Goes through the fields of a message, without copying and without recursion: a field that is a
/// message itself is another Message over a part of the same bytes. `Fail` is called with what is
/// wrong and has to throw.
///
///     for (Message node(bytes, fail); node.next();) {
///       if (node.field() == 3) name = node.text();
///     }
template <class Fail>
class Message {
 public:
  using Bytes = std::span<const std::byte>;

  Message(Bytes bytes, const Fail& fail) : rest_(bytes), fail_(fail) {}

  /// Goes to the next field; false at the end. A field whose value is not asked for is passed over.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = take_varint();
    if (key >> 3U == 0 || key >> 32U != 0) fail_("a field has an impossible number");
    field_ = static_cast<unsigned>(key >> 3U);
    wire_ = static_cast<unsigned>(key & 7U);
    switch (wire_) {
      case varint:
        number_ = take_varint();
        break;
      case fixed64:
        number_ = fixed<uint64_t>(take(8));
        break;
      case fixed32:
        number_ = fixed<uint32_t>(take(4));
        break;
      case length:
        content_ = take(take_varint());
        break;
      default:
        fail_("a field has an unknown encoding");
    }
    return true;
  }

  unsigned field() const { return field_; }
  /// The value of the field. Fails if it is encoded as one of another type.
  /// @{
  int64_t integer() const { return expect(varint), static_cast<int64_t>(number_); }
  float single() const {
    return expect(fixed32), std::bit_cast<float>(static_cast<uint32_t>(number_));
  }
  Bytes bytes() const { return expect(length), content_; }
  std::string_view text() const {
    const Bytes b = bytes();
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  Message message() const { return {bytes(), fail_}; }
  /// @}

  /// Appends the number, or the packed numbers, of a repeated field: integers as int64_t, fixed
  /// ones as float or double.
  template <class T>
  void append_to(std::vector<T>& numbers) {
    constexpr bool is_fixed = std::is_floating_point_v<T>;
    constexpr unsigned alone = !is_fixed ? varint : sizeof(T) == 8 ? fixed64 : fixed32;
    using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    if (wire_ == alone) {
      numbers.push_back(std::bit_cast<T>(static_cast<Bits>(number_)));
      return;
    }
    const Bytes packed = bytes();
    if constexpr (is_fixed) {
      if (packed.size() % sizeof(T) != 0) fail_("a list of numbers is cut off");
      const size_t before = numbers.size();
      numbers.resize(before + packed.size() / sizeof(T));
      if (!packed.empty()) std::memcpy(numbers.data() + before, packed.data(), packed.size());
    } else {
      for (Message list(packed, fail_); !list.rest_.empty();) {
        numbers.push_back(static_cast<int64_t>(list.take_varint()));
      }
    }
  }

 private:
  enum Wire : unsigned { varint = 0, fixed64 = 1, length = 2, fixed32 = 5 };

  void expect(Wire wire) const {
    if (wire_ != wire) fail_("a field is encoded as one of another type");
  }
  Bytes take(uint64_t count) {
    if (count > rest_.size()) fail_("it is cut off");
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  uint64_t take_varint() {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint64_t>(take(1)[0]);
      number |= (byte & 0x7fU) << shift;
      if (byte < 0x80U) return number;
    }
    fail_("a number has more than 64 bits");
    return 0;
  }
  template <class T>
  static T fixed(Bytes bytes) {
    T number;
    std::memcpy(&number, bytes.data(), sizeof(T));
    return number;
  }

  Bytes rest_, content_;
  const Fail& fail_;
  unsigned field_ = 0, wire_ = 0;
  uint64_t number_ = 0;
};

}  // namespace gradus::protobuf
