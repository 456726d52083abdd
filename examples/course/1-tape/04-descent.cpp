// 1.4  Your tape at work.
//
// Fit y = tanh(w x + b) to points (x, target) by gradient descent, with the tape that you wrote in
// exercise 1.3, which is included. The loss is the sum of (y - target)² over all points, and one
// step changes both numbers at once:
//
//     w -= rate * d(loss)/dw        b -= rate * d(loss)/db
//
// Keep the loss of every step, as it was before the step.
#include "03-backward.cpp"

struct Point {
  double x, target;
};

struct Fit {
  double w = 0, b = 0;
  std::vector<double> losses;  ///< one for each step
};

/// `steps` steps from `start`, whose w and b are given.
Fit descend(const std::vector<Point>& points, const Fit& start, int steps, double rate) {
  Fit fit = start;
  // TODO: in each step, record the loss of all points, replay, and change fit.w and fit.b.
  course::todo("descend");
  return fit;
}
