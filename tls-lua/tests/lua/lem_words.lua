-- lem-ssl's words, outside of coroutines and in one.
local ssl = require 'lem.ssl'
local config = require 'libtls.config'
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

local context = assert(ssl.newcontext()) -- with the system's roots, which are ours in this test
assert(getmetatable(context) == ssl.Context)

local function words()
  local stream = assert(context:connect('127.0.0.1:' .. given.port))
  assert(getmetatable(stream) == ssl.Stream)
  is(all(stream:closed()), false)
  is(all(stream:busy()), false)
  is(all(stream:interrupt()), nil, 'not busy')

  is(all(stream:write('')), true)
  is(all(stream:write('echo one\necho two\necho \npart three\n')), true)
  is(all(stream:read('*l')), 'one\n')
  is(all(stream:read(3)), 'two')
  is(all(stream:read('*l')), '\n')
  is(all(stream:read('*l')), '\n')
  is(all(stream:read(0)), '')
  is(all(stream:read(5)), 'three')
  assert(stream:write('echo what is there\n'))
  is(all(stream:read()), 'what is there\n')
  for _, mode in ipairs { '*x', 'a', '', '*n', -1, 1.5, {}, true } do
    local ok, why = pcall(stream.read, stream, mode)
    assert(not ok and why:find('invalid mode string', 1, true), why)
  end
  for _, data in ipairs { 5, {}, true } do
    assert(not pcall(stream.write, stream, data))
  end

  -- '%' and zero bytes are bytes
  assert(stream:write('echo %s%n%d\0\255\n'))
  is(all(stream:read('*l')), '%s%n%d\0\255\n')
  is(all(stream:close()), true)
  is(all(stream:close()), nil, 'already closed')
  is(all(stream:closed()), true)
  is(all(stream:read()), nil, 'closed')
  is(all(stream:read('*a')), nil, 'closed')
  is(all(stream:write('x')), nil, 'closed')
  is(all(stream:interrupt()), nil, 'not busy')

  -- all of it, until the peer closes; then the stream is closed
  stream = assert(context:connect('localhost', tonumber(given.port)))
  assert(stream:write('give 100000\nbye\n'))
  is(all(stream:read(10)), ('x'):rep(10))
  is(all(stream:read('*a')), ('x'):rep(99990))
  is(all(stream:closed()), true)
  is(all(stream:read()), nil, 'closed')

  -- fewer than asked for: closed, and what came is kept
  stream = assert(context:connect('localhost', given.port))
  assert(stream:write('part abc\nbye\n'))
  is(all(stream:read(10)), nil, 'closed')
  is(all(stream:closed()), false)
  is(all(stream:read('*l')), nil, 'closed')
  is(all(stream:read()), 'abc')
  is(all(stream:read()), nil, 'closed')
  is(all(stream:closed()), true)
  is(all(stream:close()), nil, 'already closed')

  -- a cut is no end, and loses nothing
  stream = assert(context:connect('localhost', given.port))
  assert(stream:write('part abc\ncut\n'))
  fails(all(stream:read('*a')), nil, 'error reading from SSL stream: ')
  is(all(stream:read()), 'abc')
  fails(all(stream:read()), nil, 'error reading from SSL stream: ')
  is(all(stream:closed()), false)
  stream:close()
  is(all(stream:closed()), true)

  -- who writes to a peer that has gone is told so, and goes on living
  stream = assert(context:connect('localhost', given.port))
  assert(stream:write('cut\n'))
  local ok, err
  for _ = 1, 1000 do
    ok, err = stream:write(('x'):rep(10000))
    if not ok then break end
  end
  is(all(ok, err), nil, 'closed')
  stream:close()

  -- no end within a limit
  stream = assert(context:connect('localhost', given.port))
  stream:limit(10)
  assert(stream:write('echo 0123456789\n'))
  fails(all(stream:read('*l')), nil, 'no end within 10 bytes')
  is(all(stream:read(11)), '0123456789\n')
  is(all(stream:close()), true)

  -- connections that do not come about
  fails(all(context:connect('127.0.0.1:1')), nil, 'error establishing SSL connection: ')
  fails(all(context:connect('127.0.0.1')), nil, 'error establishing SSL connection: no port provided')
  fails(all(context:connect('a b:443')), nil, 'error establishing SSL connection: ')
  fails(all(context:connect('127.0.0.2:' .. given.port)), nil, 'error establishing SSL connection: ') -- another name
  local cfg = config.new()
  cfg:set_ca_file(given.path('stranger.pem'))
  fails(all(assert(ssl.newcontext(cfg)):connect('localhost:' .. given.port)), nil, 'error establishing SSL connection: ')
  fails(all(context:accept(0)), nil, 'no certificate')
end

words()
local done = false
ssl.loop.spawn(function()
  words()
  done = true
end)
ssl.loop.run()
assert(done)


-- in a coroutine that nobody else would resume
is(all(coroutine.wrap(function()
  words()
  return 'done'
end)()), 'done')

-- a configuration that cannot be
local cfg = config.new()
cfg:set_cert_file(given.path('client.pem'))
fails(all(ssl.newcontext(cfg)), nil, 'unable to initialize SSL context: ')
