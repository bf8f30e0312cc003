#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "id-map.h"
#include "loop-device.h"
#include "options.h"
#include "overlay.h"

enum { PAGE = 4096, PAGE_RESERVE = 512 };

static const char *helper_of(const char *type) {
  if (strncmp(type, "fuse.", 5) == 0) return "mount.fuse";
  return strncmp(type, "fuse3.", 6) == 0 ? "mount.fuse3" : NULL;
}

bool mount_needs_helper(const mount_request *request) { return helper_of(request->type) != NULL; }

void mount_helper_words(const mount_request *request, const char *target, struct words *words) {
  words_begin(words);
  words_add(words, helper_of(request->type));
  words_add(words, request->source);
  words_add(words, target);
  for (size_t i = 0; i < request->n_options; i++) words_pair(words, "-o", request->options[i]);
  words_pair(words, "-t", strchr(request->type, '.') + 1);
}

/* A path to the target that stays the same thing whatever is renamed meanwhile; the descriptor is to be closed. */
static int open_target(const char *root, const char *target, char *path, size_t size) {
  int base = open(root, O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
  if (base < 0) return -errno;
  struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
  int fd = *target == '\0' ? base : (int)syscall(SYS_openat2, base, target, &how, sizeof how);
  int error = fd < 0 ? -errno : 0;
  if (fd != base) close(base);
  (void)snprintf(path, size, "/proc/self/fd/%d", fd);
  return error < 0 ? error : fd;
}

/* With relative lower directories from where they begin. This process has one thread, which may go there and back. */
static int mount_in(const char *directory, const char *source, const char *target, const char *type, unsigned long flags,
                    const char *data) {
  int back = *directory == '\0' ? -1 : open(".", O_PATH | O_CLOEXEC | O_DIRECTORY);
  int error = *directory != '\0' && chdir(directory) < 0 ? -errno : 0;
  if (error == 0 && mount(source, target, type, flags, data) < 0) error = -errno;
  if (back >= 0) {
    if (fchdir(back) < 0) (void)!chdir("/");
    close(back);
  }
  return error;
}

/* In a user namespace flags that the source has are locked, and must be said again. */
static int make_read_only(const char *target, unsigned long flags) {
  if (mount(NULL, target, NULL, flags | MS_REMOUNT, NULL) == 0) return 0;
  struct statfs facts;
  if (errno != EPERM || statfs(target, &facts) < 0) return -errno;
  unsigned long locked = (unsigned long)facts.f_flags & (MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_NOATIME | MS_NODIRATIME);
  return mount(NULL, target, NULL, flags | locked | MS_REMOUNT, NULL) < 0 ? -errno : 0;
}

/* The kernel shows a new mount at the path by name only, not through the descriptor of what it covers. */
static int finish(const char *root, const mount_request *request, const struct mount_options *options) {
  const unsigned long read_only_bind = MS_BIND | MS_RDONLY;
  bool changes = (options->flags & read_only_bind) == read_only_bind;
  if (options->propagation == 0 && !changes) return 0;
  char target[64];
  int fd = open_target(root, request->target, target, sizeof target);
  if (fd < 0) return fd;
  int error = 0;
  if (options->propagation != 0 && mount(NULL, target, NULL, options->propagation, NULL) < 0) error = -errno;
  if (error == 0 && changes) error = make_read_only(target, options->flags & ~MS_REC);
  if (error < 0) (void)umount2(target, MNT_DETACH);
  close(fd);
  return error;
}

static int mount_plainly(const mount_request *request, const char *root, struct mount_options *options) {
  char directory[PATH_MAX] = "", target[64], device[32];
  const char *source = request->source;
  bool is_overlay = strcmp(request->type, "overlay") == 0;
  if (is_overlay && options->length >= PAGE - PAGE_RESERVE)
    (void)overlay_shorten(options->data, &options->length, directory, sizeof directory);
  if (options->length >= PAGE) return -E2BIG;
  int loop = -1;
  if (options->loop) {
    loop = loop_device_open(source, options->flags & MS_RDONLY, options->direct_io, device, sizeof device);
    if (loop < 0) return loop;
    source = device;
  }
  int fd = open_target(root, request->target, target, sizeof target);
  int error = fd < 0 ? fd : mount_in(directory, source, target, request->type, options->flags, options->data);
  if (fd >= 0) close(fd);
  if (loop >= 0) close(loop);
  return error < 0 ? error : finish(root, request, options);
}

/*
 * An overlay's layers are shifted, not the overlay: it is mounted over a shifted view of the directory that they have in
 * common, which then goes.
 */
static int mount_shifted_overlay(const mount_request *request, const char *root, struct mount_options *options, int map) {
  char common[PATH_MAX], view[PATH_MAX];
  int length = snprintf(view, sizeof view - 1, "%s" ROOTFS_VIEW, root);
  if (length < 0 || (size_t)length >= sizeof view - 1 || !overlay_common(options->data, common, sizeof common)) return -EINVAL;
  if (mkdir(view, 0700) < 0 && errno != EEXIST) return -errno;
  int error = id_map_mount(common, view, map, true);
  strcpy(view + length, "/");
  if (error == 0 && !overlay_move(options->data, &options->length, sizeof options->data, view)) error = -E2BIG;
  if (error == 0) error = mount_plainly(request, root, options);
  view[length] = '\0';
  (void)umount2(view, MNT_DETACH | UMOUNT_NOFOLLOW);
  (void)rmdir(view);
  return error;
}

static int mount_shifted(const mount_request *request, const char *root, struct mount_options *options, int map) {
  if (strcmp(request->type, "overlay") == 0) return mount_shifted_overlay(request, root, options, map);
  char target[64];
  int error = mount_plainly(request, root, options);
  int fd = error < 0 ? error : open_target(root, request->target, target, sizeof target);
  if (fd < 0) return fd;
  error = id_map_mount(target, target, map, false);
  if (error < 0) (void)umount2(target, MNT_DETACH);
  close(fd);
  return error;
}

static int make(const mount_request *request, const char *root, struct mount_options *options) {
  if (options->uidmap == NULL && options->gidmap == NULL) return mount_plainly(request, root, options);
  if (options->uidmap == NULL || options->gidmap == NULL) return -EINVAL;
  int map = id_map_open(options->uidmap, options->gidmap);
  if (map < 0) return map;
  int error = mount_shifted(request, root, options, map);
  close(map);
  return error;
}

bool mount_make(const mount_request *request, const char *root, struct failure *failure) {
  struct mount_options *options = malloc(sizeof *options);
  if (options == NULL) return fail(failure, RESOURCE_EXHAUSTED, "failed to mount rootfs component: out of memory");
  bool good = mount_options_read(options, request->options, request->n_options, failure);
  int error = good ? make(request, root, options) : 0;
  free(options);
  if (error == 0) return good;
  return fail(failure, UNKNOWN, "failed to mount rootfs component: mount \"%s\" of type \"%s\" at \"%s%s%s\": %s", request->source,
              request->type, root, *request->target == '\0' ? "" : "/", request->target,
              error == -E2BIG ? "mount options are too long" : strerror(-error));
}
