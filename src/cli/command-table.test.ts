import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandGroups, commandTable } from '#/cli/command-table.ts';
import { withGlobalFlags } from '#/cli/globals.ts';
import { commandHelp, groupHelp, programHelp } from '#/cli/help.ts';

const style = { colour: false, width: 80 };

for (const [name, entry] of Object.entries(commandTable))
  test(`"berth ${name}" has its own short flags, a summary for each, and help that fits 80 columns`, async () => {
    const command = await entry.load();
    const shorts = Object.values(withGlobalFlags(command.flags)).flatMap(({ short }) => short ?? []);
    assert.equal(new Set(shorts).size, shorts.length, `a short flag is there twice: ${shorts.join(' ')}`);
    for (const [flag, spec] of Object.entries(command.flags)) {
      assert.match(flag, /^[a-z][a-z0-9-]+$/);
      assert(spec.about.length > 5 && !spec.about.endsWith('.'), flag);
    }
    const help = commandHelp(`berth ${name}`, command, style);
    for (const line of help.split('\n'))
      assert(line.length <= 80 || line.startsWith('Usage') || line.startsWith('  berth '), line);
    assert(
      command.usage.includes('[OPTIONS]') || Object.keys(command.flags).length === 0,
      'its usage does not say [OPTIONS]',
    );
  });

test('every grouped name leads to a command', () => {
  for (const group of Object.values(commandGroups))
    for (const { name } of Object.values(group)) assert(name in commandTable, name);
});

test('programHelp() names every command and groupHelp() every grouped one', () => {
  const help = programHelp(style);
  for (const name of Object.keys(commandTable)) assert.match(help, new RegExp(`^  ${name} `, 'm'));
  assert.match(groupHelp('image', style), /^ {2}ls +List images$/m);
  assert.match(programHelp({ ...style, colour: true }), /\u001B\[1mUsage\u001B\[0m/);
});

test('withGlobalFlags() leaves -n to commands that have one, and --namespace to all', async () => {
  const logs = withGlobalFlags((await commandTable['logs']?.load())?.flags ?? {});
  assert.equal(logs['namespace']?.short, undefined);
  assert.equal(logs['tail']?.short, 'n');
  const rm = withGlobalFlags((await commandTable['rm']?.load())?.flags ?? {});
  assert.equal(rm['namespace']?.short, 'n');
});
