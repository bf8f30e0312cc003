#include <stdio.h>

#include "counters.h"
#include "list.h"
#include "metrics.h"
#include "sizes.h"

#define AT(field) offsetof(V2(CPUStat), field)

static const struct counter cpu_counters[] = {
  { "usage_usec", AT(usage_usec) },
  { "user_usec", AT(user_usec) },
  { "system_usec", AT(system_usec) },
  { "nr_periods", AT(nr_periods) },
  { "nr_throttled", AT(nr_throttled) },
  { "throttled_usec", AT(throttled_usec) },
  { "nr_bursts", AT(nr_bursts) },
  { "burst_usec", AT(burst_usec) },
};

/* Messages that containerd always has are there also when the controller is off; no limit is UINT64_MAX. */
static bool read_pids(const struct reading *reading, struct v2_metrics *into) {
  const int here = reading->directories[CGROUP_UNIFIED];
  into->metrics.pids = &into->pids;
  return reading_went(reading, "pids.current", read_number(here, "pids.current", UINT64_MAX, &into->pids.current)) &&
         reading_went(reading, "pids.max", read_number(here, "pids.max", UINT64_MAX, &into->pids.limit));
}

static bool read_cpu(const struct reading *reading, struct v2_metrics *into) {
  const int here = reading->directories[CGROUP_UNIFIED];
  into->metrics.cpu = &into->cpu;
  int error = read_counters(here, "cpu.stat", cpu_counters, COUNT_OF(cpu_counters), &into->cpu);
  into->cpu.psi = error < 0 ? NULL : v2_read_pressure(reading, "cpu.pressure", &into->cpu_pressure);
  return reading_went(reading, "cpu.stat", error);
}

static const struct counter hugetlb_counters[] = { { "max", offsetof(V2(HugeTlbStat), failcnt) } };

static bool read_page_size(const struct reading *reading, V2(HugeTlbStat) *stat) {
  const int here = reading->directories[CGROUP_UNIFIED];
  char name[64];
  snprintf(name, sizeof name, "hugetlb.%s.current", stat->pagesize);
  if (!reading_went(reading, name, read_number(here, name, UINT64_MAX, &stat->current))) return false;
  snprintf(name, sizeof name, "hugetlb.%s.max", stat->pagesize);
  if (!reading_went(reading, name, read_number(here, name, UINT64_MAX, &stat->max))) return false;
  snprintf(name, sizeof name, "hugetlb.%s.events", stat->pagesize);
  return reading_went(reading, name, read_counters(here, name, hugetlb_counters, 1, stat));
}

static bool read_hugetlb(const struct reading *reading, struct v2_metrics *into) {
  struct page_sizes sizes;
  page_sizes_read(&sizes);
  struct list list = { .memory = reading->memory };
  for (int i = 0; i < sizes.count; i++) {
    V2(HugeTlbStat) *stat = list_add(&list, &io__containerd__cgroups__v2__huge_tlb_stat__descriptor);
    if (stat == NULL || (stat->pagesize = copy_string(reading->memory, sizes.names[i])) == NULL)
      return reading_went(reading, "hugetlb", -ENOMEM);
    if (!read_page_size(reading, stat)) return false;
  }
  into->metrics.hugetlb = (V2(HugeTlbStat) **)list.items;
  into->metrics.n_hugetlb = list.count;
  return true;
}

static void empty(struct v2_metrics *into) {
  io__containerd__cgroups__v2__metrics__init(&into->metrics);
  io__containerd__cgroups__v2__pids_stat__init(&into->pids);
  io__containerd__cgroups__v2__cpustat__init(&into->cpu);
  io__containerd__cgroups__v2__memory_stat__init(&into->memory);
  io__containerd__cgroups__v2__memory_events__init(&into->events);
  io__containerd__cgroups__v2__iostat__init(&into->io);
  io__containerd__cgroups__v2__rdma_stat__init(&into->rdma);
}

bool v2_read(const struct reading *reading, struct v2_metrics *into) {
  empty(into);
  return read_pids(reading, into) && read_cpu(reading, into) && v2_read_memory(reading, into) &&
         v2_read_io(reading, into) && read_hugetlb(reading, into);
}
