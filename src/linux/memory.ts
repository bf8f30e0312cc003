import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { addon } from '#/linux/addon.ts';

export interface MemoryKeeper extends Disposable {
  /** There was work: wait for the next quiet spell. Costs next to nothing. */
  touch(): void;
}

export interface MemoryKeeperOptions {
  readonly quietMs: number;
  /** Told after memory was given back. */
  readonly onGivenBack?: () => void;
}

/** Gives memory back to the system once after each spell of work, when nothing has happened for `quietMs`. */
export function openMemoryKeeper({ quietMs, onGivenBack }: MemoryKeeperOptions): MemoryKeeper {
  let lastWork = 0;
  let timer: NodeJS.Timeout | undefined;
  const arm = (after: number): void => {
    timer = setTimeout(look, after);
    timer.unref();
  };
  const look = (): void => {
    const rest = lastWork + quietMs - performance.now();
    if (rest > 0) return arm(rest);
    timer = undefined;
    void giveMemoryBack().then(onGivenBack);
  };
  const touch = (): void => {
    lastWork = performance.now();
    if (timer === undefined) arm(quietMs);
  };
  return { touch, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** One full collection, which holds the event loop for some milliseconds, then malloc_trim on the pool. */
export async function giveMemoryBack(): Promise<void> {
  collectGarbage();
  await addon().trimMemoryAsync();
}

let collector: (() => void) | undefined;

function collectGarbage(): void {
  collector ??= findCollector();
  collector();
}

/** V8 shows `gc` to contexts made while the flag is set. */
function findCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const found = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return found;
}
