#include <stdio.h>

#include "counters.h"
#include "list.h"
#include "metrics.h"
#include "rdma.h"
#include "sizes.h"
#include "text.h"

/* What the ticks of cpuacct.stat are; the kernel shows user space 100 a second everywhere. */
enum { NANOSECONDS_PER_TICK = 1000 * 1000 * 1000 / 100 };

struct ticks {
  uint64_t user, system;
};

static const struct counter tick_counters[] = {
  { "user", offsetof(struct ticks, user) },
  { "system", offsetof(struct ticks, system) },
};

static const struct counter throttle_counters[] = {
  { "nr_periods", offsetof(V1(Throttle), periods) },
  { "nr_throttled", offsetof(V1(Throttle), throttled_periods) },
  { "throttled_time", offsetof(V1(Throttle), throttled_time) },
};

/* Counts the CPUs in a first pass, so that the list is allocated once. */
static int read_per_cpu(const struct reading *reading, V1(CPUUsage) *usage) {
  size_t room = 0, count = 0;
  for (int pass = 0; pass < 2; pass++) {
    struct text text;
    int error = text_open(&text, reading->directories[CGROUP_CPUACCT], "cpuacct.usage_percpu");
    if (error < 0) return error;
    char *word;
    for (count = 0; error == 0 && (word = text_next(&text, " \n")) != NULL;) {
      if (*word == '\0') continue;
      if (pass == 1 && count < room && !parse_number(word, &usage->per_cpu[count])) error = -EBADMSG;
      count++;
    }
    int failed = text_close(&text);
    if (error < 0 || failed < 0) return error < 0 ? error : failed;
    if (pass == 1) break;
    room = count > LIST_LIMIT ? LIST_LIMIT : count;
    usage->per_cpu = reading->memory->alloc(reading->memory->allocator_data, (room + 1) * sizeof *usage->per_cpu);
    if (usage->per_cpu == NULL) return -ENOMEM;
  }
  usage->n_per_cpu = count < room ? count : room;
  return 0;
}

static bool read_cpu(const struct reading *reading, struct v1_metrics *into) {
  const int cpu = reading->directories[CGROUP_CPU], cpuacct = reading->directories[CGROUP_CPUACCT];
  into->metrics.cpu = &into->cpu;
  into->cpu.usage = &into->usage;
  into->cpu.throttling = &into->throttling;
  int error = 0;
  if (cpu >= 0)
    error = read_counters(cpu, "cpu.stat", throttle_counters, COUNT_OF(throttle_counters), &into->throttling);
  if (!reading_went(reading, "cpu.stat", error)) return false;
  if (cpuacct < 0) return true;

  struct ticks ticks = { 0 };
  error = read_counters(cpuacct, "cpuacct.stat", tick_counters, COUNT_OF(tick_counters), &ticks);
  if (!reading_went(reading, "cpuacct.stat", error)) return false;
  into->usage.user = ticks.user * NANOSECONDS_PER_TICK;
  into->usage.kernel = ticks.system * NANOSECONDS_PER_TICK;
  error = read_number(cpuacct, "cpuacct.usage", 0, &into->usage.total);
  if (!reading_went(reading, "cpuacct.usage", error)) return false;
  return reading_went(reading, "cpuacct.usage_percpu", read_per_cpu(reading, &into->usage));
}

/* No limit is 0. */
static bool read_pids(const struct reading *reading, struct v1_metrics *into) {
  const int pids = reading->directories[CGROUP_PIDS];
  if (pids < 0) return true;
  int error = read_number(pids, "pids.current", 0, &into->pids.current);
  if (error == 0) error = read_number(pids, "pids.max", 0, &into->pids.limit);
  if (error == 0) into->metrics.pids = &into->pids;
  return reading_went(reading, "pids.current or pids.max", error);
}

static bool read_hugetlb(const struct reading *reading, struct v1_metrics *into) {
  const int hugetlb = reading->directories[CGROUP_HUGETLB];
  if (hugetlb < 0) return true;
  struct page_sizes sizes;
  page_sizes_read(&sizes);
  struct list list = { .memory = reading->memory };
  for (int i = 0; i < sizes.count; i++) {
    V1(HugetlbStat) *stat = list_add(&list, &io__containerd__cgroups__v1__hugetlb_stat__descriptor);
    if (stat == NULL || (stat->pagesize = copy_string(reading->memory, sizes.names[i])) == NULL)
      return reading_went(reading, "hugetlb", -ENOMEM);
    const struct {
      const char *name;
      uint64_t *value;
    } files[] = {
      { "usage_in_bytes", &stat->usage },
      { "max_usage_in_bytes", &stat->max },
      { "failcnt", &stat->failcnt },
    };
    for (size_t j = 0; j < COUNT_OF(files); j++) {
      char name[64];
      snprintf(name, sizeof name, "hugetlb.%s.%s", sizes.names[i], files[j].name);
      if (!reading_went(reading, name, read_number(hugetlb, name, 0, files[j].value))) return false;
    }
  }
  into->metrics.hugetlb = (V1(HugetlbStat) **)list.items;
  into->metrics.n_hugetlb = list.count;
  return true;
}

static int read_rdma_file(const struct reading *reading, const char *file, struct list *list) {
  struct text text;
  int error = text_open(&text, reading->directories[CGROUP_RDMA], file);
  if (error < 0) return error;
  char *line;
  while (error == 0 && (line = text_next(&text, "\n")) != NULL) {
    struct rdma_line use;
    if (!rdma_parse(line, &use)) continue;
    V1(RdmaEntry) *entry = list_add(list, &io__containerd__cgroups__v1__rdma_entry__descriptor);
    if (entry == NULL || (entry->device = copy_string(reading->memory, use.device)) == NULL) error = -ENOMEM;
    if (error < 0) break;
    entry->hca_handles = use.handles;
    entry->hca_objects = use.objects;
  }
  int failed = text_close(&text);
  return error < 0 ? error : failed;
}

/* Both lists or none: a device may go between the two. */
static bool read_rdma(const struct reading *reading, struct v1_metrics *into) {
  if (reading->directories[CGROUP_RDMA] < 0) return true;
  struct list current = { .memory = reading->memory }, limit = { .memory = reading->memory };
  int error = read_rdma_file(reading, "rdma.current", &current);
  if (error == 0) error = read_rdma_file(reading, "rdma.max", &limit);
  if (error < 0 || current.count != limit.count) return reading_went(reading, "rdma.current or rdma.max", error);
  into->metrics.rdma = &into->rdma;
  into->rdma.current = (V1(RdmaEntry) **)current.items;
  into->rdma.limit = (V1(RdmaEntry) **)limit.items;
  into->rdma.n_current = current.count;
  into->rdma.n_limit = limit.count;
  return true;
}

static void empty(struct v1_metrics *into) {
  io__containerd__cgroups__v1__metrics__init(&into->metrics);
  io__containerd__cgroups__v1__cpustat__init(&into->cpu);
  io__containerd__cgroups__v1__cpuusage__init(&into->usage);
  io__containerd__cgroups__v1__throttle__init(&into->throttling);
  io__containerd__cgroups__v1__pids_stat__init(&into->pids);
  io__containerd__cgroups__v1__memory_stat__init(&into->memory);
  for (size_t i = 0; i < COUNT_OF(into->entries); i++)
    io__containerd__cgroups__v1__memory_entry__init(&into->entries[i]);
  io__containerd__cgroups__v1__memory_oom_control__init(&into->oom_control);
  io__containerd__cgroups__v1__blk_iostat__init(&into->blkio);
  io__containerd__cgroups__v1__rdma_stat__init(&into->rdma);
}

bool v1_read(const struct reading *reading, struct v1_metrics *into) {
  empty(into);
  return read_cpu(reading, into) && v1_read_memory(reading, into) && read_pids(reading, into) &&
         v1_read_blkio(reading, into) && read_hugetlb(reading, into) && read_rdma(reading, into);
}
