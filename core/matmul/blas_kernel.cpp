// OpenBLAS starts a thread for each processor as soon as it is loaded: before main(), if a
// program is linked with it, and before anything could tell it that one is wanted. These threads
// cost memory and the time of a start, and if address space is short they never end. So the
// library is not linked but loaded when it is first needed, by a thread that is confined to one
// processor meanwhile.
#include "blas_kernel.h"

#include <cblas.h>
#include <sys/mman.h>

#include <atomic>
#include <memory>

#ifdef GRADUS_OPENBLAS_NAME
#include <dlfcn.h>
#include <sched.h>
#endif

#include "../base/error.h"

namespace gradus::kernels {

namespace {

struct Blas {
  decltype(&openblas_set_num_threads) set_num_threads;
  decltype(&openblas_get_config) get_config;
  decltype(&openblas_get_corename) get_corename;
  void* library;  // null if it is linked
};

#ifdef GRADUS_OPENBLAS_NAME

/// Confines the calling thread to the processor it is on. If the system does not allow that, all
/// stays as it is.
class OneProcessor {
 public:
  OneProcessor() {
    const int here = sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    if (here >= 0 && here < CPU_SETSIZE) CPU_SET(here, &one);
    confined_ = sched_getaffinity(0, sizeof usual_, &usual_) == 0 &&
                sched_setaffinity(0, sizeof one, &one) == 0;
  }
  ~OneProcessor() {
    if (confined_) sched_setaffinity(0, sizeof usual_, &usual_);
  }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  cpu_set_t usual_;
  bool confined_;
};

/// The library by its name, as a program that is linked with it would find it; or else where it was
/// when Gradus was built.
void* open_library() {
  const OneProcessor confined;
  void* library = dlopen(GRADUS_OPENBLAS_NAME, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) library = dlopen(GRADUS_OPENBLAS_PATH, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error("blas", str("cannot load ", GRADUS_OPENBLAS_NAME, ": ", dlerror()),
                "install OpenBLAS, or name its folder in LD_LIBRARY_PATH");
  }
  return library;
}

template <class Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function != nullptr) return;
  throw Error("blas", str(GRADUS_OPENBLAS_NAME, " has no function ", name),
              "another library has this name: LD_LIBRARY_PATH decides which one is found");
}

Blas load() {
  void* const library = open_library();
  Blas blas{.library = library};
  find(library, "openblas_set_num_threads", blas.set_num_threads);
  find(library, "openblas_get_config", blas.get_config);
  find(library, "openblas_get_corename", blas.get_corename);
  return blas;
}

#else

Blas load() {
  return {openblas_set_num_threads, openblas_get_config, openblas_get_corename, nullptr};
}

#endif

std::atomic<const Blas*> loaded = nullptr;

/// Without a lock, which the child of a fork might find taken. Threads that come together find the
/// same functions.
const Blas& blas() {
  const Blas* known = loaded.load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  auto fresh = std::make_unique<const Blas>(load());
  // All threads are parallel_for's: a BLAS with threads of its own would fight with them.
  fresh->set_num_threads(1);
  return loaded.compare_exchange_strong(known, fresh.get()) ? *fresh.release() : *known;
}

/// OpenBLAS takes a buffer for each thread that multiplies, and if there is no memory asks for
/// it forever. So each thread asks once before.
void check_room_for_buffer() {
  constexpr size_t buffer = size_t{128} << 20;
  thread_local bool has_room = false;
  if (has_room) return;
  void* const room =
      mmap(nullptr, buffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require<Error>(room != MAP_FAILED, "lapack", "raise the limit (ulimit -v), or use fewer threads",
                 "OpenBLAS needs ", buffer,
                 " bytes of addresses for each thread, and the system has no more");
  munmap(room, buffer);
  has_room = true;
}

}  // namespace

void* find_in_blas(const char* name) {
  check_room_for_buffer();
#ifdef GRADUS_OPENBLAS_NAME
  return dlsym(blas().library, name);
#else
  static_cast<void>(name);
  return blas().library;
#endif
}

std::string blas_description() {
  return str(blas().get_config(), ", kernels for ", blas().get_corename());
}

}  // namespace gradus::kernels
