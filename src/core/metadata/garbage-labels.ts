/**
 * What the labels `containerd.io/gc.*` say. A thing is named as a lease names it: `content/<digest>`, `images/<name>`,
 * `ingests/<ref>`, `snapshots/<snapshotter>/<key>`; so are containers, which are always kept, and leases themselves.
 * Whatever a GarbageSource names by `<word>` is `<word>s/<key>`.
 */
import type { Labels } from '#/base/any.ts';
import { parseTime, type Nanoseconds } from '#/base/clock.ts';

const prefix = 'containerd.io/gc.';

export const contentNode = (digest: string): string => `content/${digest}`;
export const imageNode = (name: string): string => `images/${name}`;
export const ingestNode = (ref: string): string => `ingests/${ref}`;
export const snapshotNode = (snapshotter: string, key: string): string => `snapshots/${snapshotter}/${key}`;
export const containerNode = (id: string): string => `containers/${id}`;
export const leaseNode = (id: string): string => `leases/${id}`;
export const sourceNode = (word: string, key: string): string => `${word}s/${key}`;

/** Whether a stored JSON text of labels says anything to the collector; most do not, and need no parsing. */
export const mentionsGarbage = (labels: string): boolean => labels.includes(`"${prefix}`);

/** What the thing with these labels keeps. `words` are those of the sources. */
export function referencesOf(labels: Labels, words: readonly string[] = []): string[] {
  return nodesUnder(`${prefix}ref.`, labels, ['content', 'image', ...words]);
}

/** What keeps the thing with these labels: the same references, stated from the other end. */
export function backReferencesOf(labels: Labels): string[] {
  return nodesUnder(`${prefix}bref.`, labels, ['content', 'image', 'container']);
}

export function isRoot(labels: Labels): boolean {
  return Object.entries(labels).some(([label, value]) => label.startsWith(`${prefix}root`) && value !== '');
}

/** A flat lease keeps what it lists, parents of snapshots and targets of images, but nothing that labels refer to. */
export function isFlat(labels: Labels): boolean {
  return (labels[`${prefix}flat`] ?? '') !== '';
}

/** Whether its time is over. Without a time, or with one that cannot be read, it never is. */
export function isExpired(labels: Labels, now: Nanoseconds): boolean {
  const expiry = parseTime(labels[`${prefix}expire`] ?? '');
  return expiry !== undefined && expiry < now;
}

function nodesUnder(start: string, labels: Labels, words: readonly string[]): string[] {
  const nodes: string[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (!label.startsWith(start) || value === '') continue;
    const node = nodeOf(label.slice(start.length), value, words);
    if (node !== undefined) nodes.push(node);
  }
  return nodes;
}

/** `content`, `content.l.0` and `content/x` name a digest alike; a snapshotter's name ends at a slash. */
function nodeOf(reference: string, value: string, words: readonly string[]): string | undefined {
  if (reference.startsWith('snapshot.')) {
    const [snapshotter = ''] = reference.slice('snapshot.'.length).split('/', 1);
    return snapshotter === '' ? undefined : snapshotNode(snapshotter, value);
  }
  const [, word = ''] = /^([^./]+)(?:[./]|$)/s.exec(reference) ?? [];
  if (!words.includes(word)) return undefined;
  return word === 'content' ? contentNode(value) : sourceNode(word, value);
}
