-- audit_places: looks at some of the jobs in one place, each against its other places.
--
-- ARGV[2..]  run, place (claims, leases, delayed, again, strikes, dead or dropped), where to go on: '0' at first, then
--            what the call before returned, how many about, '1' to mend else '0'
-- Returns    false where there is no such run, else {where to go on, '0' at the end, open stage, then for each fault:
--            index or '', '1' where it was mended else '0', what is wrong}
-- Invariant  what is named is so at this moment. Of a job's places the first of done, claimed, dead, dropped, delayed
--            and available counts: mending takes it out of the others, and leaves no job without one. A job that was
--            never delivered is taken out of all, since it is delivered in its turn.

local run, place, is_mending = load_any(ARGV[2]), ARGV[3], ARGV[6] == '1'
if not run then return false end
local name = key(run.id, place)

local SCANS = {
  claims = 'HSCAN', dead = 'HSCAN', strikes = 'HSCAN', dropped = 'SSCAN', leases = 'ZSCAN', delayed = 'ZSCAN',
  again = 'ZSCAN',
}
local LOOKS = { claims = 'HEXISTS', dead = 'HEXISTS', dropped = 'SISMEMBER', delayed = 'ZSCORE', again = 'ZSCORE' }
local REMOVES = {
  claims = 'HDEL', dead = 'HDEL', strikes = 'HDEL', dropped = 'SREM', leases = 'ZREM', delayed = 'ZREM', again = 'ZREM',
}
local ORDER = { 'claims', 'dead', 'dropped', 'delayed', 'again' }
local WORDS = { claims = 'claimed', dead = 'dead', dropped = 'dropped', delayed = 'delayed', again = 'available' }
local CAUSES = { attempts_exhausted = true, not_retryable = true, workers_lost = true }

local function is_in(part, index)
  local found = redis.call(LOOKS[part], key(run.id, part), index)
  return found and found ~= 0
end

-- What else the job is that counts before this place, in words.
local function first_place(index)
  if redis.call('GETBIT', key(run.id, 'done'), index) == 1 then return 'done' end
  for _, part in ipairs(ORDER) do
    if part == place then return nil end
    if is_in(part, index) then return WORDS[part] end
  end
end

local function take_out(member)
  redis.call(REMOVES[place], name, member)
  if place == 'claims' then redis.call('ZREM', key(run.id, 'leases'), member) end
  if place == 'dead' or place == 'dropped' then run.failed = math.max(0, run.failed - 1) end
  if (place == 'again' and not is_in('delayed', member)) or (place == 'delayed' and not is_in('again', member)) then
    redis.call('HDEL', key(run.id, 'strikes'), member)
  end
end

-- What can't be read is given up, and its job made available.
local function start_over(index)
  take_out(index)
  if not is_in('delayed', index) and not is_in('again', index) then make_ready(run, index, 0, 0) end
end

local function give_lease(index)
  redis.call('ZADD', key(run.id, 'leases'), int(now + DEFAULT_LEASE_MS), index)
  if run.state == 'running' then note_due(run, now + DEFAULT_LEASE_MS) end
end

local function give_order(index)
  redis.call('ZADD', name, index, index)
end

-- Each of these says what is wrong with a job in the place, and what mends it.
local judges = {}

function judges.leases(index)
  if not is_in('claims', index) then return 'it has a lease and no claim', take_out end
end

function judges.strikes(index, counters)
  if not is_in('delayed', index) and not is_in('again', index) then
    return 'it has failures on its account although it is neither delayed nor available', take_out
  end
  if not string.match(counters, '^%d+ %d+$') then return 'its failures can not be read', take_out end
end

function judges.claims(index, claim)
  if not parse_claim(claim) then return 'its claim can not be read', start_over end
  if not redis.call('ZSCORE', key(run.id, 'leases'), index) then return 'it has a claim and no lease', give_lease end
end

function judges.dead(_, letter)
  if not CAUSES[string.match(letter, '^%d+ ([%l_]+) %d+ %d+ %S+ ') or ''] then
    return 'its dead letter can not be read', start_over
  end
end

function judges.again(index, score)
  if tonumber(score) ~= tonumber(index) then return 'it is available out of its order', give_order end
end

local function judge(member, value)
  local index = string.match(member, '^%d+$') and tonumber(member)
  if not index or int(index) ~= member or index >= run.total then
    return place .. ' has "' .. string.gsub(string.sub(member, 1, 64), '[^%w%p ]', '?') .. '", which is no job', take_out, ''
  end
  if WORDS[place] then
    if index >= run.fed then return 'it is ' .. WORDS[place] .. ' although it was never delivered', take_out end
    local other = first_place(member)
    if other then return 'it is ' .. WORDS[place] .. ' although it is ' .. other, take_out end
  end
  if judges[place] then return judges[place](member, value) end
end

local scanned = redis.call(SCANS[place], name, ARGV[4], 'COUNT', ARGV[5])
local members, faults = scanned[2], {}
for i = 1, #members, place == 'dropped' and 1 or 2 do
  local what, mend, index = judge(members[i], members[i + 1])
  if what then
    if is_mending then mend(members[i]) end
    local n = #faults
    faults[n + 1], faults[n + 2], faults[n + 3] = index or members[i], is_mending and '1' or '0', what
  end
end
if is_mending and faults[1] then
  settle(run)
  wake()
end
return { scanned[1], int(run.open), unpack(faults) }
