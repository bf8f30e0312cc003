import { openDebugServer } from '#/api/debug/open-debug-server.ts';
import type { DaemonInside } from '#/api/debug/describe-daemon.ts';
import { describeDaemon } from '#/api/debug/describe-daemon.ts';
import { listRunning, readContainers, type ContainerSource } from '#/api/metrics/container-metrics.ts';
import { createGrpcMetrics } from '#/api/metrics/grpc-metrics.ts';
import { openMetricsServer } from '#/api/metrics/open-metrics-server.ts';
import { readProcess, watchProcess } from '#/api/metrics/process-metrics.ts';
import { revision, version } from '#/base/version.ts';
import type { Settings } from '#/daemon/config/schema-tree.ts';
import type { HandledCall } from '#/rpc/grpc-call.ts';
import type { OpenCall } from '#/rpc/grpc-server.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';

export interface InspectionOptions extends ContainerSource {
  readonly settings: Settings;
  readonly listen: readonly UnixAddress[];
}

export interface Inspection extends AsyncDisposable {
  /** Wants to be told of each gRPC call that has ended; undefined when nobody reads that. */
  readonly onHandled: ((call: HandledCall) => void) | undefined;
  /** Tells from now on what `openCalls` gives. */
  watchCalls(openCalls: () => readonly OpenCall[]): void;
}

/**
 * What others may learn of a running daemon, as far as the configuration wants it; SIGUSR1 writes it to the log. It opens
 * before clients are served, since an address that is taken ends the start.
 */
export async function openInspection(options: InspectionOptions): Promise<Inspection> {
  const { settings, listen, logger } = options;
  const { address } = settings.plugins['io.containerd.server.v1.metrics'];
  const calls = address === '' ? undefined : createGrpcMetrics({ histogram: wantsHistogram(settings) });
  let openCalls = (): readonly OpenCall[] => [];
  await using stack = new AsyncDisposableStack();
  const watch = address === '' ? undefined : stack.use(watchProcess());
  const inside: DaemonInside = {
    openCalls: () => openCalls(),
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
      ...(calls?.read() ?? []),
      ...(settings.plugins['io.containerd.monitor.task.v1.cgroups'].no_prometheus ? [] : await readContainers(options)),
    ];
    stack.use(await openMetricsServer({ address, read, logger }));
  }
  const closing = stack.move();
  return {
    onHandled: calls?.note,
    watchCalls: (watched) => void (openCalls = watched),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

const wantsHistogram = ({ plugins }: Settings): boolean =>
  plugins['io.containerd.metrics.v1.grpc-prometheus'].grpc_histogram;
