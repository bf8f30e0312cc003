import { fromBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { getContainer } from '#/client/containerd/find-container.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { binarySizeText } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { Metric } from '#/gen/containerd/types/metrics_pb.ts';
import { MetricsSchema as MetricsV1 } from '#/gen/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as MetricsV2 } from '#/gen/io/containerd/cgroups/v2/metrics_pb.ts';
import { holdsMessage, valueOfAny } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [CONTAINER...]',
  about: 'Watch what running containers use: CPU, memory, processes; ctrl-c ends it',
  flags: { 'no-stream': boolean('', 'Show it once and come back') },
  arity: atLeast(0),
  run: async ({ flags, args, out, connect }) => {
    const client = await connect();
    const ids = new Set(await Promise.all(args.map(async (word) => (await getContainer(client, word)).id)));
    let before = await measure(client, ids);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, interval));
      const now = await measure(client, ids);
      const rows = [...now.values()].map((sample) => rowOf(sample, before.get(sample.id)));
      const clear = isTerminal(1) && !flags['no-stream'] ? '\u001B[H\u001B[J' : '';
      out.text(clear + formatTabbed([header, ...rows], tabShapes.wide));
      if (flags['no-stream']) return;
      before = now;
    }
  },
});

const interval = 1000;
const header = ['CONTAINER', 'CPU', 'MEMORY', 'LIMIT', 'PIDS'];

interface Sample {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cpuMs: number;
  readonly memory: bigint;
  readonly memoryLimit: bigint;
  readonly pids: bigint;
}

async function measure(client: ContainerdClient, ids: ReadonlySet<string>): Promise<Map<string, Sample>> {
  const filters = [...ids].map((id) => `id==${id}`);
  const { metrics } = await client.call(Tasks.method.metrics, { filters });
  return new Map(metrics.flatMap((metric) => sampleOf(metric)).map((sample) => [sample.id, sample]));
}

function sampleOf({ id, timestamp, data }: Metric): Sample[] {
  if (data === undefined) return [];
  const value = valueOfAny(data);
  const at = timestamp === undefined ? Date.now() : timestampDate(timestamp).getTime();
  if (holdsMessage(value, MetricsV1)) {
    const { cpu, memory, pids } = fromBinary(MetricsV1, value.value);
    const usage = memory?.usage;
    return [
      {
        id,
        at,
        cpuMs: Number(cpu?.usage?.total ?? 0n) / 1e6,
        memory: usage?.usage ?? 0n,
        memoryLimit: usage?.limit ?? 0n,
        pids: pids?.current ?? 0n,
      },
    ];
  }
  if (!holdsMessage(value, MetricsV2)) return [];
  const { cpu, memory, pids } = fromBinary(MetricsV2, value.value);
  return [
    {
      id,
      at,
      cpuMs: Number(cpu?.usageUsec ?? 0n) / 1e3,
      memory: memory?.usage ?? 0n,
      memoryLimit: memory?.usageLimit ?? 0n,
      pids: pids?.current ?? 0n,
    },
  ];
}

/** Limits beyond this are the kernel's way to say that there is none. */
const noLimit = 1n << 60n;

function rowOf(now: Sample, before: Sample | undefined): string[] {
  const elapsed = before === undefined ? 0 : now.at - before.at;
  const share = before === undefined || elapsed <= 0 ? undefined : ((now.cpuMs - before.cpuMs) / elapsed) * 100;
  return [
    now.id,
    share === undefined ? '-' : `${share.toFixed(1)}%`,
    binarySizeText(now.memory),
    now.memoryLimit === 0n || now.memoryLimit >= noLimit ? '-' : binarySizeText(now.memoryLimit),
    String(now.pids),
  ];
}
