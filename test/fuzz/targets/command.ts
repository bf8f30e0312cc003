/** What people type, which must never end in a stack trace. */
import { containerFlags } from '#/cli/container-flags.ts';
import { parseFlags } from '#/cli/parse-flags.ts';
import { parseBytes, parseCpus, parseMoment } from '#/cli/quantities.ts';
import { compileTemplate } from '#/cli/template/template.ts';
import { UsageError } from '#/cli/usage-error.ts';
import type { FuzzTarget } from '../target.ts';

/** A usage error is the right answer to a wrong command line. */
function orUsage<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof UsageError) return error.message.replaceAll(/"[^"]*"|\d/g, '').slice(0, 60);
    throw error;
  }
}

export const commandTargets: readonly FuzzTarget[] = [
  {
    name: 'parseFlags',
    seeds: ['-it\n--rm\n--name=x\nhello\nsh', '-e\nA=b\n-v/a:/b\n--cpus\n1.5\n--\nx', '--memory=1g\n-d'],
    words: ['--', '-', '=', '\n', '--name', '-it', '--__proto__', '--constructor=x'],
    run: (input) =>
      orUsage(() =>
        [...parseFlags(input.toString().split('\n'), containerFlags, { stopAtFirst: true }).given].sort().join(),
      ),
  },
  {
    name: 'quantities',
    seeds: ['512m', '1.5g', '1h30m', '2026-01-02T15:04', '1.5', '1700000000.5'],
    words: ['.', 'e9', 'm', 'h', ':', 'T', 'Z', '-'],
    run: (input) =>
      [parseBytes, parseCpus, (flag: string, text: string) => parseMoment(flag, text, 0n)]
        .map((read) => typeof orUsage(() => read('--x', input.toString())))
        .join(),
  },
  {
    name: 'compileTemplate',
    seeds: [
      '{{.Names}}: {{json .Labels}}',
      '{{range $i, $e := .List}}{{if $i}}, {{end}}{{$e | upper}}{{else}}none{{end}}',
      '{{with .Map}}{{index . "a"}}{{end}}{{printf "%-5s|%d|%v" .Name 3 .List}}',
      '{{- if and (eq .Name "x") (not .No) -}} y {{- else if .Yes}}z{{end}}',
    ],
    words: [
      '{{',
      '}}',
      '{{-',
      '-}}',
      '.',
      '$',
      '|',
      'range',
      'end',
      'if',
      'else',
      'with',
      '"',
      '`',
      '(',
      ')',
      ':=',
      'printf',
      '%*d',
      '.__proto__',
      '.constructor',
    ],
    run: (input) => {
      const data = { Names: 'n', Name: 'x', Labels: { a: 'b' }, List: ['p', 'q'], Map: { a: 1 }, Yes: true };
      return `${compileTemplate(input.toString()).render(data).length}`;
    },
  },
];
