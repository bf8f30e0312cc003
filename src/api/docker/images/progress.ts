import { messageOf } from '#/base/errors.ts';
import type { ImageProgress } from '#/core/images/contract.ts';
import { shortDigest, type Digest } from '#/oci/digest.ts';
import { toJson, type Answer, type ResponseStream } from '#/api/docker/answer.ts';

export interface ProgressLine {
  readonly status?: string;
  readonly id?: string;
  readonly stream?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly progress?: string;
  readonly aux?: unknown;
}

/** A stream of JSON lines, in Docker's words; a failure after the first line goes into the stream. */
export interface ProgressStream {
  tell(line: ProgressLine): void;
  /** Runs the work; its failure becomes the last line, or the answer itself when nothing was told yet. */
  run(work: () => Promise<void>): Promise<void>;
}

export function progressStream(answer: Answer): ProgressStream {
  let stream: ResponseStream | undefined;
  const write = (line: object): void => {
    stream ??= answer.stream('application/json');
    void stream.write(`${toJson(line)}\r\n`);
  };
  return {
    tell: write,
    run: async (work) => {
      try {
        await work();
      } catch (error) {
        if (stream === undefined) throw error;
        const message = messageOf(error);
        write({ errorDetail: { message }, error: message });
      }
      (stream ?? answer.stream('application/json')).end();
    },
  };
}

const barWidth = 50;

function bar(current: number, total: number): string {
  const filled = total === 0 ? barWidth : Math.min(barWidth, Math.floor((current / total) * barWidth));
  const arrow = filled < barWidth ? '>' : '';
  return `[${'='.repeat(filled)}${arrow}${' '.repeat(Math.max(0, barWidth - filled - arrow.length))}] ${size(current)}/${size(total)}`;
}

/** Decimal units, four digits, as Docker prints them. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}

const words: Readonly<Record<string, string>> = {
  waiting: 'Pulling fs layer',
  exists: 'Already exists',
  downloaded: 'Download complete',
  unpacked: 'Pull complete',
  uploaded: 'Pushed',
  mounted: 'Mounted from another repository',
  downloading: 'Downloading',
  extracting: 'Extracting',
  uploading: 'Pushing',
};

const betweenLines = 100;

/** Turns the core's progress into Docker's lines: a layer's bar at most ten times a second. */
export function layerProgress(tell: (line: ProgressLine) => void): (progress: ImageProgress) => void {
  const shown = new Map<Digest, number>();
  const layers = new Set<Digest>();
  const unpacked = new Set<Digest>();
  return (progress) => {
    if (progress.kind === 'layers') for (const { digest } of progress.layers) layers.add(digest);
    if (!('digest' in progress) || !layers.has(progress.digest)) return;
    const { digest, kind } = progress;
    // What was there already may be unpacked before anybody says that it was there.
    if (kind === 'exists' && unpacked.has(digest)) return;
    if (kind === 'unpacked') unpacked.add(digest);
    const status = words[kind] ?? kind;
    const id = shortDigest(digest);
    if (!('current' in progress)) return tell({ status, progressDetail: {}, id });
    const { current, total } = progress;
    const time = performance.now();
    if (current < total && time - (shown.get(digest) ?? 0) < betweenLines) return undefined;
    shown.set(digest, time);
    return tell({ status, progressDetail: { current, total }, progress: bar(current, total), id });
  };
}
