import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseSocket, connectToContainerd } from '#/cli/ctr/connect-containerd.ts';
import { readCtrGlobals } from '#/cli/ctr/ctr-globals.ts';

const silent = { line: () => {}, text: () => {}, write: async () => {} };

test('chooseSocket() takes berth’s own daemon unless another socket is named', () => {
  const choose = (values: Record<string, string>, env: Record<string, string> = {}): unknown =>
    chooseSocket(readCtrGlobals(values, env));
  assert.deepEqual(choose({}), { address: '/run/berth/berth.sock', stateDirectory: '/run/berth' });
  assert.deepEqual(choose({}, { BERTH_STATE: '/s' }), { address: '/s/berth.sock', stateDirectory: '/s' });
  assert.deepEqual(choose({ address: 'unix:///c.sock', state: '/s' }), { address: '/c.sock' });
  assert.deepEqual(choose({}, { CONTAINERD_ADDRESS: '/c.sock', BERTH_STATE: '/s' }), { address: '/c.sock' });
  assert.deepEqual(choose({ state: '/t' }, { CONTAINERD_ADDRESS: '/c.sock' }), {
    address: '/t/berth.sock',
    stateDirectory: '/t',
  });
});

test('connectToContainerd() says what to do when nobody listens on a named socket', async () => {
  const globals = readCtrGlobals({ address: '/nowhere.sock' }, {});
  await assert.rejects(connectToContainerd({ globals, env: {}, err: silent, signal: undefined }), {
    kind: 'unavailable',
    message:
      /^Cannot reach the daemon at "\/nowhere\.sock": there is no such socket; start it, or leave out --address and CONTAINERD_ADDRESS to use \(and start\) berth's own$/,
  });
});

test('readCtrGlobals() reads durations as Go writes them, and refuses others', () => {
  assert.equal(readCtrGlobals({ timeout: '1m30s' }, {}).timeoutMs, 90_000);
  assert.equal(readCtrGlobals({ timeout: '0s' }, {}).timeoutMs, undefined);
  assert.throws(() => readCtrGlobals({ timeout: 'soon' }, {}), { name: 'UsageError', message: /--timeout/ });
  assert.equal(readCtrGlobals({}, { CONTAINERD_NAMESPACE: 'k8s.io' }).namespace, 'k8s.io');
});
