import type { ActivateOptions } from '#/core/mounts/contract.ts';
import type { StoredMount } from '#/core/metadata/contract.ts';

/** What is done to a mount before it is mounted; the words stand before its type, the first one first. */
export const transforms = ['format', 'mkfs', 'mkdir'] as const;
export type Transform = (typeof transforms)[number];

/** Types that need more than a call of mount(2). */
export const handlers = ['loop', 'erofs'] as const;
export type Handler = (typeof handlers)[number];

export interface PlannedMount {
  /** Its type without the words of the transforms. */
  readonly mount: StoredMount;
  readonly transforms: readonly Transform[];
  readonly handler?: Handler;
}

export interface ActivationPlan {
  /** The daemon mounts these, in this order. */
  readonly own: readonly PlannedMount[];
  /** These are left, of which the first may have to be transformed. */
  readonly rest: readonly PlannedMount[];
  /** The rest as it was given. */
  readonly untouched: readonly StoredMount[];
}

/** Which mounts the daemon must make, and what must be done to the first that it leaves. Undefined when none needs it. */
export function planActivation(
  mounts: readonly StoredMount[],
  { temporary = false, allow = [] }: ActivateOptions = {},
): ActivationPlan | undefined {
  const planned = mounts.map(readMount);
  let first = -1;
  for (const [index, { mount, transforms: words, handler }] of planned.entries()) {
    const given = mounts[index]?.type ?? '';
    if (words.some((word) => !allow.includes(`${word}/*`) && !allow.includes(given))) first = index;
    if (temporary || (handler !== undefined && !allow.includes(mount.type))) first = index + 1;
  }
  if (first === -1) return undefined;
  return { own: planned.slice(0, first), rest: planned.slice(first), untouched: mounts.slice(first) };
}

/** `mkdir/format/overlay` is an overlay that is formatted second. */
function readMount(mount: StoredMount): PlannedMount {
  const words: Transform[] = [];
  let { type } = mount;
  for (;;) {
    const word = transforms.find((candidate) => type.startsWith(`${candidate}/`));
    if (word === undefined) break;
    words.push(word);
    type = type.slice(word.length + 1);
  }
  const handler = handlers.find((candidate) => candidate === type);
  return { mount: { ...mount, type }, transforms: words, ...(handler === undefined ? {} : { handler }) };
}
