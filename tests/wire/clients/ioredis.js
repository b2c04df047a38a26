// ioredis: ioredis.js PORT PASSWORD
'use strict';
const Redis = require('ioredis');
const {run, refused, main} = require('./scenario.js');

const [port, password] = process.argv.slice(2);

function connect(secret, more) {
  const client = new Redis({port: Number(port), password: secret, ...more});
  client.on('error', () => {});
  return client;
}

async function all() {
  const stranger = connect('wrong', {retryStrategy: null});
  await refused(stranger.get('k'), 'WRONGPASS');
  stranger.disconnect();
  const client = connect(password, {db: 3, retryStrategy: () => 50});
  await run({
    send: ([name, ...rest]) => name === 'SELECT' ? client.select(...rest)
      : client.call(name, ...rest),
    pipeline: async (list) => {
      const replies = await client.pipeline(
        list.map(([name, ...rest]) => ['call', name, ...rest])).exec();
      for (const [error] of replies) if (error) throw error;
      return replies.map(([, value]) => value);
    },
    close: () => client.quit(),
  });
}

main(all());
