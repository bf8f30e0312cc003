import { EngineError } from '#/base/errors.ts';
import { parsePlatform, type Platform } from '#/oci/platform.ts';
import { Fields } from '#/api/docker/json-fields.ts';

/** Since API 1.46 a platform comes as JSON (`{"os":"linux","architecture":"amd64"}`), before as `linux/amd64`. */
export function readPlatform(text: string | null): Platform | undefined {
  if (text === null || text === '') return undefined;
  if (!text.startsWith('{')) return parsePlatform(text);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new EngineError(
      'invalid-argument',
      `Cannot read platform ${JSON.stringify(text.slice(0, 100))}: it is not JSON`,
      { cause },
    );
  }
  const fields = new Fields(parsed, 'platform');
  const [os, architecture, variant] = [fields.text('os'), fields.text('architecture'), fields.text('variant')];
  return parsePlatform([os, architecture, ...(variant === '' ? [] : [variant])].join('/'));
}
