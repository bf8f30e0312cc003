/**
 * A short run of each fuzzer of the parsers in C, from the kept corpus on; scripts/fuzz-native.sh runs them for long.
 * `BERTH_FUZZ_SECONDS` says how long each may try.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const seconds = Number(process.env['BERTH_FUZZ_SECONDS'] ?? 3);

execFileSync('make', ['-s', '-C', join(root, 'native'), 'fuzz']);

for (const name of readdirSync(join(root, 'native/fuzz/corpus')))
  test(`nothing breaks the parsers in native/fuzz/${name}.c`, async () => {
    await using learnt = await mkdtempDisposable(join(tmpdir(), 'fuzz-'));
    const limits = [`-max_total_time=${seconds}`, '-max_len=8192', '-rss_limit_mb=1024', '-timeout=10'];
    const places = [`-artifact_prefix=${learnt.path}/`, learnt.path, join(root, 'native/fuzz/corpus', name)];
    const fuzzer = promisify(execFile)(join(root, 'build/fuzz', name), [...limits, ...places], { maxBuffer: 64 << 20 });
    fuzzer.child.stdin?.end();
    const { stderr } = await fuzzer;
    assert.match(stderr, /^Done \d{3,} runs/m);
  });
