import { openDebugServer } from '#/api/debug/open-debug-server.ts';
import type { DaemonInside } from '#/api/debug/describe-daemon.ts';
import { describeDaemon } from '#/api/debug/describe-daemon.ts';
import { listRunning, readContainers, type ContainerSource } from '#/api/metrics/container-metrics.ts';
import { createGrpcMetrics, type GrpcMetrics } from '#/api/metrics/grpc-metrics.ts';
import { openMetricsServer } from '#/api/metrics/open-metrics-server.ts';
import { readProcess, watchProcess } from '#/api/metrics/process-metrics.ts';
import { revision, version } from '#/base/version.ts';
import type { Settings } from '#/daemon/config/schema-tree.ts';
import type { OpenCall } from '#/rpc/grpc-server.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';

/** Measures from the start; undefined when nobody will read it. */
export function createCallMetrics({ plugins }: Settings): GrpcMetrics | undefined {
  if (plugins['io.containerd.server.v1.metrics'].address === '') return undefined;
  return createGrpcMetrics({ histogram: plugins['io.containerd.metrics.v1.grpc-prometheus'].grpc_histogram });
}

export interface InspectionOptions extends ContainerSource {
  readonly settings: Settings;
  readonly listen: readonly UnixAddress[];
  readonly callMetrics: GrpcMetrics | undefined;
  readonly openCalls: () => readonly OpenCall[];
}

/** What others may learn of a running daemon, as far as the configuration wants it; SIGUSR1 writes it to the log. */
export async function openInspection(options: InspectionOptions): Promise<AsyncDisposable> {
  const { settings, listen, openCalls, logger, callMetrics } = options;
  const { address } = settings.plugins['io.containerd.server.v1.metrics'];
  await using stack = new AsyncDisposableStack();
  const watch = address !== '' || listen.length > 0 ? stack.use(watchProcess()) : undefined;
  const inside: DaemonInside = {
    openCalls,
    runningTasks: () => listRunning(options).map(({ namespace, id }) => `${namespace}/${id}`),
    loopDelay: () => watch?.loopDelay(),
  };
  const onSignal = (): void => {
    for (const line of describeDaemon(inside).split('\n')) if (line !== '') logger.info('dump', { line: line.trim() });
  };
  process.on('SIGUSR1', onSignal);
  stack.defer(() => void process.off('SIGUSR1', onSignal));
  if (listen.length > 0) stack.use(await openDebugServer({ listen, inside }));
  if (watch !== undefined && address !== '') {
    const read = async () => [
      ...(await readProcess(watch, { version: `v${version}`, revision })),
      ...(callMetrics?.read() ?? []),
      ...(settings.plugins['io.containerd.monitor.task.v1.cgroups'].no_prometheus ? [] : await readContainers(options)),
    ];
    stack.use(await openMetricsServer({ address, read, logger }));
  }
  return stack.move();
}
