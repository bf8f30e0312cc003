import { StringDecoder } from 'node:string_decoder';
import { EngineError } from '#/base/errors.ts';
import { parseJson } from '#/client/json-text.ts';

const longestLine = 4 * 1024 * 1024;

/** The values of a stream of JSON texts, one per line (CRLF or LF), as the daemon's progress and events come. */
export async function* readJsonLines<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T, void, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield parseLine<T>(line);
    if (rest.length > longestLine)
      throw new EngineError('resource-exhausted', `Cannot read the stream: a line is longer than ${longestLine} bytes`);
  }
  rest += decoder.end();
  if (rest.trim() !== '') yield parseLine<T>(rest);
}

function parseLine<T>(line: string): T {
  try {
    return parseJson(line) as T;
  } catch (cause) {
    throw new EngineError('data-loss', `Cannot read ${JSON.stringify(line.slice(0, 80))}: it is no JSON`, { cause });
  }
}
