-- replay: makes dead jobs available again with clean counters, and sets a failed run running.
--
-- ARGV[2..]  run, '1' for all its dead jobs, or '0' and then indexes; those that are not dead are passed over
-- Returns    how many there were, -1 there is no such run, -2 it is over and not by failing, or past its deadline
-- Invariant  claims that were open when the run failed were lost with it: their jobs are available with what they had.

expire()
local run = load(ARGV[2])
if not run then return -1 end
local is_late = run.deadline and run.deadline <= now
if (run.state ~= 'running' and run.state ~= 'failed') or is_late then return -2 end
local dead = key(run.id, 'dead')
local indexes = ARGV[3] == '1' and redis.call('HKEYS', dead) or { unpack(ARGV, 4) }
local replayed = 0
for _, index in ipairs(indexes) do
  if redis.call('HDEL', dead, index) == 1 then
    redis.call('ZADD', key(run.id, 'again'), index, index)
    replayed = replayed + 1
  end
end
if replayed == 0 then return 0 end
if run.state == 'failed' then revive(run) end
run.failed = run.failed - replayed
note(run, 'replayed', int(replayed))
set_timer(run, next_due(run))
settle(run)
wake()
return replayed
