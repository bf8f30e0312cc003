/** Containers that write numbered lines, and what their logs must look like then. */
import { demultiplex } from '#/client/stdio-frames.ts';
import type { Client } from '#/client/client.ts';

/** Lines of stdout between two of stderr. */
const burst = 20;

export interface Ticking {
  /** Ends by itself after so many turns of a tenth of a second. */
  readonly turns?: number;
  readonly exitCode?: number;
}

/**
 * A shell script: each turn writes twenty lines `out N` and one `err N`. On SIGTERM, or after the last turn, it writes
 * `end N` with the count of lines written and exits.
 */
export function tickingScript({ turns, exitCode = 42 }: Ticking = {}): string {
  const more = turns === undefined ? '[ -z "$over" ]' : `[ -z "$over" ] && [ $e -lt ${turns} ]`;
  return `over=; n=0; e=0; trap over=1 TERM
while ${more}; do
  i=0; s=; while [ $i -lt ${burst} ]; do i=$((i+1)); n=$((n+1)); s="\${s}out $n
"; done
  printf %s "$s"; e=$((e+1)); echo "err $e" >&2; sleep 0.1
done
echo "end $n"; exit ${exitCode}`;
}

export interface NumberedLog {
  /** How many lines of each kind, all there and in order. */
  readonly out: number;
  readonly err: number;
  /** Whether the last word is there: nothing was cut off at the end. */
  readonly ended: boolean;
  readonly lines: readonly string[];
}

/** Reads a container's log. Throws when a line is missing, doubled or out of order, saying which. */
export async function readNumberedLog(client: Client, id: string): Promise<NumberedLog> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, data } of demultiplex(await client.containers.logs(id))) texts[stream] += data.toString();
  return checkNumbered(texts.stdout, texts.stderr);
}

export function checkNumbered(stdout: string, stderr: string): NumberedLog {
  const lines = linesOf(stdout);
  const last = lines.at(-1) ?? '';
  const ended = last.startsWith('end ');
  const out = countInOrder('out', ended ? lines.slice(0, -1) : lines);
  if (ended && last !== `end ${out}`) throw new Error(`the log has ${out} lines and then says "${last}"`);
  return { out, err: countInOrder('err', linesOf(stderr)), ended, lines };
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

function countInOrder(word: string, lines: readonly string[]): number {
  for (const [index, line] of lines.entries())
    if (line !== `${word} ${index + 1}`) throw new Error(`line ${index + 1} of "${word}" is ${JSON.stringify(line)}`);
  return lines.length;
}
