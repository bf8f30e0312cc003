import type { TimeSlices } from '#/base/time-slices.ts';
import { NodeSet } from '#/core/metadata/node-set.ts';

interface Visit {
  readonly node: string;
  readonly left: string[];
}

/** Garbage in the order in which it may go: whatever keeps another comes before it. Circles are cut somewhere. */
export async function orderGarbage(
  garbage: readonly string[],
  keptBy: (node: string) => string[],
  slices: TimeSlices,
): Promise<string[]> {
  const unseen = new NodeSet();
  for (const node of garbage) {
    if (slices.isOver) await slices.next();
    unseen.add(node);
  }
  const keptFirst: string[] = [];
  for (const start of garbage.toReversed()) {
    const path: Visit[] = unseen.delete(start) ? [{ node: start, left: keptBy(start) }] : [];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      if (slices.isOver) await slices.next();
      const kept = top.left.pop();
      if (kept === undefined) {
        keptFirst.push(top.node);
        path.pop();
      } else if (unseen.delete(kept)) path.push({ node: kept, left: keptBy(kept) });
    }
  }
  return keptFirst.reverse();
}
