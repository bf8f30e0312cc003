import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { now } from '#/base/clock.ts';
import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import { KeyedMutex } from '#/base/keyed-mutex.ts';
import { silentLogger, type Logger } from '#/base/log.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ActivationRecord, ActiveMount, Metadata, StoredMount } from '#/core/metadata/contract.ts';
import type { ActivateOptions, Mounts } from '#/core/mounts/contract.ts';
import { makeMount, transform, type Roots } from '#/core/mounts/make-mount.ts';
import { mountPoints, namesIn, takeDown, type MountPoints } from '#/core/mounts/mount-points.ts';
import { planActivation, type ActivationPlan } from '#/core/mounts/plan-activation.ts';
import { listMounts } from '#/linux/mount-info.ts';

export interface MountsContext {
  /** The daemon's persistent directory: files for mounts may be made below it. */
  readonly root: string;
  readonly state: string;
  readonly metadata: Metadata;
  readonly logger?: Logger;
}

const longestName = 1024;
const mostMounts = 512;
const counter = 'mount';

/** Opens the active mounts that an earlier daemon left: complete ones stay, half-made ones are undone. */
export async function openMounts({ root, state, metadata, logger = silentLogger }: MountsContext): Promise<Mounts> {
  const parent = join(state, 'io.containerd.mount-manager.v1.sqlite', 't');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const kept = new KeptMounts({ parent, roots: [parent, root], metadata, logger });
  await kept.recover();
  kept.follow();
  return kept;
}

interface Parts {
  readonly parent: string;
  readonly roots: Roots;
  readonly metadata: Metadata;
  readonly logger: Logger;
}

class KeptMounts implements Mounts {
  readonly #parent: string;
  readonly #roots: Roots;
  readonly #metadata: Metadata;
  readonly #logger: Logger;
  readonly #names = new KeyedMutex();
  /** Numbers of directories that are being worked on. */
  readonly #busy = new Set<number>();
  #sweeping: Promise<void> = Promise.resolve();
  #unfollow: () => void = () => {};

  constructor({ parent, roots, metadata, logger }: Parts) {
    this.#parent = parent;
    this.#roots = roots;
    this.#metadata = metadata;
    this.#logger = logger;
  }

  needsActivation(mounts: readonly StoredMount[], options: ActivateOptions = {}): boolean {
    return planActivation(mounts, options) !== undefined;
  }

  async activate(
    namespace: string,
    name: string,
    mounts: readonly StoredMount[],
    options: ActivateOptions = {},
  ): Promise<ActivationRecord> {
    checkRequest(name, mounts, options);
    const plan = planActivation(mounts, options);
    if (plan === undefined)
      throw new EngineError('unimplemented', `Cannot activate mounts "${name}": the kernel can mount them as they are`);
    return await this.#names.run(`${namespace}/${name}`, async () => {
      const record = await this.#begin(namespace, name, options);
      try {
        const made = await this.#make(record.id, plan, options);
        const complete = { ...record, ...made, complete: true, updatedAt: now() };
        await this.#metadata.write((tx) => tx.mounts.update(namespace, complete));
        return complete;
      } catch (error) {
        await this.#undo(namespace, record);
        throw error;
      } finally {
        this.#busy.delete(record.id);
      }
    });
  }

  get(namespace: string, name: string): ActivationRecord {
    const record = this.#metadata.read.mounts.get(namespace, name);
    if (record.complete) return record;
    throw new EngineError('not-found', `Cannot find mounts "${name}" in namespace "${namespace}": they are being made`);
  }

  list(namespace: string): ActivationRecord[] {
    return this.#metadata.read.mounts.list(namespace).filter(({ complete }) => complete);
  }

  async setLabels(
    namespace: string,
    name: string,
    change: (labels: ActivationRecord['labels']) => ActivationRecord['labels'],
  ): Promise<ActivationRecord> {
    this.get(namespace, name);
    return await this.#metadata.write((tx) => {
      const before = tx.mounts.get(namespace, name);
      const record = { ...before, labels: change(before.labels), updatedAt: now() };
      checkLabels(`mounts "${name}"`, record.labels);
      tx.mounts.update(namespace, record);
      return record;
    });
  }

  /** The record goes first: what it named is then taken down, by the next start if not now. */
  async deactivate(namespace: string, name: string): Promise<void> {
    await this.#names.run(`${namespace}/${name}`, async () => {
      const { id } = this.get(namespace, name);
      this.#busy.add(id);
      try {
        await this.#metadata.write((tx) => tx.mounts.delete(namespace, name));
        await takeDown(this.#placesOf(id));
      } finally {
        this.#busy.delete(id);
      }
    });
  }

  /** Records also go by themselves, with what they are kept for. */
  follow(): void {
    this.#unfollow = this.#metadata.onChange((changes) => {
      if (!changes.some(({ kind, op }) => kind === 'mount' && op === 'delete')) return;
      this.#sweeping = this.#sweeping.then(() => this.#sweep());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unfollow();
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { read } = this.#metadata;
    const numbers = (await namesIn(this.#parent)).filter((name) => /^\d+$/.test(name)).map(Number);
    // Records come before directories, so what has no record now had its time.
    const records = read.listNamespaces().flatMap(({ name }) => read.mounts.list(name));
    const recorded = new Set(records.map(({ id }) => id));
    for (const id of numbers) {
      if (recorded.has(id) || this.#busy.has(id)) continue;
      await takeDown(this.#placesOf(id)).catch((error: unknown) =>
        this.#logger.warn('cannot undo mounts without a record', { number: id, error: messageOf(error) }),
      );
    }
  }

  async recover(): Promise<void> {
    const mounted = new Set((await listMounts()).map(({ target }) => target));
    const { read } = this.#metadata;
    for (const { name: namespace } of read.listNamespaces())
      for (const record of read.mounts.list(namespace)) {
        const isWhole = record.complete && (await this.#isThere(record, mounted));
        if (isWhole) continue;
        this.#logger.info('undoing mounts that are not whole', { namespace, name: record.name });
        await this.#metadata.write((tx) => tx.mounts.delete(namespace, record.name));
      }
    await this.#sweep();
  }

  #placesOf(id: number): MountPoints {
    return mountPoints(this.#parent, id);
  }

  /** After a reboot nothing is mounted any more. */
  async #isThere({ id, active }: ActivationRecord, mounted: ReadonlySet<string>): Promise<boolean> {
    const links = new Set(await namesIn(this.#placesOf(id).directory));
    return active.every(({ mount, mountPoint }, index) =>
      mount.type === 'loop' ? links.has(String(index).padStart(3, '0')) : mounted.has(mountPoint),
    );
  }

  async #begin(
    namespace: string,
    name: string,
    { labels = {}, lease = '' }: ActivateOptions,
  ): Promise<ActivationRecord> {
    const time = now();
    const blank = { complete: false, lease, active: [], system: [], labels, createdAt: time, updatedAt: time };
    return await this.#metadata.write((tx) => {
      if (lease !== '') tx.leases.get(namespace, lease);
      const left = tx.mounts.find(namespace, name);
      // Nobody else is making it, so it is what could not be undone.
      if (left !== undefined && !left.complete) tx.mounts.delete(namespace, name);
      const record = { ...blank, name, id: tx.nextNumber(counter) };
      tx.mounts.create(namespace, record);
      this.#busy.add(record.id);
      return record;
    });
  }

  async #make(
    id: number,
    { own, rest, untouched }: ActivationPlan,
    { temporary = false }: ActivateOptions,
  ): Promise<{ readonly active: ActiveMount[]; readonly system: StoredMount[] }> {
    const places = this.#placesOf(id);
    await mkdir(places.directory, { mode: 0o700 });
    const active: ActiveMount[] = [];
    for (const [index, planned] of own.entries()) {
      const wish = await transform(planned, active, this.#roots);
      active.push(await makeMount(wish, planned.handler, { path: places.at(index), tag: places.tagOf(index) }));
    }
    const [next] = rest;
    const system = next === undefined ? [] : [await transform(next, active, this.#roots), ...untouched.slice(1)];
    const last = active.at(-1);
    const bind = temporary && last !== undefined ? [{ type: 'bind', source: last.mountPoint, options: ['rbind'] }] : [];
    return { active, system: [...system, ...bind] };
  }

  /** What cannot be undone keeps its record, which says that it is not complete: the next start tries again. */
  async #undo(namespace: string, { name, id }: ActivationRecord): Promise<void> {
    try {
      await takeDown(this.#placesOf(id));
      await this.#metadata.write((tx) => tx.mounts.delete(namespace, name));
    } catch (error) {
      if (isKind(error, 'not-found')) return;
      this.#logger.error('cannot undo mounts that failed; the next start will', { name, error: messageOf(error) });
    }
  }
}

function checkRequest(name: string, mounts: readonly StoredMount[], { labels = {} }: ActivateOptions): void {
  const refuse = (why: string): EngineError =>
    new EngineError('invalid-argument', `Cannot activate mounts ${JSON.stringify(name.slice(0, 200))}: ${why}`);
  if (name === '' || name.length > longestName) throw refuse(`a name has 1 to ${longestName} characters`);
  if (mounts.length > mostMounts) throw refuse(`at most ${mostMounts} are taken`);
  checkLabels(`mounts "${name}"`, labels);
}
