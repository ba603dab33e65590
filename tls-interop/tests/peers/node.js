// Client or server of one connection; see script.rs for the orders.
'use strict';
const fs = require('fs');
const tls = require('tls');

const orders = JSON.parse(process.argv[1]);
const server = orders.role === 'server';
const data = fs.readFileSync(orders.send);
const file = (path) => (path ? fs.readFileSync(path) : undefined);
const options = {
  host: '127.0.0.1',
  port: orders.port,
  minVersion: orders.version,
  maxVersion: orders.version,
  ALPNProtocols: orders.alpn.length ? orders.alpn : undefined,
  ecdhCurve: !orders.retry ? undefined : server ? 'P-384' : 'X448:P-384',
  cert: file(orders.chain),
  key: file(orders.key),
  ca: file(orders.roots),
  allowHalfOpen: true,
};

function fail(error) {
  console.error(error);
  process.exit(1);
}

function talk(socket) {
  const halfClose = orders.ending === 'half-close';
  const certificate = socket.getPeerCertificate();
  const report = {
    version: socket.getProtocol(),
    alpn: socket.alpnProtocol || null,
    certificate: certificate && certificate.raw ? certificate.raw.toString('hex') : null,
  };
  let length = 0;
  let ended = false;
  const received = fs.openSync(orders.received, 'a');
  socket.on('data', (chunk) => {
    fs.writeSync(received, chunk);
    length += chunk.length;
    if (length < orders.length || halfClose) return;
    const ending = () => {
      if (orders.ending === 'theirs') socket.end();
      if (orders.ending === 'cut') socket.destroy();
    };
    if (server) socket.write(data, ending);
    else ending();
  });
  socket.on('end', () => {
    ended = true;
    if (server && halfClose) socket.end(data);
    else socket.end();
  });
  socket.on('close', () => {
    if (length !== orders.length) fail('the data ends too early');
    if (orders.ending !== 'cut' && !ended) fail('no end');
    console.log(JSON.stringify(report));
    process.exit(0);
  });
  if (!server) {
    if (halfClose) socket.end(data);
    else socket.write(data);
  }
}

if (server) {
  const listener = tls.createServer(
    { ...options, requestCert: !!orders.roots, rejectUnauthorized: !!orders.roots },
    (socket) => {
      listener.close();
      socket.on('error', fail);
      talk(socket);
    },
  );
  listener.on('tlsClientError', fail);
  listener.listen(options.port, options.host);
} else {
  const socket = tls.connect({ ...options, servername: orders.name }, () => talk(socket));
  socket.on('error', fail);
}
setTimeout(() => fail('too slow'), 15000).unref();
