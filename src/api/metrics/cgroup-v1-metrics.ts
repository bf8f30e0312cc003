import type { Reading } from '#/api/metrics/reading.ts';
import type { BlkIOEntry, MemoryEntry, MemoryStat, Metrics } from '#/gen/io/containerd/cgroups/v1/metrics_pb.ts';

/** What a container of cgroup v1 uses, under the names that containerd gives. */
export function readCgroupV1({ pids, cpu, memory, hugetlb, blkio, memoryOomControl }: Metrics): Reading[] {
  const { usage, throttling } = cpu ?? {};
  return [
    { name: 'pids_limit', value: pids?.limit },
    { name: 'pids_current', value: pids?.current },
    { name: 'cpu_total_nanoseconds', value: usage?.total },
    { name: 'cpu_kernel_nanoseconds', value: usage?.kernel },
    { name: 'cpu_user_nanoseconds', value: usage?.user },
    ...(usage?.perCpu ?? []).map((value, index) => ({
      name: 'per_cpu_nanoseconds',
      value,
      labels: { cpu: String(index) },
    })),
    { name: 'cpu_throttle_periods_total', value: throttling?.periods },
    { name: 'cpu_throttled_periods_total', value: throttling?.throttledPeriods },
    { name: 'cpu_throttled_time_nanoseconds', value: throttling?.throttledTime },
    ...(memory === undefined ? [] : memoryReadings(memory)),
    { name: 'memory_oom_total', value: memoryOomControl?.oomKill },
    ...hugetlb.flatMap(({ usage, failcnt, max, pagesize }) => [
      { name: 'hugetlb_usage_bytes', value: usage, labels: { page: pagesize } },
      { name: 'hugetlb_failcnt_total', value: failcnt, labels: { page: pagesize } },
      { name: 'hugetlb_max_bytes', value: max, labels: { page: pagesize } },
    ]),
    ...blockReadings('io_merged_recursive_total', blkio?.ioMergedRecursive),
    ...blockReadings('io_queued_recursive_total', blkio?.ioQueuedRecursive),
    ...blockReadings('io_service_bytes_recursive_bytes', blkio?.ioServiceBytesRecursive),
    ...blockReadings('io_service_time_recursive_total', blkio?.ioServiceTimeRecursive),
    ...blockReadings('io_serviced_recursive_total', blkio?.ioServicedRecursive),
    ...blockReadings('io_time_recursive_total', blkio?.ioTimeRecursive),
    ...blockReadings('sectors_recursive_total', blkio?.sectorsRecursive),
  ];
}

/** Fields of memory.stat whose names are the metrics' own. */
const sameName = ['cache', 'rss', 'dirty', 'writeback', 'unevictable'] as const;

function memoryReadings(memory: MemoryStat): Reading[] {
  const bytes = (name: string, value: bigint): Reading => ({ name: `memory_${name}_bytes`, value });
  return [
    ...sameName.map((name) => bytes(name, memory[name])),
    bytes('rss_huge', memory.rssHuge),
    bytes('mapped_file', memory.mappedFile),
    bytes('pgpgin', memory.pgPgIn),
    bytes('pgpgout', memory.pgPgOut),
    bytes('pgfault', memory.pgFault),
    bytes('pgmajfault', memory.pgMajFault),
    bytes('inactive_anon', memory.inactiveAnon),
    bytes('active_anon', memory.activeAnon),
    bytes('inactive_file', memory.inactiveFile),
    bytes('active_file', memory.activeFile),
    bytes('hierarchical_memory_limit', memory.hierarchicalMemoryLimit),
    bytes('hierarchical_memsw_limit', memory.hierarchicalSwapLimit),
    bytes('total_cache', memory.totalCache),
    bytes('total_rss', memory.totalRss),
    bytes('total_rss_huge', memory.totalRssHuge),
    bytes('total_mapped_file', memory.totalMappedFile),
    bytes('total_dirty', memory.totalDirty),
    bytes('total_writeback', memory.totalWriteback),
    bytes('total_pgpgin', memory.totalPgPgIn),
    bytes('total_pgpgout', memory.totalPgPgOut),
    bytes('total_pgfault', memory.totalPgFault),
    bytes('total_pgmajfault', memory.totalPgMajFault),
    bytes('total_inactive_anon', memory.totalInactiveAnon),
    bytes('total_active_anon', memory.totalActiveAnon),
    bytes('total_inactive_file', memory.totalInactiveFile),
    bytes('total_active_file', memory.totalActiveFile),
    bytes('total_unevictable', memory.totalUnevictable),
    ...entryReadings('usage', memory.usage),
    ...entryReadings('swap', memory.swap),
    ...entryReadings('kernel', memory.kernel),
    ...entryReadings('kerneltcp', memory.kernelTcp),
  ];
}

const entryReadings = (name: string, entry: MemoryEntry | undefined): Reading[] => [
  { name: `memory_${name}_failcnt_total`, value: entry?.failcnt },
  { name: `memory_${name}_limit_bytes`, value: entry?.limit },
  { name: `memory_${name}_max_bytes`, value: entry?.max },
  { name: `memory_${name}_usage_bytes`, value: entry?.usage },
];

const blockReadings = (name: string, entries: readonly BlkIOEntry[] = []): Reading[] =>
  entries.map(({ op, device, major, minor, value }) => ({
    name: `blkio_${name}`,
    value,
    labels: { op, device, major: String(major), minor: String(minor) },
  }));
