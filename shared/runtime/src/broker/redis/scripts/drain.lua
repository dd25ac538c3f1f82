-- drain: tells a worker to drain, or no longer to.
--
-- ARGV[2..]  worker, '1' to drain else '0'
-- Returns    1 the worker is there, 0 it is not
-- Invariant  a worker that is not there is told nothing; what it was told before may be taken back.

forget_workers()
local worker, is_known = ARGV[2], is_there(ARGV[2])
if ARGV[3] == '0' then
  redis.call('ZREM', root .. ':drains', worker)
elseif is_known then
  redis.call('ZADD', root .. ':drains', int(now + ORDER_LIFE_MS), worker)
  redis.call('ZREMRANGEBYRANK', root .. ':drains', 0, -MAX_WORKERS - 1)
end
return is_known and 1 or 0
