import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boolean, list, number, text } from '#/cli/flags.ts';
import { parseFlags } from '#/cli/parse-flags.ts';

const specs = {
  interactive: boolean('i', ''),
  tty: boolean('t', ''),
  env: list('e', 'KEY', ''),
  name: text('', 'NAME', ''),
  time: number('t2', 'N', ''),
  tail: text('n', 'N', ''),
};

const parse = (words: string, stopAtFirst = false): ReturnType<typeof parseFlags> =>
  parseFlags(words === '' ? [] : words.split(' '), specs, { stopAtFirst });

test('parseFlags() gives unset flags their empty values', () => {
  const { values, given, rest } = parse('');
  assert.deepEqual(values, {
    interactive: false,
    tty: false,
    env: [],
    name: undefined,
    time: undefined,
    tail: undefined,
  });
  assert.equal(given.size, 0);
  assert.deepEqual(rest, []);
});

test('parseFlags() reads combined short flags, the last one with a value', () => {
  const { values } = parse('-ite A=1 -eB=2 -e=C=3 -n5');
  assert.equal(values['interactive'], true);
  assert.equal(values['tty'], true);
  assert.deepEqual(values['env'], ['A=1', 'B=2', 'C=3']);
  assert.equal(values['tail'], '5');
});

test('parseFlags() reads long flags with and without "="', () => {
  const { values, given } = parse('--name=a=b --tty=false --interactive --time -1');
  assert.equal(values['name'], 'a=b');
  assert.equal(values['tty'], false);
  assert.equal(values['interactive'], true);
  assert.equal(values['time'], -1);
  assert(given.has('tty') && !given.has('env'));
});

test('parseFlags() finds flags between arguments unless they belong to another program', () => {
  assert.deepEqual(parse('web -t --name x db').rest, ['web', 'db']);
  const stopped = parse('-t busybox ls -i --nope', true);
  assert.deepEqual(stopped.rest, ['busybox', 'ls', '-i', '--nope']);
  assert.equal(stopped.values['interactive'], false);
});

test('parseFlags() ends the flags at "--" and takes "-" for an argument', () => {
  assert.deepEqual(parse('- -t -- -i --name').rest, ['-', '-i', '--name']);
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['--nme x', /unknown flag "--nme"; did you mean "--name"\?/],
  ['-x', /unknown flag "-x"$/],
  ['-ix', /unknown flag "-x" in "-ix"$/],
  ['--__proto__', /unknown flag "--__proto__"/],
  ['--constructor=1', /unknown flag "--constructor"/],
  ['--name', /flag "--name" needs a value/],
  ['-e', /flag "-e" needs a value/],
  ['--tty=maybe', /flag "--tty" is true or false, not "maybe"/],
  ['--time=1.5', /flag "--time" needs a whole number, not "1.5"/],
];

for (const [words, message] of refused)
  test(`parseFlags() refuses ${words}`, () => {
    assert.throws(() => parse(words), { name: 'UsageError', exitCode: 125, message });
  });

test('parseFlags() with goDashes takes one dash for two, joined letters all the same', () => {
  const specs = { rm: boolean('', 'x'), tty: boolean('t', 'x'), detach: boolean('d', 'x'), env: list('e', 'X', 'x') };
  const parse = (...words: string[]): unknown => {
    const { given, rest } = parseFlags(words, specs, { stopAtFirst: true, goDashes: true });
    return [[...given].sort(), rest];
  };
  assert.deepEqual(parse('-rm', '--t', '-env', 'A=1', '-env=B', 'image', '-d'), [
    ['env', 'rm', 'tty'],
    ['image', '-d'],
  ]);
  assert.deepEqual(parse('-td'), [['detach', 'tty'], []]);
  assert.throws(() => parse('-unknown'), { name: 'UsageError' });
});
