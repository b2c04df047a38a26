// scenario: what every JavaScript client library is put through. `run` gets an
// adapter {send(words) -> promise of the reply, pipeline(list of words) ->
// promise of the replies, close()}; the words of the families are sent as they
// are, so that replies are compared as the library decodes them.
//
// Talks to the test through lines: prints "restart" and waits for a line; prints
// "ok" at the end.
'use strict';
const assert = require('assert');
const readline = require('readline');

const BIG_BYTES = 8 << 20;
const PIPELINE_COUNT = 2000;

// Commands with the replies they have, by the command that must be there.
const FAMILIES = [
  ['set', [['SET', 'k', 'v'], 'OK'], [['GET', 'k'], 'v'],
    [['INCRBY', 'n', '41'], 41], [['APPEND', 'k', 'w'], 2]],
  ['setbit', [['SETBIT', 'b', '7', '1'], 0], [['BITCOUNT', 'b'], 1]],
  ['expire', [['EXPIRE', 'k', '100'], 1], [['PERSIST', 'k'], 1]],
  ['exists', [['EXISTS', 'k', 'nothing'], 1], [['TYPE', 'k'], 'string']],
  ['rpush', [['RPUSH', 'l', 'a', 'b'], 2],
    [['LRANGE', 'l', '0', '-1'], ['a', 'b']]],
  ['sadd', [['SADD', 's', 'a', 'a'], 1], [['SISMEMBER', 's', 'a'], 1]],
  ['hset', [['HSET', 'h', 'f', '1'], 1], [['HGET', 'h', 'f'], '1']],
  ['zadd', [['ZADD', 'z', '1', 'a'], 1], [['ZRANGE', 'z', '0', '-1'], ['a']]],
  ['xadd', [['XADD', 'x', '1-1', 'f', 'v'], '1-1'], [['XLEN', 'x'], 1]],
];

const input = readline.createInterface({input: process.stdin});
const lines = input[Symbol.asyncIterator]();

async function askForRestart() {
  console.log('restart');
  await lines.next();
}

async function refused(promise, text) {
  await assert.rejects(promise, (e) => {
    assert.ok(String(e).includes(text), `${e} is not: ${text}`);
    return true;
  });
}

async function run(client) {
  const has = async (name) =>
    (await client.send(['COMMAND', 'INFO', name]))[0] !== null;
  assert.strictEqual(await client.send(['SELECT', '3']), 'OK');
  for (const [name, ...steps] of FAMILIES) {
    if (!await has(name)) continue;
    for (const [words, expected] of steps) {
      assert.deepStrictEqual(await client.send(words), expected,
        words.join(' '));
    }
  }
  await refused(client.send(['INCR', 'k']), 'not an integer');
  await refused(client.send(['NOSUCH']), 'unknown command');

  const words = Array.from({length: PIPELINE_COUNT},
    (_, i) => ['SET', `p:${i}`, `${i}`]);
  await client.pipeline(words);
  const values = await client.pipeline(words.map((w) => ['GET', w[1]]));
  values.forEach((v, i) => assert.strictEqual(v, `${i}`));

  const big = 'x'.repeat(BIG_BYTES);
  assert.strictEqual(await client.send(['SET', 'big', big]), 'OK');
  assert.ok(await client.send(['GET', 'big']) === big, 'the big value');

  await askForRestart();
  // The library connects, authenticates and selects again by itself.
  assert.strictEqual(await client.send(['SET', 'after', '1']), 'OK');
  assert.strictEqual(await client.send(['GET', 'after']), '1');
  await client.close();
}

function main(promise) {
  promise.then(() => { console.log('ok'); process.exit(0); },
    (e) => { console.log(e.stack || String(e)); process.exit(1); });
}

module.exports = {run, refused, main};
