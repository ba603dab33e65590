-- Client and server in one process, on two descriptors that do not block.
local libtls = require('libtls')
local config = require('libtls.config')
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

local server_cfg = config.new()
is(all(server_cfg:set_keypair_file(given.path('server.pem'), given.path('server.key'), given.path('good.der'))), true)
is(all(server_cfg:add_keypair(given.file('other.pem'), given.file('other.key'))), true)
is(all(server_cfg:set_alpn('b,a')), true)
is(all(server_cfg:set_ca_file(given.path('ca.pem'))), true)
server_cfg:verify_client_optional()
is(all(server_cfg:set_session_lifetime(3600)), true)
local listener = assert(libtls.server(server_cfg))

fails(all(listener:read()), nil, 'invalid operation for context')
fails(all(listener:close()), false, 'invalid operation for context')
fails(all(listener:connect('localhost', '1')), false, 'not a client context')
fails(all(listener:accept_fds(-1, -1)), nil, 'invalid file descriptors')

local client_cfg = config.new()
client_cfg:set_ca_file(given.path('ca.pem'))
client_cfg:set_alpn('a,b')

local function connected(name)
  local client = assert(libtls.client(client_cfg))
  local server = assert(listener:accept_socket(1))
  is(all(client:connect_socket(0, name)), true)
  is(all(client:read()), nil, nil, true, libtls.WANT_POLLIN)
  given.both(client, server)
  return client, server
end

local function closed(client, server)
  is(all(client:close()), true)
  is(all(server:read())) -- the client's close_notify
  is(all(server:close()), true)
  is(all(client:read()))
end

local client, server = connected('server.test')
is(all(server:conn_servername()), 'server.test')
is(all(server:conn_alpn_selected()), 'b')
is(all(server:peer_cert_provided()), false)
is(all(client:conn_session_resumed()), false)
is(all(server:read()), nil, nil, true, libtls.WANT_POLLIN)
is(all(client:write('ping')), 4, nil, false)
is(all(server:read(2)), 'pi')
is(all(server:read(-1)), 'ng')
is(all(server:write('pong')), 4, nil, false)
is(all(client:read()), 'pong')
is(all(client:write('')), 0, nil, false)

-- a full descriptor: what was sent is told, a record at a time, and nothing is lost
local message = ('0123456789abcdef'):rep(8192)
local sent, waited = 0, false
repeat
  local n, err, again, want = client:write(message:sub(sent % #message + 1))
  assert(n, err)
  if n == 0 then
    is(all(again, want), true, libtls.WANT_POLLOUT)
    waited = true
  end
  sent = sent + n
until waited
local got, total, held = {}, 0, true
while held or total < sent do
  local data = server:read(65536)
  if data then
    got[#got + 1] = data
    total = total + #data
  elseif held then
    -- the rest of the record that the client still holds: the same call again
    local n = client:write(message:sub(sent % #message + 1))
    sent, held = sent + n, n == 0
  end
end
assert(table.concat(got) == message:rep(math.floor(sent / #message)) .. message:sub(1, sent % #message))
closed(client, server)

-- SNI, resumption, a certificate of the client's
client, server = connected('other.test')
is(all(client:peer_cert_contains_name('other.test')), true)
closed(client, server)
client, server = connected('server.test')
is(all(client:conn_session_resumed()), true)
is(all(server:conn_session_resumed()), true)
closed(client, server)
is(all(client_cfg:set_cert_file(given.path('client.pem'))), true)
is(all(client_cfg:set_key_file(given.path('client.key'))), true)
client, server = connected('server.test')
is(all(server:peer_cert_provided()), true)
assert(server:peer_cert_subject():find('client of Lua', 1, true))
closed(client, server)

-- a server that requires one
server_cfg:verify_client()
listener = assert(libtls.server(server_cfg))
collectgarbage()
client, server = connected('server.test')
closed(client, server)

-- accepted connections outlive their listener; two descriptors
listener = assert(libtls.server(server_cfg))
server = assert(listener:accept_fds(1, 1))
listener = nil
collectgarbage()
collectgarbage()
client = assert(libtls.client(client_cfg))
is(all(client:connect_fds(0, 0, 'server.test')), true)
given.both(client, server)
closed(client, server)

-- a client without a certificate is refused by a server that requires one
client_cfg = config.new()
client_cfg:set_ca_file(given.path('ca.pem'))
client_cfg:set_protocols(libtls.TLS_v12) -- in which the client hears of it in its handshake
client = assert(libtls.client(client_cfg))
server = assert(assert(libtls.server(server_cfg)):accept_socket(1))
assert(client:connect_socket(0, 'server.test'))
local at_client, at_server
for _ = 1, 100 do
  at_client = (at_client and at_client.n == 2) and at_client or all(client:handshake())
  at_server = (at_server and at_server.n == 2) and at_server or all(server:handshake())
end
fails(at_server, false, 'handshake failed')
fails(at_client, false, 'handshake failed')
