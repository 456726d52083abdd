// Has what no *.simd.cpp may have; the check of their symbols must find it.
__attribute__((noinline)) inline int shared_by_all_files(int x) {
  return x * x;
}

int uses_it(int x) {
  return shared_by_all_files(x);
}
