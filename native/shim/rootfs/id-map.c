#include "id-map.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAP_SIZE = 4096 };

/* A process that does nothing but be in a user namespace of its own. */
static pid_t start_holder(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid != 0) return pid < 0 ? -errno : pid;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) pause();
}

/* From the words of mount options to those of the kernel: spaces between numbers, a line for each range. */
static int translate(const char *ranges, char map[MAP_SIZE]) {
  size_t length = strlen(ranges);
  if (length == 0 || length >= MAP_SIZE || strspn(ranges, "0123456789:,") != length) return -EINVAL;
  for (size_t i = 0; i <= length; i++) map[i] = ranges[i] == ':' ? ' ' : ranges[i] == ',' ? '\n' : ranges[i];
  return 0;
}

static int write_map(pid_t pid, const char *name, const char *ranges) {
  char path[64], map[MAP_SIZE];
  int error = translate(ranges, map);
  if (error < 0) return error;
  (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  if (write(fd, map, strlen(map)) < 0) error = -errno;
  close(fd);
  return error;
}

static int open_namespace(pid_t pid) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int id_map_open(const char *uids, const char *gids) {
  pid_t pid = start_holder();
  if (pid < 0) return pid;
  int result = write_map(pid, "uid_map", uids);
  if (result == 0) result = write_map(pid, "gid_map", gids);
  if (result == 0) result = open_namespace(pid);
  (void)kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return result;
}

int id_map_mount(const char *source, const char *target, int user_namespace, int read_only) {
  struct mount_attr attributes = {
    .attr_set = MOUNT_ATTR_IDMAP | (read_only ? MOUNT_ATTR_RDONLY : 0),
    .propagation = MS_PRIVATE,
    .userns_fd = (unsigned)user_namespace,
  };
  int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0) return -errno;
  int error = mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) < 0 ? -errno : 0;
  if (error == 0 && move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0) error = -errno;
  close(tree);
  return error;
}
