-- sendfile, from descriptors' numbers and from open files.
local libtls = require('libtls')
local config = require('libtls.config')
local given = require('given')
local all, is, fails = given.all, given.is, given.fails

local cfg = config.new()
cfg:set_ca_file(given.path('ca.pem'))
local ctx = assert(libtls.client(cfg))
assert(ctx:connect('localhost', given.port))
local file = assert(io.open(given.path('file.bin'), 'rb'))
local data = given.file('file.bin')

local function sum(text)
  local total = 0
  for i = 1, #text do total = total + text:byte(i) end
  return total
end

is(all(ctx:sendfile(file, 0)), nil, 'Invalid argument')
is(all(ctx:sendfile(file, -5)), nil, 'Invalid argument')
is(all(ctx:sendfile(file, 5, -1)), nil, 'Invalid argument')
is(all(ctx:sendfile(file, 10, #data)), 0) -- the end of the file
fails(all(ctx:sendfile(12345, 10)), nil, 'Bad file descriptor')
fails(all(ctx:sendfile({}, 10)), nil, 'Bad file descriptor')

-- a part of it
assert(ctx:write('take 10\n'))
is(all(ctx:sendfile(file, 10, 200)), 10, nil, false)
is(all(ctx:read()), '10 ' .. sum(data:sub(201, 210)) .. '\n')
-- the file's own position is nobody's business
is(all(file:seek('cur')), 0)

-- all of it, a record at a time
assert(ctx:write('take ' .. #data .. '\n'))
local sent = 0
while sent < #data do
  local n, err, again = ctx:sendfile(file, #data - sent, sent)
  assert(n, err)
  assert(n > 0 and again == (sent + n < #data))
  sent = sent + n
end
is(all(ctx:read()), #data .. ' ' .. sum(data) .. '\n')

-- more than there is: again, until the end
assert(ctx:write('take 5\n'))
is(all(ctx:sendfile(file, 1000, #data - 5)), 5, nil, true, libtls.WANT_POLLOUT)
is(all(ctx:sendfile(file, 995, #data)), 0)
assert(ctx:read())

file:close()
fails(all(ctx:sendfile(file, 10)), nil, 'Bad file descriptor')
is(all(ctx:close()), true)
fails(all(ctx:sendfile(0, 10)), nil, '')

-- a descriptor that does not block, and a reader who comes late
local server_cfg = config.new()
server_cfg:set_keypair_file(given.path('server.pem'), given.path('server.key'))
local client = assert(libtls.client(cfg))
local server = assert(assert(libtls.server(server_cfg)):accept_socket(1))
assert(client:connect_socket(0, 'server.test'))
given.both(client, server)
file = assert(io.open(given.path('file.bin'), 'rb'))
local got, sent, waits = {}, 0, 0
for round = 1, 20 do
  local offset = 0
  while offset < #data do
    local n, err, again, want = client:sendfile(file, #data - offset, offset)
    assert(n, err)
    offset, sent = offset + n, sent + n
    if n == 0 then
      is(all(again, want), true, libtls.WANT_POLLOUT)
      waits = waits + 1
      repeat
        local piece = server:read(65536)
        got[#got + 1] = piece
      until not piece
    end
  end
end
assert(client:close())
repeat
  local piece = server:read(65536)
  got[#got + 1] = piece
until not piece
assert(waits > 0 and sent == 20 * #data)
assert(table.concat(got) == data:rep(20))
