/** What was measured, and what it says: medians with their spread, never a mean, and no sample left out. */

export type Samples = readonly number[];

export function median(samples: Samples): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** One way of doing a thing; resolves to what it cost. */
export type Subject = () => Promise<number>;

export interface Rounds {
  /** Rounds before the first that counts: caches are warm and code is compiled for everyone. */
  readonly warmups: number;
  readonly rounds: number;
}

/** Measures subjects in turn, A B A B, so that whatever else the machine does meets all of them. */
export async function alternate({ warmups, rounds }: Rounds, subjects: readonly Subject[]): Promise<Samples[]> {
  const samples = subjects.map((): number[] => []);
  for (let round = -warmups; round < rounds; round++)
    for (const [at, subject] of subjects.entries()) {
      const cost = await subject();
      if (round >= 0) samples[at]?.push(cost);
    }
  return samples;
}

/** Wall time in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
