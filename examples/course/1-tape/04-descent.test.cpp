#include COURSE_FILE

namespace {

using gradus::str;

struct Slopes {
  double loss = 0, dw = 0, db = 0;
};

Slopes slopes_at(const std::vector<Point>& points, double w, double b) {
  Slopes s;
  for (const Point& p : points) {
    const double y = std::tanh(w * p.x + b), e = y - p.target, d = 2 * e * (1 - y * y);
    s.loss += e * e;
    s.dw += d * p.x;
    s.db += d;
  }
  return s;
}

}  // namespace

int main() {
  return course::run([] {
    const std::vector<Point> points = {{-2, -0.9}, {-0.5, -0.1}, {1, 0.8}, {0.25, 0.5}};
    const double rate = 0.1;
    const Fit start{.w = 0.3, .b = -0.2, .losses = {}};
    const Slopes first = slopes_at(points, 0.3, -0.2);
    const Fit one = descend(points, start, 1, rate);
    course::check(one.losses.size() == 1,
                  str("After one step there are ", one.losses.size(), " losses."));
    const double dw = (0.3 - one.w) / rate, db = (-0.2 - one.b) / rate;
    const std::string moved =
        str("The first step went by ", dw, " in w and ", db, " in b, times -rate; the slopes are ",
            first.dw, " and ", first.db, ".");
    const auto like = [&](double a, double b) {
      return std::abs(dw - a) < 1e-9 && std::abs(db - b) < 1e-9;
    };
    if (like(-first.dw, -first.db))
      course::fail("The step goes uphill.", moved +
                                                " The gradient points to a larger loss: "
                                                "subtract it.");
    const Slopes last = slopes_at({points.back()}, 0.3, -0.2);
    if (like(last.dw, last.db))
      course::fail("Only the last point was fitted.",
                   moved + " The loss to replay is the sum over all points.");
    if (like(first.dw / 4, first.db / 4))
      course::fail("The loss is a mean; the sum was asked for.", moved);
    if (like(first.dw, 0) || like(0, first.db))
      course::fail("Only one of w and b was changed.", moved);
    const Slopes after = slopes_at(points, one.w, -0.2);
    if (std::abs(dw - first.dw) < 1e-9 && std::abs(db - after.db) < 1e-9)
      course::fail("b was changed with the slope at the new w.",
                   moved + " Both slopes come from one replay, at the old w and b.");
    course::same("d(loss)/dw in the first step", dw, first.dw, moved);
    course::same("d(loss)/db in the first step", db, first.db, moved);
    if (std::abs(one.losses[0] - first.loss) > 1e-12 &&
        std::abs(one.losses[0] - slopes_at(points, one.w, one.b).loss) < 1e-12)
      course::fail("The loss is that after the step; the one before was asked for.");
    course::same("the first loss", one.losses[0], first.loss);

    double w = 0.3, b = -0.2;
    std::vector<double> losses;
    for (int step = 0; step < 300; ++step) {
      const Slopes s = slopes_at(points, w, b);
      losses.push_back(s.loss);
      w -= rate * s.dw;
      b -= rate * s.db;
    }
    const Fit fit = descend(points, start, 300, rate);
    course::check(fit.losses.size() == 300,
                  str("After 300 steps there are ", fit.losses.size(), " losses."));
    if (fit.losses[1] == fit.losses[0] && fit.losses[299] == fit.losses[0])
      course::fail(str("The loss is ", fit.losses[0],
                       " in every step, although w went from 0.3 to ", fit.w, "."),
                   "The values on a tape are those of when they were recorded. A tape is for one "
                   "step: open it inside the loop.");
    for (size_t i = 0; i < losses.size(); ++i) {
      course::same(str("The loss of step ", i), fit.losses[i], losses[i],
                   "The first step was right. What is left over from one step to the next?");
    }
    course::same("w after 300 steps", fit.w, w);
    course::same("b after 300 steps", fit.b, b);
  });
}
