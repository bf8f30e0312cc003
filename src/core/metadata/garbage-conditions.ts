/**
 * Conditional references: content or an image with `containerd.io/gc.cond.snapshot.<snapshotter>` =
 * `usedat<24h|<key>` keeps a snapshot as long as that snapshot's own `containerd.io/gc.cond.value-usedat` is younger
 * than a day. Several conditions, parted by commas, mean "or"; what cannot be read is no condition.
 */
import type { Labels } from '#/base/any.ts';
import { parseTime, type Nanoseconds } from '#/base/clock.ts';
import { parseGoDuration } from '#/base/go-duration.ts';
import { snapshotNode } from '#/core/metadata/garbage-labels.ts';

const conditionPrefix = 'containerd.io/gc.cond.snapshot';
const valuePrefix = 'containerd.io/gc.cond.value-usedat';

export interface Condition {
  /** The snapshot that is kept while the condition holds. */
  readonly node: string;
  /** `age` is how long ago the snapshot was used. */
  readonly holds: (age: Nanoseconds) => boolean;
}

/** The conditional references of content or an image with these labels. */
export function conditionsOf(labels: Labels): Condition[] {
  return Object.entries(labels).flatMap(([label, value]) =>
    label.startsWith(conditionPrefix) ? readConditions(label.slice(conditionPrefix.length), value) : [],
  );
}

/** When the snapshot with these labels says that it was used. */
export function usedTimesOf(labels: Labels): Nanoseconds[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    const time = label.startsWith(valuePrefix) ? parseTime(value) : undefined;
    return time === undefined ? [] : [time];
  });
}

function readConditions(suffix: string, value: string): Condition[] {
  const [snapshotter = ''] = suffix.replace(/^[./]+/, '').split('/', 1);
  const bar = value.indexOf('|');
  if (bar === -1) return [];
  const node = snapshotNode(snapshotter, value.slice(bar + 1));
  return value
    .slice(0, bar)
    .split(',')
    .flatMap((text) => {
      const holds = readComparison(text);
      return holds === undefined ? [] : [{ node, holds }];
    });
}

function readComparison(text: string): Condition['holds'] | undefined {
  const [, operator, duration = ''] = /^usedat([<>])(?!=)(.*)$/s.exec(text) ?? [];
  const limit = parseGoDuration(duration);
  if (operator === undefined || limit === undefined) return undefined;
  return operator === '<' ? (age) => age < limit : (age) => age > limit;
}
