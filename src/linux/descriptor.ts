import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** Closes a descriptor that src/linux gave as a number; in a worker, Node's own close warns of those it did not open. */
export function closeDescriptor(fd: number): void {
  checkCall(addon().closeDescriptor(fd), 'close');
}
