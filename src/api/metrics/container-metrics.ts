import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { readCgroupV1 } from '#/api/metrics/cgroup-v1-metrics.ts';
import { readCgroupV2 } from '#/api/metrics/cgroup-v2-metrics.ts';
import type { Reading } from '#/api/metrics/reading.ts';
import type { Metric, Sample } from '#/api/metrics/prometheus-text.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import type { Tasks } from '#/core/tasks/contract.ts';
import type { TaskStats } from '#/core/tasks/task-stats.ts';
import { MetricsSchema as MetricsV1 } from '#/gen/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as MetricsV2 } from '#/gen/io/containerd/cgroups/v2/metrics_pb.ts';
import { holdsMessage, unpackMessage } from '#/rpc/any.ts';

export interface ContainerSource {
  readonly metadata: Metadata;
  readonly tasks: Pick<Tasks, 'has' | 'stats'>;
  readonly logger: Logger;
}

const atOnce = 32;

/** What running containers of all namespaces use. A shim that does not answer in time leaves its container out. */
export async function readContainers(source: ContainerSource): Promise<readonly Metric[]> {
  const pending = listRunning(source);
  const metrics = new Map<string, Sample[]>();
  const work = async (): Promise<void> => {
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) await measure(source, next, metrics);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return [...metrics].map(([name, samples]) => {
    const help = `${name.replaceAll('_', ' ')}, of the container's cgroup`;
    return { name: `container_${name}`, help, type: 'gauge', samples };
  });
}

export interface Running {
  readonly namespace: string;
  readonly id: string;
}

/** Containers of all namespaces that have a task. */
export function listRunning({ metadata, tasks }: Pick<ContainerSource, 'metadata' | 'tasks'>): Running[] {
  return metadata.read
    .listNamespaces()
    .flatMap(({ name }) => metadata.read.containers.list(name).map(({ id }) => ({ namespace: name, id })))
    .filter(({ namespace, id }) => tasks.has(namespace, id));
}

async function measure(
  { tasks, logger }: ContainerSource,
  { namespace, id }: Running,
  metrics: Map<string, Sample[]>,
): Promise<void> {
  try {
    for (const { name, value, labels } of readingsOf(await tasks.stats(namespace, id))) {
      if (value === undefined) continue;
      const samples = metrics.get(name) ?? [];
      samples.push({ value, labels: { container_id: id, namespace, ...labels } });
      metrics.set(name, samples);
    }
  } catch (error) {
    logger.debug('a container is left out of the metrics', { task: `${namespace}/${id}`, error: messageOf(error) });
  }
}

function readingsOf({ data }: TaskStats): Reading[] {
  if (data === undefined) return [];
  if (holdsMessage(data, MetricsV1)) return readCgroupV1(unpackMessage(MetricsV1, data));
  return holdsMessage(data, MetricsV2) ? readCgroupV2(unpackMessage(MetricsV2, data)) : [];
}
