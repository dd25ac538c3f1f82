-- drop: drops dead letters; their jobs stay failed for good.
--
-- ARGV[2..]  run, '1' for all its dead jobs, or '0' and then indexes; those that are not dead are passed over
-- Returns    how many there were, -1 there is no such run
-- Invariant  the counters stay as they are.

expire()
local run = load(ARGV[2])
if not run then return -1 end
local dead = key(run.id, 'dead')
local indexes = ARGV[3] == '1' and redis.call('HKEYS', dead) or { unpack(ARGV, 4) }
local dropped = 0
for _, index in ipairs(indexes) do
  if redis.call('HDEL', dead, index) == 1 then
    redis.call('SADD', key(run.id, 'dropped'), index)
    dropped = dropped + 1
  end
end
return dropped
