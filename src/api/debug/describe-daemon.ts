import type { LoopDelay } from '#/api/metrics/process-metrics.ts';
import type { OpenCall } from '#/rpc/grpc-server.ts';

/** What a running daemon can tell of itself. */
export interface DaemonInside {
  openCalls(): readonly OpenCall[];
  /** `namespace/id` of what runs. */
  runningTasks(): readonly string[];
  /** Undefined while nobody measures it. */
  loopDelay(): LoopDelay | undefined;
}

const mostLines = 10_000;

/** What goes on, for people: berth's counterpart of a dump of goroutines. */
export function describeDaemon(inside: DaemonInside): string {
  const calls = inside.openCalls();
  const tasks = inside.runningTasks();
  const { rss, heapUsed, external } = process.memoryUsage();
  return [
    `berthd ${process.pid}, up ${Math.round(process.uptime())} s`,
    `memory: resident ${rss}, heap ${heapUsed}, external ${external} bytes`,
    `event loop delay: ${formatDelay(inside.loopDelay())}`,
    '',
    `open gRPC calls: ${calls.length}`,
    ...listed(calls.map(({ method, milliseconds }) => `  ${method} ${(milliseconds / 1000).toFixed(1)} s`)),
    '',
    `tasks: ${tasks.length}`,
    ...listed(tasks.map((task) => `  ${task}`)),
    '',
    'what keeps the process:',
    ...countsOf(process.getActiveResourcesInfo()).map(([kind, count]) => `  ${kind} ${count}`),
    '',
  ].join('\n');
}

function formatDelay(delay: LoopDelay | undefined): string {
  if (delay === undefined) return 'not measured without a metrics address';
  const [mean, p99, max] = [delay.mean, delay.p99, delay.max].map((seconds) => (seconds * 1000).toFixed(1));
  return `mean ${mean} ms, p99 ${p99} ms, longest ${max} ms`;
}

const listed = (lines: readonly string[]): readonly string[] =>
  lines.length <= mostLines ? lines : [...lines.slice(0, mostLines), `  and ${lines.length - mostLines} more`];

export function countsOf(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([left], [right]) => left.localeCompare(right));
}
