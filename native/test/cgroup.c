#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/cgroup/cgroup.h"
#include "shim/rpc/arena.h"

/*
 * What test/shim/cgroup.test.ts runs: the reader of cgroups on directories that a test has made up, where no kernel
 * at hand has such files, and the finder in namespaces.
 *   cgroup find PID           "unified" or "legacy", then the directory in each hierarchy, or "-"
 *   cgroup v1|v2 DIRECTORY    the counters, as the message that the shim sends; directories of version 1 are below it
 */

static const char *const names[] = { "cpu", "cpuacct", "memory", "blkio", "pids", "hugetlb", "rdma", "unified" };

static int fail_with(const struct failure *failure) {
  fprintf(stderr, "%d: %s\n", failure->code, failure->text);
  return 1;
}

static int find(pid_t pid) {
  struct cgroup cgroup;
  struct failure failure;
  if (!cgroup_of(pid, &cgroup, &failure)) return fail_with(&failure);
  puts(cgroup.is_unified ? "unified" : "legacy");
  for (int i = 0; i < CGROUP_HIERARCHIES; i++) {
    char link[64], path[4096] = "-";
    snprintf(link, sizeof link, "/proc/self/fd/%d", cgroup.directories[i]);
    ssize_t size = cgroup.directories[i] < 0 ? -1 : readlink(link, path, sizeof path - 1);
    if (size >= 0) path[size] = '\0';
    printf("%s %s\n", names[i], path);
  }
  cgroup_close(&cgroup);
  return 0;
}

static int stats(const char *directory, bool is_unified) {
  struct cgroup cgroup = { .is_found = true, .is_unified = is_unified };
  for (int i = 0; i < CGROUP_HIERARCHIES; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, is_unified ? "." : names[i]);
    cgroup.directories[i] = is_unified != (i == CGROUP_UNIFIED) ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  struct arena arena;
  arena_open(&arena, 1024 * 1024);
  Google__Protobuf__Any any;
  struct failure failure;
  bool is_good = cgroup_stats(&cgroup, &arena.allocator, &any, &failure);
  if (is_good) fwrite(any.value.data, 1, any.value.len, stdout);
  arena_close(&arena);
  cgroup_close(&cgroup);
  return is_good ? 0 : fail_with(&failure);
}

int main(int count, char **words) {
  if (count != 3) return 2;
  if (strcmp(words[1], "find") == 0) return find((pid_t)atoi(words[2]));
  return stats(words[2], strcmp(words[1], "v2") == 0);
}
