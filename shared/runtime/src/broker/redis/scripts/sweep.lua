-- sweep: looks through a piece of a shard for what is left of runs that are gone, and for runs that no list has.
--
-- ARGV[2..]  what to look through (runs, timers, keys, feed or rest), where to go on: '0' at first, then what the call
--            before returned, how much about, '1' to mend else '0'
-- Returns    {where to go on, '0' at the end, how many faults are not listed, then for each fault: what is wrong}
-- Invariant  what is named is so at this moment. Mending touches nothing of a run that is there but to list it.

local part, cursor, count, is_mending = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
local faults, unlisted = {}, 0

local function is_gone(id)
  return redis.call('EXISTS', root .. ':run:' .. id) == 0
end

local function fault(what, ...)
  if #faults < MAX_AUDIT_FAULTS then faults[#faults + 1] = what else unlisted = unlisted + 1 end
  if is_mending then redis.call(...) end
end

local function look_at_key(name)
  local id, rest = string.match(string.sub(name, #root + 1), '^:run:([%x-]+)(.*)$')
  if not id then return end
  if rest ~= '' and is_gone(id) then
    fault('run ' .. id .. ' is gone and has left ' .. rest, 'UNLINK', name)
  elseif rest == '' and redis.call('SISMEMBER', root .. ':runs', id) == 0 then
    fault('run ' .. id .. ' is there and in no list', 'SADD', root .. ':runs', id)
  end
end

local function look_at_feed(name)
  for _, id in ipairs(redis.call('ZRANGE', name, 0, -1)) do
    if is_gone(id) then fault('run ' .. id .. ' is gone and is to be fed', 'ZREM', name, id) end
  end
end

local looks = {}

function looks.runs()
  local scanned = redis.call('SSCAN', root .. ':runs', cursor, 'COUNT', count)
  for _, id in ipairs(scanned[2]) do
    if is_gone(id) then fault('run ' .. id .. ' is gone and is listed', 'SREM', root .. ':runs', id) end
  end
  return scanned[1]
end

function looks.timers()
  local scanned = redis.call('ZSCAN', root .. ':timers', cursor, 'COUNT', count)
  for i = 1, #scanned[2], 2 do
    local id = scanned[2][i]
    if is_gone(id) then fault('run ' .. id .. ' is gone and has a timer', 'ZREM', root .. ':timers', id) end
  end
  return scanned[1]
end

function looks.keys()
  local scanned = redis.call('HSCAN', root .. ':keys', cursor, 'COUNT', count)
  for i = 1, #scanned[2], 2 do
    local name, id = scanned[2][i], scanned[2][i + 1]
    if is_gone(id) then fault('run ' .. id .. ' is gone and has a key', 'HDEL', root .. ':keys', name) end
  end
  return scanned[1]
end

function looks.feed()
  local scanned = redis.call('SCAN', cursor, 'MATCH', root .. ':fair:*', 'COUNT', count)
  for _, name in ipairs(scanned[2]) do look_at_feed(name) end
  return scanned[1]
end

function looks.rest()
  local scanned = redis.call('SCAN', cursor, 'MATCH', root .. ':run:*', 'COUNT', count)
  for _, name in ipairs(scanned[2]) do look_at_key(name) end
  return scanned[1]
end

local go_on = looks[part]()
return { go_on, int(unlisted), unpack(faults) }
