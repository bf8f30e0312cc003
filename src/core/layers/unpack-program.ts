import { dirname, join } from 'node:path';
import { env, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';

/** An archive that makes the child need more than that is refused by its death. */
const maxHeapMegabytes = 1024;

/** How the unpack child is started: from its source here, or from the release's file beside the bundle. */
export function unpackProgram(): {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
} {
  const here = fileURLToPath(import.meta.url);
  const program = join(dirname(here), here.endsWith('.ts') ? 'child/main.ts' : 'unpack.js');
  return {
    file: execPath,
    args: [`--max-old-space-size=${maxHeapMegabytes}`, program],
    env: { BERTH_ADDON: env['BERTH_ADDON'], NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] },
  };
}
