#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/sha256.h"

enum { BACKLOG = SOMAXCONN, DIGEST_BYTES = 32 };

static const char usual_directory[] = "/run/containerd/s";

static bool make_directories(const char *path, struct failure *failure) {
  char directory[PATH_MAX];
  (void)snprintf(directory, sizeof directory, "%s", path);
  for (char *slash = strchr(directory + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
      return fail(failure, UNKNOWN, "Cannot make directory \"%s\": %s", directory, strerror(errno));
    *slash = '/';
  }
  return true;
}

bool socket_path(const struct flags *flags, const char *group, const char *directory, char path[SOCKET_PATH_SIZE], struct failure *failure) {
  char text[PATH_MAX], name[2 * DIGEST_BYTES + 1];
  uint8_t digest[DIGEST_BYTES];
  int length = snprintf(text, sizeof text, "%s/%s/%s", flags->address, flags->namespace, group);
  if (length < 0 || (size_t)length >= sizeof text) return fail(failure, INVALID_ARGUMENT, "Cannot listen: -address is too long");
  sha256(text, (size_t)length, digest);
  for (int i = 0; i < DIGEST_BYTES; i++) (void)snprintf(name + 2 * i, 3, "%02x", digest[i]);
  if (*directory == '\0') directory = usual_directory;
  length = snprintf(path, SOCKET_PATH_SIZE, "%s/%s", directory, name);
  if (*directory == '/' && length > 0 && length < SOCKET_PATH_SIZE - 1) return true;
  return fail(failure, INVALID_ARGUMENT, "Cannot listen in \"%s\": a socket's path must be absolute and shorter than %d bytes", directory, SOCKET_PATH_SIZE - 1);
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  return address;
}

static int open_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

/* Between bind and chmod nobody can connect: it does not listen yet. */
static int listen_at(const char *path) {
  struct sockaddr_un address = address_of(path);
  int fd = open_socket();
  if (fd < 0) return -errno;
  int error = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
  if (error == 0 && (chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0)) {
    error = -errno;
    (void)unlink(path);
  }
  if (error == 0) return fd;
  close(fd);
  return error;
}

static bool is_served(const char *path) {
  struct sockaddr_un address = address_of(path);
  int fd = open_socket();
  bool served = fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN);
  if (fd >= 0) close(fd);
  return served;
}

bool socket_listen(const char *path, int *listener, struct failure *failure) {
  if (strlen(path) >= SOCKET_PATH_SIZE - 1)
    return fail(failure, INVALID_ARGUMENT, "\"%s\": unix socket path too long (> %d)", path, SOCKET_PATH_SIZE - 2);
  if (!make_directories(path, failure)) return false;
  *listener = listen_at(path);
  return *listener >= 0 || fail(failure, UNKNOWN, "Cannot listen on \"%s\": %s", path, strerror(-*listener));
}

static int lock_directory(const char *path) {
  char directory[PATH_MAX];
  (void)snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) (void)flock(fd, LOCK_EX);
  return fd;
}

bool socket_claim(const char *path, int *listener, struct failure *failure) {
  if (!make_directories(path, failure)) return false;
  int lock = lock_directory(path);
  int fd = listen_at(path);
  bool served = fd == -EADDRINUSE && is_served(path);
  if (fd == -EADDRINUSE && !served) fd = unlink(path) < 0 && errno != ENOENT ? -errno : listen_at(path);
  if (lock >= 0) close(lock);
  *listener = served ? -1 : fd;
  return served || fd >= 0 || fail(failure, UNKNOWN, "Cannot listen on \"%s\": %s", path, strerror(-fd));
}

void socket_clear(const char *path) {
  struct stat left;
  int lock = lock_directory(path);
  if (lstat(path, &left) == 0 && S_ISSOCK(left.st_mode) && !is_served(path)) (void)unlink(path);
  if (lock >= 0) close(lock);
}

void socket_remove(const char *path, const struct stat *made) {
  struct stat now;
  if (stat(path, &now) == 0 && now.st_ino == made->st_ino && now.st_dev == made->st_dev) (void)unlink(path);
}
