import type { Reading } from '#/api/metrics/reading.ts';
import type { Metrics } from '#/gen/io/containerd/cgroups/v2/metrics_pb.ts';

/** What a container of cgroup v2 uses, under the names that containerd gives. */
export function readCgroupV2({ pids, cpu, memory, memoryEvents, io }: Metrics): Reading[] {
  const bytes = (name: string, value: bigint | undefined): Reading => ({ name: `memory_${name}_bytes`, value });
  return [
    { name: 'pids_limit', value: pids?.limit },
    { name: 'pids_current', value: pids?.current },
    { name: 'cpu_usage_usec_microseconds', value: cpu?.usageUsec },
    { name: 'cpu_user_usec_microseconds', value: cpu?.userUsec },
    { name: 'cpu_system_usec_microseconds', value: cpu?.systemUsec },
    { name: 'cpu_nr_periods_total', value: cpu?.nrPeriods },
    { name: 'cpu_nr_throttled_total', value: cpu?.nrThrottled },
    { name: 'cpu_throttled_usec_microseconds', value: cpu?.throttledUsec },
    bytes('usage', memory?.usage),
    bytes('usage_limit', memory?.usageLimit),
    bytes('swap_usage', memory?.swapUsage),
    bytes('swap_limit', memory?.swapLimit),
    bytes('file_mapped', memory?.fileMapped),
    bytes('file_dirty', memory?.fileDirty),
    bytes('file_writeback', memory?.fileWriteback),
    bytes('pgactivate', memory?.pgactivate),
    bytes('pgdeactivate', memory?.pgdeactivate),
    bytes('pgfault', memory?.pgfault),
    bytes('pgmajfault', memory?.pgmajfault),
    bytes('pglazyfree', memory?.pglazyfree),
    bytes('pgrefill', memory?.pgrefill),
    bytes('pglazyfreed', memory?.pglazyfreed),
    bytes('pgscan', memory?.pgscan),
    bytes('pgsteal', memory?.pgsteal),
    bytes('inactive_anon', memory?.inactiveAnon),
    bytes('active_anon', memory?.activeAnon),
    bytes('inactive_file', memory?.inactiveFile),
    bytes('active_file', memory?.activeFile),
    bytes('unevictable', memory?.unevictable),
    bytes('anon', memory?.anon),
    bytes('file', memory?.file),
    bytes('kernel_stack', memory?.kernelStack),
    bytes('slab', memory?.slab),
    bytes('sock', memory?.sock),
    bytes('shmem', memory?.shmem),
    bytes('anon_thp', memory?.anonThp),
    bytes('slab_reclaimable', memory?.slabReclaimable),
    bytes('slab_unreclaimable', memory?.slabUnreclaimable),
    bytes('workingset_refault', memory?.workingsetRefault),
    bytes('workingset_activate', memory?.workingsetActivate),
    bytes('workingset_nodereclaim', memory?.workingsetNodereclaim),
    bytes('thp_fault_alloc', memory?.thpFaultAlloc),
    bytes('thp_collapse_alloc', memory?.thpCollapseAlloc),
    { name: 'memory_oom_total', value: memoryEvents?.oom },
    ...(io?.usage ?? []).flatMap(({ major, minor, rbytes, wbytes, rios, wios }) => {
      const labels = { major: String(major), minor: String(minor) };
      return [
        { name: 'io_rbytes_bytes', value: rbytes, labels },
        { name: 'io_wbytes_bytes', value: wbytes, labels },
        { name: 'io_rios_total', value: rios, labels },
        { name: 'io_wios_total', value: wios, labels },
      ];
    }),
  ];
}
