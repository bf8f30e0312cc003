import { EngineError } from '#/base/errors.ts';
import type { LogOptions } from '#/core/tasks/stdio.ts';
import type { LogConfig } from '#/engine/docker-config.ts';

/** What waits to be logged in mode `non-blocking` when nothing says how much may. */
const usualBuffer = 1_000_000;
/** It is the shim's memory. */
const largestBuffer = 1 << 30;
const units = ['', 'k', 'm', 'g', 't', 'p'];
const usualFiles = '1';
const known = ['max-size', 'max-file', 'mode', 'max-buffer-size'];

/**
 * Reads the options of the `json-file` driver as Docker does; `none` has none. Throws `invalid-argument` for what berth
 * does not do.
 */
export function logOptionsOf({ Type, Config }: LogConfig): LogOptions {
  if (Type !== '' && Type !== 'json-file' && Type !== 'none')
    throw new EngineError(
      'invalid-argument',
      `Cannot use log driver "${Type}": berth has "json-file" and "none" so far`,
    );
  for (const key of Object.keys(Config))
    if (Type === 'none' || !known.includes(key))
      throw new EngineError(
        'invalid-argument',
        `Cannot use log option "${key}": berth's ${Type || 'json-file'} driver does not know it`,
      );
  const maxBuffer = readBuffer(Config);
  return {
    maxSize: Config['max-size'] === undefined ? 0 : readSize('max-size', Config['max-size'], 1000),
    maxFiles: readFiles(Config['max-file'] ?? usualFiles),
    ...(maxBuffer === undefined ? {} : { maxBuffer }),
  };
}

/** Bytes that may wait; undefined in mode `blocking`, which is the usual one. */
function readBuffer({ mode = '', 'max-buffer-size': size }: LogConfig['Config']): number | undefined {
  if (!['', 'blocking', 'non-blocking'].includes(mode))
    throw mistake('mode', mode, 'logging mode not supported; there are "blocking" and "non-blocking"');
  if (mode !== 'non-blocking' && size !== undefined)
    throw mistake('max-buffer-size', size, 'it is only supported with "mode=non-blocking"');
  if (mode !== 'non-blocking') return undefined;
  const bytes = size === undefined ? usualBuffer : readSize('max-buffer-size', size, 1024);
  if (bytes > largestBuffer) throw mistake('max-buffer-size', size ?? '', 'at most "1g"');
  return bytes;
}

function readFiles(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw mistake('max-file', text, 'expected a number from 1 to 9999');
  return Number(text);
}

/** Docker counts the sizes of files in thousands and those of memory in 1024s. */
function readSize(option: string, text: string, thousand: 1000 | 1024): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  const size = Math.trunc(Number(number) * thousand ** units.indexOf(unit.toLowerCase()));
  if (number !== '' && Number.isSafeInteger(size) && size > 0) return size;
  throw mistake(option, text, 'expected a size such as "10m"');
}

const mistake = (option: string, text: string, why: string): EngineError =>
  new EngineError('invalid-argument', `Cannot use log option ${option} ${JSON.stringify(text.slice(0, 100))}: ${why}`);
