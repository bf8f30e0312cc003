import { constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addon } from '#/linux/addon.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { checkCall, errnoError } from '#/linux/errno-error.ts';

/**
 * - `read` waits for a writer and ends when the last one has left;
 * - `write` fails with ENXIO while nobody reads;
 * - `both` keeps the FIFO open on both sides: it never ends, and never breaks when others come and go.
 */
export type FifoUse = 'read' | 'write' | 'both';

const accessOf = { read: constants.O_RDONLY, write: constants.O_WRONLY, both: constants.O_RDWR } as const;
const workingDirectory = -100;
const pathOnly = 0o10000000;
const noSuchDevice = -6;

/**
 * Opens a FIFO as a stream on the event loop. It waits for no other side, so no thread of the pool is ever held by it.
 * Anything but a FIFO is ENXIO, and is not opened.
 */
export async function openFifo(path: string, use: FifoUse): Promise<Socket> {
  const place = checkCall(await addon().openAtAsync(workingDirectory, path, pathOnly, 0, 0), 'open', { path });
  try {
    const self = `/proc/self/fd/${place}`;
    if (!(await stat(self)).isFIFO()) throw errnoError(noSuchDevice, 'open', { path });
    const flags = accessOf[use] | constants.O_NONBLOCK;
    const fd = checkCall(await addon().openAtAsync(workingDirectory, self, flags, 0, 0), 'open', { path });
    return new Socket({ fd, readable: use !== 'write', writable: use !== 'read' });
  } finally {
    closeDescriptor(place);
  }
}
