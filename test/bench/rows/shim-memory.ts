import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Line, Row } from '../row.ts';
import type { ShimContainer, ShimRig } from '../shim-rig.ts';
import { openRigs } from './shim-life.ts';

const settling = 2000;
const counts = [1, 10, 100] as const;
/** MB of each. */
const budgets = { Pss: 1, Rss: 1.5 } as const;
type Measure = keyof typeof budgets;

export const shimMemory: Row = {
  name: 'shim-memory',
  about: 'memory of a shim beside its idle container, with 1, 10 and 100 of them',
  measure: async ({ place }) => {
    await using rigs = await openRigs(place);
    const lines: Line[] = [];
    for (const count of counts) {
      const berth = await sizesOf(rigs.berth, count);
      const go = await sizesOf(rigs.go, count);
      for (const measure of ['Pss', 'Rss'] as const)
        lines.push({
          what: `shim of an idle container, ${measure.toUpperCase()}, one of ${count}`,
          unit: 'MB',
          berth: berth[measure],
          peer: { name: 'Go shim', samples: go[measure] },
          budget: { kind: 'absolute', most: budgets[measure] },
        });
    }
    return lines;
  },
};

/** A sample a shim. */
async function sizesOf(rig: ShimRig, count: number): Promise<Record<Measure, number[]>> {
  const containers: ShimContainer[] = [];
  try {
    for (let number = 0; number < count; number++) {
      const container = await rig.start(['/bin/sleep', '1000']);
      containers.push(container);
      await container.create();
      await container.begin();
    }
    const pids = await Promise.all(containers.map((container) => container.shimPid()));
    await delay(settling);
    const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8')));
    return { Pss: texts.map((text) => megabytesOf(text, 'Pss')), Rss: texts.map((text) => megabytesOf(text, 'Rss')) };
  } finally {
    await Promise.all(containers.map(endRunning));
  }
}

async function endRunning(container: ShimContainer): Promise<void> {
  const exit = container.wait();
  await container.kill();
  await exit;
  await container.end();
}

function megabytesOf(rollup: string, measure: Measure): number {
  const kilobytes = Number(new RegExp(`^${measure}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? Number.NaN);
  return (kilobytes * 1024) / 1e6;
}
