#include "../../datasets/transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../../core/ops.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

/// [1, 2, 3] with the values 1 to 6.
Tensor small() {
  return tensor<float>({1, 2, 3, 4, 5, 6}, {1, 2, 3});
}

/// Three random channels of 6 x 5.
Tensor picture(uint64_t seed = 1) {
  Rng random(seed);
  return rand({3, 6, 5}, random);
}

std::vector<float> values(const Tensor& image) {
  return image.to_vector<float>();
}

Tensor run(const Transform& transform, const Tensor& image, uint64_t seed = 0) {
  Rng random(seed, Stream::augmentation);
  return transform(image, random);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.contiguous().raw_data(), b.contiguous().raw_data(),
                     static_cast<size_t>(a.nbytes())) == 0;
}

/// Values that arithmetic does not leave alone, even where it adds 0 or multiplies by 1.
Tensor delicate() {
  return tensor<float>({-0.F, 1e-40F, INFINITY, -INFINITY, NAN, 3}, {1, 2, 3});
}

}  // namespace

// --- Scaling -------------------------------------------------------------------------------------

TEST_CASE("bytes become floats between 0 and 1, floats stay") {
  const Tensor image = run(ToFloat{}, tensor<uint8_t>({0, 51, 255}, {1, 1, 3}));
  CHECK(image.dtype() == float32);
  CHECK(values(image) == std::vector<float>{0, 0.2F, 1});
  CHECK(same_bits(run(ToFloat{}, delicate()), delicate()));
  CHECK(contains(error_of<DTypeError>([] {
                   run(ToFloat{}, zeros({1, 2, 2}, int64));
                 }),
                 "expected uint8 or float32, got int64"));
}

TEST_CASE("normalizing takes the mean off and divides by the standard deviation, per channel") {
  const Tensor two = tensor<float>({1, 3, 10, 20}, {2, 1, 2});
  CHECK(values(run(Normalize{.mean = {1}, .std = {2}}, two)) ==
        std::vector<float>{0, 1, 4.5F, 9.5F});
  CHECK(values(run(Normalize{.mean = {1, 10}, .std = {2, 5}}, two)) ==
        std::vector<float>{0, 1, 0, 2});
}

TEST_CASE("transforms take denormal numbers for zero, as kernels do") {
  const Tensor faint = full({2, 1, 2, 2}, 1e-40);
  const Tensor lit = apply(Normalize{.mean = {0}, .std = {1e-30}}, faint, Rng(0));
  CHECK(values(lit) == std::vector<float>(8, 0));
}

TEST_CASE("the inverse of a normalization shows the image again") {
  const Normalize normalize{.mean = {0.1, 0.2, 0.3}, .std = {0.5, 0.25, 2}};
  const Tensor image = picture();
  const Tensor back = run(normalize.inverse(), run(normalize, image));
  for (size_t i = 0; i < values(image).size(); ++i) {
    CHECK(values(back)[i] == doctest::Approx(values(image)[i]).epsilon(1e-6));
  }
}

TEST_CASE("a min-max scale takes one range to another, and its inverse takes it back") {
  const MinMaxScale scale{.from_min = 0, .from_max = 255, .to_min = -1, .to_max = 1};
  const Tensor image = tensor<float>({0, 51, 255, 510}, {1, 2, 2});
  const Tensor scaled = run(scale, image);
  CHECK(values(scaled)[0] == -1);
  CHECK(values(scaled)[1] == doctest::Approx(-0.6));
  CHECK(values(scaled)[2] == 1);
  CHECK(values(scaled)[3] == 3);  // outside stays outside
  const Tensor back = run(scale.inverse(), scaled);
  for (size_t i = 0; i < 4; ++i) CHECK(values(back)[i] == doctest::Approx(values(image)[i]));
}

TEST_CASE("scalings refuse options that make no sense") {
  const Tensor image = picture();
  CHECK(contains(error_of<ShapeError>([&] {
                   run(Normalize{.mean = {0, 0}, .std = {1, 1}}, image);
                 }),
                 "got 2 means and 2 standard deviations for an image [3,6,5]"));
  CHECK(contains(error_of<ValueError>([&] { run(Normalize{.std = {0}}, image); }),
                 "std must be positive, got 0"));
  CHECK(contains(error_of<ValueError>([&] { run(MinMaxScale{.from_min = 1}, image); }),
                 "minima must be below maxima, got from [1, 1]"));
}

// --- Cutting, mirroring, erasing -----------------------------------------------------------------

TEST_CASE("a crop has the pixels of the image, and the fill value outside of it") {
  CHECK(values(crop(small(), 0, 1, 2, 2)) == std::vector<float>{2, 3, 5, 6});
  CHECK(values(crop(small(), -1, -1, 2, 3, 9)) == std::vector<float>{9, 9, 9, 9, 1, 2});
  CHECK(values(crop(small(), 1, 2, 2, 2, 9)) == std::vector<float>{6, 9, 9, 9});
  CHECK(values(crop(small(), 5, 5, 1, 2, 7)) == std::vector<float>{7, 7});
  CHECK(values(crop(small(), -9, -9, 1, 2, 7)) == std::vector<float>{7, 7});
  CHECK_THROWS_AS(crop(small(), 0, 0, 0, 2), ValueError);
  CHECK(contains(error_of<ValueError>([] { crop(small(), INT64_MIN, 0, 2, 2); }),
                 "positions and sizes go up to 2^40 pixels; what lies outside of the image is "
                 "filled"));
}

TEST_CASE("a horizontal flip mirrors every row of every channel") {
  CHECK(values(horizontal_flip(small())) == std::vector<float>{3, 2, 1, 6, 5, 4});
  CHECK(same_bits(horizontal_flip(horizontal_flip(picture())), picture()));
}

TEST_CASE("a random flip mirrors with its probability") {
  CHECK(same_bits(run(RandomHorizontalFlip{.p = 0}, delicate()), delicate()));
  CHECK(values(run(RandomHorizontalFlip{.p = 1}, small())) == values(horizontal_flip(small())));
  int flipped = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    flipped += values(run(RandomHorizontalFlip{.p = 0.3}, small(), seed))[0] == 3 ? 1 : 0;
  }
  CHECK(flipped > 300 - 5 * 15);  // 15: the standard deviation
  CHECK(flipped < 300 + 5 * 15);
  CHECK(contains(error_of<ValueError>([] { run(RandomHorizontalFlip{.p = 1.5}, small()); }),
                 "p must be in [0, 1], got 1.5"));
}

TEST_CASE("a random shift moves by whole pixels, each within its bounds equally often") {
  Tensor dot = zeros({1, 7, 7});
  dot.mutable_data<float>()[3 * 7 + 3] = 1;
  std::vector<int> times(25);
  for (uint64_t seed = 0; seed < 2500; ++seed) {
    const std::vector<float> moved = values(run(RandomShift{.pixels = 2}, dot, seed));
    const auto at = std::find(moved.begin(), moved.end(), 1.F) - moved.begin();
    REQUIRE(std::count(moved.begin(), moved.end(), 0.F) == 48);
    const auto row = at / 7 - 1, column = at % 7 - 1;
    REQUIRE(row >= 0);
    REQUIRE(row < 5);
    REQUIRE(column >= 0);
    REQUIRE(column < 5);
    ++times[static_cast<size_t>(row * 5 + column)];
  }
  for (const int n : times) {
    CHECK(n > 50);  // five standard deviations around 100
    CHECK(n < 150);
  }
}

TEST_CASE("a shift brings in the fill value") {
  CHECK(same_bits(run(RandomShift{.pixels = 0}, delicate()), delicate()));
  bool moved = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> v = values(run(RandomShift{.pixels = 1, .fill = -5}, small(), seed));
    moved = moved || std::count(v.begin(), v.end(), -5.F) > 0;
    for (const float value : v) CHECK((value == -5 || (value >= 1 && value <= 6)));
  }
  CHECK(moved);
  CHECK_THROWS_AS(run(RandomShift{.pixels = -1}, small()), ValueError);
  CHECK_THROWS_AS(run(RandomShift{.pixels = INT64_MAX}, small()), ValueError);
}

TEST_CASE("a random crop of the padded image has its size and comes from every place") {
  const RandomCrop transform{.size = {2, 3}, .padding = 1};
  std::vector<std::vector<float>> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Tensor image = run(transform, small(), seed);
    CHECK(image.shape() == Shape{1, 2, 3});
    seen.push_back(values(image));
  }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  CHECK(seen.size() == 9);  // three rows by three columns
  CHECK(same_bits(run(RandomCrop{.size = {2, 3}}, delicate()), delicate()));
  CHECK(contains(error_of<ShapeError>([] {
                   run(RandomCrop{.size = {5, 3}, .padding = 1}, small());
                 }),
                 "cannot cut 5 x 3 out of [1,2,3] with padding 1"));
  CHECK_THROWS_AS(run(RandomCrop{.size = {2, 3}, .padding = -1}, small()), ValueError);
}

TEST_CASE("random erasing overwrites one rectangle of every channel, of a share of the area") {
  const Tensor image = ones({2, 20, 20});
  int erased = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const RandomErasing transform{.p = 0.5, .scale = {0.1, 0.2}, .ratio = {0.5, 2}, .value = -1};
    const std::vector<float> v = values(run(transform, image, seed));
    const auto count = std::count(v.begin(), v.begin() + 400, -1.F);
    CHECK(std::equal(v.begin(), v.begin() + 400, v.begin() + 400));
    if (count == 0) continue;
    ++erased;
    CHECK(count >= 30);  // 40 to 80 pixels, up to the rounding of both sides
    CHECK(count <= 95);
    const auto first = std::find(v.begin(), v.end(), -1.F) - v.begin();
    const auto columns = std::find(v.begin() + first, v.end(), 1.F) - v.begin() - first;
    CHECK(count % columns == 0);
    for (int64_t i = 0; i < count; ++i) {
      CHECK(v[static_cast<size_t>(first + i / columns * 20 + i % columns)] == -1);
    }
  }
  CHECK(erased > 100 - 5 * 7);
  CHECK(erased < 100 + 5 * 7);
}

TEST_CASE("random erasing leaves an image alone where nothing fits, and never changes its input") {
  const Tensor image = delicate();
  CHECK(same_bits(run(RandomErasing{.p = 0}, image), delicate()));
  const RandomErasing too_long{.p = 1, .scale = {0.9, 0.9}, .ratio = {50, 50}};
  CHECK(same_bits(run(too_long, image), delicate()));
  CHECK_FALSE(same_bits(run(RandomErasing{.p = 1, .scale = {0.5, 0.5}, .value = 4}, image), image));
  CHECK(same_bits(image, delicate()));
  CHECK_THROWS_AS(run(RandomErasing{.scale = {0.5, 0.1}}, image), ValueError);
  CHECK_THROWS_AS(run(RandomErasing{.ratio = {0, 1}}, image), ValueError);
}

// --- Composition and batches ---------------------------------------------------------------------

TEST_CASE("composed transforms run one after the other") {
  const Compose twice{{RandomHorizontalFlip{.p = 1}, Normalize{.mean = {1}, .std = {1}}}};
  CHECK(values(run(twice, small())) == std::vector<float>{2, 1, 0, 5, 4, 3});
  CHECK(same_bits(run(Compose{}, delicate()), delicate()));
  CHECK_THROWS_AS(run(Compose{{nullptr}}, small()), ValueError);
}

TEST_CASE("a transform is a function of image and generator alone") {
  const Compose all{{RandomAffine{.degrees = 20, .translate = {0.2, 0.2}, .scale = {0.8, 1.2}},
                     ElasticTransform{.alpha = 5, .sigma = 1}, RandomErasing{},
                     RandomHorizontalFlip{}, RandomShift{}, RandomCrop{.size = {5, 5}}}};
  CHECK(same_bits(run(all, picture(), 7), run(all, picture(), 7)));
  CHECK_FALSE(same_bits(run(all, picture(), 7), run(all, picture(), 8)));
}

TEST_CASE("every image of a batch has random numbers of its own, wherever the batch was cut") {
  Rng random(3);
  const Tensor images = rand({6, 1, 8, 8}, random);
  const Rng of_epoch = Rng(9, Stream::augmentation).fork(2);
  const Transform transform = RandomAffine{.degrees = 30};
  const Tensor all = apply(transform, images, of_epoch);
  CHECK(all.shape() == Shape{6, 1, 8, 8});
  const Tensor rest = apply(transform, images.narrow(0, 2, 4), of_epoch, {.first = 2});
  CHECK(same_bits(rest, all.narrow(0, 2, 4)));
  Rng of_sample = of_epoch.fork(5);
  CHECK(same_bits(all.select(0, 5), transform(images.select(0, 5), of_sample)));
}

TEST_CASE("a transform may change shape and type, the same for all") {
  const Tensor bytes = full({4, 1, 6, 6}, 255, uint8);
  const Compose transform{{ToFloat{}, RandomCrop{.size = {3, 2}}}};
  const Tensor batch = apply(transform, bytes, Rng(0));
  CHECK(batch.shape() == Shape{4, 1, 3, 2});
  CHECK(values(batch) == std::vector<float>(24, 1.F));
  const Transform uneven = [](const Tensor& image, Rng& random) {
    return random.below(2) == 0 ? image : image.narrow(1, 0, 2);
  };
  CHECK(contains(error_of<ShapeError>([&] {
                   apply(uneven, zeros({20, 1, 3, 3}), Rng(0));
                 }),
                 "others of the batch float32 [1,"));
}

TEST_CASE("an error names the sample that it is about, and keeps its type") {
  const std::vector<int64_t> numbers = {40, 41, 42};
  const Transform fragile = [](const Tensor& image, Rng&) {
    if (image.data<float>()[0] > 1) throw IoError("fragile", "too bright", "close the curtains");
    return image;
  };
  const Tensor images = tensor<float>({0, 1, 2}, {3, 1, 1, 1});
  CHECK(error_of<IoError>([&] { apply(fragile, images, Rng(0)); }) ==
        "[fragile] (sample 2) too bright. Hint: close the curtains");
  CHECK(error_of<IoError>([&] { apply(fragile, images, Rng(0), {.numbers = numbers}); }) ==
        "[fragile] (sample 42) too bright. Hint: close the curtains");
  const Transform foreign = [](const Tensor&, Rng&) -> Tensor {
    throw std::runtime_error("out of paper");
  };
  CHECK(error_of<Error>([&] { apply(foreign, images, Rng(0), {.numbers = numbers}); }) ==
        "[transform] sample 40: out of paper. Hint: the transform threw this, for this sample");
  CHECK_THROWS_AS(apply(nullptr, images, Rng(0)), ValueError);
  CHECK_THROWS_AS(apply(fragile, zeros({0, 1, 2, 2}), Rng(0)), ShapeError);
  CHECK_THROWS_AS(apply(fragile, images, Rng(0), {.numbers = std::span(numbers).first(2)}),
                  ValueError);
}

TEST_CASE("what is no float image is refused with what to do") {
  CHECK(contains(error_of<DTypeError>([] {
                   run(RandomShift{}, zeros({1, 2, 2}, uint8));
                 }),
                 "[random_shift] expected a float32 image, got uint8 [1,2,2]. Hint: put ToFloat"));
  CHECK(contains(error_of<ShapeError>([] {
                   run(RandomAffine{}, zeros({2, 2}));
                 }),
                 "expected an image [C,H,W], got [2,2]"));
}
