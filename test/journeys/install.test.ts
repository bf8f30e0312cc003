/** `berth system install` for real, in a mount namespace that is thrown away: the machine's own files stay untouched. */
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { removeEverything } from '../support/berthd.ts';
import { runCommand } from '../support/run-command.ts';

const repository = resolve(import.meta.dirname, '../..');

/** Whatever of another engine is installed here is hidden in the namespace. */
const script = `
set -eu
mkdir "$DIR/m" && mount -t tmpfs tmpfs "$DIR/m"
for d in etc usr/local/bin run; do
  n=$(echo $d | tr / _)
  mkdir -p "$DIR/m/$n/up" "$DIR/m/$n/work"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$DIR/m/$n/up,workdir=$DIR/m/$n/work" /$d
done
cd /
rm -f /run/docker.sock /run/containerd/containerd.sock /usr/local/bin/docker /usr/local/bin/ctr
rm -f /etc/systemd/system/*.wants/containerd.service /etc/systemd/system/*.wants/docker.*
rm -rf /run/systemd/system /run/berth /etc/berth
export BERTH_ROOT="$DIR/m/root"
touch /usr/local/bin/docker
! berth system install --as containerd,docker || exit 11
test ! -e /etc/berth || exit 12
rm /usr/local/bin/docker
berth system install --as containerd,docker
/usr/local/bin/berthd --root "$BERTH_ROOT" 2>"$DIR/m/log" &
pid=$!
trap 'kill $pid; wait $pid || true; cat "$DIR/m/log"' EXIT
n=0
until [ -S /run/docker.sock ]; do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.1; done
echo "ctr: $(/usr/bin/ctr version | grep -A1 Server | tail -1)"
echo "docker: $(/usr/bin/docker version --format '{{.Server.Version}}')"
echo "own ctr: $(/usr/local/bin/ctr version | grep -A1 Server | tail -1)"
echo "own docker: $(/usr/local/bin/docker version --format '{{.Server.Version}}')"
berth system uninstall
berth system uninstall
ls -d /etc/berth /usr/local/bin/docker /usr/local/bin/ctr /etc/systemd/system/berth.* 2>/dev/null || echo gone
`;

test('berth system install --as containerd,docker serves unchanged clients where they look, and uninstall leaves nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'in-'));
  try {
    const env = { DIR: directory, PATH: `${join(repository, 'bin')}:${process.env['PATH'] ?? ''}` };
    const { code, stdout, stderr } = await runCommand('unshare', ['-m', 'sh', '-c', script], { env });
    const said = `${stdout}\n${stderr}`;
    assert.equal(code, 0, said);
    assert.match(stderr, /Cannot install berth:\n {2}"\/usr\/local\/bin\/docker" is there/);
    assert.match(stdout, /^ctr: +Version: +v0\.1/m, said);
    assert.match(stdout, /^docker: 0\.1/m, said);
    assert.match(stdout, /^own ctr: +Version: +v0\.1/m, said);
    assert.match(stdout, /^own docker: 0\.1/m, said);
    assert.match(stdout, /not installed as a service; nothing was done\ngone\n/, said);
  } finally {
    await removeEverything(directory);
  }
});
