// The scale of the input: raw bytes, [0, 1], [-1, 1], mean 0 and deviation 1. Each can be undone;
// which does a net learn from, at which learning rates, with a norm and without?
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace input_scaling_parts {

/// x = a p + b for pixels p from 0 to 1.
struct Scaling {
  const char* name;
  double a, b;
};

/// Mean and deviation of these pixels, those of MNIST nearly.
std::vector<Scaling> scalings(const Tensor& pixels) {
  const double mean_pixel = mean(pixels).item(), deviation = stddev(pixels, {}, 0).item();
  return {{"bytes, 0 to 255", 255, 0},
          {"0 to 1", 1, 0},
          {"-1 to 1", 2, -1},
          {"standardized", 1 / deviation, -mean_pixel / deviation}};
}

constexpr const char* names[] = {"bytes, 0 to 255", "0 to 1", "-1 to 1", "standardized"};

/// Pixels from 0 to 1 in steps of 1/255, as they were in the file.
Tensor pixels_of(const Tensor& x) {
  const double black = min(x).item(), range = max(x).item() - black;
  return round((x - black) * (255 / range)) / 255.0;
}

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1024, 5120), steps = lab.pick<int64_t>(30, 240);
  for (size_t i = 0; i < std::size(names); ++i) {
    lab.define({{"scaling", names[i]}, {"part", "inverse"}}, [&]() -> json {
      const Tensor p = pixels_of(lab.test_images(500).x);
      const Scaling s = scalings(p)[i];
      const Tensor restored = ((p * s.a + s.b) - s.b) / s.a;
      const Tensor bytes = round(restored * 255.0) - round(p * 255.0);
      return {{"largest_error", max(abs(restored - p)).item()},
              {"wrong_bytes", sum(to(bytes != 0, int64)).item()}};
    });
  }
  for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
    for (size_t i = 0; i < std::size(names); ++i) {
      for (const double rate : {1e-4, 1e-3, 1e-2, 1e-1, 1.0}) {
        lab.measure(
            {{"norm", name_of(norm)}, {"scaling", names[i]}, {"rate", rate}, {"steps", steps}},
            [&](uint64_t seed) -> json {
              const auto scaled = [&](const data::Batch& batch) -> data::Batch {
                const Tensor p = pixels_of(batch.x);
                const Scaling s = scalings(p)[i];
                return {p * s.a + s.b, batch.y};
              };
              nn::Sequential net = mlp(norm);
              optim::SGD sgd(net.named_parameters(), {.lr = rate, .momentum = 0.9});
              train(net, sgd, scaled(lab.train_images(images)), {.steps = steps, .seed = seed});
              return {{"error", 100 * error_of(net, scaled(lab.test_images(1000)))}};
            });
      }
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("input-scaling-error", "Test error against the learning rate");
  figure.x = {.label = "learning rate", .log = true};
  figure.y = {.label = "test error, %"};
  figure.see =
      "Without a norm the best rate depends on the scale by two orders of magnitude, the error "
      "there hardly; behind batch or layer norm all four scalings train nearly alike, raw bytes "
      "included.";
  for (const json& norm : results.distinct("norm")) {
    figure.chart(norm);
    draw_lines(figure, results.where({{"norm", norm}}), "scaling", "rate", "error");
  }

  auto& inverse = section.figure("input-scaling-inverse", "What is left after undoing the scaling");
  inverse.see = "Every scaling can be undone: no byte is wrong, and the difference is rounding.";
  report::Table table{.title = {},
                      .link = {},
                      .columns = {"scaling", "largest difference of a pixel", "wrong bytes"},
                      .rows = {}};
  const Results inverses = results.where({{"part", "inverse"}});
  for (const Record& record : inverses.records()) {
    table.rows.push_back({{record.settings["scaling"]},
                          {report::number(number(record.values["largest_error"]), 2)},
                          {str(number(record.values["wrong_bytes"]))}});
  }
  inverse.add(table);
}

}  // namespace input_scaling_parts

Experiment input_scaling() {
  return {.name = "input-scaling",
          .title = "Scaling of the input, and its inverse",
          .paper = "LeCun et al. 1998, Efficient BackProp",
          .smaller = "784-100-100-100-10, 240 steps of 64 of 5,120 digits; a preview makes 30.",
          .run = input_scaling_parts::run,
          .draw = input_scaling_parts::draw};
}

}  // namespace gradus::lab
