// node-redis, versions 4 (RESP2) and later (RESP3): node_redis.js PORT PASSWORD
'use strict';
const redis = require('redis');
const {run, refused, main} = require('./scenario.js');

const [port, password] = process.argv.slice(2);
const RESP = Number(process.env.TEST_RESP || 2);

// The client, and a promise that its first error breaks. Lost connections
// are errors too; the library mends them.
function make(secret) {
  const client = redis.createClient({
    socket: {host: '127.0.0.1', port: Number(port),
      reconnectStrategy: () => 50},
    password: secret, RESP});
  const failed = new Promise((_, reject) => client.on('error', reject));
  failed.catch(() => {});
  client.connect().catch(() => {});
  return {client, failed};
}

async function all() {
  const stranger = make('wrong');
  await refused(stranger.failed, 'WRONGPASS');
  await stranger.client.disconnect();
  const {client} = make(password);
  await run({
    send: (words) => client.sendCommand(words),
    pipeline: (list) => Promise.all(list.map((w) => client.sendCommand(w))),
    close: () => client.quit(),
  });
}

main(all());
