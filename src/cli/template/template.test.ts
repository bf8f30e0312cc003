import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from '#/cli/template/template.ts';

const data = {
  Name: '/web',
  Id: 'abc',
  State: { Status: 'running', Pid: 12, Running: true, Health: null },
  Config: { Labels: { b: '2', a: '1' }, Env: ['A=1', 'B=2'], Cmd: null, Empty: [] },
  Big: 9223372036854771712n,
  Label: (key: string) => `<${key}>`,
};

const rendered: readonly (readonly [string, string])[] = [
  ['plain', 'plain'],
  ['{{.Name}}:{{.State.Pid}}', '/web:12'],
  ['{{ .State.Running }} {{.Big}}', 'true 9223372036854771712'],
  ['{{.ID}}', 'abc'],
  ['{{json .Config}}', '{"Labels":{"b":"2","a":"1"},"Env":["A=1","B=2"],"Cmd":null,"Empty":[]}'],
  ['{{json .Big}} {{.State.Pid | json}}', '9223372036854771712 12'],
  ['{{.Config.Env}} {{.Config.Labels}}', '[A=1 B=2] map[a:1 b:2]'],
  ['{{.Config.Cmd}}', '<no value>'],
  ['{{index .Config.Env 1}} {{index .Config.Labels "a"}}{{index .Config.Labels "x"}}', 'B=2 1'],
  ['{{(index .Config.Env 0)}} {{len .Config.Env}} {{len .Name}}', 'A=1 2 4'],
  ['{{range .Config.Env}}[{{.}}]{{end}}', '[A=1][B=2]'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}', 'a=1 b=2 '],
  ['{{range $i, $e := .Config.Env}}{{$i}}:{{$e}} {{end}}', '0:A=1 1:B=2 '],
  ['{{range .Config.Cmd}}x{{else}}none{{end}}', 'none'],
  ['{{range .Config.Empty}}x{{else}}none{{end}}', 'none'],
  ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
  ['{{if .State.Nope}}a{{else if eq .State.Pid 1 12}}b{{else}}c{{end}}', 'b'],
  ['{{if and .State.Running (not .State.Nope)}}x{{end}}', 'x'],
  ['{{or .Config.Cmd .Nope "default"}} {{and 0 .Nope.Deep}}', 'default 0'],
  ['{{with .State}}{{.Status}} {{$.Name}}{{end}}', 'running /web'],
  ['{{with .State.Health}}{{.Status}}{{else}}no health{{end}}', 'no health'],
  ['{{$x := .Name}}{{range .Config.Env}}{{$x = .}}{{end}}{{$x}}', 'B=2'],
  ['{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}', '21'],
  ['{{.Label "a.b"}}', '<a.b>'],
  [
    '{{printf "%-6s|%6s|%04d|%q|%v|%.1f|%x%%" "ab" "cd" 7 "q\\"" .State.Running 1.25 255}}',
    'ab    |    cd|0007|"q\\""|true|1.3|ff%',
  ],
  ['{{.Name | printf "%s-%s" "a"}}', 'a-/web'],
  ['{{upper .Name | lower | title}}{{split "a,b" ","}}{{join .Config.Env "+"}}', '/web[a b]A=1+B=2'],
  ['{{truncate .Id 2}}{{pad "x" 1 2}}|{{slice .Id 1 3}}', 'ab x  |bc'],
  ['{{eq .Name "/web"}} {{ne 1 2}} {{lt 1 2}} {{ge "b" "a"}}', 'true true true true'],
  ['{{print "a" 1 2 "b"}}{{println "x" 1}}', 'a1 2bx 1\n'],
  ['a {{- /* gone */ -}} b {{"}}"}} {{`raw\\n`}} {{"\\t\\u0041"}}', 'ab }} raw\\n \tA'],
  ['x  {{- .Id -}}\n y', 'xabcy'],
  ['{{-1}} {{3.5}}', '-1 3.5'],
  ['{{ (index .Config.Env 0) | len }}{{(.State).Pid}}', '312'],
];

for (const [source, expected] of rendered)
  test(`compileTemplate() renders ${source}`, () => assert.equal(compileTemplate(source).render(data), expected));

const refused: readonly (readonly [string, RegExp])[] = [
  ['{{.Nope}}', /there is no field "\.Nope"/],
  ['{{.State.Statsu}}', /did you mean "\.Status"\?/],
  ['{{.Name.Deep}}', /"\/web has no fields|has no fields/],
  ['{{.Name', /is never closed/],
  ['{{if .Name}}x', /"\{\{if\}\}" has no "\{\{end\}\}"/],
  ['{{end}}', /closes nothing/],
  ['{{else}}', /closes nothing/],
  ['{{frobnicate .}}', /function "frobnicate" is not known/],
  ['{{jsn .}}', /did you mean "json"/],
  ['{{template "x"}}', /"\{\{template\}\}" is not supported/],
  ['{{}}', /an action is empty/],
  ['{{.Name | }}', /a value is missing/],
  ['{{(.Name}}', /"\(" is never closed/],
  ['{{.Name)}}', /"\)" or "," too many/],
  ['{{.Name ? 1}}', /"\? 1" is not understood/],
  ['{{$y}}', /variable "\$y" is not known/],
  ['{{.Name 1}}', /takes no arguments/],
  ['{{.Label}}', /takes 1 arguments, not 0/],
  ['{{index .Config.Env 9}}', /outside of a list of 2/],
  ['{{index .Config.Env -1}}', /outside of a list/],
  ['{{printf "%d" "x"}}', /cannot print x with "%d"/],
  ['{{printf "%s"}}', /has no value for "%s"/],
  ['{{printf "" 1}}', /1 values too many/],
  ['{{range .State.Pid}}{{end}}', /cannot go over 12/],
  ['{{lt 1 "a"}}', /compares two numbers or two texts/],
  ['{{if 1}}'.repeat(60), /nested more than 50 deep/],
  [`{{${'('.repeat(60)}`, /never closed/],
  [`{{${'('.repeat(60)}1${')'.repeat(60)}}}`, /nested more than 50 deep/],
];

for (const [source, message] of refused)
  test(`compileTemplate() refuses ${source.slice(0, 40)}`, () => {
    assert.throws(
      () => compileTemplate(source).render(data),
      (error: unknown) => {
        assert(error instanceof Error);
        assert.match(error.message, /^Cannot use the template: /);
        assert.match(error.message, message);
        return true;
      },
    );
  });

test('compileTemplate() does not reach into prototypes', () => {
  for (const source of ['{{.constructor}}', '{{.__proto__}}', '{{.State.toString}}', '{{.Config.Env.length}}'])
    assert.throws(() => compileTemplate(source).render({ ...data }), /there is no field|has no fields/);
  assert.equal(compileTemplate('{{index .Config.Labels "constructor"}}').render(data), '');
});
