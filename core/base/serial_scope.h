// Loops of one thread that use no others.
#pragma once

namespace gradus {

/// While it lives, parallel_for() calls of this thread use no other threads: for threads that are
/// themselves the parallel part. Results are the same.
class SerialScope {
 public:
  explicit SerialScope(bool on = true);
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool outer_;
};

}  // namespace gradus
