#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

// Calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign by this thread since
// it started. Linking this target puts the counting functions before those of the C library.
uint64_t allocationsOfThisThread(void);

#endif
