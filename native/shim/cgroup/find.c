#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"
#include "counters.h"
#include "text.h"

/* Thirteen hierarchies and their paths; a process whose lines do not fit is refused. */
enum { LINES_SIZE = 16 * 1024 };

/* The lines of /proc/<pid>/cgroup, cut at their ends, and the path in each hierarchy. */
struct places {
  const char *paths[CGROUP_HIERARCHIES];
  char lines[LINES_SIZE];
};

static const char names[CGROUP_UNIFIED][8] = { "cpu", "cpuacct", "memory", "blkio", "pids", "hugetlb", "rdma" };

/* Whether a list "a,b,c" has the name. */
static bool has_name(const char *list, const char *name) {
  size_t size = strlen(name);
  for (const char *item = list; item != NULL; item = strchr(item, ',')) {
    if (*item == ',') item++;
    if (strncmp(item, name, size) == 0 && (item[size] == ',' || item[size] == '\0')) return true;
  }
  return false;
}

/* An absolute path without "..", which another cgroup namespace's root has in front, and which was not removed. */
static bool is_plain(const char *path) {
  size_t size = strlen(path);
  if (path[0] != '/' || size >= 3000) return false;
  if (size > 10 && strcmp(path + size - 10, " (deleted)") == 0) return false;
  for (const char *part = path; part != NULL; part = strchr(part + 1, '/'))
    if (strncmp(part, "/..", 3) == 0 && (part[3] == '/' || part[3] == '\0')) return false;
  return true;
}

/* "4:memory:/path", or "0::/path" for version 2. */
static void place_line(struct places *places, char *line) {
  char *list = strchr(line, ':');
  char *path = list == NULL ? NULL : strchr(list + 1, ':');
  if (path == NULL) return;
  *list++ = *path++ = '\0';
  if (!is_plain(path)) return;
  if (*list == '\0') places->paths[CGROUP_UNIFIED] = path;
  for (int i = 0; i < CGROUP_UNIFIED; i++)
    if (has_name(list, names[i])) places->paths[i] = path;
}

/* Reads a file of /proc/<pid> whole. 0 or -errno. */
static int read_of(pid_t pid, const char *name, char *bytes, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t end = 0;
  ssize_t got;
  while ((got = read(fd, bytes + end, size - 1 - end)) > 0) end += (size_t)got;
  int error = got < 0 ? -errno : end == size - 1 ? -EFBIG : 0;
  close(fd);
  bytes[end] = '\0';
  return error;
}

static int read_places(pid_t pid, struct places *places) {
  memset(places->paths, 0, sizeof places->paths);
  int error = read_of(pid, "cgroup", places->lines, sizeof places->lines);
  if (error < 0) return error;
  char *rest = places->lines, *line;
  while ((line = strsep(&rest, "\n")) != NULL) place_line(places, line);
  return 0;
}

/* A process that has ended is shown in the root of each hierarchy of version 1, which is not where it was. */
static bool has_ended(pid_t pid, const struct places *places) {
  bool is_root = false;
  for (int i = 0; i < CGROUP_HIERARCHIES; i++)
    if (places->paths[i] != NULL && strcmp(places->paths[i], "/") == 0) is_root = true;
  char stat[1024];
  if (!is_root) return false;
  int error = read_of(pid, "stat", stat, sizeof stat);
  if (error < 0 && error != -EFBIG) return true;
  const char *state = strrchr(stat, ')');
  return state == NULL || state[1] != ' ' || state[2] == 'Z' || state[2] == 'X';
}

/* Undoes the octal escapes of mountinfo. */
static void unescape(char *text) {
  char *to = text;
  for (; *text != '\0'; text++) {
    bool is_octal = text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
                    text[3] >= '0' && text[3] <= '7';
    *to++ = is_octal ? (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0')) : *text;
    if (is_octal) text += 3;
  }
  *to = '\0';
}

/* What is left of a path below the root of a mount; NULL: it is not below. */
static const char *below(const char *path, const char *root) {
  size_t size = strlen(root);
  if (size > 0 && root[size - 1] == '/') size--;
  if (strncmp(path, root, size) != 0) return NULL;
  return path[size] == '/' ? path + size : path[size] == '\0' ? "" : NULL;
}

static int open_below(const char *mount, const char *path, bool is_unified) {
  char whole[2 * TEXT_PIECE];
  if ((size_t)snprintf(whole, sizeof whole, "%s%s", mount, path) >= sizeof whole) return -ENAMETOOLONG;
  int fd = open(whole, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct statfs what;
  if (fstatfs(fd, &what) == 0 && what.f_type == (is_unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC)) return fd;
  close(fd);
  return -ENOENT; /* something else is mounted over it */
}

static void open_hierarchy(struct cgroup *cgroup, int hierarchy, const struct places *places, const char *root,
                           const char *mount) {
  const char *path = places->paths[hierarchy];
  if (path == NULL || cgroup->directories[hierarchy] >= 0) return;
  const char *rest = below(path, root);
  if (rest == NULL) return;
  int fd = open_below(mount, rest, hierarchy == CGROUP_UNIFIED);
  if (fd >= 0) cgroup->directories[hierarchy] = fd;
}

/* "36 35 0:33 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory" */
static void see_mount(struct cgroup *cgroup, const struct places *places, char *line) {
  char *type = strstr(line, " - cgroup");
  if (type == NULL) return;
  char *fields[5], *rest = line;
  for (int i = 0; i < 5; i++)
    if ((fields[i] = strsep(&rest, " ")) == NULL) return;
  unescape(fields[3]);
  unescape(fields[4]);
  type += strlen(" - ");
  const char *options = strrchr(type, ' ');
  if (strncmp(type, "cgroup2 ", 8) == 0) return open_hierarchy(cgroup, CGROUP_UNIFIED, places, fields[3], fields[4]);
  if (strncmp(type, "cgroup ", 7) != 0 || options == NULL) return;
  for (int i = 0; i < CGROUP_UNIFIED; i++)
    if (has_name(options + 1, names[i])) open_hierarchy(cgroup, i, places, fields[3], fields[4]);
}

static int open_places(struct cgroup *cgroup, const struct places *places) {
  struct text mounts;
  int error = text_open(&mounts, AT_FDCWD, "/proc/self/mountinfo");
  if (error < 0) return error;
  char *line;
  while ((line = text_next(&mounts, "\n")) != NULL) see_mount(cgroup, places, line);
  return text_close(&mounts);
}

static void judge(struct cgroup *cgroup) {
  cgroup->is_unified = cgroup->directories[CGROUP_UNIFIED] >= 0;
  for (int i = 0; i < CGROUP_HIERARCHIES; i++) {
    if (cgroup->directories[i] < 0) continue;
    cgroup->is_found = true;
    if (i < CGROUP_UNIFIED) cgroup->is_unified = false;
  }
}

bool cgroup_of(pid_t pid, struct cgroup *cgroup, struct failure *failure) {
  *cgroup = (struct cgroup){ 0 };
  struct places places;
  int error = pid <= 0 ? -EINVAL : read_places(pid, &places);
  if (error < 0)
    return fail(failure, is_gone(error) || error == -ESRCH ? NOT_FOUND : INTERNAL,
                "Cannot find the cgroup of process %d: %s", (int)pid, strerror(-error));
  if (has_ended(pid, &places))
    return fail(failure, NOT_FOUND, "Cannot find the cgroup of process %d: it has ended", (int)pid);
  memset(cgroup->directories, -1, sizeof cgroup->directories);
  error = open_places(cgroup, &places);
  judge(cgroup);
  if (cgroup->is_found) return true;
  if (error < 0)
    return fail(failure, INTERNAL, "Cannot find the cgroup of process %d: /proc/self/mountinfo: %s", (int)pid,
                strerror(-error));
  return fail(failure, NOT_FOUND, "Cannot find the cgroup of process %d: no mount of a cgroup shows it", (int)pid);
}

void cgroup_close(struct cgroup *cgroup) {
  for (int i = 0; cgroup->is_found && i < CGROUP_HIERARCHIES; i++)
    if (cgroup->directories[i] >= 0) close(cgroup->directories[i]);
  *cgroup = (struct cgroup){ 0 };
}
