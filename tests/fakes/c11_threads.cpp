// Debian's librdkafka starts its threads by C11's thrd_create, which gcc 12's thread sanitizer does
// not know: programs die at once. This one goes over pthreads, which it knows. Only in builds for
// the thread sanitizer.

#include <pthread.h>
#include <threads.h>

#include <cstdint>
#include <memory>

namespace {

struct Start {
  thrd_start_t body;
  void* argument;
};

void* run(void* memory) {
  const std::unique_ptr<Start> start(static_cast<Start*>(memory));
  return reinterpret_cast<void*>(static_cast<intptr_t>(start->body(start->argument)));
}

}  // namespace

extern "C" int thrd_create(thrd_t* thread, thrd_start_t body, void* argument) {
  auto start = std::make_unique<Start>(Start{body, argument});
  pthread_t created{};
  if (pthread_create(&created, nullptr, run, start.get()) != 0) return thrd_error;
  (void)start.release();
  *thread = created;
  return thrd_success;
}

extern "C" int thrd_join(thrd_t thread, int* result) {
  void* value = nullptr;
  if (pthread_join(thread, &value) != 0) return thrd_error;
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<intptr_t>(value));
  return thrd_success;
}
