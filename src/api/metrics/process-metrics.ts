import { readdir, readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metric } from '#/api/metrics/prometheus-text.ts';

/** Watches the process while it is open. It costs a timer, so nobody who is not asked for numbers should open it. */
export interface ProcessWatch extends Disposable {
  /** Seconds by which the event loop came late. */
  loopDelay(): LoopDelay;
}

export interface LoopDelay {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Milliseconds. */
const resolution = 20;

export function watchProcess(): ProcessWatch {
  const measured = monitorEventLoopDelay({ resolution });
  measured.enable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolution / 1e3) || 0;
  return {
    loopDelay: () => ({
      mean: late(measured.mean),
      p50: late(measured.percentile(50)),
      p99: late(measured.percentile(99)),
      max: late(measured.max),
    }),
    [Symbol.dispose]: () => void measured.disable(),
  };
}

export interface ProcessFacts {
  readonly version: string;
  readonly revision: string;
}

/** The process's own numbers, under the names that other programs' exporters use. */
export async function readProcess(watch: ProcessWatch, facts: ProcessFacts): Promise<readonly Metric[]> {
  const memory = process.memoryUsage();
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const [descriptors, status, limits] = await Promise.all([
    readdir('/proc/self/fd'),
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/self/limits', 'utf8'),
  ]);
  const virtual = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  const maxDescriptors = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
  const { mean, p50, p99, max } = watch.loopDelay();
  return [
    { ...gauge('containerd_build_info_total', 'The version that runs', 1, { ...facts }), type: 'counter' },
    counter('process_cpu_seconds_total', 'CPU time', (userCPUTime + systemCPUTime) / 1e6),
    gauge('process_resident_memory_bytes', 'Memory in use', memory.rss),
    gauge('process_virtual_memory_bytes', 'Address space', virtual),
    gauge('process_open_fds', 'Open descriptors', descriptors.length),
    gauge('process_max_fds', 'Most descriptors allowed', maxDescriptors),
    gauge('process_start_time_seconds', 'When it started', performance.timeOrigin / 1000),
    gauge('nodejs_heap_size_total_bytes', 'Heap reserved', memory.heapTotal),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use', memory.heapUsed),
    gauge('nodejs_external_memory_bytes', 'Buffers and the like', memory.external),
    gauge('nodejs_eventloop_lag_mean_seconds', 'Delay of the event loop', mean),
    gauge('nodejs_eventloop_lag_p50_seconds', 'Its median', p50),
    gauge('nodejs_eventloop_lag_p99_seconds', 'Its 99th percentile', p99),
    gauge('nodejs_eventloop_lag_max_seconds', 'The longest', max),
  ];
}

function gauge(name: string, help: string, value: number, labels?: Readonly<Record<string, string>>): Metric {
  return { name, help, type: 'gauge', samples: [labels === undefined ? { value } : { value, labels }] };
}

const counter = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'counter',
  samples: [{ value }],
});
