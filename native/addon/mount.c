/* mount(2), umount2(2) */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "addon.h"

struct mount_request {
  char source[PATH_SIZE];
  char target[PATH_SIZE];
  char type[256];
  char data[PATH_SIZE];
  char directory[PATH_SIZE];
  unsigned long flags;
};

/* mountPath(source, target, type, flags, data, directory): relative paths in `data` start at `directory`, '' for none. */
static void read_mount(struct arguments *in, void *request) {
  struct mount_request *mount = request;
  take_path(in, mount->source);
  take_path(in, mount->target);
  take_text(in, mount->type, sizeof mount->type);
  mount->flags = (unsigned long)take_integer(in);
  take_path(in, mount->data);
  take_path(in, mount->directory);
}

static int mount_here(const struct mount_request *request) {
  const char *type = request->type[0] == '\0' ? NULL : request->type;
  const char *data = request->data[0] == '\0' ? NULL : request->data;
  return mount(request->source, request->target, type, request->flags, data) == 0 ? 0 : -errno;
}

struct away {
  const struct mount_request *request;
  int result;
};

static int enter(const char *directory) {
  if (unshare(CLONE_FS) != 0) return -errno;
  return chdir(directory) == 0 ? 0 : -errno;
}

static void *mount_away(void *data) {
  struct away *away = data;
  away->result = enter(away->request->directory);
  if (away->result == 0) away->result = mount_here(away->request);
  return NULL;
}

/* A thread of its own may have its own working directory; it ends with the call, so no other work ever sees that. */
static int mount_from_directory(const struct mount_request *request) {
  struct away away = {.request = request, .result = 0};
  pthread_t thread;
  int error = pthread_create(&thread, NULL, mount_away, &away);
  if (error != 0) return -error;
  error = pthread_join(thread, NULL);
  return error != 0 ? -error : away.result;
}

static int run_mount(void *request) {
  const struct mount_request *mount = request;
  return mount->directory[0] == '\0' ? mount_here(mount) : mount_from_directory(mount);
}

struct unmount_request {
  char target[PATH_SIZE];
  int flags;
};

static void read_unmount(struct arguments *in, void *request) {
  struct unmount_request *unmount = request;
  take_path(in, unmount->target);
  unmount->flags = take_int(in);
}

static int run_unmount(void *request) {
  const struct unmount_request *unmount = request;
  return umount2(unmount->target, unmount->flags) == 0 ? 0 : -errno;
}

const struct operation mount_operations[] = {
    {"mountPath", ASYNC, sizeof(struct mount_request), read_mount, run_mount, NULL},
    {"unmountPath", ASYNC, sizeof(struct unmount_request), read_unmount, run_unmount, NULL},
    {0},
};
