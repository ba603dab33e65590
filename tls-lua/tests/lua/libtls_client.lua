-- The client's API of lua-libtls over a socket of its own.
local libtls = require('libtls')
local config = require('libtls.config')
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

local function client(set)
  local cfg = config.new()
  is(all(cfg:set_ca_file(given.path('ca.pem'))), true)
  if set then set(cfg) end
  return assert(libtls.client(cfg))
end

-- connect, with a port beside the host and in it, as a string and as a number
for _, address in ipairs { { '127.0.0.1', given.port }, { '127.0.0.1:' .. given.port }, { 'localhost', tonumber(given.port) } } do
  local ctx = client()
  is(all(ctx:connect((table.unpack or unpack)(address))), true)
  is(all(ctx:handshake()), true)
  is(all(ctx:handshake()), false, 'handshake already completed')
  is(all(ctx:write('echo hello\n')), 11, nil, false)
  is(all(ctx:read()), 'hello\n')
  is(all(ctx:close()), true)
  is(all(ctx:close()), true)
end

-- connect_servername: the name is the one that is verified
local ctx = client()
is(all(ctx:connect_servername('127.0.0.1', given.port, 'server.test')), true)
is(all(ctx:conn_servername()), 'server.test')
is(all(ctx:handshake()), true)
is(all(ctx:write('bye\n')), 4, nil, false)
is(all(ctx:read())) -- closed by the peer: nothing at all
is(all(ctx:close()), true)
ctx = client()
is(all(ctx:connect_servername('127.0.0.1', given.port, 'wrong.test')), true)
is(all(ctx:handshake()), false, "name `wrong.test' not present in server certificate")
is(all(ctx:close()), true)

-- what is wrong is told
fails(all(client():connect('127.0.0.1')), false, 'no port provided')
fails(all(client():connect('127.0.0.1', 'no-such-service')), false, 'no-such-service')
fails(all(client():connect('', '1')), false, 'host not specified')
fails(all(client():connect('127.0.0.1', '1')), false, 'failed to connect')
fails(all(client():read()), nil, 'context not connected')
fails(all(client():write('x')), nil, 'context not connected')
fails(all(client():handshake()), false, 'context not connected')
is(all(client():close()), true)
fails(all(client():accept_socket(0)), nil, 'not a server context')
fails(all(client():connect_fds(-1, 0, 'server.test')), false, 'invalid file descriptors')
fails(all(client():connect_socket(0)), false, 'server name not specified')

-- certificates are verified unless that is given up
ctx = assert(libtls.client(config.new())) -- the system's roots are ours in this test
assert(ctx:connect_servername('127.0.0.1', given.port, 'server.test'))
is(all(ctx:handshake()), true)
ctx = client(function(cfg) cfg:set_ca_file(given.path('stranger.pem')) end)
assert(ctx:connect('127.0.0.1', given.port))
fails(all(ctx:handshake()), false, 'certificate verification failed')
ctx = client(function(cfg)
  cfg:set_ca_file(given.path('stranger.pem'))
  cfg:insecure_noverifycert()
  cfg:insecure_noverifyname()
end)
assert(ctx:connect_servername('127.0.0.1', given.port, 'wrong.test'))
is(all(ctx:handshake()), true)
ctx = client(function(cfg)
  cfg:insecure_noverifyname()
  cfg:verify()
end)
assert(ctx:connect_servername('127.0.0.1', given.port, 'wrong.test'))
fails(all(ctx:handshake()), false, 'wrong.test')

-- facts: nothing before the handshake, all after it
ctx = client(function(cfg) cfg:set_alpn('none,hello') end)
assert(ctx:connect('localhost', given.port))
is(all(ctx:conn_version()), nil)
is(all(ctx:conn_cipher()), nil)
is(all(ctx:conn_cipher_strength()), 0)
is(all(ctx:conn_alpn_selected()), nil)
is(all(ctx:peer_cert_provided()), false)
is(all(ctx:peer_cert_notbefore()), -1)
fails(all(ctx:peer_cert_chain_pem()), nil, 'no peer certificate')
assert(ctx:handshake())
is(all(ctx:conn_version()), 'TLSv1.3')
assert(ctx:conn_cipher():match('^TLS_'))
assert(ctx:conn_cipher_strength() >= 128)
is(all(ctx:conn_alpn_selected()), 'hello')
is(all(ctx:peer_cert_provided()), true)
is(all(ctx:peer_cert_contains_name('server.test')), true)
is(all(ctx:peer_cert_contains_name('127.0.0.1')), true)
is(all(ctx:peer_cert_contains_name('other.test')), false)
assert(ctx:peer_cert_hash():match('^SHA256:%x+$') and #ctx:peer_cert_hash() == 71)
assert(ctx:peer_cert_issuer():find('/CN=Root of Lua', 1, true), ctx:peer_cert_issuer())
assert(ctx:peer_cert_subject():match('^/'))
local now = os.time()
assert(ctx:peer_cert_notbefore() < now and now < ctx:peer_cert_notafter())
local pem = ctx:peer_cert_chain_pem()
assert(given.file('server.pem'):sub(1, #pem) == pem or pem:sub(1, 27) == '-----BEGIN CERTIFICATE-----')
assert(tostring(ctx):match('^libtls: '))

-- much data, read in small pieces and in large ones
local n = 300000
assert(ctx:write('give ' .. n .. '\n'))
local got = #ctx:read(7)
assert(got <= 7)
while got < n do
  local data, err = ctx:read(70000)
  assert(data, err)
  got = got + #data
end
assert(got == n)

-- an end without close_notify: read ends, and close tells
assert(ctx:write('cut\n'))
is(all(ctx:read()))
is(all(ctx:close()), false, 'EOF without close notify')

-- reset: the context is as new
ctx:reset()
is(all(ctx:conn_version()), nil)
assert(ctx:connect('localhost', given.port))
is(all(ctx:handshake()), true)
-- sessions of one configuration are resumed
local cfg = config.new()
cfg:set_ca_file(given.path('ca.pem'))
local resumed
for i = 1, 2 do
  local one = assert(libtls.client(cfg))
  assert(one:connect('localhost', given.port))
  assert(one:write('echo x\n'))
  is(all(one:read()), 'x\n') -- tickets have come by then
  resumed = one:conn_session_resumed()
  is(all(one:close()), true)
end
is(all(resumed), true)
