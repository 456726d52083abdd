// CIFAR's records of labels and images.
#include "../../core/base/error.h"
#include "../../datasets/cifar.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  for (const data::Format format : {data::Format::cifar10, data::Format::cifar100}) {
    try {
      const auto cifar = data::parse_cifar(input, format, "input");
      require(static_cast<size_t>(cifar.images.nbytes()) < input.size(), "images are in the file");
      require(cifar.images.size(0) == cifar.labels.size(0), "each image has a label");
    } catch (const IoError& error) {
      require(error.op() == "load_cifar", "an error names the reader");
    }
  }
}
