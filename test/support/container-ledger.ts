/** What berthd has acknowledged of containers, to be held against what it knows after a crash. */
import assert from 'node:assert/strict';
import { isKind } from '#/base/errors.ts';
import type { Client } from '#/client/client.ts';
import type { ContainerDetails } from '#/client/container-payloads.ts';
import { readNumberedLog, type Ticking } from './numbered-lines.ts';
import { processIdentity } from './process-identity.ts';
import { until } from './until.ts';

export type Phase = 'absent' | 'created' | 'running' | 'exited';

/** Lines per turn of a container that ticks. */
const linesPerTurn = 20;

/**
 * A shim whose caller dies during a start kills the runtime it called, and the container's first process, which was to
 * become the one that people asked for, ends with this code and a complaint in the log.
 */
const startCutShort = 1;
const killed = 137;

/** One container. While a call is under way, or when its answer never came, `doubt` says what else may be so. */
export interface Entry {
  readonly id: string;
  readonly ticking: Ticking;
  readonly autoRemove: boolean;
  name: string;
  phase: Phase;
  exitCode: number;
  /** Its first process, told from any later one of that number. */
  process: string;
  /** Lines of its log that were seen: there must never be fewer. */
  written: number;
  doubt: Doubt | undefined;
  /** Something that ends it may have been sent: it can end at any time, with one of these codes. */
  readonly mayEndWith: Set<number>;
}

export interface Doubt {
  readonly phase: Phase;
  readonly exitCode?: number;
  readonly name?: string;
}

export function newEntry(
  id: string,
  { name, ticking, autoRemove }: Pick<Entry, 'name' | 'ticking' | 'autoRemove'>,
): Entry {
  const nothing = { exitCode: 0, process: '', written: 0, doubt: undefined };
  const mayEndWith = new Set(ticking.turns === undefined ? [] : [ticking.exitCode ?? 42]);
  return { id, name, ticking, autoRemove, phase: 'created', mayEndWith, ...nothing };
}

/** Makes a call that leads from what is known to `outcome`; when its answer does not come, either may be so. */
export async function attempt(entry: Entry, outcome: Doubt, call: () => Promise<void>): Promise<void> {
  entry.doubt = outcome;
  await call();
  settle(entry, outcome);
}

function settle(entry: Entry, { phase, exitCode, name }: Doubt): void {
  entry.phase = phase;
  entry.exitCode = exitCode ?? entry.exitCode;
  entry.name = name ?? entry.name;
  entry.doubt = undefined;
}

/** Holds one container against berthd, and takes over which of the possible things is so. */
export async function checkEntry(client: Client, entry: Entry): Promise<void> {
  const found = await findContainer(client, entry.id);
  const phase = found === undefined ? 'absent' : phaseOf(found.State.Status);
  const known = { ...entry, mayEndWith: [...entry.mayEndWith] };
  const told = `container "${entry.name}", which was ${JSON.stringify(known)}, is ${phase}`;
  const { doubt } = entry;
  if (doubt?.exitCode !== undefined) entry.mayEndWith.add(doubt.exitCode);
  if (doubt?.phase === 'running') entry.mayEndWith.add(startCutShort);
  assert(isPossible(entry, phase), told);
  const names = [entry.name, ...(doubt?.name === undefined ? [] : [doubt.name])].map((name) => `/${name}`);
  if (found !== undefined) assert(names.includes(found.Name), `${told}, named ${found.Name}`);
  entry.name = found?.Name.slice(1) ?? entry.name;
  entry.doubt = undefined;
  entry.phase = phase;
  if (found !== undefined && phase === 'running') await checkRunning(client, entry, { state: found.State, told });
  if (found !== undefined && phase === 'exited') await checkExited(client, entry, { state: found.State, told });
}

async function findContainer(client: Client, id: string): Promise<ContainerDetails | undefined> {
  return client.containers.inspect(id).catch((error: unknown) => {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  });
}

function isPossible({ phase: before, doubt, autoRemove, mayEndWith }: Entry, phase: Phase): boolean {
  const known = [before, ...(doubt === undefined ? [] : [doubt.phase])];
  if (known.includes(phase)) return true;
  if (before === 'exited' && autoRemove) return phase === 'absent';
  if (mayEndWith.size === 0 || !known.includes('running')) return false;
  return phase === 'exited' || (autoRemove && phase === 'absent');
}

function phaseOf(status: string): Phase {
  if (status === 'created' || status === 'running' || status === 'exited') return status;
  throw new Error(`a container is "${status}"`);
}

interface Seen {
  readonly state: ContainerDetails['State'];
  readonly told: string;
}

/** Still the same process, unless it may have ended: then that is told soon. */
async function checkRunning(client: Client, entry: Entry, { state, told }: Seen): Promise<void> {
  const now = await processIdentity(state.Pid);
  if (entry.process === '') entry.process = now ?? '';
  if (now !== undefined && now === entry.process) {
    if (!entry.autoRemove) await checkLog(client, entry, false);
    return;
  }
  assert.equal(now, undefined, `${told}, but its process is another`);
  assert(entry.mayEndWith.size > 0, `${told}, but its process is gone`);
  const ended = await until(`${told}: its end is told`, async () => {
    const found = await findContainer(client, entry.id);
    return found?.State.Running === true ? undefined : { found };
  });
  assert(ended.found !== undefined || entry.autoRemove, `${told}, and then gone`);
  entry.phase = ended.found === undefined ? 'absent' : 'exited';
  if (ended.found !== undefined) await checkExited(client, entry, { state: ended.found.State, told });
}

async function checkExited(client: Client, entry: Entry, { state, told }: Seen): Promise<void> {
  const code = state.ExitCode;
  const possible = entry.exitCode === 0 ? [...entry.mayEndWith] : [entry.exitCode];
  assert(possible.includes(code), `${told} with code ${code}`);
  entry.exitCode = code;
  if (!entry.autoRemove && code !== startCutShort) await checkLog(client, entry, code !== killed);
}

/** Every line once and in order, none fewer than before, and the last word where there must be one. */
export async function checkLog(client: Client, entry: Entry, ended: boolean): Promise<void> {
  const log = await readNumberedLog(client, entry.id);
  const told = `the log of "${entry.name}" has ${log.out} lines`;
  assert(log.out >= entry.written, `${told} where there were ${entry.written}`);
  if (ended) {
    assert(log.ended, `${told} and not the last`);
    assert.equal(log.out, log.err * linesPerTurn, told);
    if (entry.ticking.turns !== undefined) assert.equal(log.err, entry.ticking.turns, told);
  }
  entry.written = log.out;
}
