-- A scheduler of coroutines on poll(2), for programs that have none: `ssl.loop`.
local inside = ...

local loop = {}
local ready = {}   -- coroutines to resume, in order, each with its arguments
local waiting = {} -- coroutine -> what it waits for
local unpack = table.unpack or unpack

local function now()
  return os.time() * 1000
end

local ours = setmetatable({}, { __mode = 'k' }) -- the coroutines that this loop has made

-- The coroutine that runs, if this loop will resume it. Another is resumed by who knows whom.
local function current()
  local co = coroutine.running()
  return co and ours[co] and co
end

-- Has a coroutine of f run, with these arguments, when the loop gets to it.
function loop.spawn(f, ...)
  local co = coroutine.create(f)
  ours[co] = true
  ready[#ready + 1] = { co, { ... }, select('#', ...) }
  return co
end

-- Waits until a descriptor is ready to read ('r') or to write ('w'), or the coroutine is woken, or, where a
-- limit is given, so many milliseconds have passed. Outside of this loop's coroutines everything waits.
function loop.wait(fd, mode, limit)
  local co = current()
  if not co then
    inside.poll({ fd, mode }, limit)
    return
  end
  waiting[co] = { fd = fd, mode = mode, till = limit and now() + limit }
  coroutine.yield()
  waiting[co] = nil
end

-- Has wait in a coroutine return, whatever its descriptor does.
function loop.wake(co)
  if waiting[co] then
    waiting[co] = nil
    ready[#ready + 1] = { co, {}, 0 }
  end
end

local function resume(job)
  local co = job[1]
  if coroutine.status(co) == 'dead' then return end
  local ok, why = coroutine.resume(co, unpack(job[2], 1, job[3]))
  if not ok then
    error(debug.traceback(co, why), 0)
  end
  if coroutine.status(co) ~= 'dead' and not waiting[co] then
    ready[#ready + 1] = { co, {}, 0 } -- it has yielded for the others' sake
  end
end

-- Takes what is ready out of those that wait.
local function look(limit)
  local pairs_of, cos, till = {}, {}, nil
  for co, what in pairs(waiting) do
    pairs_of[#pairs_of + 1] = what.fd
    pairs_of[#pairs_of + 1] = what.mode
    cos[#cos + 1] = co
    if what.till and (not till or what.till < till) then till = what.till end
  end
  if till then
    local left = math.max(till - now(), 0)
    if not limit or left < limit then limit = left end
  end
  local is_ready = inside.poll(pairs_of, limit)
  for i, co in ipairs(cos) do
    local what = waiting[co]
    if is_ready[i] or (what.till and now() >= what.till) then
      loop.wake(co)
    end
  end
end

-- Runs until no coroutine is left. An error in one is an error of this.
function loop.run()
  while #ready > 0 or next(waiting) do
    local jobs = ready
    ready = {}
    for i, job in ipairs(jobs) do
      local ok, why = pcall(resume, job)
      if not ok then
        for j = i + 1, #jobs do ready[#ready + 1] = jobs[j] end
        error(why, 0)
      end
    end
    if next(waiting) then
      look(#ready > 0 and 0 or nil)
    end
  end
end

return loop
