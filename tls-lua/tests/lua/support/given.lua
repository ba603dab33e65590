-- What a script is given, and what it says of its results with.
local given = {
  folder = os.getenv('FIXTURES'),
  port = os.getenv('PORT'),
  backend = os.getenv('POLYTLS_BACKEND'),
}

function given.path(name) return given.folder .. '/' .. name end

function given.file(name)
  local file = assert(io.open(given.path(name), 'rb'))
  local data = file:read('*a')
  file:close()
  return data
end

local function show(...)
  local all = {}
  for i = 1, select('#', ...) do
    local one = select(i, ...)
    all[i] = type(one) == 'string' and ('%q'):format(one:sub(1, 200)) or tostring(one)
  end
  return table.concat(all, ', ')
end

-- Whether results are exactly these: given.is({ f() }, select('#', f()) ...) would need two calls.
function given.is(results, ...)
  local n = select('#', ...)
  local same = results.n == n
  for i = 1, math.max(n, results.n) do
    same = same and results[i] == (select(i, ...))
  end
  if not same then
    error(('got (%s), not (%s)'):format(show((table.unpack or unpack)(results, 1, results.n)), show(...)), 2)
  end
end

-- All results of a call.
function given.all(...)
  return { n = select('#', ...), ... }
end

-- That a call fails, with an error in which this stands.
function given.fails(results, first, text)
  if results.n ~= 2 or results[1] ~= first or type(results[2]) ~= 'string' or not results[2]:find(text, 1, true) then
    error(('got (%s), not (%s, ...%s...)'):format(show((table.unpack or unpack)(results, 1, results.n)), tostring(first), text), 2)
  end
end

-- Two libtls contexts on the descriptors 0 and 1, driven by turns.
function given.both(client, server, ...)
  local done_c, done_s
  for _ = 1, 100 do
    if not done_c then
      local ok, err, want = client:handshake()
      assert(ok or want, err)
      done_c = ok
    end
    if not done_s then
      local ok, err, want = server:handshake()
      assert(ok or want, err)
      done_s = ok
    end
    if done_c and done_s then return end
  end
  error('no handshake', 2)
end

return given
