/** What the table is made of: a row measures, and gives a line per peer. */
import type { LoopDelay } from './loop-delay-client.ts';
import type { Place } from './place.ts';
import { alternate, type Rounds, type Samples, type Subject } from './samples.ts';

export interface Bench {
  /** Where daemons keep their files; everything in it goes at the end. */
  readonly place: Place;
  readonly runs: Rounds;
  readonly imports: Rounds;
  readonly idleSeconds: number;
}

export interface Row {
  readonly name: string;
  readonly about: string;
  measure(bench: Bench): Promise<readonly Line[]>;
}

export type Budget =
  /** Of the peer's median. */
  { readonly kind: 'ratio'; readonly most: number } | { readonly kind: 'absolute'; readonly most: number };

export interface Line {
  readonly what: string;
  readonly unit: 'ms' | 'MB';
  readonly berth: Samples;
  /** Absent where the machine has no such peer. */
  readonly peer?: { readonly name: string; readonly samples: Samples };
  /** Absent: the line is there to be looked at. */
  readonly budget?: Budget;
  /** Of berthd, while berth was being measured. */
  readonly loop?: LoopDelay;
}

export interface Peer {
  readonly name: string;
  readonly subject: Subject;
  readonly budget?: Budget;
}

export interface Comparison extends Pick<Line, 'what' | 'unit'> {
  readonly berth: Subject;
  /** The machine may lack any of them. */
  readonly peers: readonly (Peer | undefined)[];
  readonly loop?: () => LoopDelay | undefined;
}

/** Measures berth and its peers in turn. */
export async function compare(rounds: Rounds, { what, unit, berth, peers, loop }: Comparison): Promise<Line[]> {
  const present = peers.filter((peer) => peer !== undefined);
  const [own = [], ...others] = await alternate(rounds, [berth, ...present.map(({ subject }) => subject)]);
  const delay = loop?.();
  const line: Line = { what, unit, berth: own, ...(delay === undefined ? {} : { loop: delay }) };
  if (present.length === 0) return [line];
  return present.map(({ name, budget }, at) => ({
    ...line,
    peer: { name, samples: others[at] ?? [] },
    ...(budget === undefined ? {} : { budget }),
  }));
}
