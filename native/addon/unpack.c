/* What unpacking an archive does, one call per entry: made for the unpack child, which is chrooted into the tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addon.h"

struct attributes {
  mode_t mode;
  uid_t uid;
  gid_t gid;
  struct timespec modified;
};

static struct attributes take_attributes(struct arguments *in) {
  struct attributes attributes;
  attributes.mode = (mode_t)take_int(in) & 07777;
  attributes.uid = take_id(in);
  attributes.gid = take_id(in);
  attributes.modified = take_time(in);
  return attributes;
}

/* Access time and modification time alike, as tar does without an atime of its own. */
static int set_times(int fd, const char *path, const struct timespec *modified) {
  const struct timespec times[2] = {*modified, *modified};
  int result = path == NULL ? futimens(fd, times) : utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
  return result == 0 ? 0 : -errno;
}

static int create_exclusive(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  return fd < 0 ? -errno : fd;
}

/* The owner first: chown takes the set-user-id bits away. */
static int set_attributes(int fd, const struct attributes *attributes) {
  if (fchown(fd, attributes->uid, attributes->gid) != 0) return -errno;
  if (fchmod(fd, attributes->mode) != 0) return -errno;
  return set_times(fd, NULL, &attributes->modified);
}

struct create_request {
  char path[PATH_SIZE];
};

static void read_create(struct arguments *in, void *request) {
  struct create_request *create = request;
  take_path(in, create->path);
}

static int run_create(void *request) {
  const struct create_request *create = request;
  return create_exclusive(create->path);
}

struct finish_request {
  int fd;
  struct attributes attributes;
};

static void read_finish(struct arguments *in, void *request) {
  struct finish_request *finish = request;
  finish->fd = take_int(in);
  finish->attributes = take_attributes(in);
}

/* Closes the descriptor in any case. */
static int run_finish(void *request) {
  const struct finish_request *finish = request;
  int result = set_attributes(finish->fd, &finish->attributes);
  if (close(finish->fd) != 0 && result == 0) result = -errno;
  return result;
}

struct write_request {
  char path[PATH_SIZE];
  struct attributes attributes;
  struct bytes bytes;
};

static void read_write(struct arguments *in, void *request) {
  struct write_request *file = request;
  take_path(in, file->path);
  file->attributes = take_attributes(in);
  file->bytes = take_bytes(in);
}

static int write_all(int fd, const struct bytes *bytes) {
  const unsigned char *data = bytes->data;
  for (size_t done = 0; done < bytes->length;) {
    ssize_t count = write(fd, data + done, bytes->length - done);
    if (count < 0 && errno != EINTR) return -errno;
    if (count > 0) done += (size_t)count;
  }
  return 0;
}

static int run_write(void *request) {
  const struct write_request *file = request;
  int fd = create_exclusive(file->path);
  if (fd < 0) return fd;
  int result = write_all(fd, &file->bytes);
  if (result == 0) result = set_attributes(fd, &file->attributes);
  if (close(fd) != 0 && result == 0) result = -errno;
  return result;
}

struct path_request {
  char path[PATH_SIZE];
  struct attributes attributes;
};

static void read_path(struct arguments *in, void *request) {
  struct path_request *entry = request;
  take_path(in, entry->path);
  entry->attributes = take_attributes(in);
}

static int run_directory(void *request) {
  const struct path_request *entry = request;
  if (mkdir(entry->path, 0700) != 0) return -errno;
  if (lchown(entry->path, entry->attributes.uid, entry->attributes.gid) != 0) return -errno;
  if (chmod(entry->path, entry->attributes.mode) != 0) return -errno;
  return set_times(-1, entry->path, &entry->attributes.modified);
}

/* A symbolic link has an owner and a time of its own, but no mode. */
static int run_attributes(void *request) {
  const struct path_request *entry = request;
  struct stat found;
  if (lstat(entry->path, &found) != 0) return -errno;
  if (lchown(entry->path, entry->attributes.uid, entry->attributes.gid) != 0) return -errno;
  if (!S_ISLNK(found.st_mode) && chmod(entry->path, entry->attributes.mode) != 0) return -errno;
  return set_times(-1, entry->path, &entry->attributes.modified);
}

struct link_request {
  char target[PATH_SIZE];
  char path[PATH_SIZE];
  struct attributes attributes;
};

static void read_symlink(struct arguments *in, void *request) {
  struct link_request *link = request;
  take_path(in, link->target);
  take_path(in, link->path);
  link->attributes = take_attributes(in);
}

static int run_symlink(void *request) {
  const struct link_request *link = request;
  if (symlink(link->target, link->path) != 0) return -errno;
  if (lchown(link->path, link->attributes.uid, link->attributes.gid) != 0) return -errno;
  return set_times(-1, link->path, &link->attributes.modified);
}

static void read_link(struct arguments *in, void *request) {
  struct link_request *link = request;
  take_path(in, link->target);
  take_path(in, link->path);
}

static int run_link(void *request) {
  const struct link_request *request_link = request;
  return linkat(AT_FDCWD, request_link->target, AT_FDCWD, request_link->path, 0) == 0 ? 0 : -errno;
}

const struct operation unpack_operations[] = {
    {"createFile", SYNC, sizeof(struct create_request), read_create, run_create, NULL},
    {"finishFile", SYNC, sizeof(struct finish_request), read_finish, run_finish, NULL},
    {"writeFileWhole", SYNC, sizeof(struct write_request), read_write, run_write, NULL},
    {"makeDirectory", SYNC, sizeof(struct path_request), read_path, run_directory, NULL},
    {"setAttributes", SYNC, sizeof(struct path_request), read_path, run_attributes, NULL},
    {"makeSymlink", SYNC, sizeof(struct link_request), read_symlink, run_symlink, NULL},
    {"hardLink", SYNC, sizeof(struct link_request), read_link, run_link, NULL},
    {0},
};
