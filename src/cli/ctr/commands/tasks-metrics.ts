import { fromBinary, type Message } from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import { getContainer, getTask } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText } from '#/cli/ctr/ctr-text.ts';
import { messageFields } from '#/cli/ctr/message-json.ts';
import { text } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { Metric } from '#/gen/containerd/types/metrics_pb.ts';
import { MetricsSchema as MetricsV1, type Metrics as V1 } from '#/gen/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as MetricsV2, type Metrics as V2 } from '#/gen/io/containerd/cgroups/v2/metrics_pb.ts';
import { holdsMessage, valueOfAny } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Show what a container uses at this moment: memory, CPU, processes',
  flags: { format: text('', 'FORMAT', '"table" or "json" (default "table")') },
  arity: exactly(1),
  run: async ({ flags, args, out, connect }) => {
    const { format = 'table' } = flags;
    if (format !== 'table' && format !== 'json')
      throw new UsageError(`flag "--format" is table or json, not ${JSON.stringify(format)}`, 1);
    const client = await connect();
    const { id } = await getContainer(client, args[0] ?? '');
    await getTask(client, id);
    const { metrics } = await client.call(Tasks.method.metrics, { filters: [`id==${id}`] });
    const [metric] = metrics;
    if (metric === undefined) throw new EngineError('not-found', `Cannot measure "${id}": there are no figures of it`);
    const measured = readMetric(metric);
    if (format === 'json') return out.line(jsonText(measured.fields, '  '));
    const { seconds = 0n, nanos = 0 } = metric.timestamp ?? {};
    const head = [
      ['ID', 'TIMESTAMP', ''],
      [metric.id, `seconds:${seconds}  nanos:${nanos}`, ''],
      [''],
      ['METRIC', 'VALUE', ''],
    ];
    out.text(
      formatTabbed([...head, ...measured.rows.map(([name, value]) => [name, String(value), ''])], tabShapes.loose),
    );
  },
});

interface Measured {
  readonly fields: unknown;
  readonly rows: readonly (readonly [string, unknown])[];
}

function readMetric({ data }: Metric): Measured {
  const value = data === undefined ? undefined : valueOfAny(data);
  const measured = (schema: typeof MetricsV1 | typeof MetricsV2, message: Message): unknown =>
    messageFields(schema, message);
  if (value !== undefined && holdsMessage(value, MetricsV1)) {
    const message = fromBinary(MetricsV1, value.value);
    return { fields: measured(MetricsV1, message), rows: rowsOfV1(message) };
  }
  if (value !== undefined && holdsMessage(value, MetricsV2)) {
    const message = fromBinary(MetricsV2, value.value);
    return { fields: measured(MetricsV2, message), rows: rowsOfV2(message) };
  }
  throw new EngineError('unimplemented', `Cannot show figures of the type "${value?.typeUrl ?? ''}"`);
}

function rowsOfV1({ memory, cpu, pids }: V1): [string, unknown][] {
  return [
    ...(memory === undefined
      ? []
      : ([
          ['memory.usage_in_bytes', memory.usage?.usage ?? 0],
          ['memory.limit_in_bytes', memory.usage?.limit ?? 0],
          ['memory.stat.cache', memory.totalCache],
        ] satisfies [string, unknown][])),
    ...(cpu === undefined
      ? []
      : ([
          ['cpuacct.usage', cpu.usage?.total ?? 0],
          ['cpuacct.usage_percpu', `[${(cpu.usage?.perCpu ?? []).join(' ')}]`],
        ] satisfies [string, unknown][])),
    ...pidRows(pids),
  ];
}

function rowsOfV2({ memory, cpu, pids }: V2): [string, unknown][] {
  return [
    ...pidRows(pids),
    ...(cpu === undefined
      ? []
      : ([
          ['cpu.usage_usec', cpu.usageUsec],
          ['cpu.user_usec', cpu.userUsec],
          ['cpu.system_usec', cpu.systemUsec],
          ['cpu.nr_periods', cpu.nrPeriods],
          ['cpu.nr_throttled', cpu.nrThrottled],
          ['cpu.throttled_usec', cpu.throttledUsec],
        ] satisfies [string, unknown][])),
    ...(memory === undefined
      ? []
      : ([
          ['memory.usage', memory.usage],
          ['memory.usage_limit', memory.usageLimit],
          ['memory.swap_usage', memory.swapUsage],
          ['memory.swap_limit', memory.swapLimit],
        ] satisfies [string, unknown][])),
  ];
}

function pidRows(pids: { readonly current: bigint; readonly limit: bigint } | undefined): [string, unknown][] {
  if (pids === undefined) return [];
  return [
    ['pids.current', pids.current],
    ['pids.limit', pids.limit],
  ];
}
