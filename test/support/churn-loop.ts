/** One loop of pull, run, exec and rm, which knows at any moment what berthd has acknowledged to it. */
import assert from 'node:assert/strict';
import type { ChurnFace } from './churn-faces.ts';
import type { Berthd } from './berthd.ts';
import { killShim } from './kill-shim.ts';
import { processIdentity } from './process-identity.ts';

/** 'unsure' from the moment a call is sent until its answer has come. */
type Sureness = 'absent' | 'present' | 'unsure';

interface Held {
  readonly name: string;
  is: Sureness;
}

export class ChurnLoop {
  readonly face: ChurnFace;
  turns = 0;
  readonly #images: readonly string[];
  readonly #name: string;
  #image: Held;
  #box: Held;
  /** The box's first process, once seen. */
  #process: string | undefined;
  #lostShim = false;

  constructor(face: ChurnFace, { name, images }: { readonly name: string; readonly images: readonly string[] }) {
    this.face = face;
    this.#name = name;
    this.#images = images;
    this.#image = { name: images[0] ?? '', is: 'absent' };
    this.#box = { name: `${name}-0`, is: 'absent' };
  }

  /** Goes on until a call fails. Another turn, another image and another box. */
  async goOn(): Promise<never> {
    for (;;) {
      await this.#change(this.#image, 'present', () => this.face.pull(this.#image.name));
      await this.#change(this.#box, 'present', () => this.face.run(this.#box.name, this.#image.name));
      const word = `word-${this.turns}`;
      assert.equal(await this.face.exec(this.#box.name, word), `${word}\n`, `exec in "${this.#box.name}"`);
      await this.#change(this.#box, 'absent', () => this.face.remove(this.#box.name));
      await this.#change(this.#image, 'absent', () => this.face.removeImage(this.#image.name));
      this.#nextTurn();
    }
  }

  async #change(held: Held, after: Sureness, call: () => Promise<void>): Promise<void> {
    held.is = 'unsure';
    await call();
    held.is = after;
  }

  #nextTurn(): void {
    this.turns += 1;
    this.#image = { name: this.#images[this.turns % this.#images.length] ?? '', is: 'absent' };
    this.#box = { name: `${this.#name}-${this.turns}`, is: 'absent' };
    this.#process = undefined;
    this.#lostShim = false;
  }

  /** Kills the shim of the box, if there is one, and its process with it. To be called while berthd is away. */
  async loseShim(daemon: Berthd): Promise<void> {
    if (this.#box.is === 'present') this.#lostShim = await killShim(daemon, this.face.idOf(this.#box.name));
  }

  /** Holds what berthd says now against what it had acknowledged. */
  async check({ images, boxes }: Awaited<ReturnType<ChurnFace['look']>>): Promise<void> {
    const there = { image: images.has(this.#image.name), box: boxes.get(this.#box.name) };
    const told = `${this.face.name}: ${JSON.stringify({ image: this.#image, box: this.#box, there })}`;
    if (this.#image.is !== 'unsure') assert.equal(there.image, this.#image.is === 'present', told);
    if (this.#box.is === 'absent') assert.equal(there.box, undefined, told);
    if (this.#box.is !== 'present') return;
    if (this.#lostShim) return assert.equal(there.box, 0, `${told}: its shim was killed`);
    assert(there.box !== undefined && there.box > 0, told);
    const identity = await processIdentity(there.box);
    assert(identity !== undefined, `${told}: its process runs`);
    assert.equal(identity, this.#process ?? identity, `${told}: it is the same process`);
    this.#process = identity;
  }

  /** Takes away what the turn that was cut short has left, so that the next one can begin. */
  async clear({ images, boxes }: Awaited<ReturnType<ChurnFace['look']>>): Promise<void> {
    if (boxes.has(this.#box.name)) await this.face.remove(this.#box.name);
    if (images.has(this.#image.name)) await this.face.removeImage(this.#image.name);
    this.#nextTurn();
  }
}
