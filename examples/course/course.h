// What exercises and their tests are written with.
#pragma once

#include <gradus/gradus.h>

#include <functional>
#include <string>

namespace course {

/// In an exercise, stands where something is to be written: ends the test with "not done yet".
[[noreturn]] void todo(const std::string& what);

/// Ends the test. `message`: what was expected and what was found. `usually`: what that usually
/// means.
[[noreturn]] void fail(const std::string& message, const std::string& usually = "");

/// Ends the test unless the condition holds.
void check(bool holds, const std::string& message, const std::string& usually = "");

/// Ends the test unless both tensors are the same to within rounding: says which element differs
/// most, or that shape or type differ, or that there is NaN. The tolerance is relative to the
/// largest expected element; 0: 1e-5 for float32, 1e-10 for float64.
void same(const std::string& name, const gradus::Tensor& found, const gradus::Tensor& expected,
          const std::string& usually = "", double tolerance = 0);
/// The same of two numbers.
void same(const std::string& name, double found, double expected, const std::string& usually = "",
          double tolerance = 1e-9);

/// Whether two tensors are the same in that sense, without ending the test: to tell which mistake
/// it is.
bool is_same(const gradus::Tensor& a, const gradus::Tensor& b, double tolerance = 0);

/// The data of a milestone: MNIST if it is on this machine and COURSE_SYNTHETIC is not set, else
/// so many digits that the library draws, and 2,000 to test.
gradus::data::Found digits(int64_t drawn = 10000);
/// The share of the test digits that the net recognizes, in percent.
double accuracy(gradus::nn::Module& net, const gradus::data::Found& found);

/// What a test that has passed returns: a program that ends before says something else.
inline constexpr int passed = 93;

/// Runs a test as a program: prints the message if it fails. Returns the exit status, `passed`
/// or 1.
int run(const std::function<void()>& test);

}  // namespace course
