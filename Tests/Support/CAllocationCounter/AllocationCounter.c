// Counts allocations by thread: each function passes the call on to the next definition of its
// name, the C library's.
#define _GNU_SOURCE
#include "AllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static __thread uint64_t count __attribute__((tls_model("initial-exec")));

uint64_t allocationsOfThisThread(void) { return count; }

#define NEXT(result, name, ...)                                                                 \
  typedef result (*name##_type)(__VA_ARGS__);                                                   \
  static name##_type next_##name;                                                               \
  static name##_type get_##name(void) {                                                         \
    if (!next_##name) next_##name = (name##_type)dlsym(RTLD_NEXT, #name);                       \
    return next_##name;                                                                         \
  }

NEXT(void *, malloc, size_t)
NEXT(void *, calloc, size_t, size_t)
NEXT(void *, realloc, void *, size_t)
NEXT(void *, memalign, size_t, size_t)
NEXT(void *, aligned_alloc, size_t, size_t)
NEXT(int, posix_memalign, void **, size_t, size_t)
NEXT(void, free, void *)

// dlsym itself may call calloc before it is found: it gets its memory here.
static char early[4096];
static size_t earlyUsed;
static __thread int isFinding __attribute__((tls_model("initial-exec")));

void *malloc(size_t size) {
  count++;
  return get_malloc()(size);
}

void *calloc(size_t n, size_t size) {
  count++;
  if (!next_calloc) {
    if (isFinding) {
      size_t bytes = (n * size + 15) & ~(size_t)15;
      if (earlyUsed + bytes > sizeof early) return NULL;
      void *place = early + earlyUsed;
      earlyUsed += bytes;
      return place;
    }
    isFinding = 1;
    get_calloc();
    isFinding = 0;
  }
  return next_calloc(n, size);
}

void *realloc(void *place, size_t size) {
  count++;
  return get_realloc()(place, size);
}

void *memalign(size_t alignment, size_t size) {
  count++;
  return get_memalign()(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  return get_aligned_alloc()(alignment, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
  count++;
  return get_posix_memalign()(place, alignment, size);
}

void free(void *place) {
  if ((char *)place >= early && (char *)place < early + sizeof early) return;
  get_free()(place);
}
