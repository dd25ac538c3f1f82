-- commit: marks jobs done, each once, by the token that holds it.
--
-- ARGV[2..]  life of a result in ms, then for each job: run, stage, index, token, identity, '1' and the result or '0'
--            and '' where it is stored already
-- Returns    one letter for each job: C committed, A done before, L the token is not live, M live, but no such result
-- Invariant  in one step and only for a live token: the result is stored unless its identity has one, the bit is set,
--            the claim is gone, the run is counted forward, and its next stage opens at the last job. Sent again, a
--            commit answers A and changes nothing.

expire()
local life = ARGV[2]
local ITEM = 7

-- What is committed of each run of the batch, with the claims of all jobs that the batch names.
local batches, order = {}, {}
for i = 3, #ARGV, ITEM do
  local id = ARGV[i]
  if not batches[id] then
    batches[id], order[#order + 1] = { run = load(id), names = {}, claims = {}, done = {}, bits = {} }, id
  end
  local names = batches[id].names
  names[#names + 1] = ARGV[i + 2]
end
for _, id in ipairs(order) do
  local batch = batches[id]
  if batch.run then
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

local function commit(id, stage, index, token, identity, has_result, result)
  local batch = batches[id]
  local run = batch.run
  if not run then return 'L' end
  if stage == int(run.open) and batch.done[index] then return 'A' end
  if not is_live(run, stage, index, token, parse_claim(batch.claims[index])) then
    return is_done(run, tonumber(stage), tonumber(index)) and 'A' or 'L'
  end
  if not store(identity, has_result, result) then return 'M' end
  batch.done[index] = true
  local n = #batch.bits
  batch.bits[n + 1], batch.bits[n + 2], batch.bits[n + 3], batch.bits[n + 4] = 'SET', 'u1', index, 1
  return 'C'
end

local outcomes = {}
for i = 3, #ARGV, ITEM do
  outcomes[#outcomes + 1] = commit(unpack(ARGV, i, i + ITEM - 1))
end
for _, id in ipairs(order) do
  local batch = batches[id]
  local run, indexes = batch.run, {}
  for index in pairs(batch.done) do indexes[#indexes + 1] = index end
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
