import type { CtrCase } from './contract.ts';
import { noRuntime } from './known-differences.ts';

const imported = 'ctr images import $local $archive >/dev/null';
const running = 'ctr run -d --null-io $image one sleep 1000';
const gone = 'ctr tasks rm -f one; ctr containers rm one';

/** Each daemon profiles its own runtime: that it answers is compared, not what it says. */
const pprof = (name: string, more = ''): CtrCase => ({
  command: `pprof ${name}`,
  does: 'asks the debug socket',
  steps: [`ctr pprof --debug-socket $debug ${name} ${more} >profile && test -s profile`],
});

const goProfile = (name: string, more = ''): CtrCase => ({
  ...pprof(name, more),
  differs: [{ why: 'berthd runs on Node and has nothing of the kind', pattern: /(stderr: .*\n)?\[\d\]$/gm }],
});

const shimPprof = (name: string, more = ''): CtrCase => ({
  command: `shim pprof ${name}`,
  does: 'is told that a shim has no debug socket',
  since: '2.x',
  steps: [imported, running, { run: `ctr shim --id one pprof ${name} ${more}`, code: 1 }, gone],
});

export const otherCases: readonly CtrCase[] = [
  {
    command: 'plugins list',
    differs: [
      {
        daemon: '1.6',
        why: 'the restart monitor has the type that newer clients look for',
        pattern: /^io\.containerd\..* restart - ok$\n/gm,
      },
      { daemon: '1.6', why: 'what newer snapshotters can do is told to all', pattern: /^Capabilities:.*$\n/gm },
    ],
    does: 'lists the parts that clients look for, all in order',
    steps: [
      'ctr plugins ls | grep -E " (overlayfs|native|content|tasks|images|containers|leases|namespaces|diff|events|version|introspection|snapshots|walking|restart|task|opt) " | sort',
      'ctr plugins ls -d id==overlayfs | grep -v -i -E "exports|root|upperdir|slow"',
      'ctr plugins ls -q type==io.containerd.snapshotter.v1,id==native',
      { run: 'ctr plugins ls "id==" 2>/dev/null', code: 1 },
    ],
  },
  {
    command: 'plugins inspect-runtime',
    does: 'asks a runtime what it can do',
    differs: [noRuntime],
    since: '2.x',
    steps: [
      'ctr plugins inspect-runtime',
      { run: 'ctr plugins inspect-runtime --runtime io.containerd.nothing.v9', code: 1 },
    ],
  },
  {
    command: 'version',
    does: 'knows both sides',
    steps: ['ctr version 2>/dev/null | sed "s/\\(Version\\|Revision\\|UUID\\):.*/\\1/"'],
  },
  // The end of a task is told by its shim, whose newer kind tells it in any order and sometimes not at all.
  {
    command: 'events',
    does: 'tells what happens, in order',
    differs: [
      {
        daemon: '1.6',
        why: 'newer daemons tell of snapshots that go as garbage',
        pattern: /^.* \/snapshot\/remove .*sha256.*$\n/gm,
      },
      { daemon: '1.6', why: 'newer daemons have this option last', pattern: /"index=off",|,"index=off"/g },
    ],
    steps: [
      imported,
      `"$program" --address $address events "namespace==$ns" > events 2>/dev/null & pid=$!; sleep 0.5; ctr run --rm --null-io $image one sleep 0.3; ctr images label $image a=b; ctr images rm --sync $image; ctr namespaces label $ns c=d; sleep 0.5; kill $pid; wait $pid 2>/dev/null; true`,
      'grep -v -E "/tasks/(exit|delete)" events',
    ],
  },
  {
    command: 'leases create',
    does: 'makes leases of any name and time',
    steps: [
      'ctr leases create --id one a=b',
      'ctr leases create --id two --expires 0',
      'ctr leases create --expires 1h >id; grep -c . id',
      { run: 'ctr leases create --id one', code: 1 },
      'ctr leases ls -q id==one id==two',
    ],
  },
  {
    command: 'leases list',
    does: 'lists by filters',
    steps: [
      'ctr leases create --id one --expires 0 a=b; ctr leases create --id two c=d',
      'ctr leases ls',
      'ctr leases ls -q labels.a==b',
      'ctr leases ls -q id==two',
    ],
  },
  {
    command: 'leases delete',
    does: 'removes leases and what they kept',
    steps: [
      'ctr leases create --id one; ctr leases create --id two',
      'ctr leases rm one',
      'ctr leases rm --sync two',
      { run: 'ctr leases rm one', code: 1 },
      'ctr leases ls',
    ],
  },
  {
    command: 'namespaces create',
    does: 'makes namespaces with labels',
    steps: [
      'ctr namespaces create $ns-a x=1 y=2',
      { run: 'ctr namespaces create $ns-a', code: 1 },
      { run: 'ctr namespaces create "bad name"', code: 1 },
      'ctr namespaces ls | grep $ns',
    ],
  },
  {
    command: 'namespaces list',
    does: 'lists them',
    steps: [
      'ctr namespaces create $ns-a; ctr namespaces create $ns-b z=1',
      'ctr namespaces ls | grep $ns',
      'ctr namespaces ls -q | grep $ns',
    ],
  },
  {
    command: 'namespaces label',
    does: 'sets and clears labels',
    steps: [
      'ctr namespaces create $ns-a x=1',
      'ctr namespaces label $ns-a y=2 x=',
      'ctr namespaces ls | grep $ns',
      'ctr namespaces label $ns-none a=b; ctr namespaces ls | grep $ns',
    ],
  },
  {
    command: 'namespaces remove',
    does: 'removes those that are empty',
    steps: [
      imported,
      { run: 'ctr namespaces rm $ns', code: 1 },
      'ctr images rm --sync $image; ctr namespaces rm $ns',
      'ctr namespaces ls -q | grep -c "^$ns$"; true',
      { run: 'ctr namespaces rm $ns-none', code: 0 },
    ],
  },
  {
    command: 'install',
    does: 'takes the programs out of an image',
    steps: [
      imported,
      'mkdir opt; ctr install --path $dir/opt $image',
      'ls opt/bin | head -3',
      { run: 'ctr install --path $dir/opt $image', code: 1 },
      'ctr install --replace --path $dir/opt $image',
      'ctr install $image',
    ],
  },
  { command: 'oci spec', does: 'prints the default spec', steps: ['ctr oci spec | sed s/$ns// | sha256sum'] },
  {
    command: 'sandboxes run',
    does: 'starts a sandbox, or says what it lacks',
    differs: [
      {
        client: '2.x',
        why: 'a shim without sandboxes is unimplemented, not a failure',
        pattern: /^stderr: ctr: (…: unimplemented|failed to create new sandbox.*)$/gm,
      },
    ],
    since: '1.7',
    steps: [
      'echo "{\\"metadata\\":{\\"name\\":\\"pod\\",\\"namespace\\":\\"default\\",\\"uid\\":\\"u\\"}}" > pod.json',
      { run: 'ctr sandboxes run pod.json one', code: 1 },
      { run: 'ctr sandboxes run none.json one', code: 1 },
      'ctr sandboxes ls',
    ],
  },
  {
    command: 'sandboxes list',
    does: 'lists them',
    since: '1.7',
    steps: ['ctr sandboxes ls', 'ctr sandboxes ls --filters id==one'],
  },
  {
    command: 'sandboxes remove',
    does: 'removes one that is there',
    since: '1.7',
    steps: ['ctr sandboxes rm none; true'],
  },
  {
    command: 'sandboxes info',
    does: 'tells of one that is there',
    since: '2.x',
    steps: [{ run: 'ctr sandboxes info none', code: 1 }],
  },
  { command: 'info', does: 'tells of the server', since: '1.7', steps: ['ctr info | grep -o -E "(uuid|pid|pidns)"'] },
  {
    command: 'deprecations list',
    does: 'warns of nothing',
    since: '1.7',
    steps: ['ctr deprecations list >/dev/null', 'ctr deprecations list --format json >/dev/null'],
  },
  goProfile('block'),
  pprof('goroutines'),
  pprof('heap'),
  pprof('profile', '-s 1s'),
  goProfile('threadcreate'),
  goProfile('trace', '-s 1s'),
  {
    command: 'shim shutdown',
    does: 'asks a shim to end when nothing runs',
    since: '2.x',
    steps: [imported, running, 'ctr shim --id one shutdown; true', 'ctr tasks ls -q', gone],
  },
  shimPprof('block'),
  shimPprof('goroutines'),
  shimPprof('heap'),
  shimPprof('profile', '-s 1s'),
  shimPprof('threadcreate'),
  shimPprof('trace', '-s 1s'),
];
