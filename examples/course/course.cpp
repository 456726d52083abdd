#include "course.h"

#include <cmath>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>

namespace course {

using namespace gradus;

namespace {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

double tolerance_of(const Tensor& t, double asked) {
  if (asked > 0) return asked;
  return t.dtype() == float32 ? 1e-5 : 1e-10;
}

/// "[2,3]" for element number `flat` in row-major order.
std::string place_of(int64_t flat, const Shape& shape) {
  Shape index = shape;
  for (int d = shape.dim() - 1; d >= 0; --d) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return index.to_string();
}

std::vector<double> numbers(const Tensor& t) {
  return to(t.detach(), float64).contiguous().to_vector<double>();
}

/// Where the elements differ most, and by how much of the largest expected one.
struct Difference {
  int64_t at = 0;
  double amount = 0;
  int64_t wrong = 0;
};

Difference difference_of(const Tensor& found, const Tensor& expected, double tolerance) {
  const auto a = numbers(found), b = numbers(expected);
  double largest = 1e-30;
  for (const double x : b) largest = std::max(largest, std::abs(x));
  Difference worst;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool both_nan = std::isnan(a[i]) && std::isnan(b[i]);
    double amount = a[i] == b[i] || both_nan ? 0 : std::abs(a[i] - b[i]) / largest;
    if (std::isnan(amount)) amount = INFINITY;
    if (amount > tolerance) ++worst.wrong;
    if (amount > worst.amount) worst = {static_cast<int64_t>(i), amount, worst.wrong};
  }
  return worst;
}

}  // namespace

void todo(const std::string& what) {
  throw Failure("Not done yet: " + what + ".");
}

void fail(const std::string& message, const std::string& usually) {
  throw Failure(usually.empty() ? message : message + "\n" + usually);
}

void check(bool holds, const std::string& message, const std::string& usually) {
  if (!holds) fail(message, usually);
}

void same(const std::string& name, const Tensor& found, const Tensor& expected,
          const std::string& usually, double tolerance) {
  check(found.defined(), name + " is an undefined tensor.",
        "It is what Tensor() gives: was something not returned, or a gradient not computed?");
  check(found.shape() == expected.shape(),
        str(name, " has the shape ", found.shape(), ", expected ", expected.shape(), "."), usually);
  check(found.dtype() == expected.dtype(),
        str(name, " has the type ", found.dtype(), ", expected ", expected.dtype(), "."),
        "A tensor that is made inside should take the type of its arguments: zeros(shape, "
        "x.dtype()).");
  const double limit = tolerance_of(expected, tolerance);
  const Difference worst = difference_of(found, expected, limit);
  if (worst.wrong == 0) return;
  const auto at = static_cast<size_t>(worst.at);
  fail(str(name, " is wrong in ", worst.wrong, " of ", found.numel(), " elements. At ",
           place_of(worst.at, found.shape()), " it is ", numbers(found)[at], ", expected ",
           numbers(expected)[at], "."),
       usually);
}

void same(const std::string& name, double found, double expected, const std::string& usually,
          double tolerance) {
  const double scale = std::max(std::abs(expected), 1e-30);
  const bool holds = std::abs(found - expected) <= tolerance * scale ||
                     (std::isnan(found) && std::isnan(expected));
  check(holds, str(name, " is ", found, ", expected ", expected, "."), usually);
}

bool is_same(const Tensor& a, const Tensor& b, double tolerance) {
  if (!a.defined() || !b.defined() || a.shape() != b.shape() || a.dtype() != b.dtype())
    return false;
  return difference_of(a, b, tolerance_of(b, tolerance)).wrong == 0;
}

data::Found digits(int64_t drawn) {
  if (std::getenv("COURSE_SYNTHETIC") == nullptr) {
    try {
      return data::open_dataset({.name = "mnist", .allow_download = false});
    } catch (const Error&) {  // it is not
    }
  }
  return data::open_dataset(
      {.name = "synthetic", .synthetic_train = drawn, .synthetic_test = 2000});
}

double accuracy(nn::Module& net, const data::Found& found) {
  net.eval();
  data::DataLoader test(found.test, {.batch_size = 500, .shuffle = false});
  double right = 0;
  for (const auto& [x, y] : test) right += sum((argmax(net(x), 1) == y).to(int64)).item();
  net.train();
  return 100 * right / static_cast<double>(found.test->size());
}

int run(const std::function<void()>& test) {
  try {
    test();
    return passed;
  } catch (const Failure& failure) {
    std::cout << failure.what() << '\n';
  } catch (const Error& error) {
    std::cout << "An operation refused its arguments:\n" << error.what() << '\n';
  } catch (const std::exception& error) {
    std::cout << "An exception ended the test: " << error.what() << '\n';
  }
  return 1;
}

}  // namespace course
