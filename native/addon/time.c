/* utimensat(2) of the path itself, links not followed */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "addon.h"

struct time_request {
  char path[PATH_SIZE];
  struct timespec times[2];
};

/* setTimes(path, accessSeconds, accessNanoseconds, modifiedSeconds, modifiedNanoseconds); -1 ns leaves a time as it is. */
static void read_times(struct arguments *in, void *request) {
  struct time_request *entry = request;
  take_path(in, entry->path);
  for (int i = 0; i < 2; i++) {
    entry->times[i] = take_time(in);
    if (entry->times[i].tv_nsec == -1) entry->times[i].tv_nsec = UTIME_OMIT;
  }
}

static int run_times(void *request) {
  const struct time_request *entry = request;
  return utimensat(AT_FDCWD, entry->path, entry->times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

const struct operation time_operations[] = {
    {"setTimes", SYNC | ASYNC, sizeof(struct time_request), read_times, run_times, NULL},
    {0},
};
