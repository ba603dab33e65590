// A server that tells each client whether it has resumed, or a client that comes back once; see mod.rs for
// the orders.
'use strict';
const fs = require('fs');
const tls = require('tls');

const orders = JSON.parse(process.argv[1]);
const options = {
  host: '127.0.0.1',
  port: orders.port,
  minVersion: orders.version,
  maxVersion: orders.version,
};

function fail(error) {
  console.error(error);
  process.exit(1);
}

function visit(session, done) {
  const ca = fs.readFileSync(orders.roots);
  const socket = tls.connect({ ...options, ca, servername: orders.name, session });
  let [next, reused] = [undefined, undefined];
  socket.on('session', (made) => { next = made; });
  socket.on('secureConnect', () => { reused = socket.isSessionReused(); });
  socket.on('error', fail);
  socket.on('data', () => {});
  socket.on('close', () => done(reused, next));
}

if (orders.role === 'server') {
  const [cert, key] = [orders.chain, orders.key].map((path) => fs.readFileSync(path));
  const listener = tls.createServer({ ...options, cert, key }, (socket) => {
    let question = '';
    socket.on('error', fail);
    socket.on('data', (chunk) => {
      question += chunk;
      if (question.endsWith('\r\n\r\n')) socket.end(`reused=${socket.isSessionReused()}`);
    });
  });
  listener.on('tlsClientError', fail);
  listener.listen(options.port, options.host);
} else {
  let first;
  visit(undefined, (reused, session) => {
    first = reused;
    visit(session, (second) => {
      console.log(`[${first}, ${second}]`);
      process.exit(0);
    });
  });
  setTimeout(() => fail('too slow'), 15000).unref();
}
