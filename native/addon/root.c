/* chroot(2), fchdir(2), openat2(2) */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"

struct path_request {
  char path[PATH_SIZE];
};

static void read_path(struct arguments *in, void *request) {
  struct path_request *root = request;
  take_path(in, root->path);
}

/* The working directory moves too: one outside the new root would be a way out of it. */
static int run_chroot(void *request) {
  const struct path_request *root = request;
  if (chroot(root->path) != 0) return -errno;
  return chdir("/") == 0 ? 0 : -errno;
}

struct descriptor_request {
  int fd;
};

static void read_descriptor(struct arguments *in, void *request) {
  struct descriptor_request *directory = request;
  directory->fd = take_int(in);
}

static int run_fchdir(void *request) {
  const struct descriptor_request *directory = request;
  return fchdir(directory->fd) == 0 ? 0 : -errno;
}

struct open_request {
  int directory;
  char path[PATH_SIZE];
  struct open_how how;
};

/* openAt(directory, path, flags, mode, resolve): openat2, always close-on-exec. */
static void read_open(struct arguments *in, void *request) {
  struct open_request *open = request;
  open->directory = take_int(in);
  take_path(in, open->path);
  open->how.flags = (uint64_t)take_integer(in) | O_CLOEXEC;
  open->how.mode = (uint64_t)take_integer(in);
  open->how.resolve = (uint64_t)take_integer(in);
}

static int run_open(void *request) {
  struct open_request *open = request;
  long fd = syscall(SYS_openat2, open->directory, open->path, &open->how, sizeof open->how);
  return fd < 0 ? -errno : (int)fd;
}

const struct operation root_operations[] = {
    {"changeRoot", SYNC, sizeof(struct path_request), read_path, run_chroot, NULL},
    {"fchdir", SYNC, sizeof(struct descriptor_request), read_descriptor, run_fchdir, NULL},
    {"openAt", SYNC | ASYNC, sizeof(struct open_request), read_open, run_open, NULL},
    {0},
};
