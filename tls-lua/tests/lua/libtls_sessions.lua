-- Sessions: files, and ticket keys that servers share.
local libtls = require('libtls')
local config = require('libtls.config')
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

local function listener(revision)
  local cfg = config.new()
  cfg:set_keypair_file(given.path('server.pem'), given.path('server.key'))
  cfg:set_session_id('one service')
  if revision then
    is(all(cfg:set_session_lifetime(600)), true)
    is(all(cfg:add_ticket_key(revision, ('key ' .. revision):rep(48):sub(1, 48))), true)
  end
  return assert(libtls.server(cfg))
end

local function resumed(cfg, from)
  local client, server = assert(libtls.client(cfg)), assert(from:accept_socket(1))
  assert(client:connect_socket(0, 'server.test'))
  given.both(client, server)
  assert(server:write('x'))
  is(all(client:read()), 'x') -- the tickets came before
  local is_resumed = client:conn_session_resumed()
  is(all(server:conn_session_resumed()), is_resumed)
  assert(client:close())
  is(all(server:read()))
  assert(server:close())
  is(all(client:read()))
  return is_resumed
end

local function client()
  local cfg = config.new()
  cfg:set_ca_file(given.path('ca.pem'))
  return cfg
end

for _, version in ipairs { libtls.TLS_v12, libtls.TLS_v13 } do
  local cfg = client()
  cfg:set_protocols(version)
  is(all(resumed(cfg, listener(1))), false)
  is(all(resumed(cfg, listener(1))), true) -- another server with the same key
  is(all(resumed(cfg, listener(2))), false)
  -- what is set makes another configuration: nothing of before is resumed
  cfg:set_alpn('x')
  is(all(resumed(cfg, listener(2))), false)
  -- without a lifetime there are no tickets
  cfg = client()
  cfg:set_protocols(version)
  is(all(resumed(cfg, listener())), false)
  is(all(resumed(cfg, listener())), false)
end

-- A file of sessions is what one process leaves to the next; here a second configuration. Descriptors are
-- looked for, since Lua has no way to tell them.
local file = assert(io.open(given.path('sessions'), 'r+'))
local cfg, fd = client(), nil
for candidate = 3, 60 do
  if cfg:set_session_fd(candidate) then fd = candidate break end
end
assert(fd, 'the file is open')
local made, why = libtls.client(cfg)
if made then
  local from = listener(1)
  is(all(resumed(cfg, from)), false)
  local next_cfg = client()
  is(all(next_cfg:set_session_fd(fd)), true)
  is(all(resumed(next_cfg, from)), true)
else
  assert(why:find('export-sessions', 1, true), why) -- refused by name where the library has no such thing
end
file:close()
fails(all(client():set_session_fd(1)), false, 'session file')
