// The Node client of the outgoing load. usage: node load_client.js PORT COUNT tcp|udp; as load_client.cpp.
const dgram = require('node:dgram');
const net = require('node:net');

const [port, count] = process.argv.slice(2, 4).map(Number);
const mostAtOnce = 20;
let begun = 0, succeeded = 0, failed = 0;

function done(success) {
  if (success) succeeded++; else failed++;
  if (succeeded + failed === count) console.log(`${succeeded} succeeded, ${failed} failed`);
  begin();
}

function connect(host) {
  const connection = net.connect({ host, port }, () => connection.write('x'));
  let success = true;
  connection.on('error', () => { success = false; });
  connection.on('close', () => done(success));
  connection.resume();
}

function send(host) {
  const datagrams = dgram.createSocket('udp4');
  datagrams.send('x', port, host, (error) => datagrams.close(() => done(!error)));
}

function begin() {
  if (begun === count) return;
  const host = `127.0.1.${1 + begun++ % 250}`;
  if (process.argv[4] === 'tcp') connect(host); else send(host);
}

for (let index = 0; index < mostAtOnce; index++) begin();
