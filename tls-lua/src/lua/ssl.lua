-- The words of lem-ssl. What waits, waits here, since only Lua can suspend a coroutine of its own.
local inside, loop = ...

local Context, Stream = {}, {}
Context.__index, Stream.__index = Context, Stream

local ssl = { Context = Context, Stream = Stream, loop = loop }
local scheduler = loop

-- Sets who suspends coroutines: a table with the functions wait(fd, mode, limit) and wake(co), as the loop
-- has them; without one the loop again. Gives the one that was there.
function ssl.scheduler(new)
  if new ~= nil and (type(new) ~= 'table' or not new.wait or not new.wake) then
    error("bad argument #1 to 'scheduler' (a table with wait and wake expected)", 2)
  end
  local old = scheduler
  scheduler = new or loop
  return old
end

-- The one that is at a word of this stream. A coroutine that is dead will never finish its own.
local function waiter(stream)
  local at = stream.at
  if at and at.co and coroutine.status(at.co) == 'dead' then
    stream.at, at = nil, nil
  end
  return at
end

-- Tries until it is done, and suspends the coroutine before each other try. `step` gives a result, or nil
-- and an error, or nil, nil and what to wait for.
local function wait(owner, step, limit)
  local co, is_main = coroutine.running()
  local at = { co = not is_main and co or nil, by = scheduler }
  owner.at = at
  local function leave()
    if owner.at == at then owner.at = nil end
  end
  while true do
    local result, err, mode, fd = step()
    if result ~= nil or err ~= nil then
      leave()
      if result ~= nil then return result end
      return nil, err
    end
    if not at.interrupted then
      local ok, why = pcall(at.by.wait, fd, mode, limit)
      if not ok then
        leave()
        error(why, 0)
      end
    end
    if at.interrupted then
      leave()
      return nil, 'interrupted'
    end
  end
end

-- What a stream tries, with the descriptor to wait for.
local function try(raw, word, ...)
  local result, err, mode, more = raw[word](raw, ...)
  return result, err, mode, mode and raw:fd(mode), more
end

local function establish(raw)
  local stream = setmetatable({ raw = raw }, Stream)
  local ok, err = wait(stream, function() return try(raw, 'handshake') end)
  if ok then return stream end
  raw:abandon()
  return nil, err
end

-- A context, for the configuration (a libtls.config) if there is one.
function ssl.newcontext(config)
  local client, err = inside.client(config)
  if not client then
    return nil, 'unable to initialize SSL context: ' .. err
  end
  return setmetatable({ client = client, config = config }, Context)
end

function Context:connect(address, port)
  if type(port) == 'string' then
    local number = tonumber(port)
    if number then
      port = number
    else
      address, port = address:gsub(':[^:%]]*$', '') .. ':' .. port, nil
    end
  end
  if port and port <= 0 then port = nil end -- as none, in lem-ssl
  local connecting, err = inside.connect(self.client, address, port)
  if not connecting then return nil, err end
  local raw
  raw, err = wait({}, function()
    local result, why, mode = connecting:poll()
    return result, why, mode, mode and connecting:fd()
  end)
  if not raw then return nil, err end
  return establish(raw)
end

-- A server's side of a connection that was accepted: lem-ssl's manual promises it.
function Context:accept(fd)
  if not self.config then
    return nil, 'a context without a configuration has no certificate'
  end
  local raw, err = inside.accept(self.config, fd)
  if not raw then return nil, 'error establishing SSL connection: ' .. err end
  return establish(raw)
end

function Stream:closed()
  return self.is_closed == true
end

function Stream:busy()
  return waiter(self) ~= nil
end

function Stream:interrupt()
  local at = waiter(self)
  if not at then return nil, 'not busy' end
  at.interrupted = true
  self.at = nil -- it will not touch the stream again, so another word may begin
  if at.co then at.by.wake(at.co) end
  return true
end

function Stream:close()
  if self.is_closed then return nil, 'already closed' end
  self.is_closed = true
  self:interrupt()
  local raw = self.raw
  local ok, err = wait(self, function() return try(raw, 'close') end, 1000)
  if ok then return true end
  raw:abandon()
  return nil, err
end

-- Whether a word may begin; why not, otherwise.
local function may(stream)
  if waiter(stream) then return nil, 'busy' end
  if stream.is_closed then return nil, 'closed' end
  return true
end

function Stream:read(mode)
  local word, n
  if mode == nil then
    word = 'available'
  elseif mode == '*l' then
    word = 'line'
  elseif mode == '*a' then
    word = 'all'
  elseif type(mode) == 'number' and mode >= 0 and mode % 1 == 0 and mode < 2 ^ 53 then
    word, n = 'exact', mode
  else
    error("bad argument #1 to 'read' (invalid mode string)", 2)
  end
  local ok, why = may(self)
  if not ok then return nil, why end
  local raw = self.raw
  local data, err = wait(self, function() return try(raw, word, n) end)
  -- The peer has said all: so this side is closed too, as lem-ssl's is, but not before everything was read.
  if (word == 'all' and data) or (err == 'closed' and raw:buffered() == 0) then
    if not self.is_closed then self:close() end
  end
  if data then return data end
  return nil, err
end

function Stream:write(data)
  if type(data) ~= 'string' then
    error("bad argument #1 to 'write' (string expected, got " .. type(data) .. ')', 2)
  end
  local ok, why = may(self)
  if not ok then return nil, why end
  if data == '' then return true end
  local raw, from = self.raw, 0
  local done, err = wait(self, function()
    local result, e, mode, fd, taken = try(raw, 'write', data, from)
    from = taken or from
    return result, e, mode, fd
  end)
  if done then return true end
  if err == 'interrupted' then return nil, err, from end
  return nil, err
end

-- The most bytes that a line or '*a' may have.
function Stream:limit(bytes)
  self.raw:limit(bytes)
end

-- What the handshake has settled: backend, version, alpn, resumed, chain.
function Stream:facts()
  return self.raw:facts()
end

return ssl
