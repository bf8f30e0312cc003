import type { Labels } from '#/base/any.ts';
import { formatTime, now } from '#/base/clock.ts';
import type { NamedTarget } from '#/core/images/contract.ts';
import { expireLabel, imageBackReference } from '#/core/images/gc-labels.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

/** A name to give beside the image's own (containerd's ImageReference). */
export interface ReferenceRule {
  readonly name: string;
  /** The name lacks tag or digest; the rules below are for prefixes. */
  readonly isPrefix: boolean;
  /** A full name of another prefix, found in an archive, counts as well. */
  readonly allowOverwrite: boolean;
  readonly addDigest: boolean;
  /** No name by digest for what the archive names. */
  readonly skipNamedDigest: boolean;
}

export interface NamingRules {
  /** Empty: none. */
  readonly name: string;
  readonly labels: Labels;
  readonly references: readonly ReferenceRule[];
}

export const nameAnnotation = 'io.containerd.image.name';
export const refAnnotation = 'org.opencontainers.image.ref.name';

/** The names of what was pulled, tagged, or imported as a whole. */
export function namesOfTarget(rules: NamingRules, target: Descriptor): NamedTarget[] {
  const own = rules.name === '' ? [] : [{ name: rules.name, target, labels: rules.labels }];
  const extra = rules.references.flatMap(({ name, isPrefix, addDigest }) => {
    if (isPrefix && !addDigest) return [];
    return [{ name: addDigest ? digestName(name, target) : name, target, labels: extraLabels(rules) }];
  });
  return [...own, ...extra];
}

/** The names of one image of an archive: what its annotations say, as far as the rules let them. */
export function namesOfEntry(rules: NamingRules, target: Descriptor): NamedTarget[] {
  const prefixes = rules.references.filter(({ isPrefix }) => isPrefix);
  const names = prefixes.flatMap((rule) => {
    const name = annotatedName(target, rule);
    const byDigest = rule.addDigest && (name === undefined || !rule.skipNamedDigest);
    return [...(name === undefined ? [] : [name]), ...(byDigest ? [digestName(rule.name, target)] : [])];
  });
  return [...new Set(names)].map((name) => ({ name, target, labels: extraLabels(rules) }));
}

const digestName = (prefix: string, { digest }: Descriptor): string => `${prefix}@${digest}`;

/** A whole name in the annotations counts as it is or not at all; a bare tag is added to the prefix. */
function annotatedName({ annotations = {} }: Descriptor, rule: ReferenceRule): string | undefined {
  const full = annotations[nameAnnotation] ?? '';
  const ref = full === '' ? (annotations[refAnnotation] ?? '') : full;
  if (ref === '' || rule.name === '') return undefined;
  if (/[/:@]/.test(ref)) return rule.allowOverwrite || hasPrefix(ref, rule.name) ? ref : undefined;
  return full === '' ? `${rule.name}:${ref}` : undefined;
}

const hasPrefix = (name: string, prefix: string): boolean =>
  name.startsWith(prefix) && /^(?:$|[/:@])/.test(name.slice(prefix.length));

/** Names beside a main one go when that one does. */
function extraLabels({ name, labels }: NamingRules): Labels {
  if (name === '') return labels;
  return { ...labels, [imageBackReference]: name, [expireLabel]: formatTime(now()) };
}
