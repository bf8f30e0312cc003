import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const outputModule = new URL('./output.ts', import.meta.url).href;

function programText(body: string): string {
  return `import { openOutput } from ${JSON.stringify(outputModule)}; const out = openOutput(1); ${body}`;
}

test('Output writes everything into a slow, non-blocking pipe', async () => {
  // Touching process.stdout makes a pipe non-blocking, as another program that shares it may do.
  const body = `process.stdout; for (let n = 0; n < 2000; n++) out.line('x'.repeat(999)); await out.write(Buffer.alloc(3000000, 121));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', programText(body)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let length = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length < 500_000) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.equal(length, 2_000_000 + 3_000_000);
});

test('Output throws BrokenPipe when nobody reads any more', async () => {
  const body = `try { for (;;) { out.line('y'); await out.write(Buffer.alloc(100000)); } } catch (e) { process.exit(e.constructor.name === 'BrokenPipe' ? 42 : 1); }`;
  const words = [process.execPath, '--input-type=module', '-e', programText(body)].map(
    (word) => `'${word.replaceAll("'", "'\\''")}'`,
  );
  const { stdout } = await promisify(execFile)('bash', [
    '-c',
    `${words.join(' ')} | head -c 10 | wc -c; echo \${PIPESTATUS[0]}`,
  ]);
  assert.deepEqual(stdout.trim().split(/\s+/), ['10', '42']);
});
