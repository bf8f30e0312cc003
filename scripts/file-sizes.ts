/** Reports the longest files: over 300 lines a file wants splitting by idea, over 400 it needs a reason. */
import { globSync, readFileSync } from 'node:fs';

const worthNaming = 300;

const files = globSync(['src/**/*.ts', 'native/**/*.[ch]', 'test/**/*.ts', 'scripts/*.ts'], {
  exclude: ['src/gen/**', 'native/shim/gen/**'],
})
  .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
  .sort((a, b) => b.lines - a.lines);

const total = files.reduce((sum, { lines }) => sum + lines, 0);
const median = files[Math.floor(files.length / 2)]?.lines ?? 0;
process.stdout.write(`${files.length} files, ${total} lines, median ${median}, longest ${files[0]?.lines ?? 0}\n`);
for (const { file, lines } of files) if (lines > worthNaming) process.stdout.write(`  ${lines} ${file}\n`);
