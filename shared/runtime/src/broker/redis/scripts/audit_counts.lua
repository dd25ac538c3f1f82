-- audit_counts: holds the counters of a run against what they count.
--
-- ARGV[2..]  run, '1' to mend else '0'
-- Returns    false where there is no such run, else {open stage, jobs of it that were delivered, jobs that are in a
--            place, index before which a job in no place is to be looked for, then for each fault: '', '1' where it was
--            mended else '0', what is wrong}
-- Invariant  what is named is so at this moment. Mending makes the numbers right; no job is delivered less for it. The
--            run goes on from them when its links are mended.

local run, is_mending, faults = load_any(ARGV[2]), ARGV[3] == '1', {}
if not run then return false end

-- Members that are looked through one by one: a few milliseconds.
local FEW = 4096

local function fault(what)
  local n = #faults
  faults[n + 1], faults[n + 2], faults[n + 3] = '', is_mending and '1' or '0', what
end

local function expect(name, expected)
  local found = run[name]
  if found ~= expected then
    fault('the run counts ' .. int(found) .. ' for ' .. name .. ', there are ' .. int(expected))
    run[name] = expected
  end
end

-- One past the highest done bit of the stage.
local function end_of_bits(name)
  local last = math.min(redis.call('STRLEN', name), math.ceil(run.total / 8))
  local spare = 2 ^ math.max(0, last * 8 - run.total)
  while last > 0 do
    local first = math.max(0, last - AUDIT_PIECE_BYTES)
    local piece = string.reverse(redis.call('GETRANGE', name, first, last - 1))
    local head = string.byte(piece)
    piece, spare = string.char(head - head % spare) .. string.sub(piece, 2), 1
    local at = string.find(piece, '[^%z]')
    if at then
      local byte, bits = string.byte(piece, at), 8
      while byte % 2 == 0 do byte, bits = byte / 2, bits - 1 end
      return (last - at) * 8 + bits
    end
    last = first
  end
  return 0
end

-- Clears the bits from the end of the stage on.
local function cut_bits(name)
  if run.total == 0 then return redis.call('UNLINK', name) end
  redis.call('SET', name, redis.call('GETRANGE', name, 0, math.ceil(run.total / 8) - 1))
  for index = run.total, math.ceil(run.total / 8) * 8 - 1 do redis.call('SETBIT', name, int(index), 0) end
end

-- One past the highest index among some members that could have been delivered.
local function end_of(members, top)
  for _, member in ipairs(members) do
    local index = string.match(member, '^%d+$') and tonumber(member) or -1
    if index < run.fed then top = math.max(top, index + 1) end
  end
  return top
end

local function check_stages()
  local totals, jobs, closed = {}, 0, 0
  for total in string.gmatch(redis.call('HGET', root .. ':run:' .. run.id, 'totals') or '', '%d+') do
    if #totals < run.open then closed = closed + tonumber(total) end
    totals[#totals + 1], jobs = tonumber(total), jobs + tonumber(total)
  end
  expect('stages', #totals)
  expect('jobs', jobs)
  expect('closed', closed)
  expect('total', totals[run.open + 1] or 0)
  expect('cost', math.floor(COST_UNIT / (redis.call('HGET', root .. ':run:' .. run.id, 'weight') or 1)))
end

check_stages()
local bits = key(run.id, 'done')
local top = end_of_bits(bits)
local done = run.total > 0 and redis.call('BITCOUNT', bits, 0, int(run.total - 1), 'BIT') or 0
if redis.call('BITCOUNT', bits) > done then
  fault('done bits lie beyond the ' .. int(run.total) .. ' jobs of the stage')
  if is_mending then cut_bits(bits) end
end
if run.fed < top or run.fed > run.total then
  local expected = math.min(math.max(run.fed, top), run.total)
  fault('the run counts ' .. int(run.fed) .. ' jobs as delivered, it should be ' .. int(expected))
  run.fed = expected
end
local dead, dropped = redis.call('HLEN', key(run.id, 'dead')), redis.call('SCARD', key(run.id, 'dropped'))
local claimed, delayed = redis.call('HLEN', key(run.id, 'claims')), redis.call('ZCARD', key(run.id, 'delayed'))
local again = redis.call('ZCARD', key(run.id, 'again'))
local limit = run.fed
if claimed + delayed + dead + dropped <= FEW then
  top = end_of(redis.call('HKEYS', key(run.id, 'claims')), top)
  top = end_of(redis.call('ZRANGE', key(run.id, 'delayed'), 0, -1), top)
  top = end_of(redis.call('HKEYS', key(run.id, 'dead')), top)
  top = end_of(redis.call('SMEMBERS', key(run.id, 'dropped')), top)
  -- Beyond this one are only jobs that are available or in no place, and too many of those to name each.
  if run.fed - top - redis.call('ZCOUNT', key(run.id, 'again'), top, '+inf') > MAX_AUDIT_FAULTS then
    fault('jobs from ' .. int(top) .. ' to ' .. int(run.fed - 1) .. ' are in no place: they count as not yet delivered')
    again = again - redis.call('ZCOUNT', key(run.id, 'again'), top, '+inf')
    if is_mending then redis.call('ZREMRANGEBYSCORE', key(run.id, 'again'), top, '+inf') end
    run.fed, limit = top, top
  end
end
expect('done', done)
expect('failed', dead + dropped)
if is_mending then save(run) end
local placed = done + claimed + delayed + again + dead + dropped
return { int(run.open), int(run.fed), int(placed), int(limit), unpack(faults) }
