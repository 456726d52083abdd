// The number of threads within a test.
#pragma once

#include "../../core/base/parallel_for.h"

namespace gradus::test {

/// Sets the number of parallel_for's threads for a scope.
class ThreadsScope {
 public:
  explicit ThreadsScope(int n) : before_(num_threads()) { set_num_threads(n); }
  ~ThreadsScope() { set_num_threads(before_); }
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;

 private:
  int before_;
};

}  // namespace gradus::test
