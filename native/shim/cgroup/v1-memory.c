#include <stdio.h>

#include "counters.h"
#include "metrics.h"

#define AT(field) offsetof(V1(MemoryStat), field)

static const struct counter counters[] = {
  { "cache", AT(cache) },
  { "rss", AT(rss) },
  { "rss_huge", AT(rss_huge) },
  { "mapped_file", AT(mapped_file) },
  { "dirty", AT(dirty) },
  { "writeback", AT(writeback) },
  { "pgpgin", AT(pg_pg_in) },
  { "pgpgout", AT(pg_pg_out) },
  { "pgfault", AT(pg_fault) },
  { "pgmajfault", AT(pg_maj_fault) },
  { "inactive_anon", AT(inactive_anon) },
  { "active_anon", AT(active_anon) },
  { "inactive_file", AT(inactive_file) },
  { "active_file", AT(active_file) },
  { "unevictable", AT(unevictable) },
  { "hierarchical_memory_limit", AT(hierarchical_memory_limit) },
  { "hierarchical_memsw_limit", AT(hierarchical_swap_limit) },
  { "total_cache", AT(total_cache) },
  { "total_rss", AT(total_rss) },
  { "total_rss_huge", AT(total_rss_huge) },
  { "total_mapped_file", AT(total_mapped_file) },
  { "total_dirty", AT(total_dirty) },
  { "total_writeback", AT(total_writeback) },
  { "total_pgpgin", AT(total_pg_pg_in) },
  { "total_pgpgout", AT(total_pg_pg_out) },
  { "total_pgfault", AT(total_pg_fault) },
  { "total_pgmajfault", AT(total_pg_maj_fault) },
  { "total_inactive_anon", AT(total_inactive_anon) },
  { "total_active_anon", AT(total_active_anon) },
  { "total_inactive_file", AT(total_inactive_file) },
  { "total_active_file", AT(total_active_file) },
  { "total_unevictable", AT(total_unevictable) },
};

static const struct counter oom_counters[] = {
  { "oom_kill_disable", offsetof(V1(MemoryOomControl), oom_kill_disable) },
  { "under_oom", offsetof(V1(MemoryOomControl), under_oom) },
  { "oom_kill", offsetof(V1(MemoryOomControl), oom_kill) },
};

/* "memory.usage_in_bytes" and its kin, of one kind of memory. */
static bool read_entry(const struct reading *reading, const char *kind, V1(MemoryEntry) *entry) {
  const struct {
    const char *name;
    uint64_t *value;
  } files[] = {
    { "usage_in_bytes", &entry->usage },
    { "max_usage_in_bytes", &entry->max },
    { "failcnt", &entry->failcnt },
    { "limit_in_bytes", &entry->limit },
  };
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    char name[64];
    snprintf(name, sizeof name, "memory.%s%s", kind, files[i].name);
    int error = read_number(reading->directories[CGROUP_MEMORY], name, 0, files[i].value);
    if (!reading_went(reading, name, error)) return false;
  }
  return true;
}

static bool read_entries(const struct reading *reading, struct v1_metrics *into) {
  into->memory.usage = &into->entries[0];
  into->memory.swap = &into->entries[1];
  into->memory.kernel = &into->entries[2];
  into->memory.kernel_tcp = &into->entries[3];
  return read_entry(reading, "", into->memory.usage) && read_entry(reading, "memsw.", into->memory.swap) &&
         read_entry(reading, "kmem.", into->memory.kernel) && read_entry(reading, "kmem.tcp.", into->memory.kernel_tcp);
}

bool v1_read_memory(const struct reading *reading, struct v1_metrics *into) {
  const int memory = reading->directories[CGROUP_MEMORY];
  if (memory < 0) return true;
  int error = read_counters(memory, "memory.stat", counters, COUNT_OF(counters), &into->memory);
  if (error < 0) return reading_went(reading, "memory.stat", error);
  into->metrics.memory = &into->memory;
  if (!read_entries(reading, into)) return false;
  error = read_counters(memory, "memory.oom_control", oom_counters, COUNT_OF(oom_counters), &into->oom_control);
  if (error == 0) into->metrics.memory_oom_control = &into->oom_control;
  return reading_went(reading, "memory.oom_control", error);
}
