import { EngineError } from '#/base/errors.ts';
import type { LogConfig } from '#/engine/docker-config.ts';

export interface LogOptions {
  /** Bytes after which the log is rotated; 0 for never. */
  readonly maxSize: number;
  /** Files that are kept, the current one counted. */
  readonly maxFiles: number;
}

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function readSize(text: string): number {
  const match = /^(\d+)([bkmg]?)b?$/i.exec(text);
  const size = Number(match?.[1]) * (units[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN);
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new EngineError('invalid-argument', `Cannot use log option max-size "${text}": expected a size such as "10m"`);
}

/** Reads the options of the `json-file` driver; `none` has none. Throws `invalid-argument` for what berth does not do. */
export function logOptionsOf({ Type, Config }: LogConfig): LogOptions {
  if (Type !== '' && Type !== 'json-file' && Type !== 'none')
    throw new EngineError(
      'invalid-argument',
      `Cannot use log driver "${Type}": berth has "json-file" and "none" so far`,
    );
  for (const key of Object.keys(Config))
    if (Type === 'none' || (key !== 'max-size' && key !== 'max-file'))
      throw new EngineError(
        'invalid-argument',
        `Cannot use log option "${key}": berth's ${Type || 'json-file'} driver does not know it`,
      );
  const files = Config['max-file'] ?? '1';
  if (!/^[1-9]\d{0,3}$/.test(files))
    throw new EngineError(
      'invalid-argument',
      `Cannot use log option max-file "${files}": expected a number from 1 to 9999`,
    );
  return { maxSize: Config['max-size'] === undefined ? 0 : readSize(Config['max-size']), maxFiles: Number(files) };
}
