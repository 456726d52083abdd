// How lines of progress and other text are made to fit a terminal.
#include "../../train/progress.h"

#include <doctest/doctest.h>

#include "../../core/base/text.h"

using namespace gradus;
using namespace gradus::training;

namespace {

const ProgressState state = {.label = "epoch 1/3",
                             .part = 0.5,
                             .rate = 5109.4,
                             .values = {{"loss", 0.12345}, {"accuracy", 0.9871}},
                             .seconds_left = 75,
                             .unit = "images"};

}  // namespace

TEST_CASE("a line of progress leaves the last column free, however narrow the terminal is") {
  for (int width = 1; width <= 200; ++width) {
    for (const double seconds : {3.0, 36'000.0}) {
      ProgressState s = state;
      s.seconds_left = seconds;
      s.label = seconds > 10 ? "epoch 100/1000" : "epoch 1/3";
      CAPTURE(width);
      CHECK(columns_of(progress_line(s, width)) < width);
    }
  }
}

TEST_CASE("a line of progress drops the rate first, then bar, accuracy, time and loss") {
  CHECK(progress_line(state, 120) ==
        "epoch 1/3  ████████████░░░░░░░░░░░░  50%  5109 images/s  loss 0.1235  accuracy 98.71 %  "
        "left 1:15");
  CHECK(progress_line(state, 80) ==
        "epoch 1/3  ██████████░░░░░░░░░░░  50%  loss 0.1235  accuracy 98.71 %  left 1:15");
  CHECK(progress_line(state, 60) == "epoch 1/3   50%  loss 0.1235  accuracy 98.71 %  left 1:15");
  CHECK(progress_line(state, 40) == "epoch 1/3   50%  loss 0.1235  left 1:15");
  CHECK(progress_line(state, 39) == "epoch 1/3   50%  loss 0.1235");
  CHECK(progress_line(state, 20) == "epoch 1/3   50%");
  CHECK(progress_line(state, 10) == " 50%");
  CHECK(progress_line(state) ==
        "epoch 1/3   50%  5109 images/s  loss 0.1235  accuracy 98.71 %  left 1:15");
}

TEST_CASE("text is broken between words, and goes on below itself") {
  CHECK(wrapped("one two three", 0, 80) == "one two three");
  CHECK(wrapped("aaaa bbbb cccc dddd eeee ffff", 9, 28) ==
        "aaaa bbbb cccc dddd\n         eeee ffff");
  CHECK(wrapped("a line   with gaps  in it and more", 2, 20) ==
        "a line   with gaps\n  in it and more");
  CHECK(wrapped("/a/path/that/is/longer/than/any/line ok", 9, 28) ==
        "/a/path/that/is/longer/than/any/line\n         ok");
  CHECK(wrapped("too narrow for two columns", 9, 16) == "too\n  narrow for two\n  columns");
  CHECK(wrapped("äöü äöü", 0, 7) == "äöü äöü");
}

TEST_CASE("values are dropped from the last to the second, the first one after the time") {
  const ProgressState many = {.label = "epoch 1/3",
                              .values = {{"loss_d", 1}, {"loss_g", 2}, {"score", 3}}};
  CHECK(progress_line(many, 80) ==
        "epoch 1/3    0%  loss_d 1.0000  loss_g 2.0000  score 3.0000  left 0:00");
  CHECK(progress_line(many, 67) == "epoch 1/3    0%  loss_d 1.0000  loss_g 2.0000  left 0:00");
  CHECK(progress_line(many, 45) == "epoch 1/3    0%  loss_d 1.0000  left 0:00");
  CHECK(progress_line(many, 35) == "epoch 1/3    0%  loss_d 1.0000");
  CHECK(progress_line({.label = "epoch 1/3"}, 20) == "epoch 1/3    0%");
}

TEST_CASE("times are told in minutes and hours") {
  CHECK(clock_text(0.4) == "0:00");
  CHECK(clock_text(75.3) == "1:15");
  CHECK(clock_text(4000) == "1:06:40");
}

TEST_CASE("a summary says once what the names of values begin with") {
  CHECK(summary({{"train_loss", 0.31}, {"train_accuracy", 0.97}, {"test_loss", 0.29}}) ==
        "train loss 0.3100, accuracy 97.00 %   test loss 0.2900");
  CHECK(summary({{"loss", 2}, {"score", 3}}) == "loss 2.0000, score 3.0000");
  CHECK(summary({}).empty());
}
