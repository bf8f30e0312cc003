/* syncfs(2) */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "addon.h"

struct sync_request {
  char path[PATH_SIZE];
};

/* syncFileSystem(path): what the file system of `path` has in memory is on its disk afterwards. */
static void read_sync(struct arguments *in, void *request) {
  take_path(in, ((struct sync_request *)request)->path);
}

static int run_sync(void *request) {
  const struct sync_request *sync = request;
  int fd = open(sync->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  int result = syncfs(fd) == 0 ? 0 : -errno;
  close(fd);
  return result;
}

const struct operation sync_operations[] = {
    {"syncFileSystem", ASYNC, sizeof(struct sync_request), read_sync, run_sync, NULL},
    {0},
};
