// The gradient of a norm consists of three terms: what would be there if mean and variance were
// constants, what flows through the mean, and what flows through the variance. Their sizes and
// angles in a small net, by norm and batch size.
#include <gradus/core/jacobian.h>
#include <gradus/core/norm/norm_terms.h>

#include "../experiment.h"
#include "../microscope.h"

namespace gradus::lab {

namespace gradient_terms_parts {

double cosine(const Tensor& a, const Tensor& b) {
  return sum(a * b).item() / std::max(norm(a).item() * norm(b).item(), 1e-300);
}

json measured(Norm kind, int64_t batch, const data::Batch& images) {
  nn::Sequential net = cnn(kind, {8, 16});
  net.to(float64);
  Tape tape;
  const Tensor loss =
      cross_entropy(net(to(images.x.narrow(0, 0, batch), float64)), images.y.narrow(0, 0, batch));
  const NormTerms terms = norm_terms(tape, loss, "norm2");
  const double direct = norm(terms.direct).item();
  const Tensor dx = terms.direct + terms.mean + terms.variance;
  return {{"mean", norm(terms.mean).item() / direct},
          {"variance", norm(terms.variance).item() / direct},
          {"kept", norm(dx).item() / direct},
          {"cosine_mean", cosine(terms.direct, terms.mean)},
          {"cosine_variance", cosine(terms.direct, terms.variance)},
          {"cosine_between", cosine(terms.mean, terms.variance)}};
}

void run(Lab& lab) {
  const auto batches = lab.pick<std::vector<int64_t>>({2, 16}, {1, 2, 4, 8, 16, 32, 64});
  for (const Norm norm : set_norms) {
    for (const int64_t batch : batches) {
      lab.measure({{"norm", name_of(norm)}, {"batch", batch}},
                  [&](uint64_t) { return measured(norm, batch, lab.train_images(64)); });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& sizes = section.figure("gradient-terms-size", "Terms of the gradient, by batch size");
  sizes.x = {.label = "batch size", .log = true};
  sizes.y = {.label = "length, the direct term is 1", .log = true};
  sizes.see = "The smaller a set, the more of the gradient flows through its mean and variance.";
  sizes.settings = "second norm of a net of two convolutions, before training, float64";
  auto& angles =
      section.figure("gradient-terms-angle", "Cosine between the direct term and others");
  angles.x = sizes.x;
  angles.y = {.label = "cosine"};
  angles.see = "Both point against the direct term: they remove parts of it.";
  angles.settings = sizes.settings;
  for (const char* term : {"mean", "variance", "kept"}) {
    const bool is_sum = std::string(term) == "kept";
    auto& chart = sizes.chart(is_sum ? "sum of all three" : str("through the ", term));
    report::Chart* angle = is_sum ? nullptr : &angles.chart(str("through the ", term));
    for (const json& norm : results.distinct("norm")) {
      const Results some = results.where({{"norm", norm}});
      chart.line(norm.get<std::string>(), some.over("batch", term));
      if (angle == nullptr) continue;
      angle->line(norm.get<std::string>(), some.over("batch", str("cosine_", term)));
    }
  }
}

}  // namespace gradient_terms_parts

Experiment gradient_terms() {
  return {.name = "gradient-terms",
          .title = "Three terms of the gradient",
          .paper = "docs/normalization.md, Backward",
          .smaller = "",
          .run = gradient_terms_parts::run,
          .draw = gradient_terms_parts::draw};
}

}  // namespace gradus::lab
