// 1.4  Your tape at work.
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
  for (int step = 0; step < steps; ++step) {
    Tape tape;  // of this step: its entries are the values for this w and b
    const size_t w = tape.leaf(fit.w), b = tape.leaf(fit.b);
    // The sum has to be on the tape, as its gradient is what distributes the 1 to all points.
    size_t loss = tape.leaf(0);
    for (const Point& p : points) {
      const size_t y = tape.tanh(tape.add(tape.mul(w, tape.leaf(p.x)), b));
      const size_t error = tape.sub(y, tape.leaf(p.target));
      loss = tape.add(loss, tape.mul(error, error));
    }
    tape.backward(loss);
    fit.losses.push_back(tape.value(loss));
    // Both slopes were read off one replay, so the order of these two lines does not matter.
    fit.w -= rate * tape.gradient[w];
    fit.b -= rate * tape.gradient[b];
  }
  return fit;
}
