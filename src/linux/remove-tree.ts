import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** Entries deleted at a time: then others get their turn on the threads that do file work. */
const entriesAtOnce = 1000;

/**
 * Deletes a file or a tree; one that is not there is fine. The work is done on a thread, whatever the tree's size and
 * depth, so that the event loop stays free. What is mounted below stays, and makes it fail with EBUSY.
 */
export async function removeTree(path: string): Promise<void> {
  for (let more = true; more;)
    more = checkCall(await addon().removeSomeAsync(path, entriesAtOnce), 'unlink', { path }) > 0;
}
