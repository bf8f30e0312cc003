import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const moduleUrl = new URL('./local-time.ts', import.meta.url).href;

async function inZone(zone: string): Promise<string[]> {
  const body = `import * as t from ${JSON.stringify(moduleUrl)}; console.log(t.formatLocalTime(1700000000)); console.log(t.formatNanoTime(1700000000000000007n)); console.log(t.formatIsoSeconds(1700000000));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', body], {
    env: { TZ: zone },
  });
  return stdout.trim().split('\n');
}

test('times are local, with their zone', async () => {
  assert.deepEqual(await inZone('UTC'), [
    '2023-11-14 22:13:20 +0000 UTC',
    '2023-11-14T22:13:20.000000007Z',
    '2023-11-14T22:13:20Z',
  ]);
  assert.deepEqual(await inZone('Asia/Kolkata'), [
    '2023-11-15 03:43:20 +0530 +0530',
    '2023-11-15T03:43:20.000000007+05:30',
    '2023-11-15T03:43:20+05:30',
  ]);
  assert.deepEqual((await inZone('America/New_York'))[0], '2023-11-14 17:13:20 -0500 EST');
});
