// limit: 300
#include COURSE_FILE

#include <cmath>

namespace {

constexpr double least = 99.3;

/// In percent. `mirrored`: of the images with left and right exchanged.
double accuracy(nn::Module& net, const data::DatasetPtr& data, bool mirrored = false) {
  data::DataLoader loader(data, {.batch_size = 500, .shuffle = false});
  double right = 0;
  for (const auto& [x, y] : loader) {
    const Tensor output = net(mirrored ? flip(x, {3}) : x);
    course::check(output.shape() == Shape({x.size(0), 10}),
                  str("The net gives outputs of the shape ", output.shape(), ", expected ",
                      Shape({x.size(0), 10}), "."));
    right += sum(to(argmax(output, 1) == y, int64)).item();
  }
  return 100 * right / static_cast<double>(data->size());
}

bool has_convolution(const nn::Module& net) {
  for (const auto& parameter : net.named_parameters())
    if (parameter.tensor.dim() == 4) return true;
  return false;
}

}  // namespace

int main() {
  return course::run([] {
    const data::Found found = course::digits(1000);
    manual_seed(1);
    nn::Sequential net = trained_net(found.train);
    for (const auto& parameter : net.named_parameters())
      course::check(std::isfinite(sum(to(parameter.tensor.detach(), float64)).item()),
                    parameter.name + " has NaN or infinity in it.",
                    "The learning rate is too large, or grows without end.");
    net.eval();
    const double right = accuracy(net, found.test);
    if (right >= least) return;
    const std::string result =
        str(right, " % of ", found.name, " are right, ", least, " % are wanted. ");
    const double known = accuracy(net, found.train);
    if (known < 50)
      course::fail(result + str("Of the images that it was trained on, too: ", known, " %."),
                   "It has not learned at all: is the learning rate far too large, or zero_grad "
                   "missing? Print "
                   "the loss of each epoch.");
    if (const double mirrored = accuracy(net, found.test, true); mirrored > 85)
      course::fail(result + str("Mirrored digits it gets right as well: ", mirrored, " %."),
                   "It was trained on mirrored images. An augmentation must keep the class, and a "
                   "mirrored 2 is no 2: it "
                   "costs capacity, and 2 and 5 come to look alike.");
    if (!has_convolution(net))
      course::fail(
          result + "The net has no convolution.",
          "It has to learn each stroke at each place anew. Convolutions share what they learn.");
    if (known > 99.8)
      course::fail(result + str("Of the images that it was trained on: ", known, " %."),
                   "It knows its training images by heart. Augmentation gives it others; weight "
                   "decay and dropout "
                   "help a little.");
    course::fail(result + str("Of the images that it was trained on: ", known, " %."),
                 "It has not learned all there is: more epochs, a rate that falls to 0 at the end, "
                 "more channels.");
  });
}
