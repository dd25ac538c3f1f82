-- fail: ends live claims with failures.
--
-- ARGV[2..]  for each failure: run, stage, index, token, '1' where trying again can help else '0', reason, number of
--            delays, then the delay in ms after failure 1, 2, … of this job: one fewer than attempts are allowed
-- Returns    for each failure: when it is tried again in ms, 'D' dead, 'L' the token is not live
-- Invariant  a failure charges its job one attempt; the job is delayed or dead afterwards.

expire()
local outcomes, touched = {}, {}

local function fail(run, stage, index, token, can_retry, reason, delays)
  local attempts, kills, worker = live(run, stage, index, token)
  if not attempts then return 'L' end
  release(run, index)
  touched[#touched + 1] = run.id
  attempts = attempts + 1
  local delay = delays[attempts]
  if can_retry == '1' and delay then
    local at = int(now + delay)
    redis.call('ZADD', key(run.id, 'delayed'), at, index)
    note_due(run, now + delay)
    keep_strikes(run, index, attempts, kills)
    note(run, 'retried', stage, index, int(attempts), at, reason)
    return at
  end
  local cause = can_retry == '1' and 'attempts_exhausted' or 'not_retryable'
  bury(run, index, cause, reason, attempts, kills, worker)
  return 'D'
end

local i = 2
while i <= #ARGV do
  local id, stage, index, token, can_retry, reason, count = unpack(ARGV, i, i + 6)
  local delays = { unpack(ARGV, i + 7, i + 6 + count) }
  outcomes[#outcomes + 1] = fail(load(id), stage, index, token, can_retry, reason, delays)
  i = i + 7 + count
end
settle_all(touched)
wake()
return outcomes
