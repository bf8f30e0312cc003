#include "placement.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/read-file.h"

enum { SCORE_MOST = 1000 };

static bool read_score(pid_t pid, int *score) {
  char path[64], text[32];
  (void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
  ssize_t length = read_file(path, text, sizeof text);
  *score = atoi(text);
  return length > 0;
}

static int write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
  close(fd);
  return error;
}

void place_below(pid_t daemon, pid_t shim) {
  int score;
  char path[64], text[32];
  if (!read_score(daemon, &score)) return;
  (void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", shim);
  (void)snprintf(text, sizeof text, "%d", score < SCORE_MOST ? score + 1 : SCORE_MOST);
  (void)write_text(path, text);
}

/* -ENOENT: this hierarchy does not have it. */
static int place_at(const char *hierarchy, const char *cgroup, pid_t shim) {
  char path[PATH_MAX], text[32];
  int length = snprintf(path, sizeof path, "%s/%s/cgroup.procs", hierarchy, cgroup);
  if (length < 0 || (size_t)length >= sizeof path) return -ENAMETOOLONG;
  (void)snprintf(text, sizeof text, "%d", shim);
  return write_text(path, text);
}

bool place_in_cgroup(const char *cgroup, pid_t shim, struct failure *failure) {
  FILE *table = fopen("/proc/self/mountinfo", "re");
  char *line = NULL, point[PATH_MAX], type[64];
  size_t room = 0;
  bool found = false;
  int error = 0;
  while (table != NULL && error == 0 && getline(&line, &room, table) > 0) {
    const char *dash = strstr(line, " - ");
    if (dash == NULL || sscanf(dash, " - %63s", type) != 1 || strncmp(type, "cgroup", 6) != 0) continue;
    if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1) continue;
    error = place_at(point, cgroup, shim);
    found = found || error == 0;
    if (error == -ENOENT) error = 0;
  }
  free(line);
  if (table != NULL) fclose(table);
  if (error < 0) return fail(failure, UNKNOWN, "failed to join cgroup %s: %s", cgroup, strerror(-error));
  return found || fail(failure, NOT_FOUND, "failed to load cgroup %s: there is none", cgroup);
}
