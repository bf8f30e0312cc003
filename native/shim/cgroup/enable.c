#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"
#include "text.h"

enum { DEPTH = 32, CONTROLLERS = 24 };

/* A failure is no news: the controller may be in use elsewhere, or forbidden here. */
static void enable_in(int directory, char *const *controllers, size_t count) {
  int fd = openat(directory, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  for (size_t i = 0; i < count; i++) {
    char order[64];
    int size = snprintf(order, sizeof order, "+%s", controllers[i]);
    if ((size_t)size < sizeof order && write(fd, order, (size_t)size) < 0 && errno == EROFS) break;
  }
  close(fd);
}

/* The parent, if it is a cgroup as well: above the root of the mount is something else. */
static int open_parent(int directory) {
  int fd = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct statfs what;
  if (fd >= 0 && fstatfs(fd, &what) == 0 && what.f_type == CGROUP2_SUPER_MAGIC) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

void cgroup_enable(const struct cgroup *cgroup) {
  if (!cgroup->is_found || !cgroup->is_unified) return;
  int parents[DEPTH], depth = 0;
  for (int here = cgroup->directories[CGROUP_UNIFIED]; depth < DEPTH; depth++)
    if ((here = parents[depth] = open_parent(here)) < 0) break;
  if (depth == 0) return;
  struct text text;
  char *controllers[CONTROLLERS], *line;
  if (text_open(&text, parents[depth - 1], "cgroup.controllers") == 0) {
    size_t count = (line = text_next(&text, "\n")) == NULL ? 0 : text_split(line, " ", controllers, CONTROLLERS);
    for (int i = depth - 1; i >= 0; i--) enable_in(parents[i], controllers, count);
    (void)text_close(&text);
  }
  while (depth > 0) close(parents[--depth]);
}
