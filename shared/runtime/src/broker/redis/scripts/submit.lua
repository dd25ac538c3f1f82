-- submit: accepts a run once, whatever the number of times it is asked for.
--
-- ARGV[2..]  run id, idempotency key, digest, payload, weight, cost, deadline in ms or '', max attempts, max kills,
--            backoff base in ms, backoff cap in ms, jobs of each stage separated by commas, kind, traceparent or ''
-- Returns    {'new', run} | {'known', run} (the key has a run of the same digest) | {'taken', run} (of another)
--            | {'full'} (the shard keeps MAX_RUNS runs) | {'clash'} (the run id is in use)
-- Invariant  the whole run is there afterwards, or nothing of it; no job is stored. A known run counts how often it was
--            asked for.

local id, name, digest, payload = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
expire()
local known = redis.call('HGET', root .. ':keys', name)
if known and redis.call('EXISTS', root .. ':run:' .. known) == 1 then
  if redis.call('HGET', root .. ':run:' .. known, 'digest') ~= digest then return { 'taken', known } end
  redis.call('HINCRBY', root .. ':run:' .. known, 'submits', 1)
  return { 'known', known }
end
if redis.call('SCARD', root .. ':runs') >= MAX_RUNS then return { 'full' } end
if redis.call('EXISTS', root .. ':run:' .. id) == 1 then return { 'clash' } end

local stages, jobs = 0, 0
for total in string.gmatch(ARGV[13], '%d+') do
  stages, jobs = stages + 1, jobs + tonumber(total)
end
redis.call('HSET', root .. ':run:' .. id,
  'key', name, 'digest', digest, 'kind', ARGV[14], 'weight', ARGV[6], 'cost', ARGV[7], 'max_attempts', ARGV[9],
  'max_kills', ARGV[10], 'backoff_base_ms', ARGV[11], 'backoff_cap_ms', ARGV[12], 'totals', ARGV[13],
  'submitted', int(now), 'submits', 1,
  'state', 'running', 'stages', stages, 'jobs', int(jobs), 'open', 0, 'total', 0, 'fed', 0, 'done', 0, 'failed', 0,
  'closed', 0, 'start', 0, 'event', 0)
if ARGV[8] ~= '' then redis.call('HSET', root .. ':run:' .. id, 'deadline', ARGV[8]) end
if ARGV[15] ~= '' then redis.call('HSET', root .. ':run:' .. id, 'trace', ARGV[15]) end
redis.call('SET', key(id, 'payload'), payload)
redis.call('HSET', root .. ':keys', name, id)
redis.call('SADD', root .. ':runs', id)
local run = load(id)
note(run, 'submitted')
open_stage(run, 0)
set_timer(run, next_due(run))
settle(run)
wake()
return { 'new', id }
