/* Mounts that show owners through a user namespace: clone(2), open_tree(2), mount_setattr(2), fsopen(2), move_mount(2) */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addon.h"

enum { STACK_SIZE = 16384, CONFIG_SIZE = 1 << 16 };

struct namespace_request {
  char uids[PATH_SIZE];
  char gids[PATH_SIZE];
};

/* openUserNamespace(uids, gids): a descriptor; both maps in the words of user_namespaces(7). */
static void read_namespace(struct arguments *in, void *request) {
  struct namespace_request *namespace = request;
  take_path(in, namespace->uids);
  take_path(in, namespace->gids);
}

/* The only process in a new namespace. It shares our memory, so it does nothing but wait to be killed. */
static int stay(void *unused) {
  (void)unused;
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
  __builtin_unreachable();
}

static int write_map(pid_t pid, const char *name, const char *map) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t length = (ssize_t)strlen(map);
  int result = write(fd, map, (size_t)length) == length ? 0 : -errno;
  close(fd);
  return result;
}

static int open_mapped(pid_t pid, const struct namespace_request *namespace) {
  int result = write_map(pid, "uid_map", namespace->uids);
  if (result == 0) result = write_map(pid, "gid_map", namespace->gids);
  if (result < 0) return result;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int run_namespace(void *request) {
  char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -errno;
  /* Without an exit signal: nobody else's wait ever sees it. */
  pid_t pid = clone(stay, stack + STACK_SIZE, CLONE_VM | CLONE_NEWUSER, NULL);
  int result = pid < 0 ? -errno : open_mapped(pid, request);
  if (pid > 0) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) continue;
  }
  munmap(stack, STACK_SIZE);
  return result;
}

struct clone_request {
  char source[PATH_SIZE];
  char target[PATH_SIZE];
  int namespace;
  int recursive;
  uint64_t attributes;
};

/* cloneMapped(source, target, namespace, recursive, attributes): a bind mount that shows owners as the namespace says. */
static void read_clone(struct arguments *in, void *request) {
  struct clone_request *bind = request;
  take_path(in, bind->source);
  take_path(in, bind->target);
  bind->namespace = take_int(in);
  bind->recursive = take_int(in);
  bind->attributes = (uint64_t)take_integer(in);
}

static int attach(int tree, const char *target) {
  return move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0 ? 0 : -errno;
}

static int run_clone(void *request) {
  const struct clone_request *bind = request;
  unsigned depth = bind->recursive ? AT_RECURSIVE : 0;
  int tree = open_tree(AT_FDCWD, bind->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | depth);
  if (tree < 0) return -errno;
  struct mount_attr attributes = {
      .attr_set = MOUNT_ATTR_IDMAP | bind->attributes,
      .propagation = MS_PRIVATE,
      .userns_fd = (uint64_t)bind->namespace,
  };
  int result = mount_setattr(tree, "", AT_EMPTY_PATH | depth, &attributes, sizeof attributes) == 0 ? 0 : -errno;
  if (result == 0) result = attach(tree, bind->target);
  close(tree);
  return result;
}

struct new_request {
  char type[256];
  uint64_t attributes;
  size_t length;
  char config[CONFIG_SIZE];
};

/* makeMount(type, attributes, config): a descriptor of a mount that is nowhere yet; config is "key\0value\0" each. */
static void read_new(struct arguments *in, void *request) {
  struct new_request *new = request;
  take_text(in, new->type, sizeof new->type);
  new->attributes = (uint64_t)take_integer(in);
  new->length = take_copy(in, new->config, sizeof new->config - 2);
}

static int configure(int context, const struct new_request *new) {
  for (const char *at = new->config, *end = at + new->length; at < end;) {
    const char *value = at + strlen(at) + 1;
    const char *given = value[0] == '\0' ? NULL : value;
    unsigned command = given == NULL ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    if (fsconfig(context, command, at, given, 0) != 0) return -errno;
    at = value + strlen(value) + 1;
  }
  return fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 ? 0 : -errno;
}

static int run_new(void *request) {
  const struct new_request *new = request;
  int context = fsopen(new->type, FSOPEN_CLOEXEC);
  if (context < 0) return -errno;
  int result = configure(context, new);
  if (result == 0) {
    int mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)new->attributes);
    result = mount < 0 ? -errno : mount;
  }
  close(context);
  return result;
}

struct attach_request {
  char target[PATH_SIZE];
  int mount;
};

/* attachMount(mount, target) */
static void read_attach(struct arguments *in, void *request) {
  struct attach_request *attach = request;
  attach->mount = take_int(in);
  take_path(in, attach->target);
}

static int run_attach(void *request) {
  const struct attach_request *wish = request;
  return attach(wish->mount, wish->target);
}

const struct operation mapped_operations[] = {
    {"openUserNamespace", ASYNC, sizeof(struct namespace_request), read_namespace, run_namespace, NULL},
    {"cloneMapped", ASYNC, sizeof(struct clone_request), read_clone, run_clone, NULL},
    {"makeMount", ASYNC, sizeof(struct new_request), read_new, run_new, NULL},
    {"attachMount", ASYNC, sizeof(struct attach_request), read_attach, run_attach, NULL},
    {0},
};
