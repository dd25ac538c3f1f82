-- audit_links: holds what leads to a run, and the state it is in, against its counters.
--
-- ARGV[2..]  run, '1' to mend else '0'
-- Returns    false where there is no such run, else {jobs that are not yet delivered, available, claimed, delayed,
--            dead, done, then for each fault: '', '1' where it was mended else '0', what is wrong}
-- Invariant  what is named is so at this moment. Afterwards, where it mends: the run is found by its id and by its key,
--            time comes to it, and it is fed while it has work.

local run, is_mending, faults = load_any(ARGV[2]), ARGV[3] == '1', {}
if not run then return false end
local id = run.id

local function fault(what, can_mend)
  local n = #faults
  faults[n + 1], faults[n + 2], faults[n + 3] = '', is_mending and can_mend ~= false and '1' or '0', what
  return is_mending
end

local function check_names()
  if redis.call('SISMEMBER', root .. ':runs', id) == 0 and fault('the list of runs does not have it') then
    redis.call('SADD', root .. ':runs', id)
  end
  local name = redis.call('HGET', root .. ':run:' .. id, 'key')
  local named = name and redis.call('HGET', root .. ':keys', name)
  if not name then
    fault('the run has lost its idempotency key', false)
  elseif named and named ~= id and redis.call('HGET', root .. ':run:' .. named, 'key') == name then
    fault('its idempotency key leads to run ' .. named, false)
  elseif named ~= id and fault('its idempotency key does not lead to it') then
    redis.call('HSET', root .. ':keys', name, id)
  end
end

local function check_history()
  local last = redis.call('XREVRANGE', key(id, 'events'), '+', '-', 'COUNT', 1)[1]
  local number = last and tonumber(string.match(last[1], '^%d+')) or 0
  if number > run.event and fault('the run counts ' .. int(run.event) .. ' events, there are ' .. int(number)) then
    run.event = number
  end
end

local function check_state()
  local is_complete = run.done == run.total and run.open + 1 == run.stages
  local is_hopeless = run.failed > 0 and (run.done + run.failed == run.total or run.failed >= MAX_DEAD_PER_RUN)
  local is_wrong = (run.state == 'succeeded' and not is_complete) or (run.state == 'failed' and not is_hopeless)
  if is_wrong then
    if fault('the run counts as ' .. run.state .. ', which its jobs do not say') then revive(run) end
    run.state, run.ended = 'running', nil
  end
  if run.state == 'running' then
    if run.ended then fault('the run has an end although it is running') end
    run.ended = nil
    if (run.done == run.total or is_hopeless) and not is_wrong then fault('the run has not gone on from its last job') end
  elseif not run.ended and fault('the run is over and does not say since when') then
    run.ended = now
  end
end

local function check_timer()
  local due, noted = next_due(run), tonumber(redis.call('ZSCORE', root .. ':timers', id) or nil)
  local is_late = due and (not noted or noted > due)
  if is_late then
    fault('time does not come to it when it is due')
  elseif noted ~= run.timer then
    fault('its timer is not the one that it notes')
  else
    return
  end
  if is_mending then
    run.timer = noted
    set_timer(run, due)
  end
end

local function check_feed()
  local fair = root .. ':fair:' .. run.kind
  local is_fed, is_wanted = redis.call('ZSCORE', fair, id), has_work(run)
  if is_wanted and not is_fed then
    fault('it has work and is not fed')
  elseif is_fed and not is_wanted then
    fault('it is fed and has no work')
  elseif (run.waiting == 1) ~= (is_fed and true or false) then
    fault('whether it is fed is not what it notes')
  else
    return
  end
  if is_mending then
    run.waiting = is_fed and 1 or nil
    place(run)
  end
end

check_names()
if not run.kind then
  fault('the run has lost its kind: forget it, and submit it again', false)
else
  check_history()
  check_state()
  check_timer()
  check_feed()
  if is_mending and faults[1] then
    settle(run)
    set_timer(run, next_due(run))
    save(run)
    wake()
  end
end
return {
  int(math.max(0, run.jobs - run.closed - run.fed)), int(redis.call('ZCARD', key(id, 'again'))),
  int(redis.call('HLEN', key(id, 'claims'))), int(redis.call('ZCARD', key(id, 'delayed'))), int(run.failed),
  int(run.closed + run.done), unpack(faults),
}
