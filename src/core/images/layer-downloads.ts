import { Slots } from '#/core/images/run-together.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';

/** The downloads of layers, so many at a time. Each is begun once, when somebody first wants it. */
export class LayerDownloads {
  readonly #slots: Slots;
  readonly #running = new Map<Digest, Promise<void>>();
  readonly #signal: AbortSignal;
  readonly #fetch: (layer: Descriptor) => Promise<void>;

  constructor(atOnce: number, signal: AbortSignal, fetch: (layer: Descriptor) => Promise<void>) {
    this.#slots = new Slots(atOnce);
    this.#signal = signal;
    this.#fetch = fetch;
  }

  /** Resolves when the layer is here. */
  begin(layer: Descriptor): Promise<void> {
    const known = this.#running.get(layer.digest);
    if (known !== undefined) return known;
    const running = this.#slots.run(this.#signal, () => this.#fetch(layer));
    // Whoever waits for it hears of a failure; until somebody does, it must not end the process.
    running.catch(() => undefined);
    this.#running.set(layer.digest, running);
    return running;
  }

  /** Resolves when what has begun has ended, one way or the other. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}
