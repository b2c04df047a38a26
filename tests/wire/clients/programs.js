// programs: small programs with ioredis: programs.js NAME PORT PASSWORD
// The same as in test_programs.py: a job queue, a leaderboard, sessions. Prints
// "ok" at the end.
'use strict';
const assert = require('assert');
const Redis = require('ioredis');
const {main} = require('./scenario.js');

const [name, port] = process.argv.slice(2);
const SECONDS = 30;

const connect = () => new Redis({port: Number(port)});
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// The replies of a transaction; an error among them is thrown.
async function exec(transaction) {
  const replies = await transaction.exec();
  for (const [error] of replies) if (error) throw error;
  return replies.map(([, value]) => value);
}

// ---- a job queue ----

async function work(own, diesAt) {
  const client = connect();
  for (let count = 1; ; count++) {
    const job = await client.blmove('jobs', own, 'RIGHT', 'LEFT', SECONDS);
    assert.ok(job !== null, 'no job came');
    if (count === diesAt) break;
    if (job !== 'stop') await client.zincrby('done', 1, job);
    assert.strictEqual(await client.lrem(own, 1, job), 1);
    if (job === 'stop') break;
  }
  client.disconnect();
}

async function queue(r) {
  const workers = ['a', 'b', 'c'].map((n) => work(`working:${n}`));
  let isDead = false;
  const mortal = work('working:mortal', 5).then(() => { isDead = true; });
  const jobs = [];
  while (jobs.length < 200 || !isDead) {
    jobs.push(`job:${jobs.length}`);
    await r.lpush('jobs', jobs[jobs.length - 1]);
  }
  await mortal;
  const held = await r.lrange('working:mortal', 0, -1);
  assert.strictEqual(held.length, 1);
  assert.strictEqual(await r.zscore('done', held[0]), null);
  assert.strictEqual(
    await r.lmove('working:mortal', 'jobs', 'LEFT', 'RIGHT'), held[0]);
  for (const _ of workers) await r.lpush('jobs', 'stop');
  await Promise.all(workers);
  const done = await r.zrange('done', 0, -1, 'WITHSCORES');
  assert.deepStrictEqual(done, [...jobs].sort().flatMap((j) => [j, '1']));
  assert.deepStrictEqual(await r.keys('*'), ['done']);
}

// ---- a leaderboard ----

async function leaderboard(r) {
  const points = new Map();
  for (let i = 0; i < 300; i++) points.set(`player:${i}`, i * 7 % 300);
  await r.zadd('board', ...[...points].flatMap(([n, s]) => [s, n]));
  for (let i = 0; i < 300; i += 3) {
    const player = `player:${i}`;
    points.set(player, points.get(player) + 1.5);
    assert.strictEqual(await r.zincrby('board', 1.5, player),
      String(points.get(player)));
  }
  const ranked = [...points].sort(([n, s], [m, t]) =>
    t - s || (m < n ? -1 : 1));
  assert.deepStrictEqual(await r.zrevrange('board', 0, 9, 'WITHSCORES'),
    ranked.slice(0, 10).flatMap(([n, s]) => [n, String(s)]));
  for (const place of [0, 1, 57, 299]) {
    assert.strictEqual(await r.zrevrank('board', ranked[place][0]), place);
  }
  assert.strictEqual(await r.zrevrank('board', 'nobody'), null);
  assert.strictEqual(await r.zremrangebyrank('board', 0, -101), 200);
  assert.deepStrictEqual(await r.zrange('board', 0, 0), [ranked[99][0]]);
}

// ---- a store of sessions ----

const TIME_MS = 1000;

async function look(r, key) {
  const [fields, isThere] =
    await exec(r.multi().hgetall(key).pexpire(key, TIME_MS));
  assert.strictEqual(Object.keys(fields).length > 0, isThere === 1);
  return fields;
}

async function sessions(r) {
  for (const key of ['s:1', 's:2']) {
    assert.deepStrictEqual(
      await exec(r.multi().hset(key, {user: 'ann', visits: 0})
        .pexpire(key, TIME_MS)), [2, 1]);
  }
  for (let visits = 1; await r.exists('s:2'); visits++) {
    assert.strictEqual(await r.hincrby('s:1', 'visits', 1), visits);
    assert.deepStrictEqual(await look(r, 's:1'),
      {user: 'ann', visits: String(visits)});
    await sleep(10);
  }
  assert.deepStrictEqual(await r.hgetall('s:2'), {});
  const patience = Date.now() + SECONDS * 1000;
  while (await r.dbsize() !== 0) {
    assert.ok(Date.now() < patience, 'the session stays for ever');
    await sleep(5);
  }
  assert.deepStrictEqual(await look(r, 's:1'), {});
}

async function all() {
  const r = connect();
  await {queue, leaderboard, sessions}[name](r);
  await r.quit();
}

main(all());
