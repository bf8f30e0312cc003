import type { ProgressMessage } from '#/client/image-payloads.ts';

/** One layer, as far as its messages tell. */
export interface LayerProgress {
  readonly id: string;
  readonly status: string;
  readonly current: number | undefined;
  readonly total: number | undefined;
}

/** A line that stays, or nothing when the message only moved a layer on. */
export interface ProgressStep {
  readonly line: string | undefined;
  /** The layer whose status changed, as opposed to its byte count. */
  readonly changed: LayerProgress | undefined;
}

const mostLayers = 1000;
const headline = /^(?:Pulling from|Pulling repository|digest:)/i;

/** The state of a pull, push or load, built message by message. */
export class ProgressModel {
  readonly #layers = new Map<string, LayerProgress>();

  get layers(): readonly LayerProgress[] {
    return [...this.#layers.values()];
  }

  /** True when nothing is under way: what is said now is said of the whole. */
  get isSettled(): boolean {
    return this.layers.every((layer) => isFinished(layer) || /^download complete/i.test(layer.status));
  }

  /** Begins anew, as after the last line of one image. */
  forgetLayers(): void {
    this.#layers.clear();
  }

  apply(message: ProgressMessage): ProgressStep {
    const { id = '', status = '', stream, progressDetail } = message;
    if (stream !== undefined && stream !== '') return { line: stream.replace(/\n$/, ''), changed: undefined };
    if (status === '') return { line: undefined, changed: undefined };
    if (id === '') return { line: status, changed: undefined };
    if (headline.test(status)) return { line: `${id}: ${status}`, changed: undefined };
    const before = this.#layers.get(id);
    if (before === undefined && this.#layers.size >= mostLayers) return { line: undefined, changed: undefined };
    const layer = { id, status, current: byteCount(progressDetail?.current), total: byteCount(progressDetail?.total) };
    this.#layers.set(id, layer);
    return { line: undefined, changed: before?.status === status ? undefined : layer };
  }
}

function byteCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

const finished = /complete$|^already exists|^layer already exists|^pushed|^mounted|^loaded|^skipped/i;

export function isFinished({ status }: LayerProgress): boolean {
  return finished.test(status) && !/^download complete/i.test(status);
}
