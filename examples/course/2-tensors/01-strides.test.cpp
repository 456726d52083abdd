#include COURSE_FILE

namespace {

/// Where something was written in `memory`; -1 if nowhere, -2 if in several places.
int64_t written(const Tensor& memory) {
  const auto values = memory.to_vector<double>();
  int64_t at = -1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0) at = at == -1 ? static_cast<int64_t>(i) : -2;
  }
  return at;
}

void check_view(const std::string& what, const Tensor& memory, const Tensor& x, int64_t i,
                int64_t j) {
  const int64_t start = x.data<double>() - memory.data<double>();
  const int64_t s0 = x.strides()[0], s1 = x.strides()[1], columns = x.shape()[1];
  const int64_t right = i * s0 + j * s1;
  set(x, i, j, 7);
  const int64_t at = written(memory) == -1 ? -1 : written(memory) - start;
  if (written(memory) >= 0 && at == right) {
    course::same("the number written to " + what, select(select(x, 0, i), 0, j).item(), 7);
    return;
  }
  const std::string numbers =
      str("Element [", i, ",", j, "] of ", what, " (shape ", x.shape(), ", strides [", s0, ",", s1,
          "]) is ", right, " elements from the first one. ");
  if (written(memory) == -1)
    course::fail(numbers + "Nothing was written there, or anywhere in its memory.",
                 "Was it written to a copy? contiguous() and clone() make new memory.");
  if (written(memory) == -2) course::fail(numbers + "Yours has written to several places.");
  const std::string yours = str(numbers, "Yours was written ", at, " elements from it.");
  if (at == 8 * right)
    course::fail(yours, "Strides are in elements, and so is what is added to a double*: no 8.");
  if (at == i * columns + j)
    course::fail(yours,
                 "i * columns + j holds for a matrix in row-major order only; the strides "
                 "say where the elements of a view are.");
  if (at == j * s0 + i * s1)
    course::fail(yours, "The strides are swapped: strides()[0] belongs to the first index, i.");
  course::fail(yours);
}

}  // namespace

int main() {
  return course::run([] {
    const auto memory = [] { return zeros({64, 64}, float64); };
    Tensor m = memory();
    check_view("a matrix", m, m, 2, 3);
    m = memory();
    check_view("a transpose", m, transpose(narrow(m, 1, 0, 5), 0, 1), 4, 1);
    m = memory();
    check_view("three columns of a matrix", m, narrow(m, 1, 2, 3), 2, 1);
    m = memory();
    check_view("every other row", m, slice(m, 0, 1, 4, 2), 3, 5);
  });
}
