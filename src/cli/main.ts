import { enableCompileCache } from 'node:module';

/** Compiled code is kept where only this user can write: a shared /tmp would let others choose what we run. */
function cacheDirectory(): string | undefined {
  const { NODE_COMPILE_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  if (NODE_COMPILE_CACHE !== undefined && NODE_COMPILE_CACHE !== '') return NODE_COMPILE_CACHE;
  if (process.getuid?.() === 0) return '/var/cache/berth/compiled';
  if (XDG_CACHE_HOME?.startsWith('/') === true) return `${XDG_CACHE_HOME}/berth`;
  return HOME?.startsWith('/') === true ? `${HOME}/.cache/berth` : undefined;
}

const directory = cacheDirectory();
if (directory !== undefined) enableCompileCache(directory);

const { runProgram } = await import('#/cli/program.ts');
process.exit(await runProgram(process.argv.slice(2), process.env));
