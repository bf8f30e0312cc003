import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#/base/errors.ts';
import { silentLogger, type Logger } from '#/base/log.ts';
import { collectGarbage, type CollectParts } from '#/core/garbage/collect-garbage.ts';
import { defaultSchedule, type Collected, type Garbage, type GarbageSchedule } from '#/core/garbage/contract.ts';
import { sandboxSource } from '#/core/garbage/sandbox-source.ts';
import { checkedSchedule, Schedule } from '#/core/garbage/schedule.ts';
import { shareRuns } from '#/core/garbage/share-runs.ts';
import type { Change } from '#/core/metadata/contract.ts';

export type GarbageContext = Omit<CollectParts, 'logger'> & {
  readonly logger?: Logger;
  /** Default: `defaultSchedule`. */
  readonly schedule?: GarbageSchedule;
  /** False: only when asked. Default: true. */
  readonly byItself?: boolean;
};

/** Opens the collector: it collects when asked, and by itself when enough has changed. */
export function openGarbage({
  logger = silentLogger,
  schedule = defaultSchedule,
  byItself = true,
  ...parts
}: GarbageContext): Garbage {
  return new ScheduledGarbage({ ...parts, logger }, checkedSchedule(schedule), byItself);
}

class ScheduledGarbage implements Garbage {
  readonly schedule: GarbageSchedule;
  readonly #parts: CollectParts;
  readonly #state: Schedule;
  readonly #run: () => Promise<Collected>;
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #running: Promise<unknown> = Promise.resolve();
  #closed: boolean;

  constructor(parts: CollectParts, schedule: GarbageSchedule, byItself: boolean) {
    this.#closed = !byItself;
    this.schedule = schedule;
    this.#parts = parts;
    this.#state = new Schedule(schedule);
    this.#run = shareRuns(() => this.#collect());
    this.#stopListening = parts.metadata.onChange((changes, { collecting = false }) => {
      if (!collecting) this.#note(changes);
    });
    parts.metadata.addGarbageSource(sandboxSource(parts.metadata));
    if (schedule.startupDelay > 0) this.#plan(schedule.startupDelay);
  }

  async collect(): Promise<Collected> {
    if (this.schedule.scheduleDelay > 0) await sleep(this.schedule.scheduleDelay);
    return await this.#run();
  }

  noteDeletion(): void {
    this.#state.noteDeletion();
    this.#replan();
  }

  addSource: Garbage['addSource'] = (source) => this.#parts.metadata.addGarbageSource(source);

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #note(changes: readonly Change[]): void {
    this.#state.noteMutation();
    if (leavesGarbage(changes)) this.#state.noteDeletion();
    this.#replan();
  }

  #replan(): void {
    const delay = this.#state.delay();
    if (delay !== undefined) this.#plan(delay);
  }

  /** One collection at a time is planned: the soonest that was wished for. */
  #plan(delay: number): void {
    const due = performance.now() + delay;
    if (this.#closed || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#running = this.#run().catch((error: unknown) => {
        this.#parts.logger.warn('garbage could not be collected; it is tried again', { error: messageOf(error) });
        this.#plan(this.#state.fail());
      });
    }, delay);
    this.#timer.unref();
  }

  /** What was planned is done by the collection that begins now, whoever asked for it. */
  #unplan(): void {
    clearTimeout(this.#timer);
    this.#due = Infinity;
  }

  async #collect(): Promise<Collected> {
    this.#state.begin();
    this.#unplan();
    const { held, ...collected } = await collectGarbage(this.#parts);
    this.#state.end(held);
    this.#replan();
    return collected;
  }
}

/** What deletes a record may leave others unkept. A snapshot that is committed only changes its name. */
function leavesGarbage(changes: readonly Change[]): boolean {
  const commits = changes.some(({ kind, op }) => kind === 'snapshot' && op === 'create');
  return changes.some(
    ({ kind, op }) => op === 'delete' && kind !== 'ingest' && kind !== 'namespace' && (kind !== 'snapshot' || !commits),
  );
}
