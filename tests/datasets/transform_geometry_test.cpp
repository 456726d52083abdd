// The transforms that interpolate.
#include <cmath>
#include <cstring>

#include "../../core/ops.h"
#include "../../datasets/transform.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

Tensor picture(const Shape& shape, uint64_t seed = 1) {
  Rng random(seed);
  return rand(shape, random);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.contiguous().raw_data(), b.contiguous().raw_data(),
                                               static_cast<size_t>(a.nbytes())) == 0;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return amax(abs(a - b)).item();
}

/// Values that arithmetic does not leave alone, even where it adds 0 or multiplies by 1.
Tensor delicate() {
  return tensor<float>({-0.F, 1e-40F, INFINITY, -INFINITY, NAN, 3}, {1, 2, 3});
}

Tensor run(const Transform& transform, const Tensor& image, uint64_t seed = 0) {
  Rng random(seed, Stream::augmentation);
  return transform(image, random);
}

/// Row y, column x has the value 100 y + x.
Tensor ramp(int64_t height, int64_t width) {
  Tensor image = Tensor::empty({1, height, width});
  for (int64_t i = 0; i < image.numel(); ++i) {
    const int64_t row = i / width, column = i % width;
    image.mutable_data<float>()[i] = static_cast<float>(100 * row + column);
  }
  return image;
}

}  // namespace

TEST_CASE("an affine map with identity parameters gives the same bits") {
  CHECK(same_bits(affine(delicate(), {}), delicate()));
  CHECK(same_bits(affine(delicate(), {.angle = 360}), delicate()));
  CHECK(same_bits(rotate(delicate(), 0), delicate()));
  CHECK(same_bits(run(RandomAffine{}, delicate()), delicate()));
  CHECK(same_bits(run(RandomRotation{.degrees = 0}, delicate()), delicate()));
  CHECK(same_bits(run(RandomScale{.min = 1, .max = 1}, delicate()), delicate()));
  CHECK(same_bits(run(ElasticTransform{.alpha = 0}, delicate()), delicate()));
}

TEST_CASE("a shift by one pixel moves pixels exactly") {
  const Tensor image = tensor<float>({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  CHECK(affine(image, {.translate = {1, 0}}).to_vector<float>() ==
        std::vector<float>{0, 1, 2, 0, 4, 5});
  CHECK(affine(image, {.translate = {0, 1}, .fill = 9}).to_vector<float>() ==
        std::vector<float>{9, 9, 9, 1, 2, 3});
  CHECK(affine(image, {.translate = {-2, -1}}).to_vector<float>() ==
        std::vector<float>{6, 0, 0, 0, 0, 0});
}

TEST_CASE("a shift by half a pixel is the mean of neighbours, with the fill value around") {
  const Tensor image = tensor<float>({2, 4, 8}, {1, 1, 3});
  CHECK(affine(image, {.translate = {0.5, 0}}).to_vector<float>() == std::vector<float>{1, 3, 6});
  CHECK(affine(image, {.translate = {0.5, 0}, .fill = 10}).to_vector<float>() ==
        std::vector<float>{6, 3, 6});
  CHECK(affine(image, {.translate = {0, 0.25}}).to_vector<float>() ==
        std::vector<float>{1.5, 3, 6});
}

TEST_CASE("a rotation by 90 degrees counter-clockwise is a transpose and a flip") {
  for (const int64_t side : {4, 5}) {
    const Tensor image = picture({2, side, side});
    // The last column becomes the first row.
    const Tensor turned = horizontal_flip(image).transpose(1, 2);
    CHECK(same_bits(rotate(image, 90), turned));
    CHECK(same_bits(rotate(image, -270), turned));
    CHECK(same_bits(rotate(rotate(image, 90), -90), image));
    CHECK(same_bits(rotate(rotate(image, 90), 90), rotate(image, 180)));
    CHECK(same_bits(affine(image, {.angle = 90}), rotate(image, -90)));
  }
  const Tensor image = tensor<float>({1, 2, 3, 4}, {1, 2, 2});
  CHECK(rotate(image, 90).to_vector<float>() == std::vector<float>{2, 4, 1, 3});
  CHECK(rotate(image, 180).to_vector<float>() == std::vector<float>{4, 3, 2, 1});
}

TEST_CASE("rotations add up, inside of the image") {
  Tensor image = zeros({1, 41, 41});  // a smooth bump off the centre
  for (int64_t i = 0; i < image.numel(); ++i) {
    const int64_t row = i / 41, column = i % 41;
    const auto y = static_cast<double>(row - 14), x = static_cast<double>(column - 22);
    image.mutable_data<float>()[i] = static_cast<float>(std::exp(-(x * x + y * y) / 40));
  }
  CHECK(largest_difference(rotate(rotate(image, 20), 25), rotate(image, 45)) < 0.02);
  CHECK(largest_difference(rotate(image, 45), image) > 0.5);
}

TEST_CASE("bilinear interpolation is exact for linear images") {
  const Tensor image = ramp(9, 9);
  const Tensor half = affine(image, {.scale = 0.5});  // half the size: steps of two
  const float* const h = half.data<float>();
  CHECK(h[4 * 9 + 4] == 404);
  CHECK(h[4 * 9 + 5] == 406);
  CHECK(h[5 * 9 + 4] == 604);
  CHECK(h[0] == 0);  // outside
  const Tensor twice = affine(image, {.scale = 2});
  const float* const t = twice.data<float>();
  CHECK(t[4 * 9 + 5] == 404.5F);
  CHECK(t[5 * 9 + 4] == 454);
  const Tensor shifted = affine(image, {.translate = {0.25, -0.5}});
  CHECK(shifted.data<float>()[3 * 9 + 3] == doctest::Approx(352.75));
}

TEST_CASE("shear moves rows along x, about the middle") {
  const Tensor image = ramp(5, 5);
  const Tensor sheared = affine(image, {.shear = {45, 0}});
  const float* const s = sheared.data<float>();
  CHECK(s[2 * 5 + 2] == doctest::Approx(202));  // the centre stays
  CHECK(s[3 * 5 + 2] == doctest::Approx(303));  // the row below moved left
  CHECK(s[1 * 5 + 2] == doctest::Approx(101));
  const Tensor along_y = affine(image, {.shear = {0, 45}});
  CHECK(along_y.data<float>()[2 * 5 + 3] == doctest::Approx(303));
}

TEST_CASE("images of one pixel, and of one row, can be transformed") {
  const Tensor dot = full({1, 1, 1}, 3);
  CHECK(rotate(dot, 33).item() == doctest::Approx(3));
  CHECK(run(ElasticTransform{}, picture({2, 1, 7})).shape() == Shape{2, 1, 7});
  CHECK(run(RandomAffine{.degrees = 90, .translate = {1, 1}}, picture({1, 3, 9})).shape() ==
        Shape{1, 3, 9});
}

TEST_CASE("a random affine map stays within its bounds") {
  Tensor dot = zeros({1, 21, 21});
  dot.mutable_data<float>()[10 * 21 + 10] = 1;  // in the centre: only the shift moves it
  bool far = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const RandomAffine transform{.degrees = 45, .translate = {0.2, 0.1}};
    const Tensor moved = run(transform, dot, seed);
    const auto at = static_cast<int64_t>(argmax(moved.reshape({-1})).item());
    CHECK(moved.reshape({-1}).select(0, at).item() == doctest::Approx(1));
    CHECK(std::abs(at % 21 - 10) <= 4);
    CHECK(std::abs(at / 21 - 10) <= 2);
    far = far || std::abs(at % 21 - 10) == 4;
  }
  CHECK(far);
}

TEST_CASE("geometric transforms refuse options that make no sense") {
  const Tensor image = picture({1, 4, 4});
  CHECK(contains(error_of<ValueError>([&] { affine(image, {.scale = 0}); }),
                 "scale must be positive"));
  CHECK(contains(error_of<ValueError>([&] { affine(image, {.angle = NAN}); }), "angle nan"));
  CHECK_THROWS_AS(affine(image, {.shear = {90, 0}}), ValueError);
  CHECK(contains(error_of<ShapeError>([] {
                   rotate(zeros({1, 1, 40000}), 5);
                 }),
                 "images have at most 32768 rows and columns, got [1,1,40000]"));
  CHECK(contains(error_of<ValueError>([&] { run(RandomRotation{.degrees = -1}, image); }),
                 "degrees must be finite and not negative, got -1"));
  CHECK(contains(error_of<ValueError>([&] { run(RandomScale{.min = 2, .max = 1}, image); }),
                 "in order, got [2, 1]"));
  CHECK_THROWS_AS(run(RandomAffine{.translate = {-1, 0}}, image), ValueError);
  CHECK_THROWS_AS(run(ElasticTransform{.sigma = 0}, image), ValueError);
  CHECK_THROWS_AS(run(ElasticTransform{.alpha = INFINITY}, image), ValueError);
}

TEST_CASE("a displacement says where each pixel comes from") {
  const Tensor image = tensor<float>({1, 2, 3, 4}, {1, 2, 2});
  // To the left neighbour, from the right; up from below; half way; far outside.
  const Tensor by = tensor<float>({1, 0, 0.5, 1e30F, 0, 1, 0, 0}, {2, 2, 2});
  CHECK(displace(image, by, 7).to_vector<float>() == std::vector<float>{2, 4, 3.5F, 7});
  CHECK(same_bits(displace(image, zeros({2, 2, 2})), image));
  CHECK(contains(error_of<ShapeError>([&] {
                   displace(image, zeros({2, 3, 2}));
                 }),
                 "expected a displacement [2,2,2] for an image [1,2,2], got [2,3,2]"));
}

TEST_CASE("elastic distortion moves pixels by the promised distance, smoothly") {
  // On a ramp along x, the difference to the image is the displacement along x itself.
  Tensor image = Tensor::empty({1, 100, 100});
  for (int64_t i = 0; i < image.numel(); ++i) {
    image.mutable_data<float>()[i] = static_cast<float>(i % 100);
  }
  const double alpha = 20, sigma = 4;
  double squares = 0, steps = 0;
  int64_t count = 0;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Tensor moved = run(ElasticTransform{.alpha = alpha, .sigma = sigma}, image, seed);
    const Tensor displacement = moved - image;
    const float* const d = displacement.data<float>();
    for (int64_t y = 20; y < 80; ++y) {
      for (int64_t x = 20; x < 80; ++x, ++count) {
        squares += d[y * 100 + x] * d[y * 100 + x];
        const double step = d[y * 100 + x + 1] - d[y * 100 + x];
        steps += step * step;
      }
    }
  }
  const double pi = std::acos(-1.0);
  const double expected = alpha / (sigma * std::sqrt(12 * pi));
  const double found = std::sqrt(squares / static_cast<double>(count));
  CHECK(found == doctest::Approx(expected).epsilon(0.15));
  // For a field smoothed by a Gaussian, the slope is the size over sigma sqrt(2).
  const double slope = std::sqrt(steps / static_cast<double>(count));
  CHECK(slope == doctest::Approx(found / (sigma * std::sqrt(2.0))).epsilon(0.15));
}

TEST_CASE("elastic distortion is the same for all channels") {
  const Tensor gray = picture({1, 9, 9});
  const Tensor moved = run(ElasticTransform{.sigma = 2}, cat({gray, gray}), 4);
  CHECK(same_bits(moved.select(0, 0), moved.select(0, 1)));
  CHECK_FALSE(same_bits(moved.narrow(0, 0, 1), gray));
}
