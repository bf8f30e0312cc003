#ifndef BERTH_CGROUP_H
#define BERTH_CGROUP_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/failure.h"
#include "base/loop.h"
#include "google/protobuf/any.pb-c.h"

/*
 * The cgroup of a container: where it is, what it has used, and when the kernel has killed in it for want of memory.
 * Nothing here allocates except from the allocator it is given; everything reads small files of the kernel, at once.
 */

/* The hierarchies that are read: the controllers of version 1, each wherever it is mounted, and version 2. */
enum cgroup_hierarchy {
  CGROUP_CPU,
  CGROUP_CPUACCT,
  CGROUP_MEMORY,
  CGROUP_BLKIO,
  CGROUP_PIDS,
  CGROUP_HUGETLB,
  CGROUP_RDMA,
  CGROUP_UNIFIED,
  CGROUP_HIERARCHIES
};

/*
 * A cgroup that was found: its directories, open, so that another one made later under the same name is never taken for
 * it. They do not keep it from being removed. All zeroes is one that was not found.
 */
struct cgroup {
  bool is_found;
  bool is_unified; /* version 2 has it: none of the controllers above is on version 1 */
  int directories[CGROUP_HIERARCHIES]; /* -1: not mounted here, or the process is in no cgroup of it */
};

/*
 * Finds where a process is: /proc/<pid>/cgroup, placed below the mounts of /proc/self/mountinfo, whose roots it takes
 * off (cgroup namespaces, and containers in containers). NOT_FOUND: the process has ended, or no mount shows it.
 */
bool cgroup_of(pid_t pid, struct cgroup *cgroup, struct failure *failure);
void cgroup_close(struct cgroup *cgroup);

/*
 * Switches on every controller in the cgroups above it, on version 2, as far as the kernel lets: the runtime switches on
 * only what the container has limits for, and what is off counts nothing.
 */
void cgroup_enable(const struct cgroup *cgroup);

/*
 * Its counters as io.containerd.cgroups.v1.Metrics or io.containerd.cgroups.v2.Metrics, with what containerd's own shim
 * fills in. What the kernel does not have is left out; a cgroup that is gone has none.
 */
bool cgroup_stats(const struct cgroup *cgroup, ProtobufCAllocator *memory, Google__Protobuf__Any *stats,
                  struct failure *failure);

enum { OOM_ABOVE = 2 };

/*
 * Tells of the out-of-memory killer in a cgroup, which must outlive this. Version 1: an eventfd of memory.oom_control,
 * which the kernel also signals for the cgroups below the one that is full. Version 2: memory.events is polled and its
 * oom_kill compared; poll, not inotify, of which a user has only 128 by default.
 *
 * Whoever made the cgroup may remove it as soon as it is empty (systemd does), before it could be read. Version 1 then
 * has signalled twice. In version 2 the cgroups above have counted the kill as well; that it was ours is taken from
 * the process, which was killed.
 */
struct oom {
  struct loop *loop;
  struct source source;
  const struct cgroup *cgroup;
  bool is_watched; /* all zeroes: not */
  bool is_unified;
  bool is_gone;     /* removed before it could be read */
  uint64_t signals; /* version 1: not told yet */
  uint64_t kills;   /* version 2: as last read */
  struct {
    int fd; /* memory.events of the parent and of its parent; -1: none */
    uint64_t kills;
  } above[OOM_ABOVE];
  void (*killed)(struct oom *oom); /* must not close it */
};

/* From the next turn of the loop on, killed() is called, once for all that happened since the last time. */
bool oom_watch(struct oom *oom, struct loop *loop, const struct cgroup *cgroup, void (*killed)(struct oom *oom),
               struct failure *failure);

/*
 * Looks now. To be called as soon as a process of the container has ended, before that is told: the kill came first.
 * `by_kill`: it ended by SIGKILL.
 */
void oom_check(struct oom *oom, bool by_kill);
void oom_close(struct oom *oom);

#endif
