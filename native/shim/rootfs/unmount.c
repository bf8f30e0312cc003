#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "mount.h"

enum { LAYERS_MOST = 1024 };

/* Undoes the kernel's escapes of a space, tab, line end and backslash. */
static void unescape(char *path) {
  char *to = path;
  for (; *path != '\0'; path++) {
    int code;
    if (*path == '\\' && sscanf(path + 1, "%3o", (unsigned *)&code) == 1) {
      *to++ = (char)code;
      path += 3;
    } else *to++ = *path;
  }
  *to = '\0';
}

static bool is_below(const char *path, const char *root) {
  size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && path[length] == '/';
}

/* The last mount below it, which lies on no other; an empty string when there is none. */
static void last_below(const char *root, char *found, size_t size) {
  *found = '\0';
  FILE *table = fopen("/proc/self/mountinfo", "re");
  char *line = NULL, *point = NULL;
  size_t room = 0;
  while (table != NULL && getline(&line, &room, table) > 0) {
    if (sscanf(line, "%*s %*s %*s %*s %ms", &point) != 1) continue;
    unescape(point);
    if (is_below(point, root)) (void)snprintf(found, size, "%s", point);
    free(point);
  }
  free(line);
  if (table != NULL) fclose(table);
}

static void unmount_below(const char *root) {
  char point[4096];
  for (int i = 0; i < LAYERS_MOST; i++) {
    last_below(root, point, sizeof point);
    if (*point == '\0') return;
    if (umount2(point, UMOUNT_NOFOLLOW) < 0 && umount2(point, UMOUNT_NOFOLLOW | MNT_DETACH) < 0) return;
  }
}

/* What is busy may have mounts below it; if it is in use by a process, it goes with that. */
static int unmount_busy(const char *root) {
  unmount_below(root);
  if (umount2(root, UMOUNT_NOFOLLOW) == 0) return 0;
  if (errno != EBUSY) return -errno;
  return umount2(root, UMOUNT_NOFOLLOW | MNT_DETACH) < 0 ? -errno : 0;
}

int unmount_all(const char *root) {
  for (int i = 0; i < LAYERS_MOST; i++) {
    int error = umount2(root, UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
    if (error == -EBUSY) error = unmount_busy(root);
    if (error == -EINVAL || error == -ENOENT) break;
    if (error < 0) return error;
  }
  unmount_below(root);
  return 0;
}
