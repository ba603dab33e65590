-- Many coroutines: who waits, who interrupts, and a scheduler of the script's.
local ssl = require 'lem.ssl'
local config = require 'libtls.config'
local given = require('given')
local all, is, fails = given.all, given.is, given.fails
local loop = ssl.loop

local context = assert(ssl.newcontext())

local function connect() return assert(context:connect('localhost:' .. given.port)) end

local function go(...)
  local finished, all_of = 0, select('#', ...)
  for i = 1, all_of do
    local f = select(i, ...)
    loop.spawn(function()
      f()
      finished = finished + 1
    end)
  end
  loop.run()
  assert(finished == all_of, 'a coroutine did not finish')
end

-- several streams at once, each waiting for its own
local order = {}
local function ask(name, ms)
  return function()
    local stream = connect()
    assert(stream:write('wait ' .. ms .. '\necho ' .. name .. '\n'))
    is(all(stream:read('*l')), name .. '\n')
    order[#order + 1] = name
    is(all(stream:close()), true)
  end
end
go(ask('late', 1200), ask('soon', 0), ask('middle', 600))
is(all(table.concat(order, ' ')), 'soon middle late')

-- one waiter at a time; interrupting loses nothing; after it the stream is free at once
local stream
go(function()
  stream = connect()
  assert(stream:write('part half \n'))
  is(all(stream:read(100)), nil, 'interrupted')
  is(all(stream:read('*l')), 'half more\n')
end, function()
  while not (stream and stream:busy()) do coroutine.yield() end
  is(all(stream:read()), nil, 'busy')
  is(all(stream:write('x')), nil, 'busy')
  is(all(stream:closed()), false)
  is(all(stream:interrupt()), true)
  is(all(stream:busy()), false)
  is(all(stream:interrupt()), nil, 'not busy')
  assert(stream:write('echo more\n'))
end)
is(all(stream:close()), true)

-- close interrupts
stream = nil
go(function()
  stream = connect()
  is(all(stream:read('*l')), nil, 'interrupted')
  is(all(stream:read('*l')), nil, 'closed')
end, function()
  while not (stream and stream:busy()) do coroutine.yield() end
  is(all(stream:close()), true)
  is(all(stream:close()), nil, 'already closed')
end)

-- an interrupted write tells how much was taken, and nothing of it is lost
local data = ('0123456789abcdef'):rep(1024 * 1024)
stream = nil
local taken
go(function()
  stream = connect()
  assert(stream:write('wait 3000\ntake ' .. #data .. '\n'))
  local ok, err
  ok, err, taken = stream:write(data)
  is(all(ok, err), nil, 'interrupted')
end, function()
  while not (stream and stream:busy()) do coroutine.yield() end
  for _ = 1, 1000 do coroutine.yield() end
  while not stream:busy() do coroutine.yield() end
  is(all(stream:interrupt()), true)
end)
assert(taken > 0 and taken < #data, taken)
assert(stream:write(data:sub(taken + 1)))
local total = 0
for i = 1, 16 do total = total + data:byte(i) end
is(all(stream:read('*l')), #data .. ' ' .. string.format('%d', (total * 1024 * 1024) % 2 ^ 32) .. '\n')
is(all(stream:close()), true)

-- a coroutine that is dead waits for nothing: one that a scheduler gave up with an error
local thrown = { wait = function() error('no more', 0) end, wake = function() end }
stream = connect()
is(all(ssl.scheduler(thrown)), loop)
local co = coroutine.create(function() return stream:read('*l') end)
is(all(coroutine.resume(co)), false, 'no more')
is(all(ssl.scheduler()), thrown)
is(all(stream:busy()), false)
assert(stream:write('echo still\n'))
is(all(stream:read('*l')), 'still\n')
is(all(stream:close()), true)
assert(not pcall(ssl.scheduler, {}))
assert(not pcall(ssl.scheduler, 5))

-- a scheduler of the script's own
local waits, woken = {}, 0
local mine = {
  wait = function(fd, mode)
    assert(type(fd) == 'number' and (mode == 'r' or mode == 'w'))
    waits[#waits + 1] = mode
    coroutine.yield('waiting')
  end,
  wake = function() woken = woken + 1 end,
}
ssl.scheduler(mine)
co = coroutine.create(function()
  local one = connect()
  assert(one:write('echo mine\n'))
  local line = one:read('*l')
  assert(one:close())
  return line
end)
local ok, what
repeat
  ok, what = coroutine.resume(co)
  assert(ok, what)
until what ~= 'waiting'
is(all(what), 'mine\n')
assert(#waits > 0 and woken == 0)
ssl.scheduler(nil)

-- a server's side too, on the descriptors 0 and 1
local cfg = config.new()
cfg:set_keypair_file(given.path('server.pem'), given.path('server.key'))
local serving = assert(ssl.newcontext(cfg))
local libtls = require 'libtls'
go(function()
  local server = assert(serving:accept(1))
  is(all(server:read('*l')), 'hello\n')
  assert(server:write('good bye\n'))
  is(all(server:close()), true)
end, function()
  local client_cfg = config.new()
  client_cfg:set_ca_file(given.path('ca.pem'))
  local client = assert(libtls.client(client_cfg))
  assert(client:connect_socket(0, 'server.test'))
  local function wait(again, want) if again then loop.wait(0, want == libtls.WANT_POLLIN and 'r' or 'w') end end
  repeat
    local n, err, again, want = client:write('hello\n')
    assert(n, err)
    wait(again, want)
  until n > 0
  local line
  repeat
    local err, again, want
    line, err, again, want = client:read()
    assert(line or again, err)
    wait(again, want)
  until line
  is(all(line), 'good bye\n')
end)

-- an error in a coroutine is one of the loop's, and the others go on
local went_on
loop.spawn(function() error('of the script') end)
loop.spawn(function() went_on = true end)
local fine, why = pcall(loop.run)
assert(not fine and why:find('of the script', 1, true))
loop.run()
assert(went_on)
