import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '#/base/clock.ts';
import { isKind, messageOf } from '#/base/errors.ts';
import { TimeSlices } from '#/base/time-slices.ts';
import type { Change, ContainerRecord } from '#/core/metadata/contract.ts';
import { startContainer, stopTask, type RestartParts } from '#/core/restart/restart-container.ts';
import { isToBeStarted, statusLabel } from '#/core/restart/restart-policy.ts';
import type { ProcessState } from '#/core/tasks/contract.ts';

export interface RestartMonitorContext extends RestartParts {
  /** Milliseconds between two looks; 0 is the usual 10 s. */
  readonly interval: number;
}

const usualInterval = 10_000;
/** A container as young as this may be in the hands of the client that is about to start it. */
const youth = 2_000_000_000n;
const changesTogether = 4;

/**
 * Looks every few seconds at the containers that have the label `containerd.io/restart.status`, and starts or stops
 * their tasks so that they are as it says. All that it needs is in the labels, so it goes on after a restart of berthd.
 */
export function openRestartMonitor(context: RestartMonitorContext): AsyncDisposable {
  return new RestartMonitor(context);
}

interface Place {
  readonly namespace: string;
  readonly id: string;
}

interface Wish {
  readonly namespace: string;
  readonly container: ContainerRecord;
  readonly want: 'start' | 'stop';
}

class RestartMonitor implements AsyncDisposable {
  readonly #context: RestartMonitorContext;
  readonly #stop = new AbortController();
  readonly #stopListening: () => void;
  readonly #watching: Promise<void>;
  /** The containers that have the label. */
  readonly #labelled = new Map<string, Place>();
  /** Those whose task was created but not started at the last look: whoever made it may be about to start it. */
  #waiting = new Set<string>();

  constructor(context: RestartMonitorContext) {
    this.#context = context;
    this.#stopListening = context.metadata.onChange((changes) => this.#fold(changes));
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    await this.#findLabelled();
    while (!signal.aborted) {
      await this.#look();
      await sleep(this.#context.interval || usualInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #findLabelled(): Promise<void> {
    const { read } = this.#context.metadata;
    const slices = new TimeSlices();
    for (const { name: namespace } of read.listNamespaces())
      for (const { id, labels } of read.containers.list(namespace)) {
        if (slices.isOver) await slices.next();
        if (isLabelled(labels)) this.#labelled.set(`${namespace}/${id}`, { namespace, id });
      }
  }

  #fold(changes: readonly Change[]): void {
    for (const { kind, namespace, id } of changes) {
      if (kind !== 'container') continue;
      const container = this.#context.metadata.read.containers.find(namespace, id);
      if (container !== undefined && isLabelled(container.labels))
        this.#labelled.set(`${namespace}/${id}`, { namespace, id });
      else this.#labelled.delete(`${namespace}/${id}`);
    }
  }

  async #look(): Promise<void> {
    const wishes: Wish[] = [];
    const waited = this.#waiting;
    this.#waiting = new Set();
    for (const { namespace, id } of this.#labelled.values()) {
      const container = this.#context.metadata.read.containers.find(namespace, id);
      if (container === undefined) continue;
      const want = await this.#wishFor(namespace, container, waited);
      if (want !== undefined) wishes.push({ namespace, container, want });
    }
    const work = async (): Promise<void> => {
      for (let wish = wishes.shift(); wish !== undefined; wish = wishes.shift()) await this.#fulfil(wish);
    };
    await Promise.all(Array.from({ length: changesTogether }, work));
  }

  async #wishFor(
    namespace: string,
    container: ContainerRecord,
    waited: ReadonlySet<string>,
  ): Promise<Wish['want'] | undefined> {
    const wanted = container.labels[statusLabel];
    const state = await this.#findState(namespace, container.id);
    if (state?.status === wanted) return undefined;
    if (wanted === 'stopped') return state === undefined ? undefined : 'stop';
    if (wanted !== 'running' || state?.status === 'paused' || state?.status === 'pausing') return undefined;
    const key = `${namespace}/${container.id}`;
    if (state?.status === 'created') this.#waiting.add(key);
    const isBusy =
      state === undefined ? now() - container.createdAt < youth : state.status === 'created' && !waited.has(key);
    return !isBusy && this.#mayStart(container, state) ? 'start' : undefined;
  }

  async #findState(namespace: string, id: string): Promise<ProcessState | undefined> {
    const { tasks, logger } = this.#context;
    try {
      return tasks.has(namespace, id) ? await tasks.state({ namespace, id, execId: '' }) : undefined;
    } catch (error) {
      if (!isKind(error, 'not-found'))
        logger.warn('the restart monitor cannot tell how a task is', { namespace, id, error: messageOf(error) });
      return undefined;
    }
  }

  #mayStart({ id, labels }: ContainerRecord, state: ProcessState | undefined): boolean {
    try {
      return isToBeStarted(labels, state?.exitStatus ?? 0);
    } catch (error) {
      this.#context.logger.error('a container is not restarted', { id, error: messageOf(error) });
      return false;
    }
  }

  async #fulfil({ namespace, container, want }: Wish): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const { id } = container;
    this.#context.logger.info(want === 'start' ? 'restarting a container' : 'stopping a container', { namespace, id });
    try {
      if (want === 'start') await startContainer(this.#context, namespace, container, signal);
      else await stopTask(this.#context, namespace, id, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#context.logger.error(`cannot ${want} a container`, { namespace, id, error: messageOf(error) });
    }
  }
}

const isLabelled = (labels: ContainerRecord['labels']): boolean => (labels[statusLabel] ?? '') !== '';
