#include COURSE_FILE

#include <bit>
#include <cmath>

namespace {

/// Restores the number of threads.
struct Threads {
  int before = num_threads();
  Threads() = default;
  Threads(const Threads&) = delete;
  ~Threads() { set_num_threads(before); }
};

std::vector<float> numbers(int64_t n) {
  manual_seed(11);
  const Tensor x = randn({n}) * exp(randn({n}) * 3.0);  // of very different sizes
  return x.to_vector<float>();
}

float on_threads(int threads, const std::vector<float>& x) {
  set_num_threads(threads);
  return parallel_sum(x.data(), static_cast<int64_t>(x.size()));
}

float left_to_right(const std::vector<float>& x) {
  float sum = 0;
  for (const float value : x) sum += value;
  return sum;
}

float in_pieces(const std::vector<float>& x, size_t piece) {
  float sum = 0;
  for (size_t begin = 0; begin < x.size(); begin += piece) {
    float partial = 0;
    for (size_t i = begin; i < std::min(begin + piece, x.size()); ++i) partial += x[i];
    sum += partial;
  }
  return sum;
}

bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

}  // namespace

int main() {
  return course::run([] {
    const Threads restore;
    const std::vector<float> x = numbers(300000);
    double exact = 0, size = 0;
    for (const float value : x) {
      exact += static_cast<double>(value);
      size += std::abs(static_cast<double>(value));
    }
    for (const int threads : {1, 2, 4}) {
      const float sum = on_threads(threads, x);
      course::check(std::abs(static_cast<double>(sum) - exact) < 1e-5 * size,
                    str("On ", threads, " threads the sum is ", sum, ", expected ", exact, "."),
                    "Does each piece write to a place of its own? Several threads that add to one "
                    "variable lose "
                    "additions.");
    }
    // The same call again and again: who is first changes from one to the next.
    const float first = on_threads(4, x);
    for (int i = 0; i < 300; ++i) {
      const float again = on_threads(4, x);
      if (!same_bits(first, again))
        course::fail(
            str("Two calls on four threads differ by ",
                static_cast<double>(again) - static_cast<double>(first), "."),
            "The partial sums are added in the order in which the pieces end, which is up to the "
            "scheduler. Keep them, and add them up afterwards, from first to last.");
    }
    const float one = on_threads(1, x);
    for (const int threads : {2, 3, 4, 7})
      if (const float sum = on_threads(threads, x); !same_bits(one, sum))
        course::fail(str("One thread and ", threads, " threads differ by ",
                         static_cast<double>(sum) - static_cast<double>(one), "."),
                     "The size of the pieces depends on the number of threads. Make it a constant: "
                     "other pieces are "
                     "other brackets in the sum.");
    if (same_bits(one, left_to_right(x)))
      course::fail(
          "The bits are always the same: those of a loop from left to right, on one thread.",
          "It runs on one thread, or each element is added to the total in turn. Sum the pieces in "
          "parallel.");
    for (const int64_t n : {0, 1, 4095, 4096, 4097, 8192}) {
      const auto few = numbers(8192);
      const std::vector<float> some(few.begin(), few.begin() + n);
      set_num_threads(2);
      const float sum = parallel_sum(some.data(), n);
      course::check(
          same_bits(sum, in_pieces(some, 4096)),
          str("Of ", n, " numbers the sum is ", sum, ", expected ", in_pieces(some, 4096), "."),
          "How many pieces are there, if the last one is shorter?");
    }
    course::check(
        same_bits(one, in_pieces(x, 4096)),
        str("The bits are the same on any number of threads, but not those of pieces of 4096: the "
            "sum differs by ",
            static_cast<double>(one) - static_cast<double>(in_pieces(x, 4096)), "."),
        "Are pieces summed from left to right in float, and the partial sums from first to last?");
  });
}
