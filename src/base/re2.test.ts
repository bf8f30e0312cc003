import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patterns, texts } from '#/base/re2-cases.fixture.ts';
import { compileRe2 } from '#/base/re2.ts';

/** Pattern, texts that match, texts that do not. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', ['', 'x'], []],
  ['b', ['abc'], ['ac']],
  ['^abc.*$', ['abc', 'abcdef'], ['xabc', 'abc\n']],
  ['^/tasks/', ['/tasks/oom'], ['/x/tasks/']],
  ['a|^b|c$', ['xax', 'bx', 'xc'], ['xbx', 'cx']],
  ['^(a|bc)+$', ['a', 'bca', 'abcbc'], ['', 'b', 'ab']],
  ['^a{2}$', ['aa'], ['a', 'aaa']],
  ['^a{2,}$', ['aa', 'aaaa'], ['a']],
  ['^a{2,3}?$', ['aa', 'aaa'], ['a', 'aaaa']],
  ['^a{,2}$', ['a{,2}'], ['aa']],
  ['^x{$', ['x{'], ['x']],
  ['^(?:a*)*$', ['', 'aaa'], ['b']],
  ['^(?P<n>a)(?<m>b)$', ['ab'], ['a']],
  ['^[^a-c]$', ['d', '\n', '𝄞'], ['a', 'c', 'dd']],
  ['^[]a]$', [']', 'a'], ['b']],
  ['^[a-]$', ['a', '-'], ['b']],
  ['^[-a]$', ['a', '-'], ['b']],
  ['^[\\]\\-\\\\]$', [']', '-', '\\'], ['a']],
  ['^[[:alpha:]_]+$', ['aZ_'], ['a1']],
  ['^[[:^digit:]]$', ['a'], ['1']],
  ['^[\\d\\s]+$', ['1 2\t'], ['a', '\v']],
  ['^\\w\\W\\S\\D$', ['a-xx'], ['aa11']],
  ['^\\pL\\p{Greek}\\P{N}\\p{^Lu}$', ['äαxx'], ['1αxx', 'äaxx', 'äα1x', 'äαxX']],
  ['^\\x41\\x{1D11E}\\101\\n$', ['A𝄞A\n'], ['AAA\n']],
  ['^.$', ['𝄞', 'x'], ['\n', '']],
  ['(?s)^.$', ['\n'], ['']],
  ['^(?s:.).$', ['\nx'], ['x\n']],
  ['(?m)^b$', ['a\nb\nc'], ['a\nbc']],
  ['(?i)abc', ['ABC', 'aBc'], ['ab']],
  ['a(?i)b|c', ['aB', 'C'], ['AB']],
  ['^(?i:a)b$', ['Ab'], ['AB']],
  ['(?i)^[^a]$', ['b'], ['a', 'A']],
  ['(?i)^ä(?-i)b$', ['Äb'], ['ÄB']],
  ['(?i)^(?-i:a)B$', ['ab'], ['Ab']],
  ['(?iU)^A+$', ['aA'], ['b']],
  ['\\Aa\\z', ['a'], ['a\n', 'ba']],
  ['\\bfoo\\b', ['a foo b', 'foo'], ['afoo', 'foo_']],
  ['\\Boo', ['foo'], ['oo']],
  ['^\\Qa.b*[\\E+$', ['a.b*[[['], ['axb*[']],
  ['^\\Q(x', ['(x'], ['x']],
  ['^\\\\Q$', ['\\Q'], ['Q']],
  ['^a\\.b\\/c\\_$', ['a.b/c_'], ['axb/c_']],
  ['^docker\\.io/library/(busybox|alpine):[\\w.-]+$', ['docker.io/library/alpine:3.20'], ['docker.io/library/x:1']],
];

test('compileRe2() matches as RE2 does', () => {
  for (const [pattern, matching, others] of cases) {
    const matches = compileRe2(pattern);
    for (const text of matching) assert(matches(text), `/${pattern}/ must match ${JSON.stringify(text)}`);
    for (const text of others) assert(!matches(text), `/${pattern}/ must not match ${JSON.stringify(text)}`);
  }
});

test('compileRe2() refuses what RE2 lacks or cannot read', () => {
  const refused = [
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)',
    '(a)\\1',
    '\\k<n>',
    '(?>a)',
    '\\Z',
    '\\C',
    '\\y',
    '\\',
    '(',
    ')',
    '(a',
    'a)',
    '[',
    '[a',
    '[]',
    '[b-a]',
    '[[:foo:]]',
    '\\p{Nope}',
    '\\p',
    '*',
    '+a',
    '?',
    'a**',
    'a{2}{3}',
    '|*',
    'a{1001}',
    'a{3,2}',
    '\\x{110000}',
    '\\xZZ',
    '(?z)',
    '(?i',
    '(?i-)',
    '(?P=n)',
    'x'.repeat(1001),
    '(((a{100}){100}){100})',
    `${'('.repeat(200)}${')'.repeat(200)}`,
  ];
  for (const pattern of refused)
    assert.throws(() => compileRe2(pattern), { kind: 'invalid-argument' }, `/${pattern}/ must be refused`);
});

test('compileRe2() takes time in proportion to the text, whatever the pattern', () => {
  const text = `${'a'.repeat(4000)}!`;
  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', 'a*a*a*a*a*a*b', '(.*)(.*)(.*)(.*)(.*)[^!]$']) {
    const started = performance.now();
    assert.equal(compileRe2(pattern)(text), false);
    assert(performance.now() - started < 2000, `/${pattern}/ took ${performance.now() - started} ms`);
  }
});

test('compileRe2() matches and refuses what Go does', () => {
  for (const [pattern, wanted] of patterns) {
    if (wanted === 'refused') assert.throws(() => compileRe2(pattern), { kind: 'invalid-argument' }, pattern);
    else {
      const matches = compileRe2(pattern);
      const found = texts.flatMap((text, place) => (matches(text) ? [place] : []));
      assert.deepEqual(found, wanted, pattern);
    }
  }
});
