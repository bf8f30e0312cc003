/**
 * What the labels `containerd.io/gc.*` say. A thing is named as a lease names it: `content/<digest>`, `images/<name>`,
 * `ingests/<ref>`, `snapshots/<snapshotter>/<key>`; containers, which are always kept, are `containers/<id>`.
 */
import type { Labels } from '#/base/any.ts';
import { parseTime, type Nanoseconds } from '#/base/clock.ts';

const prefix = 'containerd.io/gc.';

export const contentNode = (digest: string): string => `content/${digest}`;
export const imageNode = (name: string): string => `images/${name}`;
export const ingestNode = (ref: string): string => `ingests/${ref}`;
export const snapshotNode = (snapshotter: string, key: string): string => `snapshots/${snapshotter}/${key}`;
export const containerNode = (id: string): string => `containers/${id}`;

/** What the thing with these labels keeps. */
export function referencesOf(labels: Labels): string[] {
  return nodesUnder(`${prefix}ref.`, labels);
}

/** What keeps the thing with these labels: the same references, stated from the other end. */
export function backReferencesOf(labels: Labels): string[] {
  return nodesUnder(`${prefix}bref.`, labels);
}

export function isRoot(labels: Labels): boolean {
  return (labels[`${prefix}root`] ?? '') !== '';
}

/** A flat lease keeps what it lists, and parents of snapshots, but nothing that labels refer to. */
export function isFlat(labels: Labels): boolean {
  return labels[`${prefix}flat`] !== undefined;
}

/** Whether its time is over. Without a time, or with one that cannot be read, it never is. */
export function isExpired(labels: Labels, now: Nanoseconds): boolean {
  const expiry = parseTime(labels[`${prefix}expire`] ?? '');
  return expiry !== undefined && expiry < now;
}

function nodesUnder(start: string, labels: Labels): string[] {
  const nodes: string[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (!label.startsWith(start) || value === '') continue;
    const node = nodeOf(label.slice(start.length), value);
    if (node !== undefined) nodes.push(node);
  }
  return nodes;
}

/** `content`, `content.l.0` and `content/x` name a digest alike; a snapshotter's name ends at a slash. */
function nodeOf(reference: string, value: string): string | undefined {
  const [, type = '', rest = ''] = /^([a-z]+)(.*)$/s.exec(reference) ?? [];
  if (type === 'snapshot') {
    const snapshotter = rest.startsWith('.') ? rest.slice(1).split('/', 1).join('') : '';
    return snapshotter === '' ? undefined : snapshotNode(snapshotter, value);
  }
  if (rest !== '' && !rest.startsWith('.') && !rest.startsWith('/')) return undefined;
  if (type === 'content') return contentNode(value);
  if (type === 'image') return imageNode(value);
  return type === 'container' ? containerNode(value) : undefined;
}
