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
local outcomes, committed, order = {}, {}, {}

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

local function commit(run, stage, index, token, ...)
  if not run then return 'L' end
  if is_done(run, tonumber(stage), tonumber(index)) then return 'A' end
  if not live(run, stage, index, token) then return 'L' end
  if not store(...) then return 'M' end
  release(run, index)
  redis.call('SETBIT', key(run.id, 'done'), index, 1)
  run.done = run.done + 1
  if not committed[run.id] then
    committed[run.id], order[#order + 1] = 0, run.id
  end
  committed[run.id] = committed[run.id] + 1
  return 'C'
end

for i = 3, #ARGV, 7 do
  outcomes[#outcomes + 1] = commit(load(ARGV[i]), unpack(ARGV, i + 1, i + 6))
end
for _, id in ipairs(order) do
  local run = runs[id]
  note(run, 'committed', int(run.open), int(committed[id]))
  settle(run)
end
wake()
return table.concat(outcomes)
