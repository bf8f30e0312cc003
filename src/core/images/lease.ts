import type { Labels } from '#/base/any.ts';
import { formatTime, now } from '#/base/clock.ts';
import { newToken } from '#/base/ids.ts';
import { expireLabel } from '#/core/images/gc-labels.ts';
import type { Metadata, Transaction } from '#/core/metadata/contract.ts';

const lifetime = 24n * 3600n * 1_000_000_000n;

/** On leases of operations that nobody can go on with when their daemon has died. */
export const onceLabel = 'io.berth.once';

/** Keeps what an operation makes until the operation is over; a lease that a dead process left ends after a day. */
export interface Lease extends AsyncDisposable {
  readonly id: string;
  /** Ends the lease in the same transaction that stores what it was for. */
  endIn(tx: Transaction): void;
}

export async function openLease(metadata: Metadata, namespace: string, labelled: Labels = {}): Promise<Lease> {
  const id = `berth-${newToken()}`;
  const createdAt = now();
  const labels = { ...labelled, [expireLabel]: formatTime(createdAt + lifetime) };
  await metadata.write((tx) => tx.leases.create(namespace, { id, labels, createdAt }));
  const endIn = (tx: Transaction): void => {
    if (tx.leases.find(namespace, id) !== undefined) tx.leases.delete(namespace, id);
  };
  return {
    id,
    endIn,
    [Symbol.asyncDispose]: async () => {
      if (metadata.read.leases.find(namespace, id) !== undefined) await metadata.write(endIn);
    },
  };
}
