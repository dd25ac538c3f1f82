-- retire: takes a worker's card and its orders away.
--
-- ARGV[2]    worker
-- Returns    1 it had a card, 0 it had none
-- Invariant  nothing is left of the worker.

forget_workers()
redis.call('ZREM', root .. ':seen', ARGV[2])
redis.call('ZREM', root .. ':drains', ARGV[2])
return redis.call('HDEL', root .. ':cards', ARGV[2])
