/** The labels `containerd.io/restart.*`, by which a container says whether it is to be running. */
import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';

const prefix = 'containerd.io/restart.';

export const statusLabel: string = `${prefix}status`;
export const countLabel: string = `${prefix}count`;
export const logUriLabel: string = `${prefix}loguri`;
const policyLabel = `${prefix}policy`;
const stoppedLabel = `${prefix}explicitly-stopped`;

export type RestartPolicy =
  | { readonly kind: 'no' | 'always' | 'unless-stopped' }
  /** `most` restarts; 0 is no limit. */
  | { readonly kind: 'on-failure'; readonly most: number };

/** As plugin entries tell them. */
export const restartPolicies: readonly string[] = ['no', 'always', 'on-failure', 'unless-stopped'];

/** '' is `always`. Throws `invalid-argument` for what is no policy. */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [name = '', count, ...more] = text.split(':');
  const refuse = (why: string): EngineError =>
    new EngineError('invalid-argument', `Cannot use restart policy "${text.slice(0, 100)}": ${why}`);
  switch (name) {
    case '':
    case 'no':
    case 'always':
    case 'unless-stopped':
      if (count !== undefined) throw refuse('it has no count');
      return { kind: name === '' ? 'always' : name };
    case 'on-failure': {
      const most = Number(count ?? '0');
      if (more.length > 0 || !/^[+-]?\d+$/.test(count ?? '0') || !Number.isSafeInteger(most))
        throw refuse('its count is no number');
      return { kind: 'on-failure', most };
    }
    default:
      throw refuse(`policies are ${restartPolicies.join(', ')}`);
  }
}

/** How often the monitor has started it; undefined when the label is no number. */
export function restartCount(labels: Labels): number | undefined {
  const count = labels[countLabel] ?? '';
  if (count === '') return 0;
  return /^[+-]?\d{1,15}$/.test(count) ? Number(count) : undefined;
}

/**
 * Whether a container that does not run is to be started; 0 is the exit status of one that never ran. Throws
 * `invalid-argument` for what is no policy.
 */
export function isToBeStarted(labels: Labels, exitStatus: number): boolean {
  const policy = parseRestartPolicy(labels[policyLabel] ?? '');
  switch (policy.kind) {
    case 'no':
      return false;
    case 'always':
      return true;
    case 'unless-stopped':
      return !isTrue(labels[stoppedLabel] ?? '');
    case 'on-failure': {
      const count = restartCount(labels);
      return exitStatus !== 0 && count !== undefined && (policy.most <= 0 || count < policy.most);
    }
  }
}

/** What Go's ParseBool takes for true. */
const isTrue = (text: string): boolean => ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text);
