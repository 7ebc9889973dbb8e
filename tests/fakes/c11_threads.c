/* Debian's librdkafka starts its threads by C11's thrd_create, which gcc 12's thread sanitizer does not
   know: programs die at once. This one goes over pthreads, which it knows. Thread sanitizer only. */

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct start {
  thrd_start_t body;
  void* argument;
};

static void* run(void* memory) {
  const struct start start = *(struct start*)memory;
  free(memory);
  return (void*)(intptr_t)start.body(start.argument);
}

int thrd_create(thrd_t* thread, thrd_start_t body, void* argument) {
  struct start* start = malloc(sizeof *start);
  if (start == NULL) return thrd_nomem;
  *start = (struct start){body, argument};
  pthread_t created;
  if (pthread_create(&created, NULL, run, start) != 0) {
    free(start);
    return thrd_error;
  }
  *thread = created;
  return thrd_success;
}

int thrd_join(thrd_t thread, int* result) {
  void* value = NULL;
  if (pthread_join(thread, &value) != 0) return thrd_error;
  if (result != NULL) *result = (int)(intptr_t)value;
  return thrd_success;
}
