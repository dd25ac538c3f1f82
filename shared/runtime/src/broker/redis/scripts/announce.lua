-- announce: takes a worker's card.
--
-- ARGV[2..]  worker, card
-- Returns    '1' where the worker is to drain else '0'; false where MAX_WORKERS others are there
-- Invariant  a card counts until CARD_LIFE_MS after it was last shown; showing it keeps the order to drain alive.

local worker, card = ARGV[2], ARGV[3]
forget_workers()
if redis.call('ZCARD', root .. ':seen') >= MAX_WORKERS and not redis.call('ZSCORE', root .. ':seen', worker) then
  return false
end
redis.call('HSET', root .. ':cards', worker, card)
redis.call('ZADD', root .. ':seen', int(now), worker)
if not redis.call('ZSCORE', root .. ':drains', worker) then return '0' end
redis.call('ZADD', root .. ':drains', int(now + ORDER_LIFE_MS), worker)
return '1'
