#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static int open_directory(const char *path, const char *name) {
  char parent[PATH_MAX];
  if (name == path) return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int length = snprintf(parent, sizeof parent, "%.*s", (int)(name - path), path);
  if (length < 0 || (size_t)length >= sizeof parent) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int bind_private(int fd, const struct sockaddr_un *address) {
  mode_t before = umask(0177);
  int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
  int error = errno;
  umask(before);
  if (result < 0) return -error;
  return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* A socket that nobody answers on was left by somebody who was killed. */
static bool is_left_over(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

int listen_in_directory(const char *path, int *directory, const char **name) {
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  *directory = open_directory(path, *name);
  if (*directory < 0) return -errno;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", *directory, *name);
  if (length < 0 || (size_t)length >= sizeof address.sun_path || **name == '\0') return -ENAMETOOLONG;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = bind_private(fd, &address);
  if (error == -EADDRINUSE && is_left_over(&address) && unlinkat(*directory, *name, 0) == 0)
    error = bind_private(fd, &address);
  if (error == 0) return fd;
  close(fd);
  return error;
}

int accept_trusted(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid())) return fd;
  close(fd);
  return -EACCES;
}
