/* flock(2) */
#include <errno.h>
#include <sys/file.h>

#include "addon.h"

struct lock_request {
  int fd;
};

static void read_lock(struct arguments *in, void *request) {
  struct lock_request *lock = request;
  lock->fd = take_int(in);
}

/* Never waits: EWOULDBLOCK when another open file holds the lock. */
static int run_lock(void *request) {
  const struct lock_request *lock = request;
  return flock(lock->fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}

const struct operation lock_operations[] = {
    {"lockExclusive", SYNC, sizeof(struct lock_request), read_lock, run_lock, NULL},
    {0},
};
