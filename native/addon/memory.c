/* malloc_trim(3) */
#include <malloc.h>

#include "addon.h"

static void read_nothing(struct arguments *in, void *request) {
  (void)in;
  (void)request;
}

/* 1 when memory went back to the system. */
static int run_trim(void *request) {
  (void)request;
  return malloc_trim(0);
}

const struct operation memory_operations[] = {
    {"trimMemory", SYNC | ASYNC, sizeof(int), read_nothing, run_trim, NULL},
    {0},
};
