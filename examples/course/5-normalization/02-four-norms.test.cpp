#include COURSE_FILE

namespace {

const char* name_of(Norm norm) {
  const char* names[] = {"batch norm", "layer norm", "instance norm", "group norm"};
  return names[static_cast<int>(norm)];
}

/// What the library computes.
Tensor known(Norm norm, const Tensor& x, int64_t groups, double eps) {
  if (norm == Norm::batch) return batch_norm_train(x, {}, {}, eps).y;
  if (norm == Norm::instance) return instance_norm(x, {}, {}, eps).y;
  if (norm == Norm::layer) return layer_norm(x, {x.size(1), x.size(2), x.size(3)}, {}, {}, eps);
  return group_norm(x, groups, {}, {}, eps);
}

struct Mistake {
  Norm norm;
  Sets sets;
  const char* meaning;
};

std::vector<Mistake> mistakes(const Shape& x, int64_t groups) {
  const int64_t n = x[0], c = x[1], h = x[2], w = x[3], g = groups;
  return {
      {Norm::batch, {x, {0}}, "Every pixel has statistics of its own: the positions are missing."},
      {Norm::batch, {x, {1}}, "The dimension of the channels is the one that has to stay."},
      {Norm::batch, {x, {0, 1, 2, 3}}, "That is one set for everything."},
      {Norm::layer,
       {x, {1}},
       "The pixels of a sample are standardized one by one. That is layer norm over the channels; "
       "here a sample is one set, with all its pixels."},
      {Norm::layer, {x, {0}}, "Dimension 0 is that of the samples: they must not be mixed."},
      {Norm::layer, {x, {2, 3}}, "That is instance norm: each channel has a mean of its own."},
      {Norm::instance, {x, {0, 2, 3}}, "That is batch norm: the samples of the batch are mixed."},
      {Norm::instance, {x, {1, 2, 3}}, "That is layer norm: the channels are mixed."},
      {Norm::group,
       {{n, c / g, g, h, w}, {1, 3, 4}},
       "The groups are interleaved: channels 0, 2, 4 ... are one group. A group is made of "
       "neighbours, so the group is the slower of the two dimensions."},
      {Norm::group,
       {{n, c / g, g, h, w}, {2, 3, 4}},
       "There are C / groups groups of `groups` channels: the two numbers are swapped."},
      {Norm::group,
       {{n, g, c / g, h, w}, {2}},
       "The positions are missing: a set has all pixels of the group's channels."},
      {Norm::group,
       {{n, g, c / g, h, w}, {0, 2, 3, 4}},
       "The samples are mixed: group norm treats each sample on its own."},
  };
}

void check_norm(Norm norm, const Tensor& x, int64_t groups) {
  const double eps = 1e-3;
  const Sets sets = sets_of(norm, x.shape(), groups);
  int64_t elements = 1, all = 1;
  for (const int64_t size : sets.view) all *= size;
  course::check(all == x.numel(), str("The view for ", name_of(norm), ", ", sets.view, ", has ",
                                      all, " elements; x has ", x.numel(), "."));
  for (const int64_t d : sets.dims) elements *= sets.view[static_cast<int>(d)];
  const Tensor y = normalize(x, sets, eps);
  for (const Mistake& mistake : mistakes(x.shape(), groups)) {
    if (mistake.norm != norm) continue;
    const Tensor other = normalize(x, mistake.sets, eps);
    if (course::is_same(y, other) && !course::is_same(other, known(norm, x, groups, eps)))
      course::fail(str("For ", name_of(norm), " on ", x.shape(), " your sets have ", elements,
                       elements == 1 ? " element" : " elements", " each, and they are not those."),
                   mistake.meaning);
  }
  course::same(
      str("The output of ", name_of(norm), " (sets over ", sets.dims, " of ", sets.view, ")"), y,
      known(norm, x, groups, eps), "The sets are not those of this norm.");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(1);
    const Tensor x = randn({3, 8, 2, 5}, float64) * 2.0 + 1.0;
    for (const Norm norm : {Norm::batch, Norm::layer, Norm::instance, Norm::group})
      check_norm(norm, x, 2);
    const Tensor other = randn({2, 6, 4, 3});
    for (const Norm norm : {Norm::batch, Norm::layer, Norm::instance, Norm::group})
      check_norm(norm, other, 3);
    check_norm(Norm::group, other, 1);  // layer norm
    check_norm(Norm::group, other, 6);  // instance norm
  });
}
