#include "counters.h"
#include "metrics.h"

#define AT(field) { #field, offsetof(V2(MemoryStat), field) }

static const struct counter counters[] = {
  AT(anon), AT(file), AT(kernel_stack), AT(slab), AT(sock), AT(shmem), AT(file_mapped), AT(file_dirty),
  AT(file_writeback), AT(anon_thp), AT(inactive_anon), AT(active_anon), AT(inactive_file), AT(active_file),
  AT(unevictable), AT(slab_reclaimable), AT(slab_unreclaimable), AT(pgfault), AT(pgmajfault), AT(workingset_refault),
  AT(workingset_activate), AT(workingset_nodereclaim), AT(pgrefill), AT(pgscan), AT(pgsteal), AT(pgactivate),
  AT(pgdeactivate), AT(pglazyfree), AT(pglazyfreed), AT(thp_fault_alloc), AT(thp_collapse_alloc),
  AT(workingset_refault_anon), AT(workingset_refault_file), AT(workingset_activate_anon), AT(workingset_activate_file),
};

#define EVENT(field) { #field, offsetof(V2(MemoryEvents), field) }

static const struct counter event_counters[] = {
  EVENT(low), EVENT(high), EVENT(max), EVENT(oom), EVENT(oom_kill), EVENT(oom_group_kill),
};

static bool read_numbers(const struct reading *reading, V2(MemoryStat) *memory) {
  const struct {
    const char *name;
    uint64_t *value;
  } files[] = {
    { "memory.current", &memory->usage },
    { "memory.max", &memory->usage_limit },
    { "memory.peak", &memory->max_usage },
    { "memory.swap.current", &memory->swap_usage },
    { "memory.swap.max", &memory->swap_limit },
    { "memory.swap.peak", &memory->swap_max_usage },
  };
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    int error = read_number(reading->directories[CGROUP_UNIFIED], files[i].name, UINT64_MAX, files[i].value);
    if (!reading_went(reading, files[i].name, error)) return false;
  }
  return true;
}

bool v2_read_memory(const struct reading *reading, struct v2_metrics *into) {
  const int here = reading->directories[CGROUP_UNIFIED];
  into->metrics.memory = &into->memory;
  int error = read_counters(here, "memory.stat", counters, COUNT_OF(counters), &into->memory);
  if (error < 0) return reading_went(reading, "memory.stat", error);
  if (!read_numbers(reading, &into->memory)) return false;
  into->memory.psi = v2_read_pressure(reading, "memory.pressure", &into->memory_pressure);
  error = read_counters(here, "memory.events", event_counters, COUNT_OF(event_counters), &into->events);
  if (error == 0) into->metrics.memory_events = &into->events;
  return reading_went(reading, "memory.events", error);
}
