// Sends COUNT requests to PORT, a connection each. usage: node client.js PORT COUNT
const http = require('node:http');

function send(port, count) {
  if (count === 0) return;
  http.get({ host: '127.0.0.1', port, agent: false }, (response) => {
    response.resume();
    response.on('end', () => send(port, count - 1));
  });
}

send(Number(process.argv[2]), Number(process.argv[3]));
