/** Bundles the programs with esbuild into dist/, or a named directory; every command of the CLI is a chunk of its own. */
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const out = process.argv[2] ?? 'dist';
const revision = process.env['BERTH_REVISION'] ?? 'unknown';

await rm(out, { recursive: true, force: true });
await mkdir(out);
// Each for itself: with chunks shared between them, berthd would load some hundred small files of the command's making.
for (const entry of [
  { in: 'src/cli/main.ts', out: 'berth' },
  { in: 'src/daemon/main.ts', out: 'berthd' },
  { in: 'src/core/layers/child/main.ts', out: 'unpack' },
])
  await build({
    entryPoints: [entry],
    outdir: out,
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    format: 'esm',
    platform: 'node',
    target: 'node26',
    // Beside the programs: import.meta.dirname is then dist/ in every part of them.
    chunkNames: '[name]-[hash]',
    define: { 'process.env.BERTH_REVISION': JSON.stringify(revision) },
    logLevel: 'warning',
  });
await copyFile('build/berth.node', `${out}/berth.node`);
for (const program of ['berth-stdio', 'containerd-shim-berth-v1']) {
  await copyFile(`build/${program}`, `${out}/${program}`);
  await chmod(`${out}/${program}`, 0o755);
}
