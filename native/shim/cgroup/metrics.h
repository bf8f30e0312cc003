#ifndef BERTH_CGROUP_METRICS_H
#define BERTH_CGROUP_METRICS_H

#include <stddef.h>

#include "cgroup.h"
#include "io/containerd/cgroups/v1/metrics.pb-c.h"
#include "io/containerd/cgroups/v2/metrics.pb-c.h"

#define V1(name) Io__Containerd__Cgroups__V1__##name
#define V2(name) Io__Containerd__Cgroups__V2__##name

/* Where the counters of one call go. */
struct reading {
  const int *directories; /* of the cgroup */
  ProtobufCAllocator *memory;
  struct failure *failure;
};

/*
 * What became of reading a file: true for a file that was read or is not there (then what it would have filled is
 * zero), false with the failure filled otherwise.
 */
bool reading_went(const struct reading *reading, const char *file, int error);

/* All messages of version 1 that are there at most once; metrics points to those that were filled. */
struct v1_metrics {
  V1(Metrics) metrics;
  V1(CPUStat) cpu;
  V1(CPUUsage) usage;
  V1(Throttle) throttling;
  V1(PidsStat) pids;
  V1(MemoryStat) memory;
  V1(MemoryEntry) entries[4];
  V1(MemoryOomControl) oom_control;
  V1(BlkIOStat) blkio;
  V1(RdmaStat) rdma;
};

bool v1_read(const struct reading *reading, struct v1_metrics *into);
bool v1_read_memory(const struct reading *reading, struct v1_metrics *into);
bool v1_read_blkio(const struct reading *reading, struct v1_metrics *into);

/* The same of version 2. */
struct v2_pressure {
  V2(PSIStats) stats;
  V2(PSIData) some, full;
};

struct v2_metrics {
  V2(Metrics) metrics;
  V2(PidsStat) pids;
  V2(CPUStat) cpu;
  V2(MemoryStat) memory;
  V2(MemoryEvents) events;
  V2(IOStat) io;
  V2(RdmaStat) rdma;
  struct v2_pressure cpu_pressure, memory_pressure, io_pressure;
};

bool v2_read(const struct reading *reading, struct v2_metrics *into);
bool v2_read_memory(const struct reading *reading, struct v2_metrics *into);
bool v2_read_io(const struct reading *reading, struct v2_metrics *into);

/* NULL where the kernel measures no pressure. */
V2(PSIStats) *v2_read_pressure(const struct reading *reading, const char *file, struct v2_pressure *into);

#endif
