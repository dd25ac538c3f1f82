-- commit: marks jobs done, each once, by the token that holds it.
--
-- ARGV[2..]  life of a result in ms, then for each run in turn: run, stage, number of jobs, and for each of these: index,
--            token, identity, '1' and the result or '0' and '' where it is stored already
-- Returns    one letter for each job: C committed, A done before, L the token is not live, M live, but no such result
-- Invariant  in one step and only for a live token: the result is stored unless its identity has one, the bit is set,
--            the claim is gone, the run is counted forward, and its next stage opens at the last job. Sent again, a
--            commit answers A and changes nothing.

expire()
local life = ARGV[2]
local ITEM = 5

-- What is committed of each run of the batch, with the claims of all jobs that the batch names.
local batches, order, parts = {}, {}, {}
local at = 3
while at <= #ARGV do
  local id, count = ARGV[at], tonumber(ARGV[at + 2])
  local batch = batches[id]
  if not batch then
    batch = { run = load(id), names = {}, claims = {}, done = {}, bits = {}, indexes = {} }
    batches[id], order[#order + 1] = batch, id
  end
  parts[#parts + 1] = { batch = batch, stage = ARGV[at + 1], first = at + 3, last = at + 3 + (count - 1) * ITEM }
  for i = at + 3, at + 3 + (count - 1) * ITEM, ITEM do batch.names[#batch.names + 1] = ARGV[i] end
  at = at + 3 + count * ITEM
end
for _, id in ipairs(order) do
  local batch = batches[id]
  if batch.run and batch.names[1] then
    local claims = redis.call('HMGET', key(id, 'claims'), unpack(batch.names))
    for nth, index in ipairs(batch.names) do batch.claims[index] = claims[nth] end
  end
end

local function is_done(run, stage, index)
  if stage > run.open or index >= stage_total(run, stage) then return false end
  return stage < run.open or redis.call('GETBIT', key(run.id, 'done'), index) == 1
end

-- Whether the result is stored now.
local function store(identity, has_result, result)
  local name = root .. ':result:' .. identity
  if has_result == '1' and redis.call('SET', name, result, 'NX', 'PX', life) then return true end
  return redis.call('PEXPIRE', name, life) == 1
end

local function commit(batch, stage, index, token, identity, has_result, result)
  local run = batch.run
  if not run then return 'L' end
  if stage == run.open and batch.done[index] then return 'A' end
  local holder = string.match(batch.claims[index] or '', '^%x+')
  if not is_live(run, stage, index, token, holder) then
    return is_done(run, stage, tonumber(index)) and 'A' or 'L'
  end
  if not store(identity, has_result, result) then return 'M' end
  batch.done[index] = true
  batch.indexes[#batch.indexes + 1] = index
  local n = #batch.bits
  batch.bits[n + 1], batch.bits[n + 2], batch.bits[n + 3], batch.bits[n + 4] = 'SET', 'u1', index, 1
  return 'C'
end

local outcomes = {}
for _, part in ipairs(parts) do
  local batch, stage = part.batch, tonumber(part.stage)
  for i = part.first, part.last, ITEM do
    outcomes[#outcomes + 1] = commit(batch, stage, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
  end
end
for _, id in ipairs(order) do
  local batch = batches[id]
  local run, indexes = batch.run, batch.indexes
  if indexes[1] then
    redis.call('HDEL', key(id, 'claims'), unpack(indexes))
    redis.call('ZREM', key(id, 'leases'), unpack(indexes))
    redis.call('BITFIELD', key(id, 'done'), unpack(batch.bits))
    run.done = run.done + #indexes
    note(run, 'committed', int(run.open), int(#indexes))
    settle(run)
  end
end
wake()
return table.concat(outcomes)
