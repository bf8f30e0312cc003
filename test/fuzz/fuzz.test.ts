/**
 * Every reader of bytes from outside, with inputs that nobody would write. `BERTH_FUZZ_SEED` repeats a run,
 * `BERTH_FUZZ_SECONDS` goes on for so long per reader (scripts/soak.sh).
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { fuzz } from './fuzz.ts';
import { archiveTargets } from './targets/archives.ts';
import { commandTargets } from './targets/command.ts';
import { documentTargets } from './targets/documents.ts';
import { frameTargets } from './targets/frames.ts';
import { requestTargets } from './targets/requests.ts';
import { settingTargets } from './targets/settings.ts';
import { textTargets } from './targets/texts.ts';

const seed = Number(process.env['BERTH_FUZZ_SEED'] ?? randomInt(2 ** 31));
const milliseconds = 1000 * Number(process.env['BERTH_FUZZ_SECONDS'] ?? 0);
const runs = 2000;

const targets = [
  ...textTargets,
  ...documentTargets,
  ...archiveTargets,
  ...frameTargets,
  ...requestTargets,
  ...commandTargets,
  ...settingTargets,
];

for (const target of targets)
  test(`${target.name} answers or refuses whatever it is given (seed ${seed})`, async (t) => {
    const { runs: count, kinds } = await fuzz(target, { seed, runs, milliseconds });
    t.diagnostic(`${count} inputs, ${kinds} kinds of answers`);
    assert(kinds > 1, 'every input got the same answer: the seeds are refused before they are read');
  });
